package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Outcome is what the end of a sign-on says about the server.
type Outcome uint8

// The outcomes.
const (
	Neutral   Outcome = iota // nothing: the user gave up, the password is wrong, nobody listens
	Good                     // the server has signed the account on
	Refused                  // it broke the connection off, or did not answer in time
	Throttled                // it says that there are too many connections from the gateway
)

const (
	widest   = 256 // sign-ons at once, at the start
	narrow   = 4   // sign-ons at once in spite of lost connections and delays
	dials    = 8   // connections at once that wait to be accepted: listen backlogs start at 10
	mostDial = 64  // for a distant server
	dialRate = 100 // connections a second that need no more places

	acceptLimit = 5 * time.Millisecond   // for a server to accept that does not say so
	promptLimit = 50 * time.Millisecond  // for the first bytes of a server that says something at once, and two handshakes
	talkLimit   = 100 * time.Millisecond // for the first bytes of one that has done so before, and two handshakes
	paceFloor   = 2 * time.Second        // between sign-ons at a server that has throttled one
	paceCeil    = time.Minute
	signOnSlack = 5 * time.Second        // a sign-on that takes this much longer than usual is slow
	dialSlack   = 700 * time.Millisecond // like a connection; the kernel repeats a SYN after a second
)

// Gate is the gate of one server.
type Gate struct {
	perMinute int // sign-ons in any minute, 0 for no limit

	mu      sync.Mutex
	signOns window
	dials   window
	talks   bool          // it says something as soon as it has accepted a connection
	pace    time.Duration // minimum time between sign-ons, learned
	paced   time.Time     // when pace was last doubled
	recent  []time.Time   // the last sign-ons, at most perMinute and at least one, oldest first
	turns   []*turn       // of those that wait for the pace, in order
	used    time.Time     // for Table
}

// turn is a place in the queue for the pace.
type turn struct{ moved chan struct{} }

func newGate(perMinute int) *Gate {
	return &Gate{
		perMinute: perMinute,
		signOns:   window{width: widest, least: narrow, most: widest, slack: signOnSlack},
		dials:     window{width: dials, least: 1, most: mostDial, slack: dialSlack, rate: dialRate},
	}
}

// Pass is one connection's passage. One goroutine at a time may use it.
type Pass struct {
	g     *Gate
	began time.Time
	done  bool
}

// Enter waits until a connection to the server may be made. If the server's limits make that
// take longer than a few seconds, Enter calls delayed with the estimated time, and again each
// time that this time has come and the connection still waits. The error is that of ctx; without
// one, the caller must call Done.
func (g *Gate) Enter(ctx context.Context, delayed func(until time.Time)) (*Pass, error) {
	if err := g.await(ctx, &g.signOns, delayed); err != nil {
		return nil, err
	}
	if err := g.awaitPace(ctx, delayed); err != nil {
		g.mu.Lock()
		g.signOns.leave()
		g.mu.Unlock()
		return nil, err
	}
	return &Pass{g: g, began: time.Now()}, nil
}

// notable is the shortest delay that a user is told of.
const notable = 5 * time.Second

// In returns a delay in words for a user, such as "in 20 seconds".
func In(wait time.Duration) string {
	wait = wait.Round(time.Second)
	switch {
	case wait <= time.Second:
		return "in 1 second"
	case wait > 2*time.Minute:
		return fmt.Sprintf("in about %d minutes", int((wait+30*time.Second)/time.Minute))
	}
	return fmt.Sprintf("in %d seconds", int(wait/time.Second))
}

// await waits for a place in a window. delayed may be nil.
func (g *Gate) await(ctx context.Context, w *window, delayed func(until time.Time)) error {
	g.mu.Lock()
	admitted := w.enter(time.Now())
	g.mu.Unlock()
	if admitted == nil {
		return nil
	}
	timer := time.NewTimer(notable)
	defer timer.Stop()
	for {
		select {
		case <-admitted:
			return nil
		case <-timer.C:
			if delayed == nil {
				continue
			}
			g.mu.Lock()
			wait := max(w.estimate(admitted), notable)
			g.mu.Unlock()
			delayed(time.Now().Add(wait))
			timer.Reset(wait)
		case <-ctx.Done():
			g.mu.Lock()
			defer g.mu.Unlock()
			w.giveUp(admitted)
			return ctx.Err()
		}
	}
}

// awaitPace waits until the limit a minute and the learned pace permit a sign-on.
func (g *Gate) awaitPace(ctx context.Context, delayed func(until time.Time)) error {
	t := &turn{moved: make(chan struct{}, 1)}
	g.mu.Lock()
	g.turns = append(g.turns, t)
	g.mu.Unlock()
	var told time.Time
	for {
		now := time.Now()
		g.mu.Lock()
		at := slices.Index(g.turns, t)
		until := g.turnOf(at, now)
		if at == 0 && !until.After(now) {
			g.drop(0)
			g.began(now)
			g.mu.Unlock()
			return nil
		}
		g.mu.Unlock()
		if until.Sub(now) > notable && until.After(told) || !told.IsZero() && !now.Before(told) {
			told = until
			delayed(until)
		}
		timer := time.NewTimer(max(until.Sub(now), time.Millisecond))
		select {
		case <-timer.C:
		case <-t.moved:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			g.mu.Lock()
			defer g.mu.Unlock()
			g.drop(slices.Index(g.turns, t))
			return ctx.Err()
		}
	}
}

// turnOf returns when a place of the queue for the pace has its turn, at the earliest now. The
// caller holds the mutex.
func (g *Gate) turnOf(at int, now time.Time) time.Time {
	until := now
	if n := len(g.recent); n > 0 && g.pace > 0 {
		until = g.recent[n-1].Add(time.Duration(at+1) * g.pace)
	}
	if free := g.perMinute - len(g.recent); g.perMinute > 0 && at >= free {
		minutes, i := (at-free)/g.perMinute+1, (at-free)%g.perMinute
		limit := now.Add(time.Duration(minutes) * time.Minute)
		if i < len(g.recent) {
			limit = g.recent[i].Add(time.Duration(minutes) * time.Minute)
		}
		until = later(until, limit)
	}
	return later(until, now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// began notes a sign-on. The caller holds the mutex.
func (g *Gate) began(now time.Time) {
	if len(g.recent) >= max(g.perMinute, 1) {
		g.recent = slices.Delete(g.recent, 0, 1)
	}
	g.recent = append(g.recent, now)
}

// drop removes a place from the queue for the pace. The caller holds the mutex.
func (g *Gate) drop(at int) {
	g.turns = slices.Delete(g.turns, at, at+1)
	g.notify()
}

// notify wakes the first of the queue for the pace: its turn may have come. The caller holds
// the mutex.
func (g *Gate) notify() {
	if len(g.turns) > 0 {
		select {
		case g.turns[0].moved <- struct{}{}:
		default:
		}
	}
}

// Open waits for a place among the connections that the server has not accepted. Then dial
// opens one. The caller calls accepted, once or several times, when the server has shown that it
// has accepted the connection, by TLS or by its first bytes. The error is that of dial or of ctx.
func (p *Pass) Open(ctx context.Context, dial func() error) (accepted func(), err error) {
	if err := p.g.await(ctx, &p.g.dials, nil); err != nil {
		return nil, err
	}
	began := time.Now()
	err = dial()
	took := time.Since(began)
	if err != nil {
		outcome := Neutral
		if timeout := interface{ Timeout() bool }(nil); errors.As(err, &timeout) && timeout.Timeout() {
			outcome = Refused
		}
		p.g.leave(&p.g.dials, outcome, began, took)
		return nil, err
	}
	leave := sync.OnceFunc(func() { p.g.leave(&p.g.dials, Good, began, took) })
	limit := time.AfterFunc(p.g.patience(took), func() {
		p.g.heard(false)
		leave()
	})
	return sync.OnceFunc(func() {
		limit.Stop()
		if time.Since(began)-took <= 2*took+promptLimit {
			p.g.heard(true)
		}
		leave()
	}), nil
}

// patience returns how long a connection counts as not accepted while the server says nothing.
func (g *Gate) patience(handshake time.Duration) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.talks {
		return 2*handshake + talkLimit
	}
	return acceptLimit
}

// heard notes whether the server has said something in time.
func (g *Gate) heard(yes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.talks = yes
}

// Done gives the place back. Only the first call counts.
func (p *Pass) Done(outcome Outcome) {
	if p.done {
		return
	}
	p.done = true
	if outcome == Throttled || outcome == Good {
		p.g.setPace(outcome == Throttled, p.began)
	}
	p.g.leave(&p.g.signOns, outcome, p.began, time.Since(p.began))
}

// leave gives a place in a window back.
func (g *Gate) leave(w *window, outcome Outcome, began time.Time, took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.learn(outcome, began, took, time.Now())
	w.leave()
}

// setPace changes the time between sign-ons after one that began at a time: a throttled one
// doubles it, each good one that began later shortens it.
func (g *Gate) setPace(throttled bool, began time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case throttled:
		g.pace, g.paced = min(max(2*g.pace, paceFloor), paceCeil), time.Now()
	case g.pace > 0 && !began.Before(g.paced):
		if g.pace -= g.pace / 8; g.pace < paceFloor/8 {
			g.pace = 0
		}
		g.notify()
	}
}
