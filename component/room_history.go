package component

import (
	"strconv"
	"time"

	"transport/component/element"
	"transport/component/xep"
)

// line is something that was said in a room, kept for clients that come later, or
// come back.
type line struct {
	nick, text, id string // nick "" for the room itself
	at             time.Time
}

const (
	maxHistory     = 100 // lines that a room keeps
	defaultHistory = 20  // that a client gets which does not say how many
)

// remember keeps what was said.
func (r *room) remember(l line) {
	if len(r.history) >= maxHistory {
		r.history = append(r.history[:0], r.history[1:]...)
	}
	r.history = append(r.history, l)
}

// historyFor is what a client wants to get of it: the least that any of its wishes
// allows. (XEP-0045 §7.2.14)
func (r *room) historyFor(wish *element.Element, now time.Time) []line {
	lines := r.history
	if wish == nil {
		return lines[max(0, len(lines)-defaultHistory):]
	}
	number := func(name string) (int, bool) {
		n, err := strconv.Atoi(wish.Attr(name))
		return n, err == nil && n >= 0
	}
	var since time.Time
	if sec, ok := number("seconds"); ok {
		since = now.Add(-time.Duration(sec) * time.Second)
	}
	if t, err := time.Parse(time.RFC3339, wish.Attr("since")); err == nil && t.After(since) {
		since = t
	}
	for len(lines) > 0 && lines[0].at.Before(since) {
		lines = lines[1:]
	}
	if n, ok := number("maxstanzas"); ok {
		lines = lines[max(0, len(lines)-n):]
	}
	if most, ok := number("maxchars"); ok {
		size := 0
		for i := len(lines) - 1; i >= 0; i-- {
			if size += len(lines[i].text); size > most {
				return lines[i+1:]
			}
		}
	}
	return lines
}

// sendHistory sends a client what was said before it came. (XEP-0045 §7.2.13)
func (u *user) sendHistory(r *room, full string, lines []line) {
	for _, l := range lines {
		from := r.jid
		if l.nick != "" {
			from = r.occupantJID(l.nick)
		}
		u.put(element.New(nsStanza, "message").Set("from", from).Set("to", full).Set("type", "groupchat").Set("id", l.id).
			Add(element.New(nsStanza, "body").AddText(l.text), xep.Delay(r.jid, l.at)))
	}
}
