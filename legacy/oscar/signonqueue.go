package oscar

import (
	"context"
	"slices"
	"sync"
	"time"

	"transport/legacy"
	"transport/legacy/gate"
)

// signOnQueues are the sign-on queues, by server. Any goroutine may use them.
type signOnQueues struct {
	mu     sync.Mutex
	queues map[string]*signOnQueue
}

const maxSignOnQueues = 1024 // limit: servers with a queue of sign-ons; users can name servers | the queues of others are forgotten

// at returns the sign-on queue of a server.
func (g *signOnQueues) at(server string) *signOnQueue {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.queues[server] == nil {
		if g.queues == nil || len(g.queues) >= maxSignOnQueues {
			g.queues = make(map[string]*signOnQueue) // the state of the old queues is rediscovered by the next refusal
		}
		g.queues[server] = &signOnQueue{moved: make(chan struct{})}
	}
	return g.queues[server]
}

// signOnQueue is the sign-on queue of a server. It is open until the server rejects a sign-on
// as rate-limited. Then it admits one session at a time, in order of arrival: Open
// OSCAR Server allows an address ten sign-ons at once and one a minute after those, and
// all users of the gateway share them.
type signOnQueue struct {
	mu    sync.Mutex
	next  time.Time // time of the next sign-on, zero while sign-ons are not limited
	queue []*place
	moved chan struct{} // closed and replaced when the queue or next changes
}

// place is a session's place in a queue.
type place struct{ _ byte }

// refill is the number of idle intervals after which the limit ends: the server's
// token bucket is assumed to be full then.
const refill = 10

// pass waits until a session may sign on. It calls delayed with the estimated time if
// there is a delay, and again when the estimate changes.
func (g *signOnQueue) pass(ctx context.Context, interval time.Duration, delayed func(until time.Time)) error {
	g.mu.Lock()
	if len(g.queue) == 0 && time.Now().After(g.next.Add(refill*interval)) {
		g.next = time.Time{}
	}
	if g.next.IsZero() {
		g.mu.Unlock()
		return nil
	}
	p := new(place)
	g.queue = append(g.queue, p)
	g.mu.Unlock()
	var last time.Time
	for {
		until, moved := g.turn(p, interval)
		wait := time.Until(until)
		if until.IsZero() {
			return nil
		}
		if wait > 0 && until.After(last) {
			delayed(until)
			last = until
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-moved:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			g.leave(p)
			return ctx.Err()
		}
	}
}

// turn returns the estimated time of a place's turn, or zero if it is now; then it also
// removes the place. moved is closed when the estimate may have changed.
func (g *signOnQueue) turn(p *place, interval time.Duration) (until time.Time, moved <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, now := slices.Index(g.queue, p), time.Now()
	if at == 0 && !now.Before(g.next) {
		g.next = now.Add(interval)
		g.drop(0)
		return time.Time{}, nil
	}
	if until = g.next; now.After(until) {
		until = now
	}
	return until.Add(time.Duration(at) * interval), g.moved
}

// leave removes a place.
func (g *signOnQueue) leave(p *place) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(slices.Index(g.queue, p))
}

// drop removes a place from the queue. The caller holds g.mu.
func (g *signOnQueue) drop(at int) {
	g.queue = slices.Delete(g.queue, at, at+1)
	close(g.moved)
	g.moved = make(chan struct{})
}

// refused handles a sign-on that the server rejected as rate-limited.
func (g *signOnQueue) refused(interval time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if next := time.Now().Add(interval); next.After(g.next) {
		g.next = next
		close(g.moved)
		g.moved = make(chan struct{})
	}
}

// tellDelayed emits SignOnDelayed.
func (s *session) tellDelayed(until time.Time) {
	s.env.Emit(legacy.SignOnDelayed{Until: until, Text: "The " + s.net.name() +
		" server limits the number of sign-ons from this gateway. You will be signed on " + gate.In(time.Until(until)) + "."})
}
