package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"mellium.im/xmpp/component"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/stream"

	"transport/component/element"
)

// The errors with which a server rejects a component. The first two need a change of the
// configuration, ours or the server's.
var (
	ErrUnauthorized = errors.New("component: the XMPP server refuses the secret")
	ErrHostUnknown  = errors.New("component: the XMPP server knows no component of this name")
	// ErrConflict means that the server still has another connection of this component,
	// possibly our previous one that it has not detected as dead.
	ErrConflict = errors.New("component: the XMPP server has this component connected already")
	// ErrInvalidFrom means that the server does not accept the sender of a stanza of ours.
	ErrInvalidFrom = errors.New("component: the XMPP server ended the stream: invalid-from")
)

const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 15 * time.Second
)

// isRefusal reports whether only an administrator can mend an error.
func isRefusal(err error) bool {
	return errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrHostUnknown)
}

// isDial reports whether no connection could be made.
func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// remedy returns what an administrator can do about an error.
func remedy(err error, domain string) string {
	switch {
	case errors.Is(err, ErrUnauthorized):
		return fmt.Sprintf("make the secret of network %q here and the component's secret in the XMPP server's configuration the same", domain)
	case errors.Is(err, ErrHostUnknown):
		return fmt.Sprintf("add a component named %q to the XMPP server's configuration, or correct the network's domain", domain)
	case errors.Is(err, ErrConflict):
		return "stop the other process that uses this component, if there is one"
	}
	if isDial(err) {
		return "start the XMPP server, or correct server.address"
	}
	return "see the XMPP server's log"
}

// Handshake connects, authenticates, sends a stanza, passes the stanzas of the server to each
// until it returns false or ctx ends, and disconnects. The error is that of the connection or
// the handshake.
func Handshake(ctx context.Context, cfg Config, send *element.Element, each func(*element.Element) (more bool)) error {
	c, err := cfg.connect(ctx)
	if err != nil {
		return err
	}
	_ = c.writer.answer(func(dst []byte) []byte { return send.Append(dst, NSComponent) })
	var wg sync.WaitGroup
	wg.Go(c.writer.run)
	stop := context.AfterFunc(ctx, func() { c.net.SetReadDeadline(time.Unix(1, 0)) })
	for {
		e, err := c.reader.Next()
		if err != nil || !each(e) {
			break
		}
	}
	stop()
	c.writer.finish(endTag)
	wg.Wait()
	return c.net.Close()
}

// connect dials the server and performs the handshake. (XEP-0114 §3)
func (cfg Config) connect(ctx context.Context) (*Conn, error) {
	dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := cfg.Dial(dialCtx, "tcp", cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("component: %w", err)
	}
	gate := &gate{r: conn}
	if err := cfg.handshake(ctx, conn, gate); err != nil {
		conn.Close()
		return nil, err
	}
	c := &Conn{
		net:     conn,
		reader:  element.NewReader(gate.rest(), NSComponent, element.Limits{}),
		writer:  newWriter(conn),
		settled: make(chan struct{}),
		idleAt:  cfg.Clock.Now(),
		ponged:  cfg.Clock.Now(),
	}
	c.writer.onAck, c.writer.record = cfg.Acked, cfg.Record
	return c, nil
}

// handshake opens the stream and authenticates. (XEP-0114 §3)
func (cfg Config) handshake(ctx context.Context, conn net.Conn, g *gate) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	addr, err := jid.New("", cfg.Domain, "")
	if err != nil {
		return fmt.Errorf("component: domain %q: %w", cfg.Domain, err)
	}
	rw := struct {
		io.Reader
		io.Writer
	}{g, conn}
	_, err = component.NewSession(ctx, addr, []byte(cfg.Secret), rw)
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

// gate passes the handshake's decoder no byte beyond the current tag, so that it does not
// buffer the stanzas behind the handshake, which our own reader reads.
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
