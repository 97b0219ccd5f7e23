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

// maxQuote limits the quotation before a reply, in runes.
const maxQuote = 200 // limit: characters of a quotation before a reply | "…"

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
func (s *set) PrefixAddressee(p legacy.Peer, id, text string) string {
	r := s.all[p.ID]
	if r == nil {
		return text
	}
	old := r.history.byID(id)
	if old == nil || old.nick == "" || old.nick == r.nick || strings.HasPrefix(text, "/") || strings.HasPrefix(text, old.nick) {
		return text
	}
	return old.nick + ": " + text
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
