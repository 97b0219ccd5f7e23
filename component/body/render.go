package body

import (
	"strings"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
)

// Plain returns the plain text of a message, including its subject and links; "" if there
// is none. The quotation before a reply stays, but a reaction or a retraction has no text:
// see ActOf. (XEP-0428 §2, XEP-0461 §3.1, XEP-0066 §3)
func Plain(st *element.Element) string {
	text := bodyText(st)
	switch a := ActOf(st); {
	case a == Retract, a == React:
		return ""
	case text == "" && st.Child(xep.NSConference, "x").Attr("jid") != "": // XEP-0249 §2
		text = "(invites you to the room xmpp:" + st.Child(xep.NSConference, "x").Attr("jid") + "?join)"
	}
	for _, link := range links(st) {
		if !strings.Contains(text, link) {
			text = strings.TrimLeft(text+"\n"+link, "\n")
		}
	}
	if subject := st.ChildText(stanza.NS, "subject"); subject != "" && text != "" && st.Attr("type") != "chat" {
		text = subject + "\n" + text
	}
	return text
}

// IsBlank reports whether a message has a body, and text is its plain text without a
// visible character. An empty body beside a chat state is no text. (XEP-0085 §5.1)
func IsBlank(st *element.Element, text string) bool {
	if st.Child(stanza.NS, "body") == nil || strings.TrimSpace(Clean(text)) != "" {
		return false
	}
	_, state := xep.ChatState(st)
	return text != "" || !state
}

// bodyText returns the body without xml:lang, or else the first one. (RFC 6121 §5.2.3)
func bodyText(st *element.Element) string {
	text, found := "", false
	for b := range st.Children(stanza.NS, "body") {
		if b.Lang() == "" {
			return b.Text()
		}
		if !found {
			text, found = b.Text(), true
		}
	}
	return text
}

// links returns the URLs of the files that a message shares. (XEP-0066 §3, XEP-0447 §3.1)
func links(st *element.Element) []string {
	var all []string
	if x := st.Child(xep.NSOOB, "x"); x != nil {
		all = append(all, strings.TrimSpace(x.ChildText(xep.NSOOB, "url")))
	}
	for share := range st.Children(xep.NSFileSharing, "file-sharing") {
		if sources := share.Child(xep.NSFileSharing, "sources"); sources != nil {
			if data := sources.Child(xep.NSURLData, "url-data"); data != nil {
				all = append(all, strings.TrimSpace(data.Attr("target")))
			}
		}
	}
	kept := all[:0]
	for _, link := range all {
		if link != "" {
			kept = append(kept, link)
		}
	}
	return kept
}
