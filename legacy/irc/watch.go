package irc

import (
	"maps"
	"slices"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// watch is a watched nick.
type watch struct {
	nick   string
	pushed bool // the server pushes presence changes (MONITOR or WATCH)
	online bool
	away   bool
	status string
}

const (
	pollInterval = time.Minute // interval of ISON without MONITOR
	pollLineLen  = 400         // bytes of a line of nicks
)

// watchlist tracks the presence of nicks with MONITOR, WATCH or ISON.
type watchlist struct {
	c *client

	watched map[string]*watch // by folded nick
	watchAt time.Time         // time of the next ISON
	polling []string          // folded nicks of the pending ISON
	asked   bool              // take must be called again
}

// take carries out the session's watch requests, once no line waits for the rate limit:
// requests that undo each other meanwhile cost no line.
func (wa *watchlist) take() {
	if wa.asked = wa.c.out.waiting() > 0; !wa.asked {
		wa.change(wa.c.s.takeWatches(wa.c.link.server))
	}
}

// change carries out watch requests, with as few lines as possible. The key is a nick, or
// "" for the server itself; the value is whether to watch it.
func (wa *watchlist) change(wishes map[string]bool) {
	var adding []string
	names := slices.Sorted(maps.Keys(wishes))
	for _, name := range names {
		if name != "" && !wishes[name] { // first, since the server limits the list
			wa.remove(name)
		}
	}
	for _, name := range names {
		switch {
		case name == "":
			wa.showService(legacy.ShowOnline)
		case wishes[name] && wa.add(name):
			adding = append(adding, name)
		}
	}
	wa.monitor(adding)
}

// monitor sends MONITOR for some nicks. Those for which the queue has no place are polled.
// (IRCv3 monitor)
func (wa *watchlist) monitor(nicks []string) {
	for len(nicks) > 0 {
		n, size := 0, 0
		for n < len(nicks) && (n == 0 || size+len(nicks[n]) <= pollLineLen) {
			size += len(nicks[n]) + 1
			n++
		}
		if !wa.c.send("MONITOR + " + strings.Join(nicks[:n], ",")) {
			for _, nick := range nicks[:n] {
				wa.pollInstead(nick)
			}
		}
		nicks = nicks[n:]
	}
}

// pollInstead makes a nick one of those that are polled.
func (wa *watchlist) pollInstead(nick string) {
	if w := wa.watched[wa.c.fold(nick)]; w != nil {
		w.pushed, wa.watchAt = false, wa.c.now()
	}
}

// add adds a nick to the watch list. It reports whether MONITOR must be sent for it.
func (wa *watchlist) add(nick string) bool {
	key := wa.c.fold(nick)
	switch w := wa.watched[key]; {
	case w != nil:
		wa.c.emit(legacy.PresenceChanged{From: wa.c.peer(w.nick), Presence: w.presence()})
	case ircwire.IsName(nick):
		w = &watch{nick: nick, pushed: len(wa.watched) < wa.c.support.monitor}
		if wa.watched[key] = w; w.pushed {
			return true
		}
		wa.watchAt = wa.c.now()
	}
	return false
}

// remove removes a nick from the watch list.
func (wa *watchlist) remove(nick string) {
	key := wa.c.fold(nick)
	w := wa.watched[key]
	if delete(wa.watched, key); w != nil && w.pushed {
		wa.c.send("MONITOR - " + w.nick)
	}
}

// showService emits the presence of the server itself, if the user watches it.
func (wa *watchlist) showService(show legacy.Show) {
	if p := wa.c.service(); wa.c.s.watches(p) {
		wa.c.emit(legacy.PresenceChanged{From: p, Presence: legacy.Presence{Show: show}})
	}
}

// watchAll starts the watch list once ISUPPORT is known. (IRCv3 monitor)
func (wa *watchlist) watchAll() {
	var nicks []string
	for _, w := range wa.watched {
		if len(nicks) >= wa.c.support.monitor {
			wa.watchAt = wa.c.now()
			break
		}
		w.pushed = true
		nicks = append(nicks, w.nick)
	}
	wa.monitor(nicks)
}

// poll polls the nicks without MONITOR and returns the time of the next poll. (RFC
// 2812 §4.9)
func (wa *watchlist) poll(now time.Time) time.Time {
	if wa.watchAt.IsZero() {
		return time.Time{}
	}
	if now.Before(wa.watchAt) {
		return wa.watchAt
	}
	wa.watchAt = now.Add(pollInterval)
	wa.polling = wa.polling[:0]
	line := ""
	for key, w := range wa.watched {
		if w.pushed {
			continue
		}
		if len(line)+len(w.nick) > pollLineLen {
			break // the others follow in later polls, since map order is random
		}
		line += " " + w.nick
		wa.polling = append(wa.polling, key)
	}
	if line == "" {
		wa.watchAt = time.Time{}
		return wa.watchAt
	}
	if !wa.c.send("ISON" + line) {
		wa.polling = wa.polling[:0]
	}
	return wa.watchAt
}

// onWatch handles the replies of MONITOR and WATCH.
func (wa *watchlist) onWatch(m ircwire.Message) {
	switch m.Command {
	case "730", "731":
		for target := range strings.SplitSeq(m.Last(), ",") {
			nick, _, _ := strings.Cut(target, "!")
			if w := wa.watched[wa.c.fold(nick)]; w != nil {
				wa.show(w, m.Command == "730")
			}
		}
	case "734": // ERR_MONLISTFULL: poll these nicks
		for nick := range strings.SplitSeq(m.Param(2), ",") {
			wa.pollInstead(nick)
		}
	case "303":
		here := make(map[string]bool)
		for nick := range strings.FieldsSeq(m.Last()) {
			here[wa.c.fold(nick)] = true
		}
		for _, key := range wa.polling {
			if w := wa.watched[key]; w != nil {
				wa.show(w, here[key])
			}
		}
		wa.polling = wa.polling[:0]
	}
}

func (w *watch) presence() legacy.Presence {
	switch {
	case !w.online:
		return legacy.Presence{}
	case w.away:
		return legacy.Presence{Show: legacy.ShowAway, Status: w.status}
	}
	return legacy.Presence{Show: legacy.ShowOnline}
}

// show emits the presence of a nick; the core drops duplicates.
func (wa *watchlist) show(w *watch, online bool) {
	if w.online = online; !online {
		w.away, w.status = false, ""
	}
	wa.c.emit(legacy.PresenceChanged{From: wa.c.peer(w.nick), Presence: w.presence()})
}
