package oscar

import (
	"context"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// withService connects to a service and runs do with the connection, on a goroutine that the
// session waits for. The session's goroutine then calls then with the result, unless
// the session has ended.
func (c *client) withService(family uint16, limit time.Duration, do func(ctx context.Context, v *client) error, then func(*client, error)) {
	c.requestService(oscarwire.ServiceQuery{Family: family}, func(to oscarwire.Redirect, err error) {
		if err != nil {
			then(c, err)
			return
		}
		c.background.Go(func() {
			err := c.s.withServiceAt(c.life, to, limit, do)
			select {
			case c.s.queue <- func(c *client) { then(c, err) }:
			case <-c.life.Done():
			}
		})
	})
}

// withServiceAt connects to a service and runs do, within a time limit.
func (s *session) withServiceAt(life context.Context, to oscarwire.Redirect, limit time.Duration, do func(ctx context.Context, v *client) error) error {
	ctx, cancel := context.WithTimeout(life, limit)
	defer cancel()
	v := newClient(s, ctx)
	defer v.close()
	if err := v.connectBOS(ctx, to.Addr, to.Cookie); err != nil {
		return err
	}
	v.write(&packet{id: oscarwire.ServiceClientReady, body: v.ready()})
	return do(ctx, v)
}

// ask sends a request to a service and waits for the reply.
func (c *client) ask(ctx context.Context, id oscarwire.ID, body oscarwire.Appender, answer oscarwire.ID) (oscarwire.SNAC, error) {
	c.write(&packet{id: id, body: body})
	snac, err := c.await(ctx, answer, oscarwire.MakeID(id.Family(), oscarwire.SubtypeError))
	return snac, c.answerError(snac, err)
}
