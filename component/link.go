package component

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	xcomponent "mellium.im/xmpp/component"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/stream"

	"transport/component/element"
	"transport/component/xep"
)

// What a server says when it refuses a component. They need a change of a
// configuration, ours or the server's, so retrying fast is no use.
var (
	ErrUnauthorized = errors.New("component: the XMPP server refuses the secret")
	ErrHostUnknown  = errors.New("component: the XMPP server knows no component of this name")
	// ErrConflict: the server still has another connection of this component,
	// which may be our own old one that it has not yet found dead.
	ErrConflict = errors.New("component: the XMPP server has this component connected already")
)

const endTag = "</stream:stream>"

const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 15 * time.Second
	pingInterval     = 60 * time.Second // an idle link is asked whether it lives
	confirmInterval  = time.Second      // a link that carried messages, whether it has them
	pongTimeout      = 30 * time.Second
	closeTimeout     = 2 * time.Second // for the server's </stream:stream>
	refusedPace      = time.Minute     // between tries while the secret is wrong
	maxBackoff       = time.Minute
	graceBackoff     = 5 * time.Second // instead, while users wait signed on (linkGrace)
)

// link is one connection to the XMPP server, from the handshake to its end.
type link struct {
	conn   net.Conn
	reader *element.Reader
	writer *writer
	saved  chan struct{} // closed once what was unconfirmed at the end is kept

	mu     sync.Mutex
	pingID string    // of the ping under way, "" if none
	pingAt time.Time // when it was sent
	idleAt time.Time // when something last came in
}

// runLinks keeps the component connected until ctx ends. It belongs to Run.
func (c *Component) runLinks(ctx context.Context) {
	var lost time.Time // the last link, zero for none yet
	for attempt := 0; ; attempt++ {
		began, links := c.clock.Now(), c.counters.links.Load()
		err := c.serveLink(ctx)
		if ctx.Err() != nil {
			return
		}
		now := c.clock.Now()
		if now.Sub(began) > maxBackoff {
			attempt = 0
		}
		if c.counters.links.Load() > links {
			lost = now
		}
		wait := linkBackoff(attempt, err)
		if !isRefusal(err) && now.Sub(lost) < linkGrace {
			wait = min(wait, graceBackoff)
		}
		ev := c.log.Warn()
		if isRefusal(err) {
			ev = c.log.Error()
		}
		ev.Err(err).Str("server", c.cfg.Server).Dur("retry_in", wait).Str("remedy", linkRemedy(err, c.domain)).
			Msg("not connected to the XMPP server")
		if !c.sleep(ctx, wait) {
			return
		}
	}
}

// linkBackoff is how long to wait before the next try: full jitter up to a
// minute, and a slow steady pace while only a person can mend the fault.
func linkBackoff(attempt int, err error) time.Duration {
	if isRefusal(err) {
		return refusedPace
	}
	ceiling := min(time.Second<<min(attempt, 10), maxBackoff)
	return ceiling/4 + rand.N(ceiling*3/4)
}

// isRefusal reports whether an error is one that only a person can mend.
func isRefusal(err error) bool {
	return errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrHostUnknown)
}

// linkRemedy is what an admin can do about an error of the link.
func linkRemedy(err error, domain string) string {
	switch {
	case errors.Is(err, ErrUnauthorized):
		return fmt.Sprintf("make the secret of network %q here and the component's secret in the XMPP server's configuration the same", domain)
	case errors.Is(err, ErrHostUnknown):
		return fmt.Sprintf("add a component named %q to the XMPP server's configuration, or correct the network's domain", domain)
	case errors.Is(err, ErrConflict):
		return "stop the other process that uses this component, if there is one"
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return "start the XMPP server, or correct server.address"
	}
	return "see the XMPP server's log"
}

// Handshake connects once, proves the secret, and closes again. It is what
// "transport check" tries.
func Handshake(ctx context.Context, cfg Config) error {
	c, err := New(cfg)
	if err != nil {
		return err
	}
	l, err := c.connect(ctx)
	if err != nil {
		return err
	}
	l.writer.finish(endTag)
	l.writer.run()
	return l.conn.Close()
}

// connect dials the server and makes the XEP-0114 handshake.
func (c *Component) connect(ctx context.Context) (*link, error) {
	dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := c.cfg.Dial(dialCtx, "tcp", c.cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("component: %w", err)
	}
	gate := &gate{r: conn}
	if err := c.handshake(ctx, conn, gate); err != nil {
		conn.Close()
		return nil, err
	}
	return &link{
		conn:   conn,
		reader: element.NewReader(gate.rest(), nsComponent, element.Limits{}),
		writer: newWriter(conn),
		saved:  make(chan struct{}),
		idleAt: c.clock.Now(),
	}, nil
}

// handshake opens the stream and proves the secret. (XEP-0114 §3)
func (c *Component) handshake(ctx context.Context, conn net.Conn, g *gate) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	addr, err := jid.New("", c.domain, "")
	if err != nil {
		return fmt.Errorf("component: domain %q: %w", c.domain, err)
	}
	rw := struct {
		io.Reader
		io.Writer
	}{g, conn}
	_, err = xcomponent.NewSession(ctx, addr, []byte(c.cfg.Secret), rw)
	if err == nil {
		if !stop() {
			return fmt.Errorf("component: handshake: %w", context.Cause(ctx))
		}
		return nil
	}
	var se stream.Error
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("component: handshake: the server did not answer: %w", ctx.Err())
	case !errors.As(err, &se):
		return fmt.Errorf("component: handshake: %w", err)
	case se.Err == stream.NotAuthorized.Err:
		return ErrUnauthorized
	case se.Err == stream.HostUnknown.Err:
		return ErrHostUnknown
	case se.Err == stream.Conflict.Err:
		return ErrConflict
	}
	return fmt.Errorf("component: handshake: stream error %q", se.Err)
}

// gate hands the handshake's decoder no byte beyond the tag that it is waiting
// for, so that the stanzas behind the handshake are left for our own reader.
type gate struct {
	r       io.Reader
	waiting []byte
}

func (g *gate) Read(p []byte) (int, error) {
	if len(g.waiting) == 0 {
		buf := make([]byte, 4096)
		n, err := g.r.Read(buf)
		if n == 0 {
			return 0, err
		}
		g.waiting = buf[:n]
	}
	end := len(g.waiting)
	if i := bytes.IndexByte(g.waiting, '>'); i >= 0 {
		end = i + 1
	}
	n := copy(p, g.waiting[:end])
	g.waiting = g.waiting[n:]
	return n, nil
}

func (g *gate) rest() io.Reader {
	return io.MultiReader(bytes.NewReader(g.waiting), g.r)
}

// serveLink makes one connection and serves it until it ends.
func (c *Component) serveLink(ctx context.Context) error {
	l, err := c.connect(ctx)
	if err != nil {
		return err
	}
	c.counters.links.Add(1)
	c.log.Info().Str("server", c.cfg.Server).Msg("connected to the XMPP server")

	var wg sync.WaitGroup
	wg.Go(l.writer.run)
	linkCtx, cancel := context.WithCancel(ctx)
	wg.Go(func() { c.keepAlive(linkCtx, l) })
	stopClose := context.AfterFunc(ctx, func() {
		// The polite end: what is queued, the end tag, and up to two seconds for
		// the server's own, which ends readLink. (RFC 6120 §4.4)
		l.writer.finish(endTag)
		l.conn.SetReadDeadline(time.Now().Add(closeTimeout))
	})
	defer stopClose()
	c.resendUnsaved(l)
	c.setLink(l)
	wg.Go(func() { c.greet(linkCtx, l) })
	err = c.readLink(l)

	cancel()
	l.writer.close(err)
	wg.Wait()
	l.conn.Close()
	if ctx.Err() == nil || !errors.Is(err, io.EOF) {
		c.keepUnconfirmed(l)
	}
	close(l.saved)
	c.setLink(nil)
	return err
}

// readLink reads and dispatches stanzas until the stream ends.
func (c *Component) readLink(l *link) error {
	for {
		e, err := l.reader.Next()
		var limit *element.LimitError
		switch {
		case errors.As(err, &limit):
			c.log.Warn().Str("limit", limit.What).Msg("a stanza is over a limit")
			if limit.Stanza != nil {
				c.dispatch(l, limit.Stanza, &errTooLarge)
			}
			continue
		case errors.Is(err, io.EOF):
			return fmt.Errorf("component: the XMPP server closed the stream: %w", err)
		case err != nil:
			return fmt.Errorf("component: read: %w", err)
		case e.Is(nsStream, "error"):
			return streamError(e)
		}
		l.heard(c.clock.Now())
		c.dispatch(l, e, nil)
	}
}

// streamError turns a <stream:error/> into an error.
func streamError(e *element.Element) error {
	for x := range e.Elements() {
		switch x.Name {
		case "text":
		case "conflict":
			return ErrConflict
		default:
			return fmt.Errorf("component: the XMPP server ended the stream: %s %s", x.Name, e.ChildText(nsStreamErrors, "text"))
		}
	}
	return errors.New("component: the XMPP server ended the stream")
}

func (l *link) heard(now time.Time) {
	l.mu.Lock()
	l.idleAt = now
	l.mu.Unlock()
}

// keepAlive pings over the link, to find it dead and to confirm messages. The
// ping goes to our own address, so that it needs no other entity's help: the
// server routes it back to us, behind everything that we wrote before it.
func (c *Component) keepAlive(ctx context.Context, l *link) {
	c.sendPing(l) // confirms at once that pings do come back
	for c.sleepOr(ctx, confirmInterval, l.writer.eager) {
		now := c.clock.Now()
		l.mu.Lock()
		underWay, age, idle := l.pingID != "", now.Sub(l.pingAt), now.Sub(l.idleAt)
		l.mu.Unlock()
		switch {
		case underWay && age > pongTimeout:
			if l.writer.confirming() {
				c.log.Warn().Msg("the XMPP server does not answer; closing the connection")
				l.conn.Close()
				return
			}
			// A server that does not route our own stanzas back to us: rely on TCP.
			c.log.Warn().Msg("the XMPP server does not route our own pings back; lost messages and dead links are found late")
			l.writer.goBlind()
			return
		case underWay:
		case l.writer.unconfirmed(), idle > pingInterval:
			c.sendPing(l)
		}
	}
}

func (c *Component) sendPing(l *link) {
	id := newID()
	l.mu.Lock()
	l.pingID, l.pingAt = id, c.clock.Now()
	l.mu.Unlock()
	_ = l.writer.ping(func(dst []byte) []byte {
		return element.New(nsStanza, "iq").Set("type", "get").Set("id", id).
			Set("from", c.domain).Set("to", c.domain).
			Add(element.New(xep.NSPing, "ping")).Append(dst, nsComponent)
	})
}

// takePing ends the ping under way if it has that id.
func (l *link) takePing(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pingID == "" || id != l.pingID {
		return false
	}
	l.pingID = ""
	return true
}

// sleep waits on the component's clock; it is false when ctx ended first.
func (c *Component) sleep(ctx context.Context, d time.Duration) bool {
	return c.sleepOr(ctx, d, nil)
}

// sleepOr is sleep that early cuts short.
func (c *Component) sleepOr(ctx context.Context, d time.Duration, early <-chan struct{}) bool {
	over := make(chan struct{})
	stop := c.clock.AfterFunc(d, func() { close(over) })
	defer stop()
	select {
	case <-over:
		return true
	case <-early:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
