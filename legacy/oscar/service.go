package oscar

import (
	"context"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// visit has something done at a service that has a connection of its own, on a
// goroutine that the session waits for. then is called by the session's goroutine with
// what came of it, unless the session has ended.
func (c *client) visit(family uint16, limit time.Duration, do func(ctx context.Context, v *client) error, then func(*client, error)) {
	c.requestService(oscarwire.ServiceQuery{Family: family}, func(to oscarwire.Redirect, err error) {
		if err != nil {
			then(c, err)
			return
		}
		c.background.Go(func() {
			err := c.s.visitAt(c.life, to, limit, do)
			select {
			case c.s.queue <- func(c *client) { then(c, err) }:
			case <-c.life.Done():
			}
		})
	})
}

// visitAt connects to a service, and does something there within a time.
func (s *session) visitAt(life context.Context, to oscarwire.Redirect, limit time.Duration, do func(ctx context.Context, v *client) error) error {
	ctx, cancel := context.WithTimeout(life, limit)
	defer cancel()
	v := newClient(s, ctx)
	defer v.close()
	if err := v.greet(ctx, to.Addr, to.Cookie); err != nil {
		return err
	}
	v.write(&packet{id: oscarwire.ServiceClientReady, body: v.ready()})
	return do(ctx, v)
}

// ask sends a request to a service and waits for its answer.
func (c *client) ask(ctx context.Context, id oscarwire.ID, body oscarwire.Appender, answer oscarwire.ID) (oscarwire.SNAC, error) {
	c.write(&packet{id: id, body: body})
	snac, err := c.await(ctx, answer, oscarwire.MakeID(id.Family(), oscarwire.SubtypeError))
	return snac, c.answerError(snac, err)
}
