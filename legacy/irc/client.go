package irc

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// client is a connection to a server. All of it belongs to the link's goroutine.
type client struct {
	s        *session
	link     *link
	profile  profile
	target   target
	conn     *conn
	goodbye  string        // what is said at the end
	err      error         // why the connection can be used no longer
	turn     time.Time     // when the turn of run began, zero outside of one
	deaf     time.Duration // how long it could not listen, all together
	closing  bool          // it is used no longer
	quitting bool          // QUIT was sent

	reg      registration
	channels channels
	pending  pending
	lookups  lookups
	watches  watchlist

	nick       string // own
	address    string // own user@host as others see it, "" if unknown
	serverName string
	since      time.Time // the welcome
	caps       map[string]bool
	support    support

	talked  bool // with somebody alone
	out     throttle
	written []byte // not yet flushed
	away    legacy.Presence

	raw      rawAnswer
	idleAt   time.Time // when the link may end
	ctcpAt   time.Time // the last automatic answer
	heard    time.Time
	pingSent time.Time // zero if none is under way; this and the next by patience
	pingAt   time.Time // the next one
	silent   bool      // nothing was heard since
	lag      time.Duration
}

const (
	pingEvery = 90 * time.Second
	pingLimit = 60 * time.Second // for its answer
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

// now is the time at which the turn of run began: asking the system several times a
// message would be a tenth of the work.
func (c *client) now() time.Time {
	if !c.turn.IsZero() {
		return c.turn
	}
	return c.s.env.Now()
}

// patience is the time by which the server's answers are waited for: it stands still
// while the client does not listen, since its user's actor has no room for more. What
// the server has said meanwhile is yet to be read.
func (c *client) patience() time.Time { return c.now().Add(-c.deaf) }

// listen counts the time for which the turn did not listen.
func (c *client) listen() {
	if c.turn.IsZero() {
		return
	}
	now := c.s.env.Now()
	c.deaf += max(0, now.Sub(c.turn))
	c.turn = now
}

// peer is somebody by nick.
func (c *client) peer(nick string) legacy.Peer {
	return legacy.Peer{ID: c.s.net.id(nick, c.link.server)}
}

// notice tells the user what the server says, if it says something. What it says while we
// part (statistics of the connection, on ngIRCd) only answers our own QUIT.
func (c *client) notice(text string) {
	if !c.quitting && strings.TrimSpace(text) != "" {
		c.emit(legacy.Notice{From: c.service(), Text: text})
	}
}

// service is the server itself.
func (c *client) service() legacy.Peer { return c.s.net.service(c.link.server) }

// lost is the error of a connection that ended without a word.
func (c *client) lost(cause error) error {
	return legacy.Wrap(legacy.Temporary, cause, "The connection to "+c.link.name()+" was lost.")
}

// ended is the error of a connection that the user has ended.
func (c *client) ended() error {
	return legacy.Errorf(legacy.Offline, "You are no longer connected to %s.", c.link.name())
}

const flushSize = 16 << 10

// write adds lines to what is sent.
func (c *client) write(lines ...string) {
	for _, line := range lines {
		c.written = append(append(c.written, fitting(line)...), "\r\n"...)
	}
	if len(c.written) >= flushSize {
		c.flush()
	}
}

// fitting is a line that is no longer than servers take; what they leave out at the
// end would be half a character.
func fitting(line string) string {
	limit := ircwire.MaxLine
	if strings.HasPrefix(line, "@") {
		limit += strings.IndexByte(line, ' ') + 1
	}
	if len(line) <= limit {
		return line
	}
	for back := 1; back < utf8.UTFMax && !utf8.RuneStart(line[limit]); back++ {
		limit--
	}
	return line[:limit]
}

// flush sends what was written.
func (c *client) flush() {
	c.pending.fence()
	if c.err == nil && len(c.written) > 0 {
		if _, err := c.conn.Write(c.written); err != nil {
			c.err = c.lost(err)
		}
	}
	c.written = c.written[:0]
}

// send sends a line as soon as the server takes it. It is false if too much waits for
// that already, of which the user is told.
func (c *client) send(line string) bool {
	if !c.out.put(queued{line: line}) {
		c.emit(legacy.Notice{From: c.service(), Text: "Too much waits to be sent; something was left out."})
		return false
	}
	c.drain()
	return true
}

func (c *client) drain() {
	for c.err == nil {
		q, ok := c.out.take(c.now())
		if !ok {
			return
		}
		c.write(q.line)
		if q.sent != nil {
			q.sent(nil)
		}
	}
}

// begin handles what came while the user was signed on. It is not inlined: an idle
// session's stack must stay below 1,248 bytes for the collector to halve 8 KiB.
//
//go:noinline
func (c *client) begin() error {
	var said []string // as one notice, not as a chat of many messages
	for _, m := range c.reg.greeting {
		if text := ircwire.Plain(m.Last()); text != "" && (c.isServer(m.Nick()) || !ircwire.IsNick(m.Nick())) {
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

// run serves until the connection ends. It returns nil when ctx has ended, or the
// connection is used no longer.
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
		c.listen()
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
	c.dropQueue(c.ended())
	c.flush() // with the question whether all has arrived
	c.quitting = true
	c.write(ircwire.Line("QUIT", first(c.goodbye, "Leaving")))
	c.flush()
}

// linger reads until the server ends the connection, for a moment. Where something is
// left to be read, closing would reset the connection, and a server forgets what it
// has not read before that; and the answers tell which messages have arrived.
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

// tick does what is due and returns how long there is nothing to do.
func (c *client) tick() time.Duration {
	now, patience := c.now(), c.patience()
	c.drain()
	if !patience.Before(c.pingAt) {
		switch {
		case !c.pingSent.IsZero() && c.silent:
			c.err = legacy.Errorf(legacy.Temporary, "The %s server does not answer any more.", c.link.name())
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
	for _, at := range []time.Time{c.pending.expire(patience), c.raw.tell(c, patience)} {
		if !at.IsZero() {
			wait = min(wait, at.Sub(patience))
		}
	}
	for _, at := range []time.Time{c.out.next(now), c.watches.lookWho(now), c.idle()} {
		if !at.IsZero() {
			wait = min(wait, at.Sub(now))
		}
	}
	return max(wait, time.Millisecond)
}

// idle is when the connection ends that nobody uses, zero for never.
func (c *client) idle() time.Time {
	if !c.s.net.named || c.profile.stay || len(c.channels.byName) > 0 || len(c.watches.watched) > 0 {
		return time.Time{}
	}
	return c.idleAt
}

func (c *client) unused(now time.Time) bool {
	at := c.idle()
	return !at.IsZero() && !now.Before(at) && c.link.queue.waiting() == 0
}

// used puts off the end of a connection that has no channel.
func (c *client) used() {
	c.talked = true
	c.idleAt = c.now().Add(idleLimit)
}

// onMessage handles a line. An error ends the connection.
func (c *client) onMessage(m ircwire.Message) error {
	if len(m.Tags) > 0 {
		c.pending.onLabel(m)
	}
	if m.Command == "PONG" && c.pending.onFence(m.Last()) {
		return nil
	}
	if c.raw.takes(c, m) {
		return c.err
	}
	switch m.Command {
	case "PING":
		c.write(ircwire.Line("PONG", m.Last()))
	case "PONG":
		if !c.pingSent.IsZero() {
			c.lag, c.pingSent, c.pingAt = c.patience().Sub(c.pingSent), time.Time{}, c.patience().Add(pingEvery)
		}
	case "ERROR":
		e := legacy.Errorf(legacy.Temporary, "The %s server ended the connection: %s", c.link.name(), ircwire.Plain(m.Last()))
		e.RetryAfter = 5 * time.Second
		return e
	case "CAP":
		c.reg.onCap(m)
	case "005":
		c.onSupport(m)
	case "376", "422": // the end of the MOTD: what the server supports is known
		c.watches.watchAll()
	case "396": // our address, as others see it
		if user, _, ok := strings.Cut(c.address, "@"); ok && strings.IndexByte(m.Param(1), '@') < 0 {
			c.address = user + "@" + m.Param(1)
		}
	case "PRIVMSG", "NOTICE":
		c.onText(m)
	case "TAGMSG":
		c.onTags(m)
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
		c.channels.invited(m.Param(1))
	case "315", "352":
		c.lookups.onWho(m)
	case "263": // try again later
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

// giveUp answers everything that waits for a server which will not answer any more.
func (c *client) giveUp(err error) {
	if err == nil {
		err = c.ended()
	}
	for _, a := range c.pending.waiting {
		c.pending.conclude(a, err)
	}
	c.dropQueue(err)
	c.lookups.endLists(err)
	for _, ch := range c.channels.byName {
		ch.refuseQuestions(err)
	}
	for _, w := range c.lookups.whoises {
		w.answer(c, err)
	}
	c.lookups.endVersions(func(*versionAsk) bool { return true }, "", err)
	c.lookups.endWhos(func(*whoAsk) bool { return true }, err)
	for _, w := range c.watches.watched {
		c.watches.show(w, false)
	}
	c.pending.waiting = nil
	c.raw.end(c)
}

// dropQueue answers the messages that wait for their turn and will have none.
func (c *client) dropQueue(err error) {
	for _, q := range c.out.queue {
		if q.sent != nil {
			q.sent(err)
		}
	}
	c.out.queue = nil
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
		c.send(ircwire.Line("AWAY", text))
	case !isAway(p.Show) && isAway(before.Show):
		c.send(ircwire.Line("AWAY"))
	}
}
