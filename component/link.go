package component

import (
	"context"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/stream"
)

// What a server says when it refuses a component.
var (
	ErrUnauthorized = stream.ErrUnauthorized
	ErrHostUnknown  = stream.ErrHostUnknown
	ErrConflict     = stream.ErrConflict
)

// linkGrace is how long sessions outlive a lost link to the XMPP server, and how
// long a user may take to come online after registering.
const linkGrace = 60 * time.Second

func (c *Component) streamConfig() stream.Config {
	return stream.Config{Domain: c.domain, Server: c.cfg.Server, Secret: c.cfg.Secret, Dial: c.cfg.Dial,
		Clock: c.clock, Log: c.log, Grace: linkGrace}
}

// Handshake connects once, proves the secret, and closes again. It is what
// "transport check" tries.
func Handshake(ctx context.Context, cfg Config) error {
	c, err := New(cfg)
	if err != nil {
		return err
	}
	return stream.Handshake(ctx, c.streamConfig())
}

// streamHandler is a Component as the stream sees it.
type streamHandler Component

// Connected implements stream.Handler.
func (h *streamHandler) Connected(ctx context.Context, conn *stream.Conn) {
	c := (*Component)(h)
	c.counters.links.Add(1)
	c.resendUnsaved(conn)
	c.setConn(conn)
	c.greeting.Go(func() { c.greet(ctx, conn) })
}

// Stanza implements stream.Handler.
func (h *streamHandler) Stanza(_ *stream.Conn, e *element.Element, tooLarge bool) {
	c := (*Component)(h)
	if tooLarge {
		c.dispatch(e, &stanza.ErrTooLarge)
		return
	}
	c.dispatch(e, nil)
}

// Lost implements stream.Handler. The messages are kept before the actors learn of the
// loss, so that nothing that they keep themselves comes before.
func (h *streamHandler) Lost(_ *stream.Conn, unacked []stream.Message) {
	c := (*Component)(h)
	c.greeting.Wait()
	c.spoolUnacked(unacked)
	c.setConn(nil)
}

// newID makes a stanza id.
func newID() string { return stream.NewID() }
