package irc

import (
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// watch is somebody whose presence the user wants to see.
type watch struct {
	nick   string
	told   bool // the server tells by itself (MONITOR)
	online bool
	away   bool
	status string
}

const (
	lookEvery = time.Minute // where the server does not tell by itself
	lookLine  = 400         // bytes of a line of nicks
)

// watchlist is whose presence is asked for: by MONITOR, WATCH or ISON.
type watchlist struct {
	c *client

	watched map[string]*watch // by folded nick
	watchAt time.Time         // the next ISON
	looking []string          // nicks of the ISON under way, folded
}

// watch begins or ends to look at somebody.
func (wa *watchlist) watch(nick string, on bool) {
	key := wa.c.fold(nick)
	switch w := wa.watched[key]; {
	case !on && w != nil:
		delete(wa.watched, key)
		if w.told {
			wa.c.send("MONITOR - " + w.nick)
		}
	case on && w == nil && ircwire.IsNick(nick):
		w = &watch{nick: nick, told: len(wa.watched) < wa.c.support.monitor}
		if wa.watched[key] = w; w.told {
			wa.c.send("MONITOR + " + nick)
			return
		}
		wa.watchAt = wa.c.now()
	case on && w != nil:
		wa.c.emit(legacy.PresenceChanged{From: wa.c.peer(w.nick), Presence: w.presence()})
	}
}

// showService tells that the server is connected, or not, if the user wants to see it.
func (wa *watchlist) showService(show legacy.Show) {
	if p := wa.c.service(); wa.c.s.watches(p) {
		wa.c.emit(legacy.PresenceChanged{From: p, Presence: legacy.Presence{Show: show}})
	}
}

// watchAll begins to look at everybody, once it is known what the server can.
// (IRCv3 monitor)
func (wa *watchlist) watchAll() {
	n, line := 0, ""
	for _, w := range wa.watched {
		if n++; n > wa.c.support.monitor {
			wa.watchAt = wa.c.now()
			break
		}
		w.told = true
		if len(line)+len(w.nick) > lookLine {
			wa.c.send("MONITOR + " + line)
			line = ""
		}
		if line != "" {
			line += ","
		}
		line += w.nick
	}
	if line != "" {
		wa.c.send("MONITOR + " + line)
	}
}

// lookWho asks who is online of those of whom the server does not tell by itself, and
// returns when to ask next. (RFC 2812 §4.9)
func (wa *watchlist) lookWho(now time.Time) time.Time {
	if wa.watchAt.IsZero() {
		return time.Time{}
	}
	if now.Before(wa.watchAt) {
		return wa.watchAt
	}
	wa.watchAt = now.Add(lookEvery)
	wa.looking = wa.looking[:0]
	line := ""
	for key, w := range wa.watched {
		if w.told {
			continue
		}
		if len(line)+len(w.nick) > lookLine {
			break // the others next time, since maps have no order
		}
		line += " " + w.nick
		wa.looking = append(wa.looking, key)
	}
	if line == "" {
		wa.watchAt = time.Time{}
		return wa.watchAt
	}
	wa.c.send("ISON" + line)
	return wa.watchAt
}

// onWatch handles what the server tells of those who are watched.
func (wa *watchlist) onWatch(m ircwire.Message) {
	switch m.Command {
	case "730", "731":
		for target := range strings.SplitSeq(m.Last(), ",") {
			nick, _, _ := strings.Cut(target, "!")
			if w := wa.watched[wa.c.fold(nick)]; w != nil {
				wa.show(w, m.Command == "730")
			}
		}
	case "734": // the list is full: they are asked for
		for nick := range strings.SplitSeq(m.Param(2), ",") {
			if w := wa.watched[wa.c.fold(nick)]; w != nil {
				w.told, wa.watchAt = false, wa.c.now()
			}
		}
	case "303":
		here := make(map[string]bool)
		for nick := range strings.FieldsSeq(m.Last()) {
			here[wa.c.fold(nick)] = true
		}
		for _, key := range wa.looking {
			if w := wa.watched[key]; w != nil {
				wa.show(w, here[key])
			}
		}
		wa.looking = wa.looking[:0]
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

// show tells the presence of somebody; the core knows whether it is news.
func (wa *watchlist) show(w *watch, online bool) {
	if w.online = online; !online {
		w.away, w.status = false, ""
	}
	wa.c.emit(legacy.PresenceChanged{From: wa.c.peer(w.nick), Presence: w.presence()})
}
