package component

import (
	"context"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/stream"
	"transport/component/xep"
)

// The errors with which a server rejects a component.
var (
	ErrUnauthorized = stream.ErrUnauthorized
	ErrHostUnknown  = stream.ErrHostUnknown
	ErrConflict     = stream.ErrConflict
)

// linkGrace is how long sessions outlive a lost link to the XMPP server, and how long a
// user may take to come online after registering.
const linkGrace = 60 * time.Second

func (c *Component) streamConfig() stream.Config {
	return stream.Config{Domain: c.domain, Server: c.cfg.Server, Secret: c.cfg.Secret, Dial: c.cfg.Dial,
		Clock: c.clock, Log: c.log, Grace: linkGrace}
}

// Handshake connects, authenticates and disconnects. "transport check" calls it.
func Handshake(ctx context.Context, cfg Config) error {
	c, err := New(cfg)
	if err != nil {
		return err
	}
	return stream.Handshake(ctx, c.streamConfig())
}

// streamHandler implements stream.Handler for a Component.
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

// Lost implements stream.Handler. The unacknowledged messages are spooled before the
// actors are notified of the loss, so that they precede the messages that the actors
// spool.
func (h *streamHandler) Lost(_ *stream.Conn, unacked []stream.Message) {
	c := (*Component)(h)
	c.greeting.Wait()
	c.spoolUnacked(unacked)
	c.setConn(nil)
}

// newID returns a new stanza id.
func newID() string { return xep.NewID() }
