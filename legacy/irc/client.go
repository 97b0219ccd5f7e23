package irc

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// client is a session that is connected. All of it belongs to the goroutine of
// session.Run.
type client struct {
	s    *session
	conn *conn
	err  error // why the connection can be used no longer

	nick      string // own
	nickTries int
	address   string // own user@host as others see it, "" if unknown
	offered   []string
	caps      map[string]bool
	mapping   ircwire.Casemapping
	prefixes  ircwire.Prefixes

	channels map[string]*channel // by folded name
	waiting  []ask               // for a server's answer
	out      throttle
	away     legacy.Presence

	ctcpAt    time.Time // the last automatic answer
	heard     time.Time
	pinged    bool
	pingsNext time.Time
}

const (
	pingEvery = 90 * time.Second
	pingLimit = 60 * time.Second
)

func newClient(s *session, cn *conn) *client {
	now := s.env.Now()
	return &client{s: s, conn: cn, caps: make(map[string]bool), prefixes: ircwire.DefaultPrefixes, mapping: ircwire.RFC1459,
		channels: make(map[string]*channel), heard: now, pingsNext: now.Add(pingEvery),
		out: newThrottle(s.net.opts.Burst, s.net.opts.Rate, now)}
}

func (c *client) now() time.Time          { return c.s.env.Now() }
func (c *client) emit(ev legacy.Event)    { c.s.env.Emit(ev) }
func (c *client) fold(name string) string { return c.mapping.Fold(name) }
func (c *client) isMe(nick string) bool   { return c.fold(nick) == c.fold(c.nick) }

// peer is somebody by nick.
func (c *client) peer(nick string) legacy.Peer { return legacy.Peer{ID: ircwire.RFC1459.Fold(nick)} }

// write sends lines now.
func (c *client) write(lines ...string) {
	if c.err != nil {
		return
	}
	if _, err := c.conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n")); err != nil {
		c.err = c.s.net.lost(err)
	}
}

// send sends a line as soon as the server takes it.
func (c *client) send(line string, sent func()) {
	if !c.out.put(queued{line, sent}) {
		c.emit(legacy.Notice{Text: "Too much waits to be sent to " + c.s.net.name() + "; something was left out."})
		return
	}
	c.drain()
}

func (c *client) drain() {
	for c.err == nil {
		q, ok := c.out.take(c.now())
		if !ok {
			return
		}
		c.write(q.line)
		if q.sent != nil && c.err == nil {
			q.sent()
		}
	}
}

// decode reads a line that should be UTF-8.
func (c *client) decode(line string) string {
	if utf8.ValidString(line) {
		return line
	}
	if s, err := c.s.net.fallback.NewDecoder().String(line); err == nil {
		return s
	}
	return strings.ToValidUTF8(line, "\uFFFD")
}

// run serves until the session ends. It returns nil when ctx has ended.
func (c *client) run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for c.err == nil {
		timer.Reset(c.tick())
		select {
		case <-ctx.Done():
			c.write(ircwire.Line("QUIT", "Leaving"))
			return nil
		case in := <-c.conn.lines:
			if in.err != nil {
				return c.s.net.lost(in.err)
			}
			c.heard, c.pinged = c.now(), false
			m, err := ircwire.Parse(c.decode(in.line))
			if err == nil {
				err = c.onMessage(m)
			} else {
				err = nil // an empty line
			}
			if err != nil {
				return err
			}
		case do := <-c.s.queue:
			do(c)
		case <-timer.C:
		}
	}
	return c.err
}

// tick does what is due and returns how long there is nothing to do.
func (c *client) tick() time.Duration {
	now := c.now()
	c.drain()
	if !now.Before(c.pingsNext) {
		c.pingsNext = now.Add(pingEvery)
		switch silent := now.Sub(c.heard); {
		case c.pinged && silent > pingEvery+pingLimit:
			c.err = legacy.Errorf(legacy.Temporary, "The %s server does not answer any more.", c.s.net.name())
			return 0
		case silent > pingLimit:
			c.pinged = true
			c.write(ircwire.Line("PING", "transport"))
		}
	}
	next := c.pingsNext
	for _, at := range []time.Time{c.out.next(now), c.expire(now)} {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return max(next.Sub(now), time.Millisecond)
}

// onMessage handles a line. An error ends the session.
func (c *client) onMessage(m ircwire.Message) error {
	switch m.Command {
	case "PING":
		c.write(ircwire.Line("PONG", m.Last()))
	case "ERROR":
		e := legacy.Errorf(legacy.Temporary, "The %s server ended the connection: %s", c.s.net.name(), ircwire.Plain(m.Last()))
		e.RetryAfter = 5 * time.Second
		return e
	case "005":
		c.onSupport(m)
	case "PRIVMSG", "NOTICE":
		c.onText(m)
	case "JOIN":
		c.onJoin(m)
	case "PART", "KICK":
		c.onLeave(m)
	case "QUIT":
		c.onQuit(m)
	case "NICK":
		c.onNick(m)
	case "MODE":
		c.onMode(m)
	case "TOPIC":
		c.onTopic(m)
	case "INVITE":
		c.onInvite(m)
	case "AWAY":
		c.onAway(m)
	case "331", "332", "333", "353", "366", "324":
		c.onChannelReply(m)
	default:
		if len(m.Command) == 3 && m.Command[0] >= '4' && m.Command[0] <= '5' {
			c.onError(m)
		}
	}
	return c.err
}

// onSupport takes in what the server can. (ISUPPORT)
func (c *client) onSupport(m ircwire.Message) {
	for _, p := range m.Middle() {
		name, value, _ := strings.Cut(p, "=")
		switch name {
		case "CASEMAPPING":
			c.mapping = ircwire.Casemapping(value)
		case "PREFIX":
			if prefixes, ok := ircwire.ParsePrefixes(value); ok {
				c.prefixes = prefixes
			}
		}
	}
}

// setAway shows whether the user is there. (RFC 2812 §4.1)
func (c *client) setAway(p legacy.Presence) {
	isAway := func(s legacy.Show) bool {
		return s == legacy.ShowAway || s == legacy.ShowXA || s == legacy.ShowDND
	}
	before := c.away
	c.away = p
	switch {
	case isAway(p.Show) && (!isAway(before.Show) || p.Status != before.Status):
		text := p.Status
		if text == "" {
			text = "away"
		}
		c.send(ircwire.Line("AWAY", text), nil)
	case !isAway(p.Show) && isAway(before.Show):
		c.send(ircwire.Line("AWAY"), nil)
	}
}
