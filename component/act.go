package component

import (
	"slices"
	"strings"
	"time"

	"transport/component/stanza"

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
func (ob *outbox) freshReactions(peer legacy.Peer, id string, emojis []string) []string {
	before := ob.reacted[reactionKey(peer, id)]
	return slices.DeleteFunc(slices.Clone(emojis), func(emoji string) bool { return slices.Contains(before, emoji) })
}

func (ob *outbox) noteReactions(peer legacy.Peer, id string, emojis []string) {
	if len(ob.reacted) >= maxReacted {
		clear(ob.reacted)
	}
	put(&ob.reacted, reactionKey(peer, id), emojis)
}

// forgetReactions forgets those of a message that did not arrive.
func (ob *outbox) forgetReactions(st *stanza.Inbound) {
	if actOf(st.Element) != actReact || len(ob.reacted) == 0 {
		return
	}
	for key := range ob.reacted {
		if _, id, _ := strings.Cut(key, "\x00"); id == st.Child(xep.NSReactions, "reactions").Attr("id") {
			delete(ob.reacted, key)
		}
	}
}

func reactionKey(peer legacy.Peer, id string) string { return peer.ID + "\x00" + id }

// actAlone passes a reaction or a retraction on to a person, as a line of text.
func (ob *outbox) actAlone(st *stanza.Inbound, a act, peer legacy.Peer) {
	if peer.ID == "" || peer.Service || ob.u.account.option(optNoActs) {
		return
	}
	if a == actRetract {
		ob.sendTo(st, peer, retractionLine(ob.chatLine(peer, retraction(st.Element).Attr("id")), ob.u.c.clock.Now()))
		return
	}
	e := st.Child(xep.NSReactions, "reactions")
	id, emojis := e.Attr("id"), reactionsIn(e)
	fresh := ob.freshReactions(peer, id, emojis)
	if len(fresh) == 0 || ob.sendTo(st, peer, reactionLine(fresh, ob.chatLine(peer, id))) {
		ob.noteReactions(peer, id, emojis)
	}
}

// reactInRoom passes reactions on: as such where the network has them, else as a line of
// text. Clients in the room get them as reactions in any case. (XEP-0444 §4.2)
func (r *room) reactInRoom(st *stanza.Inbound) {
	e := st.Child(xep.NSReactions, "reactions")
	id, emojis := e.Attr("id"), reactionsIn(e)
	if id == "" {
		st.Refuse(stanza.ErrBadRequest)
		return
	}
	r.recall()
	old := r.said(id)
	if reactor, ok := r.rs.u.login.legacySession().(legacy.RoomReactor); ok && r.tags && (old == nil || !old.unnamed) {
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
	} else if !r.rs.u.outbox.sendTo(st, r.peer, reactionLine(fresh, r.roomLine(id))) {
		return
	}
	r.rs.u.outbox.noteReactions(r.peer, id, emojis)
}

// retractInRoom takes back what the user has said in a room: where the network cannot,
// for the user's clients only, and the room is told so in a line of text.
// (XEP-0424 §3)
func (r *room) retractInRoom(st *stanza.Inbound) {
	id := retraction(st.Element).Attr("id")
	r.recall()
	r.identify(r.self())
	old := r.said(id)
	switch {
	case r.redacts && (old == nil || !old.unnamed):
		r.retract(st)
	case id == "":
		st.Refuse(stanza.ErrBadRequest)
	case old != nil && old.nick != r.nick && !r.isOf(old, r.nick):
		st.Refuse(errNotYours)
	case r.rs.u.account.option(optNoActs):
		r.rs.reflect(st, "")
	default:
		r.rs.u.outbox.sendTo(st, r.peer, retractionLine(r.roomLine(id), r.rs.u.c.clock.Now()))
	}
}

var errNotYours = stanza.Error{Type: stanza.Auth, Condition: stanza.Forbidden, Text: "You can take back only what you have said yourself."}

// roomLine is a message of a room, for a line about it.
func (r *room) roomLine(id string) mentioned {
	r.recall()
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
func (ob *outbox) chatLine(peer legacy.Peer, id string) mentioned {
	later := false // the user has said something later
	for _, l := range slices.Backward(ob.chat) {
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
func (ob *outbox) noteChat(l chatLine) {
	if len(ob.chat) >= 2*maxChatLines {
		ob.chat = append(ob.chat[:0], ob.chat[len(ob.chat)-maxChatLines+1:]...)
	}
	l.at = ob.u.c.clock.Now()
	ob.chat = append(ob.chat, l)
}
