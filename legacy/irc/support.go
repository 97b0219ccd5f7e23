package irc

import (
	"strconv"
	"strings"

	"transport/legacy/irc/ircwire"
)

// support is what a server can. (ISUPPORT)
type support struct {
	mapping   ircwire.Casemapping
	prefixes  ircwire.Prefixes
	chanModes [4]string // lists, always with a parameter, with one when set, never
	modes     int       // how many modes with a parameter one line may change
	monitor   int       // how many nicks may be watched, -1 for none
	network   string
}

var defaultSupport = support{
	mapping: ircwire.RFC1459, prefixes: ircwire.DefaultPrefixes, modes: 3, monitor: -1, // RFC 2812 §3.2.3
	chanModes: [4]string{"beIq", "k", "lfjLHJF", "imnpst"},
}

const maxModes = 6 // more than anybody has of those that PREFIX knows

// onSupport takes in what the server can.
func (c *client) onSupport(m ircwire.Message) {
	for _, p := range m.Params[min(1, len(m.Params)):] {
		name, value, _ := strings.Cut(p, "=")
		switch name {
		case "CASEMAPPING":
			c.refold(ircwire.Casemapping(value))
		case "PREFIX":
			if prefixes, ok := ircwire.ParsePrefixes(value); ok {
				c.support.prefixes = prefixes
			}
		case "CHANMODES":
			if kinds := strings.Split(value, ","); len(kinds) >= 4 {
				copy(c.support.chanModes[:], kinds)
			}
		case "MODES":
			if n, err := strconv.Atoi(value); err != nil { // no limit
				c.support.modes = maxModes
			} else if n > 0 {
				c.support.modes = min(n, maxModes)
			}
		case "MONITOR":
			if n, err := strconv.Atoi(value); err != nil { // no limit
				c.support.monitor = maxWatched
			} else if n > 0 {
				c.support.monitor = min(n, maxWatched)
			}
		case "UTF8ONLY": // whatever the user has set
			c.profile.out = nil
		case "NETWORK":
			c.support.network = value
		}
	}
}

// refold changes how names are compared, which comes right after the welcome.
func (c *client) refold(to ircwire.Casemapping) {
	if to == c.support.mapping {
		return
	}
	c.support.mapping = to
	c.channels.byName = rekeyed(c, c.channels.byName, func(ch *channel) string { return ch.name })
	for _, ch := range c.channels.byName {
		ch.members = rekeyed(c, ch.members, func(who *member) string { return who.nick })
	}
	c.watches.watched = rekeyed(c, c.watches.watched, func(w *watch) string { return w.nick })
	c.lookups.whoises = rekeyed(c, c.lookups.whoises, func(w *whoisAsk) string { return w.nick })
}

// rekeyed is a map by folded names, as they are folded now.
func rekeyed[T any](c *client, before map[string]T, name func(T) string) map[string]T {
	after := make(map[string]T, len(before))
	for _, v := range before {
		after[c.fold(name(v))] = v
	}
	return after
}
