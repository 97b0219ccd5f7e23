package body

import (
	"strconv"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// Presence translates a client's available presence. (RFC 6121 §4.7)
func Presence(e *element.Element, now time.Time) legacy.Presence {
	p := legacy.Presence{Show: legacy.ShowOnline}
	switch e.ChildText(stanza.NS, "show") {
	case "away":
		p.Show = legacy.ShowAway
	case "chat":
		p.Show = legacy.ShowChat
	case "dnd":
		p.Show = legacy.ShowDND
	case "xa":
		p.Show = legacy.ShowXA
	}
	p.Status = Clean(e.ChildText(stanza.NS, "status"))
	p.Idle = idleSince(e, now)
	return p
}

// idleSince returns the time since which a client reports its user idle, zero if it does
// not. (XEP-0319 §2, XEP-0256 §3)
func idleSince(presence *element.Element, now time.Time) time.Time {
	since := time.Time{}
	if idle := presence.Child(xep.NSIdle, "idle"); idle != nil {
		if t, err := time.Parse(time.RFC3339, idle.Attr("since")); err == nil {
			since = t
		}
	} else if last := presence.Child(xep.NSLast, "query"); last != nil {
		if n, err := strconv.ParseUint(last.Attr("seconds"), 10, 31); err == nil && n > 0 {
			since = now.Add(-time.Duration(n) * time.Second)
		}
	}
	if since.After(now) { // a clock that is fast
		since = now
	}
	return since.UTC().Round(0) // presences are compared
}

// Show returns the <show/> of available presence. (RFC 6121 §4.7.2.1)
func Show(s legacy.Show) string {
	switch s {
	case legacy.ShowAway:
		return "away"
	case legacy.ShowXA:
		return "xa"
	case legacy.ShowDND:
		return "dnd"
	case legacy.ShowChat:
		return "chat"
	}
	return ""
}

// Typing translates a chat state. (XEP-0085 §2)
func Typing(state string) legacy.Typing {
	switch state {
	case "composing":
		return legacy.TypingActive
	case "paused":
		return legacy.TypingPaused
	}
	return legacy.TypingStopped
}

// TypingTimeout is the time after which a composing state expires unless it is refreshed.
// (XEP-0085 §5.4)
const TypingTimeout = 45 * time.Second
