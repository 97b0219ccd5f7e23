package component

import (
	"slices"
	"strings"
	"time"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

const (
	maxReacted   = 200 // messages whose reactions by the user are stored
	maxChatLines = 50  // messages of one-to-one chats whose first words are stored
)

// freshReactions returns the emojis that the user has added to a message. Removed ones are
// not sent as a line.
func (ob *outbox) freshReactions(peer legacy.Peer, id string, emojis []string) []string {
	before := ob.reactions[reactionKey(peer, id)]
	return slices.DeleteFunc(slices.Clone(emojis), func(emoji string) bool { return slices.Contains(before, emoji) })
}

func (ob *outbox) noteReactions(peer legacy.Peer, id string, emojis []string) {
	if len(ob.reactions) >= maxReacted {
		clear(ob.reactions)
	}
	lazySet(&ob.reactions, reactionKey(peer, id), emojis)
}

// forgetReactions discards the reactions of a line that the network did not accept.
func (ob *outbox) forgetReactions(st *stanza.Inbound) {
	if body.ActOf(st.Element) != body.React || len(ob.reactions) == 0 {
		return
	}
	for key := range ob.reactions {
		if _, id, _ := strings.Cut(key, "\x00"); id == st.Child(xep.NSReactions, "reactions").Attr("id") {
			delete(ob.reactions, key)
		}
	}
}

func reactionKey(peer legacy.Peer, id string) string { return peer.ID + "\x00" + id }

// relayAct sends a reaction or a retraction to a contact as a line of text.
func (ob *outbox) relayAct(st *stanza.Inbound, a body.Act, peer legacy.Peer) {
	if peer.ID == "" || peer.Service || ob.u.account.option(optNoActs) {
		return
	}
	if a == body.Retract {
		ob.sendTo(st, peer, body.RetractionLine(ob.mention(peer, body.Retraction(st.Element).Attr("id")), ob.u.c.clock.Now()))
		return
	}
	e := st.Child(xep.NSReactions, "reactions")
	id, emojis := e.Attr("id"), body.ReactionsIn(e)
	fresh := ob.freshReactions(peer, id, emojis)
	if len(fresh) == 0 || ob.sendTo(st, peer, body.ReactionLine(fresh, ob.mention(peer, id))) {
		ob.noteReactions(peer, id, emojis)
	}
}

// reactInRoom sends reactions to a room: natively if the network supports them, else as a
// line of text. The user's clients in the room receive reactions in both cases.
// (XEP-0444 §4.2)
func (r *room) reactInRoom(st *stanza.Inbound) {
	e := st.Child(xep.NSReactions, "reactions")
	id, emojis := e.Attr("id"), body.ReactionsIn(e)
	if id == "" {
		st.Refuse(stanza.ErrBadRequest)
		return
	}
	r.loadHistory()
	old := r.lineByID(id)
	if reactor, ok := r.rs.u.login.legacySession().(legacy.RoomReactor); ok && r.messageTags && (old == nil || !old.localID) {
		if err := reactor.React(r.rs.u.ctx, r.peer, id, emojis); err != nil {
			st.Refuse(stanza.Translate(err))
			return
		}
		r.rs.reflect(st, "")
		return
	}
	fresh := r.rs.u.outbox.freshReactions(r.peer, id, emojis)
	if len(fresh) == 0 || r.rs.u.account.option(optNoActs) {
		r.rs.reflect(st, "")
	} else if !r.rs.u.outbox.sendTo(st, r.peer, body.ReactionLine(fresh, r.mention(id))) {
		return
	}
	r.rs.u.outbox.noteReactions(r.peer, id, emojis)
}

// retractInRoom retracts a message of the user in a room. If the network has no
// retractions, only the user's clients receive one, and the room receives a line of text.
// (XEP-0424 §3)
func (r *room) retractInRoom(st *stanza.Inbound) {
	id := body.Retraction(st.Element).Attr("id")
	r.loadHistory()
	r.identify(r.self())
	old := r.lineByID(id)
	switch {
	case r.redaction && (old == nil || !old.localID):
		r.retract(st)
	case id == "":
		st.Refuse(stanza.ErrBadRequest)
	case old != nil && old.nick != r.nick && !r.saidBy(old, r.nick):
		st.Refuse(errNotYours)
	case r.rs.u.account.option(optNoActs):
		r.rs.reflect(st, "")
	default:
		r.rs.u.outbox.sendTo(st, r.peer, body.RetractionLine(r.mention(id), r.rs.u.c.clock.Now()))
	}
}

var errNotYours = stanza.Error{Type: stanza.Auth, Condition: stanza.Forbidden, Text: "You can retract only your own messages."}

// mention describes a message of a room, for a line about it.
func (r *room) mention(id string) body.Mention {
	r.loadHistory()
	old := r.lineByID(id)
	if old == nil {
		return body.Mention{}
	}
	m := body.Mention{Nick: old.nick, Text: body.FirstWords(old.ownText()), At: old.at}
	if m.Nick == r.nick {
		m.Nick, m.Last = "", true
		for i := len(r.history) - 1; &r.history[i] != old; i-- {
			m.Last = m.Last && r.history[i].nick != r.nick
		}
	}
	return m
}

// ownText returns the text of a line without its quotation.
func (l *line) ownText() string {
	if from, to := l.quoted[0], l.quoted[1]; from < to {
		if all := []rune(l.text); to <= len(all) {
			return strings.TrimSpace(string(all[:from]) + string(all[to:]))
		}
	}
	return l.text
}

// mention describes a message of a one-to-one chat, for a line about it.
func (ob *outbox) mention(peer legacy.Peer, id string) body.Mention {
	later := false // the user has sent a later message
	for _, l := range slices.Backward(ob.chat) {
		switch {
		case l.peer != peer.ID:
		case id != "" && (l.id == id || l.origin == id):
			return body.Mention{Text: l.words, At: l.at, Last: l.own && !later}
		case l.own:
			later = true
		}
	}
	return body.Mention{}
}

// chatLine is the beginning of a message of a one-to-one chat.
type chatLine struct {
	peer, id, origin, words string
	own                     bool
	at                      time.Time
}

// noteChat stores the first words of a message.
func (ob *outbox) noteChat(l chatLine) {
	if len(ob.chat) >= 2*maxChatLines {
		ob.chat = append(ob.chat[:0], ob.chat[len(ob.chat)-maxChatLines+1:]...)
	}
	l.at = ob.u.c.clock.Now()
	ob.chat = append(ob.chat, l)
}
