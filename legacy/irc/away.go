package irc

import (
	"cmp"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// setAway sends the user's away state. (RFC 2812 §4.1)
func (c *client) setAway(p legacy.Presence) {
	isAway := func(s legacy.Show) bool {
		return s == legacy.ShowAway || s == legacy.ShowXA || s == legacy.ShowDND
	}
	before := c.away
	c.away = p
	line := ""
	switch {
	case isAway(p.Show) && (!isAway(before.Show) || p.Status != before.Status):
		line = ircwire.Line("AWAY", cmp.Or(p.Status, "away"))
	case !isAway(p.Show) && isAway(before.Show):
		line = ircwire.Line("AWAY")
	}
	if line == "" {
		return
	}
	if c.out.replace("AWAY", line) {
		return
	}
	if !c.send(line) {
		c.away = before // the next change of the presence sends it
	}
}
