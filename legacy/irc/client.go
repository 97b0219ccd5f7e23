package irc

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// client is one connection to a server. The link's goroutine owns it with all of its
// parts.
type client struct {
	s          *session
	link       *link
	profile    profile
	target     target
	conn       *conn
	quitReason string        // QUIT message
	err        error         // why the connection is unusable
	turn       time.Time     // start of the current turn of run, zero outside of one
	blockedFor time.Duration // total time blocked on back-pressure
	closing    bool          // close without reconnecting
	quitting   bool          // QUIT was sent

	reg      registration
	channels channels
	pending  pending
	lookups  lookups
	watches  watchlist

	nick       string // the user's
	address    string // the user's user@host as others see it, "" if unknown
	serverName string
	since      time.Time // time of the welcome (001)
	caps       map[string]bool
	support    support

	identifying bool // the password was sent to NickServ
	noNickServ  bool // the server has no NickServ

	talked  bool // a private conversation took place
	out     throttle
	written []byte // output buffer
	away    legacy.Presence

	raw      rawAnswer
	idleAt   time.Time // time from which the link may end
	ctcpAt   time.Time // time of the last automatic CTCP reply
	heard    time.Time
	pingSent time.Time // zero if no PING is pending; on the clock of unblockedNow, like pingAt
	pingAt   time.Time // time of the next PING
	silent   bool      // nothing was received since the PING
	lag      time.Duration
}

const (
	pingEvery = 90 * time.Second
	pingLimit = 60 * time.Second // for the PONG
	idleLimit = 10 * time.Minute // without a channel
)

func newClient(l *link, p profile, to target, cn *conn) *client {
	now := l.s.env.Now()
	c := &client{s: l.s, link: l, profile: p, target: to, conn: cn, caps: make(map[string]bool), support: defaultSupport,
		heard: now, pingAt: now.Add(pingEvery), idleAt: now.Add(idleLimit), out: newThrottle(p.burst, l.s.net.opts.Rate, now)}
	c.reg = registration{c: c}
	c.pending = pending{c: c, batches: make(map[string]ircwire.Message)}
	c.lookups = lookups{c: c, whoises: make(map[string]*whoisAsk)}
	c.channels = channels{c: c, byName: make(map[string]*channel)}
	c.watches = watchlist{c: c, watched: make(map[string]*watch)}
	return c
}

func (c *client) emit(ev legacy.Event)    { c.s.env.Emit(ev) }
func (c *client) fold(name string) string { return c.support.mapping.Fold(name) }
func (c *client) isMe(nick string) bool   { return c.fold(nick) == c.fold(c.nick) }

// now returns the time at which the current turn of run began. Reading the system clock
// several times a message would cost a tenth of the CPU time.
func (c *client) now() time.Time {
	if !c.turn.IsZero() {
		return c.turn
	}
	return c.s.env.Now()
}

// unblockedNow returns now minus the time spent blocked on back-pressure. All deadlines for
// the server's replies are measured on this clock: while the queue of the user's actor
// is full, the client does not read the replies that have already arrived.
func (c *client) unblockedNow() time.Time { return c.now().Add(-c.blockedFor) }

// countBlocked adds the time that the current turn was blocked to blockedFor.
func (c *client) countBlocked() {
	if c.turn.IsZero() {
		return
	}
	now := c.s.env.Now()
	c.blockedFor += max(0, now.Sub(c.turn))
	c.turn = now
}

// peer returns the address of a nick at this server.
func (c *client) peer(nick string) legacy.Peer {
	return legacy.Peer{ID: c.s.net.id(nick, c.link.server)}
}

// notice emits a text of the server for the user, if it is not empty. It drops texts
// received after QUIT, such as ngIRCd's connection statistics.
func (c *client) notice(text string) {
	if !c.quitting && strings.TrimSpace(text) != "" {
		c.emit(legacy.Notice{From: c.service(), Text: text})
	}
}

// service returns the address of the server itself.
func (c *client) service() legacy.Peer { return c.s.net.service(c.link.server) }

// lost returns the error of a connection that ended without an ERROR line.
func (c *client) lost(cause error) error {
	return legacy.Wrap(legacy.Temporary, cause, "The connection to "+c.link.name()+" was lost.")
}

// ended returns the error of a connection that the user has ended.
func (c *client) ended() error {
	return legacy.Errorf(legacy.Offline, "You are no longer connected to %s.", c.link.name())
}

// begin handles the lines that arrived during the registration. It is not inlined: an
// idle session's stack must stay below 1,248 bytes, so that the garbage collector halves
// a stack of 8 KiB.
//
//go:noinline
func (c *client) begin() error {
	var said []string // sent as one notice instead of many messages
	for _, m := range c.reg.greeting {
		if text := ircwire.Plain(m.Last()); text != "" && (!m.FromUser() || !ircwire.IsName(m.Nick())) {
			said = append(said, text)
		} else {
			c.onText(m)
		}
	}
	c.notice(strings.Join(said, "\n"))
	err := c.onLines(c.reg.early)
	c.reg.greeting, c.reg.early = nil, nil
	return err
}

// run serves until the connection ends. It returns nil when ctx has ended or the client
// is closing.
func (c *client) run(ctx context.Context) error {
	if err := c.begin(); err != nil {
		return err
	}
	timer := time.NewTimer(time.Hour)
	for c.err == nil && !c.closing {
		wait := c.tick()
		if c.link.queue.waiting() == 0 || len(c.written) >= flushSize/2 {
			c.flush()
		}
		timer.Reset(wait)
		c.countBlocked()
		select {
		case <-ctx.Done():
			c.closing = true
		case in := <-c.conn.lines:
			c.turn = c.s.env.Now()
			c.err = c.onInbound(in)
		case <-c.link.queue.ready:
			c.turn = c.s.env.Now()
			c.onCommand()
		case <-timer.C:
			c.turn = c.s.env.Now()
		}
	}
	c.turn = time.Time{}
	timer.Stop()
	if !c.closing {
		return c.err
	}
	c.quit()
	c.linger()
	return nil
}

func (c *client) quit() {
	c.pending.over = true
	c.pending.dropQueue(c.ended())
	c.flush() // including the PING that asks whether all messages have arrived
	c.quitting = true
	c.write(ircwire.Line("QUIT", cmp.Or(c.quitReason, "Leaving")))
	c.flush()
}

// linger reads for a moment until the server closes the connection. Closing with unread
// input would reset the connection, and the server would drop lines that it has not
// read yet. The replies also confirm messages.
func (c *client) linger() {
	limit := time.NewTimer(byeLimit)
	defer limit.Stop()
	for c.err == nil {
		select {
		case in := <-c.conn.lines:
			c.err = c.onInbound(in)
		case <-limit.C:
			return
		}
	}
}

func (c *client) onCommand() {
	if command, ok := c.link.queue.pop(); ok {
		command.do(c)
	}
}

func (c *client) onInbound(in inbound) error {
	if len(in.lines) > 0 {
		c.heard, c.silent = c.now(), false
	}
	if err := c.onLines(in.lines); err != nil {
		return err
	}
	if in.err != nil {
		return c.lost(in.err)
	}
	return c.err
}

func (c *client) onLines(lines []string) error {
	for _, line := range lines {
		m, err := ircwire.Parse(c.decode(line))
		if err != nil {
			continue // an empty line
		}
		if err := c.onMessage(m); err != nil {
			return err
		}
	}
	return nil
}

// tick does all work that is due and returns the delay until the next.
func (c *client) tick() time.Duration {
	now, patience := c.now(), c.unblockedNow()
	c.drain()
	if c.watches.asked {
		c.watches.take()
	}
	if !patience.Before(c.pingAt) {
		switch {
		case !c.pingSent.IsZero() && c.silent:
			c.err = legacy.Errorf(legacy.Temporary, "The %s server has stopped responding.", c.link.name())
			return 0
		case c.pingSent.IsZero():
			c.pingSent, c.silent = patience, true
			c.write(ircwire.Line("PING", "lag"+strconv.FormatInt(now.UnixMilli(), 10)))
			c.pingAt = patience.Add(pingLimit)
		default:
			c.pingSent, c.pingAt = time.Time{}, patience.Add(pingEvery)
		}
	}
	c.closing = c.closing || c.unused(now)
	wait := c.pingAt.Sub(patience)
	for _, at := range []time.Time{c.pending.expire(patience), c.raw.emitWhenDone(c, patience)} {
		if !at.IsZero() {
			wait = min(wait, at.Sub(patience))
		}
	}
	c.link.tick(&c.out, now)
	for _, at := range []time.Time{c.out.next(now), c.watches.poll(now), c.idle()} {
		if !at.IsZero() {
			wait = min(wait, at.Sub(now))
		}
	}
	return max(wait, time.Millisecond)
}

// idle returns when an unused connection is to be closed, zero for never.
func (c *client) idle() time.Time {
	if !c.s.net.named || c.profile.persistent || len(c.channels.byName) > 0 || len(c.watches.watched) > 0 {
		return time.Time{}
	}
	return c.idleAt
}

func (c *client) unused(now time.Time) bool {
	at := c.idle()
	return !at.IsZero() && !now.Before(at) && c.link.queue.waiting() == 0
}

// postponeIdle postpones the closing of a connection without channels.
func (c *client) postponeIdle() {
	c.talked = true
	c.idleAt = c.now().Add(idleLimit)
}

// onMessage handles a line. An error ends the connection.
func (c *client) onMessage(m ircwire.Message) error {
	err := c.handle(m)
	if len(m.Tags) > 0 {
		c.pending.onLabel(m)
	}
	return err
}

// handle handles a line, apart from its label.
func (c *client) handle(m ircwire.Message) error {
	if m.Command == "PONG" && c.pending.onFence(m.Last()) {
		return nil
	}
	if c.raw.collect(c, m) {
		return c.err
	}
	switch m.Command {
	case "PING":
		c.write(ircwire.Line("PONG", m.Last()))
	case "PONG":
		if !c.pingSent.IsZero() {
			c.lag, c.pingSent, c.pingAt = c.unblockedNow().Sub(c.pingSent), time.Time{}, c.unblockedNow().Add(pingEvery)
		}
	case "ERROR":
		return c.link.closed(ircwire.Plain(m.Last()), 5*time.Second)
	case "CAP":
		c.reg.onCap(m)
	case "004":
		c.support.onMyInfo(m)
	case "005":
		c.onSupport(m)
	case "376", "422": // end of the MOTD: ISUPPORT is complete
		c.reg.complete()
	case "BOUNCER":
		c.reg.bouncer.onNetwork(m)
	case "396": // the user's displayed host has changed
		if user, _, ok := strings.Cut(c.address, "@"); ok && strings.IndexByte(m.Param(1), '@') < 0 {
			c.address = user + "@" + m.Param(1)
		}
	case "PRIVMSG", "NOTICE":
		c.onText(m)
	case "TAGMSG":
		c.onTags(m)
	case "MARKREAD":
		readMarkers{c}.onMarkRead(m)
	case "REDACT":
		c.channels.onRedact(m)
	case "BATCH":
		c.pending.onBatch(m)
	case "FAIL":
		c.onFail(m)
	case "WARN", "NOTE":
		c.notice(ircwire.Plain(m.Last()))
	case "JOIN":
		c.channels.onJoin(m)
	case "PART", "KICK":
		c.channels.onLeave(m)
	case "QUIT":
		c.channels.onQuit(m)
	case "NICK":
		c.channels.onNick(m)
	case "MODE":
		c.channels.onMode(m)
	case "TOPIC":
		c.channels.onTopic(m)
	case "INVITE":
		c.channels.onInvite(m)
	case "AWAY", "ACCOUNT", "CHGHOST":
		c.channels.onMember(m)
	case "303", "730", "731", "734":
		c.watches.onWatch(m)
	case "321", "322", "323":
		c.lookups.onList(m)
	case "341":
		c.channels.onInvited(m)
	case "717", "718":
		c.lookups.onCallerID(m)
	case "315", "352":
		c.lookups.onWho(m)
	case "263": // RPL_TRYAGAIN
		c.onError(m)
	case "324", "331", "332", "333", "353", "366", "367", "368":
		c.channels.onChannelReply(m)
	case "301", "311", "312", "313", "317", "318", "319", "330", "335", "338", "378", "671":
		c.lookups.onWhois(m)
	default:
		if isError(m.Command) {
			c.onError(m)
		}
	}
	return c.err
}

// giveUp fails everything that waits for a reply of the server.
func (c *client) giveUp(err error) {
	if err == nil {
		err = c.ended()
	}
	c.pending.over = true
	waiting := c.pending.waiting
	c.pending.waiting = nil
	for _, a := range waiting {
		a.done(legacy.Uncertain(err), "")
	}
	c.pending.dropQueue(err)
	c.lookups.endLists(err)
	for _, ch := range c.channels.byName {
		ch.failQueries(err)
	}
	for _, w := range c.lookups.whoises {
		w.answer(c, err)
	}
	c.lookups.endVersions(func(*versionAsk) bool { return true }, "", err)
	c.lookups.endWhos(func(*whoAsk) bool { return true }, err)
	for _, w := range c.watches.watched {
		c.watches.show(w, false)
	}
	c.raw.end(c)
}
