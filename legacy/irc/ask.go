package irc

import (
	"slices"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// ask is something that the server has yet to confirm: a moderation, or with
// text set a message that it is to echo.
type ask struct {
	ref      string
	text     bool
	kick     bool
	target   string // channel, or the receiver of a message
	nick     string
	deadline time.Time
}

func (a ask) is(c *client, target, nick string) bool {
	return !a.text && c.fold(a.target) == c.fold(target) && c.fold(a.nick) == c.fold(nick)
}

const (
	askLimit = 20 * time.Second
	maxAsks  = 1000
)

// answer ends the first ask that fits.
func (c *client) answer(fits func(ask) bool, err error) bool {
	i := slices.IndexFunc(c.waiting, fits)
	if i < 0 {
		return false
	}
	a := c.waiting[i]
	c.waiting = slices.Delete(c.waiting, i, i+1)
	c.conclude(a, err)
	return true
}

func (c *client) conclude(a ask, err error) {
	switch {
	case !a.text:
		c.emit(legacy.ModerationDone{Ref: a.ref, Err: err})
	case a.ref == "": // a part of a message, not the last
	case err != nil:
		c.emit(legacy.MessageFailed{Ref: a.ref, Err: err})
	default:
		c.emit(legacy.MessageSent{Ref: a.ref, State: legacy.Accepted})
	}
}

// expire gives up what is not confirmed in time, and returns when the next is.
func (c *client) expire(now time.Time) time.Time {
	for len(c.waiting) > 0 && !c.waiting[0].deadline.After(now) {
		a := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.conclude(a, legacy.Errorf(legacy.Temporary, "The %s server did not confirm it.", c.s.net.name()))
	}
	if len(c.waiting) == 0 {
		return time.Time{}
	}
	return c.waiting[0].deadline
}

// moderate does something about somebody in a channel.
func (c *client) moderate(ref, name string, m legacy.Moderation) {
	ch := c.channels[c.fold(name)]
	if ch == nil || len(c.waiting) >= maxAsks {
		c.emit(legacy.ModerationDone{Ref: ref, Err: legacy.Errorf(legacy.Forbidden, "You are not in that channel.")})
		return
	}
	who := ch.members[c.fold(m.Nick)]
	if who == nil {
		c.emit(legacy.ModerationDone{Ref: ref, Err: legacy.Errorf(legacy.NotFound, "There is no %s in the channel.", m.Nick)})
		return
	}
	a := ask{ref: ref, target: ch.name, nick: who.nick, kick: m.Kick || m.Ban, deadline: c.now().Add(askLimit)}
	if m.Ban {
		mask := who.nick + "!*@*"
		if _, host, ok := strings.Cut(who.address, "@"); ok && host != "" {
			mask = "*!*@" + host
		}
		c.send(ircwire.Line("MODE", ch.name, "+b", mask), nil)
	}
	if a.kick {
		c.waiting = append(c.waiting, a)
		c.send(ircwire.Line("KICK", ch.name, who.nick, m.Reason), nil)
		return
	}
	modes, nicks := c.modesFor(who, m.Level)
	if modes == "" {
		c.emit(legacy.ModerationDone{Ref: ref})
		return
	}
	c.waiting = append(c.waiting, a)
	c.send(ircwire.Line("MODE", append([]string{ch.name, modes}, nicks...)...), nil)
}

// modesFor is the change of modes that gives somebody a level, and their nick for
// each.
func (c *client) modesFor(who *member, level legacy.Level) (modes string, nicks []string) {
	want := map[legacy.Level]string{legacy.LevelVoice: "v", legacy.LevelHelper: "h", legacy.LevelOperator: "o", legacy.LevelOwner: "a"}[level]
	if want != "" && !strings.Contains(c.prefixes.Modes, want) {
		want = "o"
	}
	add, remove := "", ""
	if want != "" && !strings.Contains(who.modes, want) {
		add = "+" + want
	}
	for _, mode := range who.modes {
		if string(mode) != want && (levelOf(byte(mode)) > level || level == legacy.LevelNone) {
			remove += string(mode)
		}
	}
	if remove != "" {
		remove = "-" + remove
	}
	modes = add + remove
	for range strings.Trim(modes, "+-") {
		nicks = append(nicks, who.nick)
	}
	if add != "" && remove != "" {
		nicks = nicks[:len(add)+len(remove)-2]
	}
	return modes, nicks
}

// onError handles an error of the server's. (RFC 2812 §5.2)
func (c *client) onError(m ircwire.Message) {
	text, about := ircwire.Plain(m.Last()), m.Param(1)
	is := func(kind legacy.Kind) error { return legacy.Errorf(kind, "%s", text) }
	switch m.Command {
	case "432", "433", "436", "437", "447", "484":
		kind := legacy.Conflict
		if m.Command != "433" && m.Command != "436" {
			kind = legacy.Forbidden
		}
		c.nickFailed(is(kind))
		return
	case "401", "404", "407", "531": // a message that did not arrive, or nobody to moderate
		if c.answer(func(a ask) bool { return a.text && c.fold(a.target) == c.fold(about) }, is(legacy.NotFound)) {
			return
		}
		if ch := c.channels[c.fold(about)]; ch != nil && ch.entered {
			c.emit(legacy.RoomFailed{Room: c.room(ch), Err: is(legacy.Forbidden)})
			return
		}
	case "441", "442", "481", "482", "485", "499":
		for _, target := range m.Middle() {
			if c.answer(func(a ask) bool { return !a.text && c.fold(a.target) == c.fold(target) }, is(legacy.Forbidden)) {
				return
			}
			if ch := c.channels[c.fold(target)]; ch != nil && ch.entered {
				c.emit(legacy.RoomFailed{Room: c.room(ch), Err: is(legacy.Forbidden)})
				return
			}
		}
	}
	if ch := c.channels[c.fold(about)]; ch != nil && !ch.entered { // the channel was not to be entered
		kind := map[string]legacy.Kind{"403": legacy.NotFound, "405": legacy.RateLimited, "471": legacy.Full, "473": legacy.MembersOnly,
			"474": legacy.Forbidden, "475": legacy.Auth, "476": legacy.NotFound, "477": legacy.MembersOnly}[m.Command]
		if kind == legacy.Internal {
			kind = legacy.Forbidden
		}
		delete(c.channels, c.fold(about))
		c.emit(legacy.RoomFailed{Room: c.room(ch), Err: is(kind)})
		return
	}
	if text != "" {
		c.emit(legacy.Notice{Text: strings.TrimSpace(strings.Join(m.Middle(), " ") + " " + text)})
	}
}
