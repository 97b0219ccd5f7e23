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
	chanTypes string    // CHANTYPES
	status    string    // STATUSMSG, "*" for the characters of prefixes
	told      bool      // the server has sent CHANTYPES
	ranked    bool      // it has named its ranks
	network   string
}

var defaultSupport = support{
	mapping: ircwire.RFC1459, prefixes: ircwire.DefaultPrefixes, modes: 3, monitor: -1, chanTypes: "#&", status: "*", // RFC 2812 §3.2.3
	chanModes: [4]string{"beIq", "k", "lfjLHJF", "imnpst"},
}

const maxModes = 6 // limit: mode changes in one line, more than any member has | the next line has the rest

// onMyInfo handles RPL_MYINFO: server, version, user modes, channel modes, and those of them
// that have a parameter.
func (su *support) onMyInfo(m ircwire.Message) {
	if len(m.Params) > 4 {
		su.prefixes, su.ranked = ircwire.PrefixesOf(m.Param(4), m.Param(5)), true
	}
}

// onSupport handles RPL_ISUPPORT.
func (c *client) onSupport(m ircwire.Message) {
	for _, p := range m.Params[min(1, len(m.Params)):] {
		name, value, _ := strings.Cut(p, "=")
		switch name {
		case "CASEMAPPING":
			c.refold(ircwire.Casemapping(value))
		case "PREFIX":
			if prefixes, ok := ircwire.ParsePrefixes(value); ok {
				c.support.prefixes, c.support.ranked = prefixes, true
			}
		case "BOUNCER_NETID":
			c.reg.bouncer.bound = true
		case "CHANTYPES":
			if value != "" {
				c.support.chanTypes, c.support.told = value, true
			}
		case "STATUSMSG":
			c.support.status = value
		case "CHANMODES":
			if kinds := strings.Split(value, ","); len(kinds) >= 4 {
				copy(c.support.chanModes[:], kinds)
			}
		case "USERLEN":
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				c.s.net.reach.setUserLen(c.link.server, c.now(), n)
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

// isChannel reports whether a name is that of a channel at the server.
func (su *support) isChannel(name string) bool { return ircwire.IsChannel(name, su.chanTypes) }

// audience splits a target into the prefixes of STATUSMSG and a channel. On some servers &
// is both such a prefix and a channel type. (ISUPPORT STATUSMSG)
func (cs *channels) audience(target string) (prefixes, channel string) {
	if cs.byName[cs.c.fold(target)] != nil {
		return "", target
	}
	status := cs.c.support.status
	if status == "*" {
		status = cs.c.support.prefixes.Chars
	}
	for i := 0; i < len(target) && strings.IndexByte(status, target[i]) >= 0; i++ {
		if rest := target[i+1:]; cs.byName[cs.c.fold(rest)] != nil || cs.c.support.isChannel(rest) {
			return target[:i+1], rest
		}
	}
	return "", target
}

// heard returns the channel that a line is sent to, nil for none.
func (cs *channels) heard(m ircwire.Message) *channel {
	_, name := cs.audience(m.Param(0))
	return cs.byName[cs.c.fold(name)]
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
