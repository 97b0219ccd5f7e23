package oscar

import (
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// requests are the requests of a client that the server has not answered.
type requests struct {
	request   uint32 // the ID of the last one
	pending   map[uint32]*waiter
	pendingBy time.Time // no deadline of pending is before it; zero for none
}

// waiter waits for the reply to a request.
type waiter struct {
	answered func(oscarwire.SNAC, error)
	deadline time.Time
}

// write sends a packet at once.
func (c *client) write(p *packet) {
	c.request++
	if c.request >= 1<<31 { // that range is the server's
		c.request = 1
	}
	request := c.request
	if p.answered != nil {
		if len(c.pending) >= maxPending {
			p.fail(legacy.Errorf(legacy.RateLimited, "The %s server is not answering. Try again later.", c.s.net.name()))
			return
		}
		if p.timeout == 0 {
			p.timeout = replyTimeout
		}
		w := &waiter{p.answered, c.now().Add(p.timeout)}
		c.pending[request] = w
		c.expireBy(w.deadline)
	}
	if l := c.rates.laneOf(p.id); l != nil {
		l.sent(c.now())
		c.rates.publish()
	}
	if p.written != nil {
		p.written(request)
	}
	if c.err != nil {
		return // the core fails what is outstanding
	}
	if err := c.conn.out.WriteSNAC(oscarwire.Header{ID: p.id, RequestID: request}, p.body); err != nil {
		c.err = c.s.net.lost(err)
	}
}

// expirePending fails the requests whose deadline has passed and returns a time before
// which no other deadline passes, zero if there is none.
func (c *client) expirePending(now time.Time) (next time.Time) {
	if now.Before(c.pendingBy) {
		return c.pendingBy
	}
	c.pendingBy = time.Time{}
	for request, w := range c.pending {
		if now.Before(w.deadline) {
			c.expireBy(w.deadline)
			continue
		}
		delete(c.pending, request)
		w.answered(oscarwire.SNAC{}, legacy.Errorf(legacy.Temporary, "The %s server did not answer.", c.s.net.name()))
	}
	return c.pendingBy
}

// expireBy makes expirePending look at the requests at a deadline.
func (c *client) expireBy(deadline time.Time) {
	if c.pendingBy.IsZero() || deadline.Before(c.pendingBy) {
		c.pendingBy = deadline
	}
}

// answer passes a SNAC to the request that it answers. It returns false if there is
// none.
func (c *client) answer(snac oscarwire.SNAC) bool {
	w := c.pending[snac.RequestID]
	if w == nil {
		return false
	}
	delete(c.pending, snac.RequestID) // a request has one reply, whatever the flags say
	w.answered(snac, nil)
	return true
}
