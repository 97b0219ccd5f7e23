package oscar

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"transport/legacy"
)

// gates are what sessions pass before they sign on, by the server that they do so
// at. Any goroutine may use them.
type gates struct {
	mu    sync.Mutex
	gates map[string]*gate
}

const maxGates = 1024 // servers, which users may name

// at is the gate before a server.
func (g *gates) at(server string) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gates[server] == nil {
		if g.gates == nil || len(g.gates) >= maxGates {
			g.gates = make(map[string]*gate) // what the old ones know is found out again
		}
		g.gates[server] = &gate{moved: make(chan struct{})}
	}
	return g.gates[server]
}

// gate is open until the server says that too many sign on from here. Then it lets
// one session through at a time, in the order in which they have come: Open OSCAR
// Server takes ten sign-ons at once from an address, and one a minute after those,
// which all users of the gateway share.
type gate struct {
	mu    sync.Mutex
	next  time.Time // when the next may pass, zero while the gate is open
	queue []*place
	moved chan struct{} // closed, and another one made, when the queue or next changes
}

// place is a session's in a queue.
type place struct{ _ byte }

// refill is for how many intervals nobody must have come before the gate opens: a
// server's allowance is taken to be full again then.
const refill = 10

// pass waits until a session may sign on. told is called when that is not soon, and
// again when it is put off.
func (g *gate) pass(ctx context.Context, interval time.Duration, told func(until time.Time)) error {
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
			told(until)
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

// turn is when a place is due, as far as is known, zero for now: then it is taken.
// moved is closed when that may be another time.
func (g *gate) turn(p *place, interval time.Duration) (until time.Time, moved <-chan struct{}) {
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

// leave gives a place up.
func (g *gate) leave(p *place) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(slices.Index(g.queue, p))
}

// drop takes a place out of the queue. g.mu is held.
func (g *gate) drop(at int) {
	g.queue = slices.Delete(g.queue, at, at+1)
	close(g.moved)
	g.moved = make(chan struct{})
}

// refused: the server has refused a sign-on since there were too many.
func (g *gate) refused(interval time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if next := time.Now().Add(interval); next.After(g.next) {
		g.next = next
		close(g.moved)
		g.moved = make(chan struct{})
	}
}

// waitToSignOn waits at the gate before a server, and tells the core so.
func (s *session) waitToSignOn(ctx context.Context, server string) error {
	return s.net.gates.at(server).pass(ctx, s.net.signOnInterval, func(until time.Time) {
		wait := time.Until(until).Round(time.Second)
		text := fmt.Sprintf("in %d seconds", int(wait/time.Second))
		switch {
		case wait <= time.Second:
			text = "in 1 second"
		case wait > 2*time.Minute:
			text = fmt.Sprintf("in about %d minutes", int((wait+30*time.Second)/time.Minute))
		}
		s.env.Emit(legacy.SignOnDelayed{Until: until, Text: "The " + s.net.name() +
			" server limits how often people may sign on from here. Your turn comes " + text + "."})
	})
}
