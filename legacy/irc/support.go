package irc

import (
	"strconv"
	"strings"

	"transport/legacy/irc/ircwire"
)

// support are the parameters of a server. (ISUPPORT)
type support struct {
	mapping   ircwire.Casemapping
	prefixes  ircwire.Prefixes
	chanModes [4]string // types A (lists), B (always a parameter), C (a parameter when set), D (none)
	modes     int       // MODES: mode changes with a parameter in one line
	monitor   int       // MONITOR: limit of the watch list, -1 without MONITOR
	network   string
}

var defaultSupport = support{
	mapping: ircwire.RFC1459, prefixes: ircwire.DefaultPrefixes, modes: 3, monitor: -1, // RFC 2812 §3.2.3
	chanModes: [4]string{"beIq", "k", "lfjLHJF", "imnpst"},
}

const maxModes = 6 // more than the modes of any member that PREFIX lists

// onSupport handles RPL_ISUPPORT.
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
		case "UTF8ONLY": // it overrides the user's settings
			c.profile.out = nil
		case "NETWORK":
			c.support.network = value
		}
	}
}

// refold applies another casemapping; it changes right after the welcome.
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

// rekeyed returns a map whose keys are folded by the current casemapping.
func rekeyed[T any](c *client, before map[string]T, name func(T) string) map[string]T {
	after := make(map[string]T, len(before))
	for _, v := range before {
		after[c.fold(name(v))] = v
	}
	return after
}
