package component_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// XEP-0100 §4.4.2, conformance G4: why signing on failed, and whether it is
// tried again.
func TestSignOnFails(t *testing.T) {
	for _, tt := range []struct {
		name      string
		err       error
		condition string // of the presence error, "" if there is none
		typ       string
		again     bool
	}{
		{"wrong password", legacy.Errorf(legacy.Auth, "No such user."), "not-authorized", "auth", false},
		{"forbidden", legacy.Errorf(legacy.Forbidden, "Banned."), "not-allowed", "cancel", false},
		{"replaced", legacy.Errorf(legacy.Replaced, "Elsewhere."), "recipient-unavailable", "wait", false},
		{"temporary", legacy.Errorf(legacy.Temporary, "Down."), "", "", true},
		{"rate", legacy.Errorf(legacy.RateLimited, "Too often."), "", "", true},
		{"unknown", fmt.Errorf("cause"), "", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.echo.Session("alice")
				h.Refuse(tt.err)
				w.presence(phone, gw, "")
				w.Expect("<presence type='unavailable' from='" + fullJID(gw) + "' to='" + alice + "'/>")
				if tt.condition != "" {
					w.expectError("<presence from='"+gw+"' to='"+alice+"'/>", tt.condition, tt.typ)
					w.Expect("<message type='chat' from='" + fullJID(gw) + "' to='" + alice + "'><body>" + tt.err.Error() + "</body></message>")
				}
				tries := func() (n int) {
					w.settle()
					for _, ok := takeSignOff(h); ok; _, ok = takeSignOff(h) {
						n++
					}
					return n
				}
				first := tries()
				w.pass(10 * time.Minute)
				if more := tries(); tt.again != (more > 0) || !tt.again && first != 1 {
					t.Errorf("tried %d and %d times", first, more)
				}
				w.Refute("<message/>") // nothing is said twice
				h.Refuse(nil)
				if tt.again {
					w.Expect("<presence type='' from='" + fullJID(gw) + "' to='" + alice + "'/>")
					return
				}
				// A message says why it can't be sent.
				w.message(phone, carol, "m", "hello")
				w.expectError("<message id='m' from='"+carol+"'/>", tt.condition, tt.typ)
			})
		})
	}
}

func takeSignOff(h *legacytest.Handle) (legacytest.SignOff, bool) {
	return legacytest.Take[legacytest.SignOff](h)
}

// The pace of retries: growing, and never faster than the network allows.
func TestSignOnPace(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Refuse(&legacy.Error{Kind: legacy.RateLimited, Text: "Wait.", RetryAfter: 3 * time.Minute})
		w.presence(phone, gw, "")
		for range 4 {
			legacytest.Expect[legacytest.SignOff](t, h)
			began := time.Now()
			legacytest.Expect[legacytest.SignOff](t, h)
			if took := time.Since(began); took < 3*time.Minute-time.Second {
				t.Errorf("tried again after %v", took)
			}
		}
		// Going offline ends it; coming back starts at once.
		w.presence(phone, gw, "unavailable")
		w.pass(time.Hour)
		for _, ok := takeSignOff(h); ok; _, ok = takeSignOff(h) {
		}
		w.pass(time.Hour)
		legacytest.Refute[legacytest.SignOff](t, h)
		h.Refuse(nil)
		w.presence(phone, gw, "")
		w.settle()
		legacytest.Expect[legacytest.SignOn](t, h)
	})
}

// Conformance G7: a session that breaks is made again; contacts go offline once.
func TestSessionLost(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.befriend(alice, carol)
		h.End(legacy.Errorf(legacy.Temporary, "The line is dead."))
		w.Next("<presence type='unavailable' from='" + fullJID(carol) + "' to='" + alice + "'/>")
		w.Next("<presence type='unavailable' from='" + fullJID(gw) + "' to='" + alice + "'><status>The line is dead.</status></presence>")
		w.Next("<presence type='unavailable' from='" + gw + "' to='" + alice + "'><status>The line is dead.</status></presence>")
		legacytest.Expect[legacytest.SignOn](t, h)
		w.Next("<presence type='' from='" + fullJID(gw) + "' to='" + alice + "'/>")
		w.Next("<presence type='' from='" + gw + "' to='" + alice + "'/>")
		w.Next("<presence type='' from='" + fullJID(carol) + "' to='" + alice + "'/>")
		w.settle()
		w.Quiet()
	})
}

// The account is used elsewhere: no fight, until the user comes back.
func TestReplaced(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		h.End(legacy.Errorf(legacy.Replaced, "Elsewhere."))
		w.expectError("<presence from='"+gw+"'/>", "recipient-unavailable", "wait")
		w.pass(time.Hour)
		legacytest.Refute[legacytest.SignOn](t, h)
		w.presence(phone, gw, "unavailable")
		w.presence(phone, gw, "")
		w.settle()
		legacytest.Expect[legacytest.SignOn](t, h)
	})
}

// A network that lets people sign on one after the other: who waits is told, and
// given the time.
func TestSignOnDelayed(t *testing.T) {
	const turn = "Your turn comes in about 30 minutes."
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Delay(legacy.SignOnDelayed{Until: time.Now().Add(30 * time.Minute), Text: turn})
		w.presence(phone, gw, "")
		w.Expect("<presence type='unavailable' from='" + fullJID(gw) + "' to='" + alice + "'><status>" + turn + "</status></presence>")
		w.message(phone, gw, "1", "status")
		w.Expect("<message from='" + fullJID(gw) + "'><body>your sign-on is scheduled for 2000-01-01 00:30:00 UTC.</body></message>")
		w.pass(30 * time.Minute)
		legacytest.Refute[legacytest.SignOff](t, h)
		w.pass(time.Minute)
		legacytest.Expect[legacytest.SignOff](t, h)
	})
	// A registration is not kept waiting.
	stage(t, setup{}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Delay(legacy.SignOnDelayed{Until: time.Now().Add(30 * time.Minute), Text: turn})
		w.Send("<iq type='set' from='" + phone + "' to='" + gw + "' id='r'><query xmlns='jabber:iq:register'><username>alice</username><password>x</password></query></iq>")
		w.expectError("<iq id='r' from='"+gw+"'/>", "resource-constraint", "wait")
		legacytest.Expect[legacytest.SignOff](t, h)
	})
}

// A network that neither takes nor refuses the account.
func TestSignOnHangs(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Stall()
		began := time.Now()
		w.presence(phone, gw, "")
		legacytest.Expect[legacytest.SignOff](t, h)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("given up after %v", took)
		}
		w.Expect("<presence type='unavailable' from='" + fullJID(gw) + "' to='" + alice + "'/>")
		h.Resume()
		legacytest.Expect[legacytest.SignOn](t, h)
	})
}

// Messages wait while the user is being signed on, and go in order.
func TestMessageWhileSigningOn(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: legacytest.Options{Silent: true}}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Stall()
		w.presence(phone, gw, "")
		w.settle()
		for i := range 5 {
			w.message(phone, carol, fmt.Sprint("m", i), fmt.Sprint("text ", i))
		}
		w.settle()
		w.Quiet()
		h.Resume()
		for i := range 5 {
			if got := legacytest.Expect[legacytest.Send](t, h); got.Text != fmt.Sprint("text ", i) {
				t.Errorf("got %q as number %d", got.Text, i)
			}
		}
		w.settle()
		w.Refute("<message/>")
		if left, err := w.db.KeptMessages(context.Background(), gw, alice, registry.Outbound); err != nil || len(left) != 0 {
			t.Errorf("still kept: %v, %v", left, err)
		}
	})
}

// They are given back when signing on takes too long, or fails.
func TestMessageGivenBack(t *testing.T) {
	for name, err := range map[string]error{"hangs": nil, "down": legacy.Errorf(legacy.Temporary, "Down.")} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.echo.Session("alice")
				if h.Refuse(err); err == nil {
					h.Stall()
				}
				w.presence(phone, gw, "")
				w.settle()
				w.message(phone, carol, "m1", "hello")
				w.settle()
				w.Refute("<message/>")
				began := time.Now()
				w.expectError("<message id='m1' from='"+carol+"' to='"+phone+"'/>", "recipient-unavailable", "wait")
				if took := time.Since(began); took != 2*time.Minute {
					t.Errorf("given back after %v", took)
				}
				w.pass(10 * time.Minute)
				w.Refute("<message/>")
			})
		})
	}
}

// What the network has not confirmed when a session ends is given back.
func TestUnansweredMessages(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		h.Stall()
		for i := range 3 {
			w.message(phone, carol, fmt.Sprint("m", i), "hello")
		}
		w.settle()
		w.Quiet()
		h.End(legacy.Errorf(legacy.Temporary, "Lost."))
		for i := range 3 {
			w.expectError(fmt.Sprintf("<message id='m%d' from='%s' to='%s'/>", i, carol, phone), "remote-server-timeout", "wait")
		}
		w.settle()
		w.Refute("<message/>")
	})
}

// More than the network's queue takes is refused, and nothing is lost.
func TestTooManyMessages(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: legacytest.Options{Queue: 10, Silent: true}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		legacytest.Expect[legacytest.SetPresence](t, h)
		h.Stall()
		w.settle()
		for i := range 30 {
			w.message(phone, carol, fmt.Sprint("m", i), "hello")
		}
		w.settle()
		refused := len(w.Take())
		h.Resume()
		w.settle()
		sent := 0
		for _, ok := legacytest.Take[legacytest.Send](h); ok; _, ok = legacytest.Take[legacytest.Send](h) {
			sent++
		}
		if sent != 10 || refused != 20 {
			t.Errorf("%d sent, %d refused", sent, refused)
		}
		w.Quiet()
	})
}

// A session that panics ends that user's session only, and is made again.
func TestSessionPanics(t *testing.T) {
	stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
		h, other := w.signOn(phone), w.signOn(bob+"/x")
		h.Do(func(legacy.Env) { panic("boom " + "in a session") })
		w.Expect("<presence type='unavailable' from='" + fullJID(gw) + "' to='" + alice + "'><status>Something went wrong</status></presence>")
		w.settle()
		legacytest.Refute[legacytest.SignOff](t, other)
		w.message(bob+"/x", carol, "m", "still there")
		w.Expect("<message from='" + fullJID(carol) + "' to='" + bob + "'><body>still there</body></message>")
		legacytest.Expect[legacytest.SignOn](t, h)
	})
}

// panicky is a network whose sessions panic in a command.
type panicky struct{ legacy.Network }

func (n panicky) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.Network.NewSession(a, env)
	return panickySession{s}, err
}

type panickySession struct{ legacy.Session }

func (s panickySession) Send(ctx context.Context, m legacy.Outgoing) error {
	if m.Text == "panic" {
		panic("boom in a command")
	}
	return s.Session.Send(ctx, m)
}

// A panic on the actor's own goroutine: the user is told, and served again.
func TestActorPanics(t *testing.T) {
	stage(t, setup{users: []string{alice, bob}, network: func(n legacy.Network) legacy.Network { return panicky{n} }}, func(t *testing.T, w *world) {
		h, other := w.signOn(phone), w.signOn(bob+"/x")
		w.message(phone, carol, "m1", "panic")
		w.Expect("<message type='chat' from='" + fullJID(gw) + "' to='" + alice + "'><body>internal error</body></message>")
		legacytest.Expect[legacytest.SignOff](t, h)
		w.settle()
		legacytest.Refute[legacytest.SignOff](t, other)
		w.message(bob+"/x", carol, "m2", "still there")
		w.Expect("<message from='" + fullJID(carol) + "' to='" + bob + "'><body>still there</body></message>")
		w.presence(phone, gw, "")
		legacytest.Expect[legacytest.SignOn](t, h)
		w.message(phone, carol, "m3", "back")
		w.Expect("<message from='" + fullJID(carol) + "' to='" + alice + "'><body>back</body></message>")
	})
}

// The actor does not read its stanzas while the registry hangs or the like;
// the rest is refused, and nothing is unanswered.
func TestInboxOverflow(t *testing.T) {
	block := make(chan chan struct{}, 1)
	network := func(n legacy.Network) legacy.Network { return slow{n, block} }
	stage(t, setup{users: []string{alice}, network: network, echo: legacytest.Options{Silent: true, Queue: 1000}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		release := make(chan struct{})
		block <- release
		const n, held = 20_000, 16 << 10
		for i := range n {
			w.message(phone, carol, fmt.Sprint("m", i), "hello")
		}
		w.settle()
		refused := 0
		for _, e := range w.Take() {
			isError(t, e, "resource-constraint", "wait", "")
			refused++
		}
		if refused > n-held || refused < n-held-1000 { // the queue, and those that were taken from it at once
			t.Errorf("%d refused", refused)
		}
		w.Barrier() // others are answered meanwhile
		close(release)
		w.settle()
		w.Quiet()
	})
}

// A network that takes messages and never says what became of them: what waits for
// it is given back, neither at once nor never.
func TestStalled(t *testing.T) {
	network := func(n legacy.Network) legacy.Network { return mute{n} }
	stage(t, setup{users: []string{alice}, network: network}, func(t *testing.T, w *world) {
		w.signOn(phone)
		const n = 1000
		for i := range n {
			w.message(phone, carol, fmt.Sprint("m", i), "hello")
		}
		w.settle()
		w.Quiet()
		time.Sleep(6 * time.Second)
		w.settle()
		refused := w.Take()
		for _, e := range refused {
			isError(t, e, "resource-constraint", "wait", "")
		}
		if len(refused) < n/2 || len(refused) >= n {
			t.Errorf("%d refused", len(refused))
		}
	})
}

// A network that says other things meanwhile is waited for longer, and what it takes in
// the end was not refused.
func TestHeldUp(t *testing.T) {
	for _, late := range []time.Duration{15 * time.Second, time.Minute} {
		network := func(n legacy.Network) legacy.Network { return mute{n} }
		stage(t, setup{users: []string{alice}, network: network}, func(t *testing.T, w *world) {
			w.signOn(phone)
			const n = 300
			for i := range n {
				w.message(phone, carol, fmt.Sprint("m", i), "hello")
			}
			for start := time.Now(); time.Since(start) < late; {
				time.Sleep(time.Second)
				w.echo.Session("alice").Emit(legacy.TypingChanged{From: legacy.Peer{ID: "carol"}})
				w.settle()
			}
			for i := range n {
				w.echo.Session("alice").Emit(legacy.MessageSent{Ref: strconv.FormatInt(int64(i+1), 36)})
			}
			w.settle()
			refused := 0
			for _, st := range w.Take() {
				if st.Attr("type") == "error" {
					refused++
				}
			}
			if want := map[bool]int{false: 0, true: 100}[late > 25*time.Second]; refused != want {
				t.Errorf("%d refused after %v, want %d", refused, late, want)
			}
		})
	}
}

// mute is a network that says nothing of the messages that it takes.
type mute struct{ legacy.Network }

func (n mute) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.Network.NewSession(a, env)
	return muteSession{s}, err
}

type muteSession struct{ legacy.Session }

func (muteSession) Send(context.Context, legacy.Outgoing) error { return nil }

// slow is a network whose Send waits, against the contract, when told to.
type slow struct {
	legacy.Network
	block chan chan struct{}
}

func (n slow) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.Network.NewSession(a, env)
	return slowSession{s, n.block}, err
}

type slowSession struct {
	legacy.Session
	block chan chan struct{}
}

func (s slowSession) Send(ctx context.Context, m legacy.Outgoing) error {
	select {
	case release := <-s.block:
		<-release
	default:
	}
	return s.Session.Send(ctx, m)
}

// What an adapter saves it finds again.
func TestStateSaved(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.emit(h, legacy.StateSaved{State: []byte("remember me")})
		h.End(legacy.Errorf(legacy.Temporary, "Lost."))
		if got := legacytest.Expect[legacytest.SignOn](t, h); string(got.State) != "remember me" {
			t.Errorf("got %q", got.State)
		}
		if a, _ := w.account(alice); string(a.State) != "remember me" {
			t.Errorf("stored %q", a.State)
		}
	})
}
