package irc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"transport/legacy"
)

// illegal returns an event's violation of the contract of package legacy, nil if there
// is none.
func illegal(n *network, ev legacy.Event) error {
	k := &checker{n: n}
	switch ev := ev.(type) {
	case legacy.Ready:
		if ev.Self.ID != "" {
			k.person(ev.Self)
		}
	case legacy.RoomJoined:
		k.room(ev.Room)
		k.topic(ev.Topic)
		self := false
		for _, o := range ev.Occupants {
			k.occupant(o)
			self = self || o.Nick == ev.Nick
		}
		k.is(self, "the user is not among the occupants")
	case legacy.RoomFailed:
		k.room(ev.Room)
		if ev.MovedTo != (legacy.Peer{}) {
			k.room(ev.MovedTo)
		}
		k.fault(ev.Err)
	case legacy.RoomInterrupted:
		k.room(ev.Room)
		k.fault(ev.Err)
	case legacy.RoomLeft:
		k.room(ev.Room)
		k.texts(ev.By, ev.Reason)
	case legacy.OccupantJoined:
		k.room(ev.Room)
		k.occupant(ev.Occupant)
	case legacy.OccupantChanged:
		k.room(ev.Room)
		k.occupant(ev.Occupant)
	case legacy.OccupantLeft:
		k.room(ev.Room)
		k.name(ev.Nick)
		k.texts(ev.By, ev.Reason)
	case legacy.OccupantRenamed:
		k.room(ev.Room)
		k.name(ev.Old)
		k.name(ev.New)
	case legacy.TopicChanged:
		k.room(ev.Room)
		k.topic(ev.Topic)
	case legacy.RoomMessage:
		k.room(ev.Room)
		k.message(ev.Text, ev.Markup)
		k.texts(ev.Nick, ev.Identity, ev.ID, ev.Reply)
	case legacy.RoomReaction:
		k.room(ev.Room)
		k.name(ev.Nick)
		k.texts(ev.ID)
		k.is(ev.ID != "", "nothing is reacted to")
		for _, emoji := range ev.Emojis {
			k.message(emoji, nil)
		}
	case legacy.RoomRedaction:
		k.room(ev.Room)
		k.texts(ev.Nick, ev.ID, ev.Reason)
		k.is(ev.ID != "", "nothing is taken back")
	case legacy.RoomTyping:
		k.room(ev.Room)
		k.name(ev.Nick)
	case legacy.RoomConfigChanged:
		k.room(ev.Room)
		k.message(ev.Text, nil)
	case legacy.RoomConfigReceived:
		k.ref(ev.Ref, ev.Err)
		k.texts(ev.Config.Password)
		k.is(ev.Config.Limit >= 0, "a negative limit")
	case legacy.BansReceived:
		k.ref(ev.Ref, ev.Err)
		for _, b := range ev.Bans {
			k.texts(b.Mask, b.By)
		}
	case legacy.RoomsListed:
		k.ref(ev.Ref, ev.Err)
		for _, r := range ev.Rooms {
			k.room(r.Room)
			k.texts(r.Topic)
		}
	case legacy.Done:
		k.ref(ev.Ref, ev.Err)
	case legacy.CommandDone:
		k.ref(ev.Ref, ev.Err)
		k.texts(strings.ReplaceAll(ev.Text, "\n", " "))
	case legacy.ProfileReceived:
		k.ref(ev.Ref, ev.Err)
		k.texts(ev.Profile.Nick, ev.Profile.FullName, strings.ReplaceAll(ev.Profile.About, "\n", " "))
	case legacy.SearchFinished:
		k.ref(ev.Ref, ev.Err)
		for _, r := range ev.Results {
			if r.Peer.Room {
				k.room(r.Peer)
			} else {
				k.person(r.Peer)
			}
			k.texts(r.Profile.Nick, r.Profile.FullName, r.Profile.First)
		}
	case legacy.Invited:
		k.room(ev.Room)
		k.person(ev.By)
	case legacy.MessageReceived:
		k.person(ev.From)
		k.message(ev.Text, ev.Markup)
	case legacy.OwnMessage:
		k.person(ev.To)
		k.message(ev.Text, nil)
	case legacy.MessageSent:
		k.ref(ev.Ref, nil)
		k.texts(ev.ID)
	case legacy.MessageFailed:
		k.ref(ev.Ref, ev.Err)
		k.is(ev.Err != nil, "no error")
	case legacy.TypingChanged:
		k.person(ev.From)
	case legacy.ReadMarked:
		if ev.Peer.Room {
			k.room(ev.Peer)
		} else {
			k.person(ev.Peer)
		}
		k.is(!ev.Mark.IsZero(), "no position")
	case legacy.VersionReceived:
		k.ref(ev.Ref, ev.Err)
		k.texts(ev.Version)
	case legacy.PresenceChanged:
		if !ev.From.Service {
			k.person(ev.From)
		}
		k.texts(ev.Presence.Status)
	case legacy.StateSaved:
		k.is(json.Valid(ev.State), "the state %q", ev.State)
	case legacy.Notice:
		k.is(strings.TrimSpace(ev.Text) != "", "a notice without text")
		k.texts(strings.ReplaceAll(ev.Text, "\n", " "))
	case legacy.SignOnDelayed:
		k.is(!n.named && !ev.Until.IsZero(), "delayed until %v", ev.Until)
		k.texts(ev.Text)
	default:
		k.is(false, "this adapter has no such event")
	}
	return k.err
}

// checker keeps the first violation.
type checker struct {
	n   *network
	err error
}

func (k *checker) is(ok bool, format string, args ...any) {
	if !ok && k.err == nil {
		k.err = fmt.Errorf(format, args...)
	}
}

func (k *checker) room(p legacy.Peer) {
	got, err := k.n.ParsePeer(p.ID)
	k.is(err == nil && got == p && p.Room, "%+v is no room", p)
}

func (k *checker) person(p legacy.Peer) {
	got, err := k.n.ParsePeer(p.ID)
	k.is(err == nil && got == p && !p.Room && !p.Service, "%+v is nobody", p)
}

func (k *checker) name(nick string) {
	k.is(nick != "", "no nick")
	k.texts(nick)
}

// texts must be displayable, on one line each.
func (k *checker) texts(texts ...string) {
	for _, s := range texts {
		k.is(utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }), "the text %q", s)
	}
}

func (k *checker) message(text string, markup []legacy.Span) {
	k.is(text != "", "no text")
	k.texts(text)
	all := ""
	for _, s := range markup {
		k.is(s.Text != "", "an empty span")
		all += s.Text
	}
	k.is(markup == nil || all == text, "the spans are %q", all)
}

func (k *checker) occupant(o legacy.Occupant) {
	k.name(o.Nick)
	k.texts(o.Identity)
	k.is(o.Level <= legacy.LevelOwner, "level %d", o.Level)
}

func (k *checker) topic(t legacy.Topic) { k.texts(t.Text, t.By) }

func (k *checker) ref(ref string, err error) {
	k.is(ref != "", "no ref")
	if err != nil {
		k.fault(err)
	}
}

func (k *checker) fault(err error) {
	var e *legacy.Error
	k.is(errors.As(err, &e) && strings.TrimSpace(e.Text) != "", "the error %v", err)
	if e != nil {
		k.texts(e.Text)
	}
}
