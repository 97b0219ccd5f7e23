package component_test

import (
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// drain discards the sign-offs, one for each failed sign-on, and returns their number.
func drain(h *legacytest.Handle) (n int) {
	for _, ok := takeSignOff(h); ok; _, ok = takeSignOff(h) {
		n++
	}
	return n
}

// A user who wants something of a network that was unreachable does not wait for the end of
// the back-off.
func TestWishHastensSignOn(t *testing.T) {
	for name, wish := range map[string]func(w *world){
		"message":  func(w *world) { w.message(phone, carol, "m1", "are you there?") },
		"presence": func(w *world) { w.presence(phone, gw, "") },
		"login":    func(w *world) { w.message(phone, gw, "l1", "login") },
		"search": func(w *world) {
			w.Send("<iq type='set' id='s' from='" + phone + "' to='" + gw + "'><query xmlns='jabber:iq:search'><nick>carol</nick></query></iq>")
		},
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.echo.Session("alice")
				h.Refuse(legacy.Errorf(legacy.Temporary, "Down."))
				w.presence(phone, gw, "")
				w.pass(time.Hour)
				drain(h)
				for again := true; again; { // until a failure that a long pause follows
					for drain(h) == 0 {
						w.pass(time.Second)
					}
					w.pass(3 * time.Second)
					again = drain(h) > 0
				}
				h.Refuse(nil)
				wish(w)
				w.settle()
				legacytest.Expect[legacytest.SignOn](t, h)
				if !h.SignedOn() {
					t.Error("not signed on at once")
				}
			})
		})
	}
	// Not more often than every two seconds, and not against the network's own limit
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Refuse(legacy.Errorf(legacy.Temporary, "Down."))
		w.presence(phone, gw, "")
		w.pass(time.Hour)
		drain(h)
		for range 100 {
			w.message(phone, carol, "m", "are you there?")
			w.pass(100 * time.Millisecond)
		}
		if n := drain(h); n < 4 || n > 6 {
			t.Errorf("%d sign-ons in ten seconds", n)
		}
		h.Refuse(&legacy.Error{Kind: legacy.RateLimited, Text: "Wait.", RetryAfter: time.Hour})
		w.message(phone, carol, "m", "are you there?")
		w.pass(3 * time.Second)
		drain(h)
		w.message(phone, carol, "m", "are you there?")
		w.pass(time.Minute)
		if n := drain(h); n > 0 {
			t.Errorf("%d sign-ons against the network's limit", n)
		}
	})
}

// The sign-on of one user ends the back-off of the others.
func TestSuccessHastensOthers(t *testing.T) {
	stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
		down := legacy.Errorf(legacy.Temporary, "Down.")
		a, b := w.echo.Session("alice"), w.echo.Session("bob")
		a.Refuse(down)
		b.Refuse(down)
		w.presence(phone, gw, "")
		w.presence(bob+"/phone", gw, "")
		w.pass(time.Hour)
		a.Refuse(nil)
		b.Refuse(nil)
		w.presence(phone, gw, "")
		w.pass(5 * time.Second)
		if !a.SignedOn() || !b.SignedOn() {
			t.Errorf("signed on: alice %v, bob %v", a.SignedOn(), b.SignedOn())
		}
	})
}

// A network that was available within the last hour is tried every half a minute.
func TestBackoffOfAvailableNetwork(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		h.Refuse(legacy.Errorf(legacy.Temporary, "Down."))
		h.End(legacy.Errorf(legacy.Temporary, "Lost."))
		w.pass(10 * time.Minute)
		drain(h)
		w.pass(40 * time.Minute)
		if n := drain(h); n < 75 { // on average every 15.5 s
			t.Errorf("%d sign-ons in 40 minutes", n)
		}
		w.pass(time.Hour)
		drain(h)
		w.pass(40 * time.Minute)
		if n := drain(h); n > 40 {
			t.Errorf("%d sign-ons in 40 minutes, hours later", n)
		}
	})
}

// While a network refuses connections because it restarts, one user tries it in quick
// succession; the others wait, and are signed on with that one. A network that accepts users and
// ends their sessions gets no quick tries.
func TestRestartOfNetwork(t *testing.T) {
	refused := legacy.Wrap(legacy.Temporary, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "Down.")
	lost := legacy.Wrap(legacy.Temporary, io.EOF, "Lost.")
	for name, tt := range map[string]struct {
		age         time.Duration // of the sessions
		failure     error
		least, most int // sign-ons in five seconds
	}{
		"restart":     {2 * time.Minute, refused, 10, 20},
		"unreachable": {2 * time.Minute, lost, 2, 8},
		"thrown out":  {10 * time.Second, lost, 2, 8},
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
				a, b := w.echo.Session("alice"), w.echo.Session("bob")
				w.presence(phone, gw, "")
				w.presence(bob+"/phone", gw, "")
				w.pass(tt.age)
				for _, h := range []*legacytest.Handle{a, b} {
					h.Refuse(tt.failure)
					h.End(lost)
				}
				w.settle()
				drain(a)
				drain(b)
				for range 100 {
					w.pass(50 * time.Millisecond)
				}
				first, second := drain(a), drain(b)
				if n := max(first, second); n < tt.least/2 || first+second > tt.most {
					t.Errorf("%d and %d sign-ons in five seconds", first, second)
				}
				if tt.failure == refused && min(first, second) > 0 {
					t.Errorf("%d and %d sign-ons, want one user that tries", first, second)
				}
				a.Refuse(nil)
				b.Refuse(nil)
				if tt.failure != refused {
					return
				}
				for range 21 {
					w.pass(50 * time.Millisecond)
				}
				if !a.SignedOn() || !b.SignedOn() {
					t.Errorf("a second later, signed on: %v, %v", a.SignedOn(), b.SignedOn())
				}
			})
		})
	}
}
