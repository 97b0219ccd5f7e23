package legacytest

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy"
	"transport/legacy/split"
)

const (
	signOffTime = 2 * time.Second        // from the end of the context to the return of Run
	atOnce      = 500 * time.Millisecond // time limit of a method that must not wait
)

// run is a session under test; it plays the core.
type run struct {
	t      *testing.T
	h      Harness
	s      legacy.Session
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{} // closed when Run has returned
	err    error         // error of Run
	begun  bool

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every event
	events  []legacy.Event
	hold    chan struct{} // while not nil, Emit blocks until it is closed or the session ends
	held    int           // number of blocked Emit calls
	over    bool          // Run has returned: no event may follow
}

// newRun creates a session.
func newRun(t *testing.T, h Harness, n legacy.Network, fields map[string]string) *run {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &run{t: t, h: h, ctx: ctx, cancel: cancel, ended: make(chan struct{}), changed: make(chan struct{})}
	var err error
	if r.s, err = n.NewSession(legacy.Account{Fields: fields}, r.env(t)); err != nil {
		t.Fatalf("NewSession: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		if !r.begun {
			return
		}
		select {
		case <-r.ended:
		case <-time.After(2 * signOffTime):
			t.Error("Run never returned")
		}
	})
	return r
}

// startRun creates a session and runs it.
func startRun(t *testing.T, h Harness, n legacy.Network, fields map[string]string) *run {
	t.Helper()
	r := newRun(t, h, n, fields)
	r.start()
	return r
}

func (r *run) start() {
	r.begun = true
	go func() {
		defer close(r.ended)
		r.err = r.s.Run(r.ctx)
		r.mu.Lock()
		r.over = true
		r.mu.Unlock()
	}()
}

func (r *run) env(t *testing.T) legacy.Env {
	log := zerolog.Nop()
	if os.Getenv("CONFORMANCE_LOG") != "" {
		log = zerolog.New(zerolog.NewTestWriter(t))
	}
	return legacy.Env{
		Log:   log,
		Emit:  r.emit,
		Flush: func(ctx context.Context) error { return ctx.Err() },
		Dial:  new(net.Dialer).DialContext,
		Now:   time.Now,
	}
}

// emit is Env.Emit.
func (r *run) emit(ev legacy.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		r.t.Errorf("%T is emitted after Run has returned", ev)
		return
	}
	for r.hold != nil && r.ctx.Err() == nil {
		hold := r.hold
		r.held++
		r.change()
		r.mu.Unlock()
		select {
		case <-hold:
		case <-r.ctx.Done():
		}
		r.mu.Lock()
		r.held--
	}
	r.events = append(r.events, ev)
	r.change()
}

// change wakes all waiting goroutines. The caller holds mu.
func (r *run) change() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// block makes Emit block, or ends that.
func (r *run) block(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if yes {
		r.hold = make(chan struct{})
	} else {
		close(r.hold)
		r.hold = nil
	}
}

// until waits for a condition, which it evaluates with mu held at every change. It
// fails if Run returns first.
func (r *run) until(what string, ok func() bool) {
	r.t.Helper()
	timeout := time.NewTimer(r.h.Patience)
	defer timeout.Stop()
	for {
		r.mu.Lock()
		done, changed := ok(), r.changed
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-r.ended:
			r.mu.Lock()
			done = ok()
			r.mu.Unlock()
			if !done {
				r.t.Fatalf("Run returned %v before %s", r.err, what)
			}
			return
		case <-timeout.C:
			r.mu.Lock()
			defer r.mu.Unlock()
			r.t.Fatalf("no %s within %v; events: %T%+v", what, r.h.Patience, r.events, r.events)
		}
	}
}

// blocked waits until an Emit call blocks.
func (r *run) blocked() {
	r.t.Helper()
	r.until("Emit", func() bool { return r.held > 0 })
}

// wait passes the events to match, each once and in order, until match returns true.
func (r *run) wait(what string, match func(legacy.Event) bool) {
	r.t.Helper()
	next, found := 0, false
	r.until(what, func() bool {
		for ; next < len(r.events) && !found; next++ {
			found = match(r.events[next])
		}
		return found
	})
}

// has reports whether an event matches.
func (r *run) has(match func(legacy.Event) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ev := range r.events {
		if match(ev) {
			return true
		}
	}
	return false
}

// ready waits until the session is signed on.
func (r *run) ready() (ready legacy.Ready) {
	r.t.Helper()
	r.wait("Ready", func(ev legacy.Event) (ok bool) { ready, ok = ev.(legacy.Ready); return ok })
	return ready
}

// outcome waits for the outcome of a message.
func (r *run) outcome(ref string) (outcome legacy.Event) {
	r.t.Helper()
	r.wait("outcome of "+ref, func(ev legacy.Event) bool {
		if refOf(ev) != ref {
			return false
		}
		outcome = ev
		return true
	})
	return outcome
}

func refOf(ev legacy.Event) string {
	switch ev := ev.(type) {
	case legacy.MessageSent:
		return ev.Ref
	case legacy.MessageFailed:
		return ev.Ref
	}
	return ""
}

// single checks that every message has one outcome.
func (r *run) single() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := make(map[string]legacy.Event)
	for _, ev := range r.events {
		ref := refOf(ev)
		if ref == "" {
			continue
		}
		if first := seen[ref]; first != nil {
			r.t.Errorf("the message %q has two outcomes: %T%+v and %T%+v", ref, first, first, ev, ev)
		}
		seen[ref] = ev
	}
}

// send sends a message, and checks that Send does not wait.
func (r *run) send(ref, to, text string) error {
	r.t.Helper()
	return r.timed("Send", func() error {
		return r.s.Send(r.ctx, legacy.Outgoing{Ref: ref, To: legacy.Peer{ID: to}, Text: text})
	})
}

// sendParts sends the parts of a long text and checks that each of them is accepted.
func (r *run) sendParts(ps legacy.PartSender, to, text string) {
	r.t.Helper()
	var parts []legacy.Outgoing
	peer := legacy.Peer{ID: to}
	for i, part := range split.Text(text, func(rest string) int { return ps.Fit(peer, rest) }) {
		parts = append(parts, legacy.Outgoing{Ref: "part" + strconv.Itoa(i), To: peer, Text: part})
	}
	if err := r.timed("SendParts", func() error { return ps.SendParts(r.ctx, parts) }); err != nil {
		r.t.Fatalf("SendParts: %v", err)
	}
	for _, part := range parts {
		if ev, failed := r.outcome(part.Ref).(legacy.MessageFailed); failed {
			r.t.Errorf("%s of %d failed: %v", part.Ref, len(parts), ev.Err)
		}
	}
}

func (r *run) timed(name string, f func() error) error {
	r.t.Helper()
	began := time.Now()
	err := f()
	if took := time.Since(began); took > atOnce {
		r.t.Errorf("%s took %v, but must not wait", name, took)
	}
	var e *legacy.Error
	if err != nil && (!errors.As(err, &e) || e.Text == "") {
		r.t.Errorf("%s = %v, want a *legacy.Error with a text", name, err)
	}
	return err
}

// commands calls every optional command, and returns their errors.
func (r *run) commands() map[string]error {
	r.t.Helper()
	peer := legacy.Peer{ID: r.h.Peer}
	errs := make(map[string]error)
	call := func(name string, f func() error) { errs[name] = r.timed(name, f) }
	if p, ok := r.s.(legacy.Presencer); ok {
		call("SetPresence", func() error { return p.SetPresence(r.ctx, legacy.Presence{Show: legacy.ShowAway, Status: "out"}) })
	}
	if e, ok := r.s.(legacy.RosterEditor); ok {
		call("AddContact", func() error { return e.AddContact(r.ctx, legacy.Contact{Peer: peer}, "please") })
		call("RemoveContact", func() error { return e.RemoveContact(r.ctx, peer) })
		call("Authorize", func() error { return e.Authorize(r.ctx, peer, true, "") })
	}
	if ty, ok := r.s.(legacy.Typer); ok {
		call("SetTyping", func() error { return ty.SetTyping(r.ctx, peer, legacy.TypingActive) })
	}
	if m, ok := r.s.(legacy.ReadMarker); ok {
		call("MarkRead", func() error { return m.MarkRead(r.ctx, peer, time.Now()) })
	}
	if b, ok := r.s.(legacy.Blocker); ok {
		call("Block", func() error { return b.Block(r.ctx, peer, true) })
		call("Unblock", func() error { return b.Block(r.ctx, peer, false) })
	}
	if a, ok := r.s.(legacy.AvatarSetter); ok {
		call("SetAvatar", func() error { return a.SetAvatar(r.ctx, []byte("no picture")) })
	}
	if p, ok := r.s.(legacy.ProfileSetter); ok {
		call("SetProfile", func() error { return p.SetProfile(r.ctx, legacy.Profile{Nick: "Nick"}) })
	}
	return errs
}

// offline checks that Send returns an Offline error after Run has returned.
func (r *run) offline(when string) {
	r.t.Helper()
	if err := r.send("late", r.h.Peer, "too late"); legacy.KindOf(err) != legacy.Offline {
		r.t.Errorf("Send %s = %v, want kind %v", when, err, legacy.Offline)
	}
}

// stop ends the context, and checks that Run returns nil in time.
func (r *run) stop() {
	r.t.Helper()
	r.cancel()
	select {
	case <-r.ended:
		if r.err != nil {
			r.t.Errorf("Run returned %v after its context has ended, want nil", r.err)
		}
	case <-time.After(signOffTime):
		r.t.Fatalf("Run has not returned %v after its context has ended", signOffTime)
	}
}

// endsWith waits until Run returns an error of a kind.
func (r *run) endsWith(kind legacy.Kind) {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(r.h.Patience):
		r.t.Fatalf("Run has not returned within %v", r.h.Patience)
	}
	var e *legacy.Error
	if !errors.As(r.err, &e) || e.Kind != kind || e.Text == "" {
		r.t.Fatalf("Run returned %v, want kind %v with a text", r.err, kind)
	}
	if strings.Contains(e.Text, "127.0.0.1") {
		r.t.Errorf("the text %q has an address", e.Text)
	}
}
