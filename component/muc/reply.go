package muc

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// lineByID returns the line of the history with a stanza ID of the archive, or else with
// an ID of the stanza; nil if there is none. r may be nil.
func (r *Room) lineByID(id string) *line {
	if r == nil || id == "" {
		return nil
	}
	var other *line
	for i := len(r.history) - 1; i >= 0; i-- {
		switch l := &r.history[i]; {
		case l.stanzaID == id:
			return l
		case other == nil && (l.id == id || l.origin == id):
			other = l
		}
	}
	return other
}

// maxQuote limits the quotation before a reply, in runes.
const maxQuote = 200

// quote puts a quotation of the original message before a reply, for clients without
// support for replies. old may be nil. (XEP-0461 §3.1)
func (l *line) quote(old *line) {
	if old == nil {
		return
	}
	l.replyTo = old.nick
	said := []rune(old.text)
	if from, to := old.quoted[0], old.quoted[1]; from < to && to <= len(said) { // without old's own quotation
		said = append(said[:from:from], said[to:]...)
	}
	text := body.Truncate(strings.TrimSpace(string(said)), maxQuote)
	quote := "> " + strings.ReplaceAll(text, "\n", "\n> ") + "\n"
	l.quoted = [2]int{0, utf8.RuneCountInString(quote)}
	l.text = quote + l.text
}

// appendReply appends a line's <reply/> and <fallback/>. (XEP-0461 §3, XEP-0428 §2.2)
func (l *line) appendReply(dst []byte, room string) []byte {
	if l.reply == "" {
		return dst
	}
	dst = append(dst, "<reply xmlns='"+xep.NSReply+"'"...)
	if l.replyTo != "" {
		dst = stanza.AppendAttr(dst, "to", occupantJID(room, l.replyTo))
	}
	dst = append(stanza.AppendAttr(dst, "id", l.reply), "/>"...)
	if l.quoted[0] < l.quoted[1] {
		dst = append(dst, "<fallback xmlns='"+xep.NSFallback+"' for='"+xep.NSReply+"'><body start='"...)
		dst = append(strconv.AppendInt(dst, int64(l.quoted[0]), 10), "' end='"...)
		dst = append(strconv.AppendInt(dst, int64(l.quoted[1]), 10), "'/></fallback>"...)
	}
	return dst
}

// PrefixAddressee puts the nick of the original message's sender before a reply: few
// clients of networks with replies show them as replies. p may be another peer than a room.
func (s *roomSet) PrefixAddressee(p legacy.Peer, id, text string) string {
	r := s.all[p.ID]
	old := r.lineByID(id)
	if old == nil || old.nick == "" || old.nick == r.nick || strings.HasPrefix(text, "/") || strings.HasPrefix(text, old.nick) {
		return text
	}
	return old.nick + ": " + text
}

// reactInRoom sends reactions to a room: natively if the network supports them, else as a
// line of text. The user's clients in the room receive reactions in both cases.
// (XEP-0444 §4.2)
func (r *Room) reactInRoom(st *stanza.Inbound) {
	e := st.Child(xep.NSReactions, "reactions")
	id, emojis := e.Attr("id"), body.ReactionsIn(e)
	if id == "" {
		st.Refuse(stanza.ErrBadRequest)
		return
	}
	r.loadHistory()
	old := r.lineByID(id)
	if reactor, ok := r.rs.session().(legacy.RoomReactor); ok && r.messageTags && (old == nil || !old.localID) {
		if err := reactor.React(r.rs.ctx, r.peer, id, emojis); err != nil {
			st.Refuse(stanza.Translate(err))
			return
		}
		r.rs.Reflect(st, "")
		return
	}
	fresh := r.rs.reactions.Fresh(r.peer.ID, id, emojis)
	if len(fresh) == 0 || r.rs.account().Option(OptNoActs) != "" {
		r.rs.Reflect(st, "")
	} else if !r.rs.host.Send(st, r.peer, body.ReactionLine(fresh, r.mention(id))) {
		return
	}
	r.rs.reactions.Note(r.peer.ID, id, emojis)
}

// retractInRoom retracts a message of the user in a room. If the network has no
// retractions, only the user's clients receive one, and the room receives a line of text.
// (XEP-0424 §3)
func (r *Room) retractInRoom(st *stanza.Inbound) {
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
	case r.rs.account().Option(OptNoActs) != "":
		r.rs.Reflect(st, "")
	default:
		r.rs.host.Send(st, r.peer, body.RetractionLine(r.mention(id), r.rs.shared.Clock.Now()))
	}
}

var errNotYours = stanza.Error{Type: stanza.Auth, Condition: stanza.Forbidden, Text: "You can retract only your own messages."}

// mention describes a message of a room, for a line about it.
func (r *Room) mention(id string) body.Mention {
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

// ForgetReactions discards the reactions of a line that the network did not accept.
func (rs *Rooms) ForgetReactions(st *stanza.Inbound) {
	rs.reactions.Forget(st.Child(xep.NSReactions, "reactions").Attr("id"))
}
