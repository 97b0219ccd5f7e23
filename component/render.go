package component

import (
	"strings"

	"transport/component/element"
	"transport/component/xep"
)

// plainText is what a message says to somebody whose network knows plain text
// only, "" if there is nothing to say. Corrections, reactions and retractions
// become readable; the fallback that a client has put into the body stays, since
// it is meant for just that. (XEP-0308 §4, XEP-0424 §5, XEP-0428 §2, XEP-0444,
// XEP-0461 §3.1, XEP-0066 §3)
func plainText(st *element.Element) string {
	text := bodyText(st)
	switch {
	case text == "" && st.Child(xep.NSRetract, "retract") != nil:
		return "(took back an earlier message)"
	case text == "" && st.Child(xep.NSReactions, "reactions") != nil:
		return reactionText(st.Child(xep.NSReactions, "reactions"))
	case text != "" && st.Child(xep.NSCorrect, "replace") != nil:
		text = "* " + text
	case text == "" && st.Child(xep.NSConference, "x").Attr("jid") != "": // XEP-0249 §2
		text = "(asks you into the room xmpp:" + st.Child(xep.NSConference, "x").Attr("jid") + "?join)"
	}
	for _, link := range links(st) {
		if !strings.Contains(text, link) {
			text = strings.TrimLeft(text+"\n"+link, "\n")
		}
	}
	if subject := st.ChildText(nsComponent, "subject"); subject != "" && text != "" && st.Attr("type") != "chat" {
		text = subject + "\n" + text
	}
	return text
}

// bodyText is the body; of several, the one that names no language.
// (RFC 6121 §5.2.3)
func bodyText(st *element.Element) string {
	text, found := "", false
	for b := range st.Children(nsComponent, "body") {
		if b.Lang() == "" {
			return b.Text()
		}
		if !found {
			text, found = b.Text(), true
		}
	}
	return text
}

// maxReactions is how many reactions of a message are told.
const maxReactions = 8

// reactionText tells of reactions; taking them all back is not worth a message.
func reactionText(e *element.Element) string {
	var all []string
	for r := range e.Children(xep.NSReactions, "reaction") {
		if t := strings.TrimSpace(r.Text()); t != "" && len(all) < maxReactions {
			all = append(all, t)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "(reacted with " + strings.Join(all, " ") + ")"
}

// links are the files that a message shares, as addresses to fetch them from.
// (XEP-0066 §3, XEP-0447 §3.1)
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
