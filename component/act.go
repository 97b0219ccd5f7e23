package component

import (
	"slices"
	"strings"
	"time"

	"mellium.im/xmpp/stanza"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// act is what a message does apart from saying something.
type act uint8

const (
	actSay     act = iota
	actCorrect     // XEP-0308
	actRetract     // XEP-0424
	actReact       // XEP-0444
)

// actOf is what a message does. The body of a retraction, and one that is marked as the
// fallback of reactions, is for clients that know neither. (XEP-0428 §2)
func actOf(st *element.Element) act {
	switch {
	case retraction(st) != nil:
		return actRetract
	case st.Child(xep.NSReactions, "reactions") != nil && (bodyText(st) == "" || hasFallback(st, xep.NSReactions)):
		return actReact
	case st.Child(xep.NSCorrect, "replace").Attr("id") != "" && bodyText(st) != "":
		return actCorrect
	}
	return actSay
}

// retraction is the element of a message whose id names the one that it takes back, nil
// for another message. Older clients attach it. (XEP-0424 §3, XEP-0422 §3)
func retraction(st *element.Element) *element.Element {
	if e := st.Child(xep.NSRetract, "retract"); e != nil {
		return e
	}
	if e := st.Child(xep.NSFasten, "apply-to"); e.Child(xep.NSRetract0, "retract") != nil {
		return e
	}
	return nil
}

// hasFallback reports whether a message's body is a fallback of an extension's.
// (XEP-0428 §3)
func hasFallback(st *element.Element, of string) bool {
	for f := range st.Children(xep.NSFallback, "fallback") {
		if f.Attr("for") == of || f.Attr("for") == "" {
			return true
		}
	}
	return false
}

const (
	maxReactions   = 8   // emojis of one person's to a message
	maxReaction    = 64  // bytes of each
	maxEmojis      = 100 // bytes of all those in a line
	maxReacted     = 200 // messages of which the user's reactions are remembered
	maxQuotedWords = 40  // runes of a message that a line about it repeats
	maxChatLines   = 50  // messages of one-to-one chats whose first words are remembered
)

// reactionsIn are the emojis of a message.
func reactionsIn(e *element.Element) []string {
	var all []string
	for r := range e.Children(xep.NSReactions, "reaction") {
		emoji := strings.Join(strings.Fields(cleanText(r.Text())), " ")
		if emoji != "" && len(emoji) <= maxReaction && emoji[0] != '/' && len(all) < maxReactions && !slices.Contains(all, emoji) {
			all = append(all, emoji)
		}
	}
	return all
}

// mentioned is a message that a reaction or a retraction is about. What is unknown of it
// is zero.
type mentioned struct {
	nick string    // who has said it in a room, "" for the user and in a chat
	text string    // its beginning
	at   time.Time // when it was said
	last bool      // it is the last one that the user has said there
}

// firstWords is the beginning of a text: of its first line that is not a quotation.
func firstWords(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "/me "))
		if line != "" && !strings.HasPrefix(line, ">") {
			return truncate(line, maxQuotedWords)
		}
	}
	return ""
}

// reactionLine tells people of reactions whose network has none.
func reactionLine(emojis []string, to mentioned) string {
	text := emojis[0]
	for _, emoji := range emojis[1:] {
		if len(text)+len(emoji) < maxEmojis {
			text += " " + emoji
		}
	}
	if to.text == "" {
		text += " to an earlier message"
	} else {
		text += ` to "` + to.text + `"`
	}
	if to.nick != "" {
		text = to.nick + ": " + text
	}
	return text
}

// retractionLine tells people that a message was taken back whose network cannot do that.
// It does not repeat what should not have been said.
func retractionLine(m mentioned, now time.Time) string {
	what := "an earlier message"
	switch {
	case m.last:
		what = "the last message"
	case m.at.IsZero():
	case now.Sub(m.at) > 12*time.Hour:
		what = "the message of " + m.at.UTC().Format("2 January, 15:04 UTC")
	default:
		what = "the message of " + m.at.UTC().Format("15:04 UTC")
	}
	return "(took back " + what + ")"
}

// correctionOf marks a text, and its formatting, as the correction of an earlier one.
// (XEP-0308 §4)
func correctionOf(text string, markup []legacy.Span) (string, []legacy.Span) {
	if action, ok := strings.CutPrefix(text, "/me "); ok {
		return "/me * " + action, nil
	}
	if markup != nil {
		markup = append([]legacy.Span{{Text: "* "}}, markup...)
	}
	return "* " + text, markup
}

// freshReactions are the emojis that the user has newly put to a message. What they have
// taken away is not worth a line.
func (u *user) freshReactions(peer legacy.Peer, id string, emojis []string) []string {
	before := u.reacted[reactionKey(peer, id)]
	return slices.DeleteFunc(slices.Clone(emojis), func(emoji string) bool { return slices.Contains(before, emoji) })
}

func (u *user) noteReactions(peer legacy.Peer, id string, emojis []string) {
	if len(u.reacted) >= maxReacted {
		clear(u.reacted)
	}
	put(&u.reacted, reactionKey(peer, id), emojis)
}

// forgetReactions forgets those of a message that did not arrive.
func (u *user) forgetReactions(st *inbound) {
	if actOf(st.Element) != actReact || len(u.reacted) == 0 {
		return
	}
	for key := range u.reacted {
		if _, id, _ := strings.Cut(key, "\x00"); id == st.Child(xep.NSReactions, "reactions").Attr("id") {
			delete(u.reacted, key)
		}
	}
}

func reactionKey(peer legacy.Peer, id string) string { return peer.ID + "\x00" + id }

// actAlone passes a reaction or a retraction on to a person, as a line of text.
func (u *user) actAlone(st *inbound, a act, peer legacy.Peer) {
	if peer.ID == "" || peer.Service || u.option(optNoActs) {
		return
	}
	if a == actRetract {
		u.sendTo(st, peer, retractionLine(u.chatLine(peer, retraction(st.Element).Attr("id")), u.c.clock.Now()))
		return
	}
	e := st.Child(xep.NSReactions, "reactions")
	id, emojis := e.Attr("id"), reactionsIn(e)
	fresh := u.freshReactions(peer, id, emojis)
	if len(fresh) == 0 || u.sendTo(st, peer, reactionLine(fresh, u.chatLine(peer, id))) {
		u.noteReactions(peer, id, emojis)
	}
}

// reactInRoom passes reactions on: as such where the network has them, else as a line of
// text. Clients in the room get them as reactions in any case. (XEP-0444 §4.2)
func (u *user) reactInRoom(st *inbound, r *room) {
	e := st.Child(xep.NSReactions, "reactions")
	id, emojis := e.Attr("id"), reactionsIn(e)
	if id == "" {
		u.c.refuse(st, errBadRequest)
		return
	}
	u.recall(r)
	old := r.said(id)
	if reactor, ok := u.legacySession().(legacy.RoomReactor); ok && r.tags && (old == nil || !old.unnamed) {
		if err := reactor.React(u.ctx, r.peer, id, emojis); err != nil {
			u.c.refuse(st, translateError(err))
			return
		}
		u.reflect(st, "")
		return
	}
	fresh := u.freshReactions(r.peer, id, emojis)
	if len(fresh) == 0 || u.option(optNoActs) {
		u.reflect(st, "")
	} else if !u.sendTo(st, r.peer, reactionLine(fresh, u.roomLine(r, id))) {
		return
	}
	u.noteReactions(r.peer, id, emojis)
}

// retractInRoom takes back what the user has said in a room: where the network cannot,
// for the user's clients only, and the room is told so in a line of text.
// (XEP-0424 §3)
func (u *user) retractInRoom(st *inbound, r *room) {
	id := retraction(st.Element).Attr("id")
	u.recall(r)
	u.c.identify(r, r.self())
	old := r.said(id)
	switch {
	case r.redacts && (old == nil || !old.unnamed):
		u.retract(st, r)
	case id == "":
		u.c.refuse(st, errBadRequest)
	case old != nil && old.nick != r.nick && !r.isOf(old, r.nick):
		u.c.refuse(st, errNotYours)
	case u.option(optNoActs):
		u.reflect(st, "")
	default:
		u.sendTo(st, r.peer, retractionLine(u.roomLine(r, id), u.c.clock.Now()))
	}
}

var errNotYours = stanzaError{Type: stanza.Auth, Condition: stanza.Forbidden, Text: "You can take back only what you have said yourself."}

// roomLine is a message of a room, for a line about it.
func (u *user) roomLine(r *room, id string) mentioned {
	u.recall(r)
	old := r.said(id)
	if old == nil {
		return mentioned{}
	}
	m := mentioned{nick: old.nick, text: firstWords(old.ownText()), at: old.at}
	if m.nick == r.nick {
		m.nick, m.last = "", true
		for i := len(r.history) - 1; &r.history[i] != old; i-- {
			m.last = m.last && r.history[i].nick != r.nick
		}
	}
	return m
}

// ownText is what a line says itself, without what it repeats of another one.
func (l *line) ownText() string {
	if from, to := l.quoted[0], l.quoted[1]; from < to {
		if all := []rune(l.text); to <= len(all) {
			return strings.TrimSpace(string(all[:from]) + string(all[to:]))
		}
	}
	return l.text
}

// chatLine is a message of a one-to-one chat, for a line about it.
func (u *user) chatLine(peer legacy.Peer, id string) mentioned {
	later := false // the user has said something later
	for _, l := range slices.Backward(u.chat) {
		switch {
		case l.peer != peer.ID:
		case id != "" && (l.id == id || l.origin == id):
			return mentioned{text: l.words, at: l.at, last: l.own && !later}
		case l.own:
			later = true
		}
	}
	return mentioned{}
}

// chatLine is the beginning of a message of a one-to-one chat.
type chatLine struct {
	peer, id, origin, words string
	own                     bool
	at                      time.Time
}

// noteChat remembers how a message begins.
func (u *user) noteChat(l chatLine) {
	if len(u.chat) >= 2*maxChatLines {
		u.chat = append(u.chat[:0], u.chat[len(u.chat)-maxChatLines+1:]...)
	}
	l.at = u.c.clock.Now()
	u.chat = append(u.chat, l)
}
