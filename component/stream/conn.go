package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"transport/component/element"
	"transport/component/xep"
)

// Namespaces of a component's stream. (XEP-0114 §3, RFC 6120 §4.9)
const (
	NSComponent = "jabber:component:accept"
	NSStreams   = "http://etherx.jabber.org/streams"
	nsErrors    = "urn:ietf:params:xml:ns:xmpp-streams"
)

const endTag = "</stream:stream>"

const (
	pingInterval  = 60 * time.Second // between pings on an idle connection
	ackInterval   = time.Second      // between pings while messages are unacknowledged
	pongTimeout   = 30 * time.Second
	silentAfter   = 5 * time.Second // less than users would notice, more than a restart takes
	closeTimeout  = 2 * time.Second // for the server's </stream:stream>
	refusedPause  = time.Minute     // between tries while the server refuses the component
	maxBackoff    = time.Minute
	maxBackoffNow = 5 * time.Second        // instead, during Config.Grace
	restartTime   = 10 * time.Second       // for a server that restarts, and meanwhile has no listener
	restartFloor  = 100 * time.Millisecond // between tries during that time, doubled up to restartCeil
	restartCeil   = 400 * time.Millisecond
)

// Clock is the time source of a connection. Tests inject their own.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f on a goroutine of its own after d, unless the function
	// that it returns is called first.
	AfterFunc(d time.Duration, f func()) (stop func())
}

// Config configures a connection. All fields but Grace are required.
type Config struct {
	Domain string // the component's own
	Server string // host:port of the XMPP server's component port
	Secret string
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	Clock  Clock
	Log    zerolog.Logger
	// Grace is how long users' sessions outlive a lost connection. During that time the
	// back-off stays short.
	Grace time.Duration
	// Acked is called with the entries of acknowledged messages. It must not block. It is
	// also called if acknowledgements turn out to be impossible. It may be nil.
	Acked func(entries []uint64)
	// Record is called with each tracked message, before it can be written to the socket,
	// and returns its Entry. It must not block. It may be nil.
	Record func(m Message) uint64

	noAcks bool // the server did not route the pings of the last connection back
	routes bool // it did on the last connection
}

// Handler receives the events of the connections of one Run. Its methods are not called
// concurrently.
type Handler interface {
	// Connected is called after the handshake, before the first stanza is read. ctx
	// ends with the connection.
	Connected(ctx context.Context, c *Conn)
	// Stanza is called for each stanza. A stanza over a limit of the reader has tooLarge
	// set and no content. Stanza must not block: it is called by the read loop.
	Stanza(c *Conn, e *element.Element, tooLarge bool)
	// Lost is called once for each connected Conn, after its last stanza. unacked are
	// the tracked messages that the server may not have processed, oldest first; none
	// after a clean end. Conn.Settled is closed when Lost returns.
	Lost(c *Conn, unacked []Message)
}

// Conn is one connection to the XMPP server, from the handshake to its end. Any
// goroutine may call its methods.
type Conn struct {
	net     net.Conn
	reader  *element.Reader
	writer  *writer
	settled chan struct{}

	err    error     // that ended the connection, for Err
	silent time.Time // for Silent

	mu     sync.Mutex
	pingID string    // of the ping under way, "" if none
	pingAt time.Time // when it was sent
	ponged time.Time // when the last ping was sent that has come back
	idleAt time.Time // when the last stanza was received
}

// Write queues the stanza that build appends. It blocks while a full buffer waits for
// the socket, at most for the time of a write deadline. The error is ErrDown.
func (c *Conn) Write(build func(dst []byte) []byte) error { return c.writer.write(build) }

// Congested returns nil while the server reads what is written. Otherwise, before Write
// blocks, it returns a channel that is closed when the server has caught up, or the connection
// has ended.
func (c *Conn) Congested() <-chan struct{} { return c.writer.congested() }

// Track is Write for a message that must not be lost: a copy of it is kept until the
// server has acknowledged it, and is handed to Handler.Lost otherwise. It also blocks
// while 4,096 messages are unacknowledged.
func (c *Conn) Track(build func(dst []byte) []byte, m Message) error {
	return c.writer.track(build, m)
}

// Answer is Write for the read loop, which must not wait: it never blocks. A server
// that leaves 16 MiB of answers unread loses the connection.
func (c *Conn) Answer(build func(dst []byte) []byte) error { return c.writer.answer(build) }

// WhenAcked calls tell once the server has processed everything that was written
// before, or with false when the connection ends first. tell must not block.
func (c *Conn) WhenAcked(tell func(ok bool)) { c.writer.whenAcked(tell) }

// Err returns the error that has ended the connection. Only Handler.Lost may call it.
func (c *Conn) Err() error { return c.err }

// Silent returns a time if what the server has written since then may be lost, and zero
// otherwise. When the connection ended, the server had left a ping unanswered for
// silentAfter, or did not close the stream in closeTimeout after Run's context had ended.
// Only Handler.Lost may call it.
func (c *Conn) Silent() time.Time { return c.silent }

// Settled is closed once Handler.Lost has dealt with the connection's unacknowledged
// messages.
func (c *Conn) Settled() <-chan struct{} { return c.settled }

// Run keeps the component connected until ctx ends, and then closes the stream
// politely. Refusals and losses are logged with what an admin can do.
func Run(ctx context.Context, cfg Config, h Handler) {
	var lost time.Time // the end of the last connection, zero if there was none
	refused := 0       // tries in a row that found no listener
	for attempt := 0; ; attempt++ {
		began := cfg.Clock.Now()
		c, err := cfg.serve(ctx, h)
		if ctx.Err() != nil {
			return
		}
		now := cfg.Clock.Now()
		if now.Sub(began) > maxBackoff {
			attempt = 0
		}
		if c != nil {
			lost, refused = now, 0
			cfg.noAcks = c.writer.acksDisabled()
			cfg.routes = c.writer.acked()
		}
		wait := backoff(attempt, err)
		switch outage := now.Sub(lost); {
		case isRefusal(err):
		case outage < restartTime && (isDial(err) || c != nil && now.Sub(began) > maxBackoff):
			wait = restartWait(refused)
			refused++
		case outage < cfg.Grace:
			wait = min(wait, maxBackoffNow)
		}
		ev := cfg.Log.Warn()
		if isRefusal(err) {
			ev = cfg.Log.Error()
		}
		ev.Err(err).Str("server", cfg.Server).Dur("retry_in", wait).Str("remedy", remedy(err, cfg.Domain)).
			Msg("not connected to the XMPP server")
		if !cfg.sleep(ctx, wait, nil) {
			return
		}
	}
}

// backoff returns the pause before the next attempt: full jitter up to a minute, and a
// fixed pause after errors that only an administrator can mend.
func backoff(attempt int, err error) time.Duration {
	if isRefusal(err) {
		return refusedPause
	}
	ceiling := min(time.Second<<min(attempt, 10), maxBackoff)
	return ceiling/4 + rand.N(ceiling*3/4)
}

// restartWait returns the pause before the next try at a server that restarts.
func restartWait(refused int) time.Duration {
	pause := min(restartFloor<<min(refused, 10), restartCeil)
	return pause*3/4 + rand.N(pause/2)
}

// serve makes one connection and serves it until it ends. It returns nil if there was none.
func (cfg Config) serve(ctx context.Context, h Handler) (*Conn, error) {
	c, err := cfg.connect(ctx)
	if err != nil {
		return nil, err
	}
	cfg.Log.Info().Str("server", cfg.Server).Msg("connected to the XMPP server")

	var wg sync.WaitGroup
	wg.Go(c.writer.run)
	connCtx, cancel := context.WithCancel(ctx)
	wg.Go(func() { cfg.keepAlive(connCtx, c) })
	stopClose := context.AfterFunc(ctx, func() {
		// Close the stream: flush the buffer, send the end tag, and wait up to two seconds
		// for the server's end tag, which ends the read loop. (RFC 6120 §4.4)
		c.writer.finish(endTag)
		c.net.SetReadDeadline(time.Now().Add(closeTimeout))
	})
	defer stopClose()
	h.Connected(connCtx, c)
	err = cfg.read(c, h)
	c.err, c.silent = err, cfg.silence(c, ctx.Err() != nil && !errors.Is(err, io.EOF))

	cancel()
	c.writer.close(err)
	wg.Wait()
	c.net.Close()
	unacked := c.writer.takeUnacked()
	if ctx.Err() != nil && errors.Is(err, io.EOF) { // the server has read everything before the end tag
		c.writer.acknowledge(unacked)
		unacked = nil
	}
	h.Lost(c, unacked)
	close(c.settled)
	return c, err
}

// read passes stanzas to the handler until the stream ends.
func (cfg Config) read(c *Conn, h Handler) error {
	for {
		e, err := c.reader.Next()
		var limit *element.LimitError
		switch {
		case errors.As(err, &limit):
			cfg.Log.Warn().Str("limit", limit.What).Msg("stanza over a limit of the reader")
			if limit.Stanza != nil {
				h.Stanza(c, limit.Stanza, true)
			}
			continue
		case errors.Is(err, io.EOF):
			return fmt.Errorf("component: the XMPP server closed the stream: %w", err)
		case err != nil:
			return fmt.Errorf("component: read: %w", err)
		case e.Is(NSStreams, "error"):
			return streamError(e)
		}
		c.received(cfg.Clock.Now())
		if e.Name == "iq" && e.Attr("from") == cfg.Domain && c.takePing(e.Attr("id")) {
			c.writer.pong()
			continue
		}
		h.Stanza(c, e, false)
	}
}

// streamError turns a <stream:error/> into an error.
func streamError(e *element.Element) error {
	for x := range e.Elements() {
		switch x.Name {
		case "text":
		case "conflict":
			return ErrConflict
		case "invalid-from":
			return ErrInvalidFrom
		default:
			return fmt.Errorf("component: the XMPP server ended the stream: %s %s", x.Name, e.ChildText(nsErrors, "text"))
		}
	}
	return errors.New("component: the XMPP server ended the stream")
}

func (c *Conn) received(now time.Time) {
	c.mu.Lock()
	c.idleAt = now
	c.mu.Unlock()
}

// keepAlive sends pings, to detect a dead connection and to get messages acknowledged. A
// ping is addressed to our own domain: the server routes it back to us, behind everything
// that was written before it.
func (cfg Config) keepAlive(ctx context.Context, c *Conn) {
	if cfg.noAcks { // until a ping comes back
		c.writer.disableAcks()
	}
	cfg.ping(c) // detects at once whether the server routes pings back
	for cfg.sleep(ctx, ackInterval, c.writer.pingNow) {
		now := cfg.Clock.Now()
		c.mu.Lock()
		underWay, age, idle := c.pingID != "", now.Sub(c.pingAt), now.Sub(c.idleAt)
		c.mu.Unlock()
		switch {
		case underWay && age > pongTimeout:
			if (c.writer.acked() || cfg.routes) && idle >= age {
				cfg.Log.Warn().Msg("the XMPP server does not answer; closing the connection")
				c.net.Close()
				return
			}
			if c.writer.acksDisabled() {
				continue // a server that was only slow may still answer
			}
			// The server does not route our own stanzas back, or no longer: rely on TCP.
			if !cfg.noAcks {
				cfg.Log.Warn().Str("remedy", "have the XMPP server route stanzas of the component to the component itself").
					Msg("the XMPP server does not route our pings back: message acknowledgements are disabled and dead connections are detected late")
			}
			c.writer.disableAcks()
		case underWay:
		case c.writer.waitsForAck(), idle > pingInterval:
			cfg.ping(c)
		}
	}
}

// silence returns the time for Silent; abandoned: the gateway has stopped reading before the
// end of the stream. Only a server that routes pings back can be silent.
func (cfg Config) silence(c *Conn, abandoned bool) time.Time {
	routes := (cfg.routes || c.writer.acked()) && !c.writer.acksDisabled()
	now := cfg.Clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	age := now.Sub(c.pingAt)
	if abandoned {
		return c.ponged
	}
	if !routes || c.pingID == "" || age < silentAfter || now.Sub(c.idleAt) < age {
		return time.Time{}
	}
	return c.idleAt
}

func (cfg Config) ping(c *Conn) {
	id := xep.NewID()
	c.mu.Lock()
	c.pingID, c.pingAt = id, cfg.Clock.Now()
	c.mu.Unlock()
	_ = c.writer.ping(func(dst []byte) []byte {
		return element.New(NSComponent, "iq").Set("type", "get").Set("id", id).
			Set("from", cfg.Domain).Set("to", cfg.Domain).
			Add(element.New(xep.NSPing, "ping")).Append(dst, NSComponent)
	})
}

// takePing ends the pending ping if it has that id.
func (c *Conn) takePing(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pingID == "" || id != c.pingID {
		return false
	}
	c.pingID, c.ponged = "", c.pingAt
	return true
}

// sleep waits for d or until early is signalled. It returns false if ctx has ended first.
func (cfg Config) sleep(ctx context.Context, d time.Duration, early <-chan struct{}) bool {
	over := make(chan struct{})
	stop := cfg.Clock.AfterFunc(d, func() { close(over) })
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
