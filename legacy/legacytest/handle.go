package legacytest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"transport/legacy"
)

// Handle is the far end of one account: a test scripts the network's events with it and
// receives the core's commands. Any goroutine may use it.
type Handle struct {
	net *Echo
	a   *account
}

// Session returns the handle of an account, signed on or not.
func (n *Echo) Session(name string) *Handle {
	n.mu.Lock()
	defer n.mu.Unlock()
	return &Handle{n, n.account(canonical(name))}
}

// Emit emits events in the account's session, in order. It does not wait for the core;
// it returns false if the account is not signed on.
func (h *Handle) Emit(events ...legacy.Event) bool {
	s := h.session()
	return s != nil && s.in.putEvents(events...)
}

// End ends the account's session as if the network had: Run returns err.
func (h *Handle) End(err error) bool {
	s := h.session()
	return s != nil && s.in.put(item{end: true, err: err})
}

// Do calls f on the session's own goroutine.
func (h *Handle) Do(f func(legacy.Env)) bool {
	s := h.session()
	return s != nil && s.in.put(item{do: f})
}

// SignedOn reports whether the account has a session.
func (h *Handle) SignedOn() bool { return h.session() != nil }

func (h *Handle) session() *Session {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	return h.a.session
}

// Contacts sets the contact list of the next Ready.
func (h *Handle) Contacts(list ...legacy.Contact) {
	h.change(func(a *account) {
		clear(a.contacts)
		for _, c := range list {
			a.contacts[c.Peer.ID] = c
		}
	})
}

// Refuse makes every sign-on fail with err; nil ends that.
func (h *Handle) Refuse(err error) { h.change(func(a *account) { a.refusal = err }) }

// RefuseSend makes every Send return err; nil ends that.
func (h *Handle) RefuseSend(err error) { h.change(func(a *account) { a.sendErr = err }) }

// FailSend makes every message fail with err after Send has accepted it; nil ends that.
func (h *Handle) FailSend(err error) { h.change(func(a *account) { a.failure = err }) }

// Stall makes sign-ons hang and commands queue up, until Resume.
func (h *Handle) Stall() { h.change(func(a *account) { a.stall = true }) }

// Delay is Stall, but hanging sign-ons emit ev.
func (h *Handle) Delay(ev legacy.SignOnDelayed) {
	h.change(func(a *account) { a.stall, a.delay = true, &ev })
}

// Resume ends Stall.
func (h *Handle) Resume() { h.change(func(a *account) { a.stall = false }) }

func (h *Handle) change(f func(*account)) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	f(h.a)
	h.net.note(h.a, nil)
	if s := h.a.session; s != nil {
		s.in.poke()
	}
}

// Take returns the next command of a type, if there is one.
func Take[T Command](h *Handle) (c T, ok bool) {
	c, ok, _ = take[T](h)
	return c, ok
}

// take removes and returns the first command of a type.
func take[T Command](h *Handle) (c T, ok bool, changed <-chan struct{}) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	for i, got := range h.a.commands {
		if c, ok = got.(T); ok {
			h.a.commands = slices.Delete(h.a.commands, i, i+1)
			return c, true, nil
		}
	}
	return c, false, h.a.changed
}

// Expect waits for the next command of a type and returns it. Commands of other types
// stay queued.
func Expect[T Command](t testing.TB, h *Handle) T {
	t.Helper()
	timeout := time.NewTimer(h.net.opts.Patience)
	defer timeout.Stop()
	for {
		c, ok, changed := take[T](h)
		if ok {
			return c
		}
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("the session of %s was asked for no %T; it was asked for %s", h.a.name, c, h.asked())
		}
	}
}

// Refute fails the test if an unexpected command of a type was called.
func Refute[T Command](t testing.TB, h *Handle) {
	t.Helper()
	if c, ok, _ := take[T](h); ok {
		t.Fatalf("the session of %s was asked for %T%+v", h.a.name, c, c)
	}
}

// asked lists the commands that the test has not expected yet.
func (h *Handle) asked() string {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	return fmt.Sprintf("%T%+v", h.a.commands, h.a.commands)
}
