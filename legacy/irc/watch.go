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

// watch begins or ends to look at somebody.
func (c *client) watch(nick string, on bool) {
	key := c.fold(nick)
	switch w := c.watched[key]; {
	case !on && w != nil:
		delete(c.watched, key)
		if w.told {
			c.send("MONITOR - " + w.nick)
		}
	case on && w == nil && ircwire.IsNick(nick):
		w = &watch{nick: nick, told: len(c.watched) < c.support.monitor}
		if c.watched[key] = w; w.told {
			c.send("MONITOR + " + nick)
			return
		}
		c.watchAt = c.now()
	case on && w != nil:
		c.emit(legacy.PresenceChanged{From: c.peer(w.nick), Presence: w.presence()})
	}
}

// showService tells that the server is connected, or not, if the user wants to see it.
func (c *client) showService(show legacy.Show) {
	if p := c.service(); c.s.watches(p) {
		c.emit(legacy.PresenceChanged{From: p, Presence: legacy.Presence{Show: show}})
	}
}

// watchAll begins to look at everybody, once it is known what the server can.
// (IRCv3 monitor)
func (c *client) watchAll() {
	n, line := 0, ""
	for _, w := range c.watched {
		if n++; n > c.support.monitor {
			c.watchAt = c.now()
			break
		}
		w.told = true
		if len(line)+len(w.nick) > lookLine {
			c.send("MONITOR + " + line)
			line = ""
		}
		if line != "" {
			line += ","
		}
		line += w.nick
	}
	if line != "" {
		c.send("MONITOR + " + line)
	}
}

// lookWho asks who is online of those of whom the server does not tell by itself, and
// returns when to ask next. (RFC 2812 §4.9)
func (c *client) lookWho(now time.Time) time.Time {
	if c.watchAt.IsZero() {
		return time.Time{}
	}
	if now.Before(c.watchAt) {
		return c.watchAt
	}
	c.watchAt = now.Add(lookEvery)
	c.looking = c.looking[:0]
	line := ""
	for key, w := range c.watched {
		if w.told {
			continue
		}
		if len(line)+len(w.nick) > lookLine {
			break // the others next time, since maps have no order
		}
		line += " " + w.nick
		c.looking = append(c.looking, key)
	}
	if line == "" {
		c.watchAt = time.Time{}
		return c.watchAt
	}
	c.send("ISON" + line)
	return c.watchAt
}

// onWatch handles what the server tells of those who are watched.
func (c *client) onWatch(m ircwire.Message) {
	switch m.Command {
	case "730", "731":
		for target := range strings.SplitSeq(m.Last(), ",") {
			nick, _, _ := strings.Cut(target, "!")
			if w := c.watched[c.fold(nick)]; w != nil {
				c.show(w, m.Command == "730")
			}
		}
	case "734": // the list is full: they are asked for
		for nick := range strings.SplitSeq(m.Param(2), ",") {
			if w := c.watched[c.fold(nick)]; w != nil {
				w.told, c.watchAt = false, c.now()
			}
		}
	case "303":
		here := make(map[string]bool)
		for nick := range strings.FieldsSeq(m.Last()) {
			here[c.fold(nick)] = true
		}
		for _, key := range c.looking {
			if w := c.watched[key]; w != nil {
				c.show(w, here[key])
			}
		}
		c.looking = c.looking[:0]
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
func (c *client) show(w *watch, online bool) {
	if w.online = online; !online {
		w.away, w.status = false, ""
	}
	c.emit(legacy.PresenceChanged{From: c.peer(w.nick), Presence: w.presence()})
}
