package component_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/component"
	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// kept is what waits in the registry.
func (w *world) kept(user string, dir registry.Direction) int {
	w.t.Helper()
	rows, err := w.db.KeptMessages(context.Background(), gw, user, dir)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(rows)
}

// XEP-0114 §3: what the server refuses the component for, the error that says
// so, and the pace at which it is tried again. (conformance C3, C7)
func TestRefusedHandshake(t *testing.T) {
	for _, tt := range []struct {
		condition string
		secret    string
		err       error
		pace      time.Duration // at least, and at most
		most      time.Duration
	}{
		{"", "another secret", component.ErrUnauthorized, time.Minute, time.Minute},
		{"not-authorized", secret, component.ErrUnauthorized, time.Minute, time.Minute},
		{"host-unknown", secret, component.ErrHostUnknown, time.Minute, time.Minute},
		{"conflict", secret, component.ErrConflict, 250 * time.Millisecond, time.Minute},
		{"internal-server-error", secret, nil, 250 * time.Millisecond, time.Minute},
	} {
		t.Run(tt.condition, func(t *testing.T) {
			stage(t, setup{down: true}, func(t *testing.T, w *world) {
				w.SetSecret(tt.secret)
				w.SetRefusal(tt.condition)
				if _, err := component.Handshake(t.Context(), w.cfg); !strings.Contains(fmt.Sprint(err), "connection refused") {
					t.Errorf("Handshake: %v, want a refused connection", err)
				}
				w.SetDown(false)
				if _, err := component.Handshake(t.Context(), w.cfg); err == nil || tt.err != nil && !errors.Is(err, tt.err) {
					t.Errorf("Handshake: %v, want %v", err, tt.err)
				}
				n := len(w.Dials())
				w.Dialled(n + 12)
				dials := w.Dials()
				for i := n + 1; i < len(dials); i++ {
					if gap := dials[i].Sub(dials[i-1]); gap < tt.pace || gap > tt.most {
						t.Errorf("tried again after %v, want %v to %v", gap, tt.pace, tt.most)
					}
				}
				// Mended, it connects without a restart.
				w.SetSecret(secret)
				w.SetRefusal("")
				w.Linked(1)
				w.Barrier()
			})
		})
	}
}

// A server that is not there at first.
func TestServerComesLate(t *testing.T) {
	stage(t, setup{users: []string{alice}, down: true}, func(t *testing.T, w *world) {
		w.Dialled(10)
		w.SetDown(false)
		w.Linked(1)
		w.Expect("<presence type='probe' from='" + gw + "' to='" + alice + "'/>")
		if _, err := component.Handshake(t.Context(), w.cfg); err != nil {
			t.Errorf("Handshake: %v", err)
		}
	})
}

// What the network says while there is no link arrives after it, delayed.
func TestMessageWithoutLink(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.SetDown(true)
		w.Drop()
		w.settle()
		at := time.Now().UTC()
		for i := range 5 {
			w.emit(h, legacy.MessageReceived{From: carolPeer, Text: fmt.Sprint("text ", i)})
		}
		if n := w.kept(alice, registry.Inbound); n != 5 {
			t.Errorf("%d are kept", n)
		}
		w.SetDown(false)
		w.Linked(2)
		for i := range 5 {
			// XEP-0203 §2: in the order of the stamps, though all came in one moment
			w.Expect(fmt.Sprintf("<message type='chat' from='%s' to='%s'><body>text %d</body><delay xmlns='urn:xmpp:delay' from='%s' stamp='%s'/></message>",
				fullJID(carol), alice, i, gw, at.Add(time.Duration(i)*time.Millisecond).Format("2006-01-02T15:04:05.000Z")))
		}
		w.pass(5 * time.Second)
		if n := w.kept(alice, registry.Inbound); n != 0 {
			t.Errorf("%d are kept still", n)
		}
		w.Refute("<message/>")
		legacytest.Refute[legacytest.SignOff](t, h) // conformance C7: a short outage ends no session
	})
}

// A message that the server was handed, but may not have processed, is sent
// again; one that is confirmed is not.
func TestUnconfirmedMessage(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "confirmed"})
		w.pass(5 * time.Second) // a ping comes back
		w.SetRouting(false)
		w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "unconfirmed"})
		first := w.Expect("<message><body>unconfirmed</body></message>")
		w.Drop()
		w.SetRouting(true)
		w.Linked(2)
		again := w.Expect("<message><body>unconfirmed</body><delay xmlns='urn:xmpp:delay'/></message>")
		if first.Attr("id") != again.Attr("id") {
			t.Errorf("the repetition has another id: %s and %s", first, again)
		}
		w.Expect("<message><body>confirmed</body></message>") // the first time
		w.pass(5 * time.Second)
		w.Refute("<message/>")
		if n := w.kept(alice, registry.Inbound); n != 0 {
			t.Errorf("%d are kept still", n)
		}
	})
}

// Flush returns once the server has, or the registry keeps, what was emitted.
func TestFlush(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		flush := func() chan error {
			done := make(chan error, 1)
			h.Do(func(env legacy.Env) {
				env.Emit(legacy.MessageReceived{From: carolPeer, Text: "keep this"})
				done <- env.Flush(context.Background())
			})
			return done
		}
		if err := <-flush(); err != nil {
			t.Errorf("Flush: %v", err)
		}
		w.SetRouting(false)
		done := flush()
		w.pass(5 * time.Second)
		select {
		case err := <-done:
			t.Fatalf("Flush = %v, though nothing is confirmed", err)
		default:
		}
		w.SetDown(true)
		w.Drop()
		if err := <-done; err != nil {
			t.Errorf("Flush: %v", err)
		}
		if n := w.kept(alice, registry.Inbound); n != 1 {
			t.Errorf("%d are kept", n)
		}
	})
}

// A dead link is found by a ping, and given up. (conformance C8)
func TestDeadLink(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		w.Barrier()
		w.SetRouting(false)
		began := time.Now()
		w.Unlinked()
		if took := time.Since(began); took < time.Minute || took > 100*time.Second {
			t.Errorf("found after %v", took)
		}
		w.Linked(2)
	})
	// A server that never routes our pings back is no dead one.
	stage(t, setup{users: []string{alice}, down: true}, func(t *testing.T, w *world) {
		w.SetRouting(false)
		w.SetDown(false)
		w.Linked(1)
		w.pass(time.Hour)
		w.Barrier()
		if n := len(w.Dials()); n > 20 {
			t.Errorf("%d tries to connect", n)
		}
		w.Linked(1)
		h := w.signOn(phone)
		flush := func() time.Duration {
			began, done := time.Now(), make(chan error, 1)
			h.Do(func(env legacy.Env) {
				env.Emit(legacy.MessageReceived{From: carolPeer, Text: "acknowledge this"})
				done <- env.Flush(context.Background())
			})
			select {
			case <-done:
			case <-time.After(20 * time.Second):
			}
			return time.Since(began)
		}
		// The next connection does not wait for acknowledgements, until a ping comes back.
		w.Drop()
		w.Linked(2)
		if took := flush(); took != 0 {
			t.Errorf("the network waits for %v", took)
		}
		w.SetRouting(true)
		w.Drop()
		w.Linked(3)
		w.pass(5 * time.Second)
		w.SetRouting(false)
		if flush() == 0 {
			t.Error("acknowledgements stay disabled")
		}
	})
	// Nor is one that drops our pings, but sends other stanzas.
	stage(t, setup{}, func(t *testing.T, w *world) {
		w.Barrier()
		w.SetRouting(false)
		for range 40 {
			w.pass(5 * time.Second)
			w.Send("<iq type='get' id='i' from='" + phone + "' to='" + gw + "'><ping xmlns='urn:xmpp:ping'/></iq>")
		}
		if n := len(w.Dials()); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// A server that does not read keeps nobody from being served afterwards, and is
// given up if it never reads.
func TestStalledServer(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.Stall()
		for i := range 100 {
			h.Emit(legacy.MessageReceived{From: carolPeer, Text: fmt.Sprint("text ", i)})
		}
		w.pass(5 * time.Second)
		w.Resume()
		for i := range 100 {
			w.Expect(fmt.Sprintf("<message><body>text %d</body></message>", i))
		}
		w.Stall()
		h.Emit(legacy.MessageReceived{From: carolPeer, Text: "the last"})
		w.pass(25 * time.Second)
		w.Resume()
		w.Linked(2)
		w.Expect("<message><body>the last</body></message>")
	})
}

// The server ends the stream: politely, with an error, or with nonsense.
func TestStreamEnds(t *testing.T) {
	for _, end := range []string{
		"</stream:stream>",
		"<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
		"<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
		"<message><body></message>",
		"<!-- no comments -->",
		"<?no instructions?>",
		"<iq>&undefined;</iq>",
		"\x00",
	} {
		t.Run(end[:min(len(end), 30)], func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				w.Send(end)
				w.Linked(2)
				w.Expect("<presence type='probe' to='" + alice + "'/>")
				w.Barrier()
				w.presence(phone, gw, "")
				w.settle()
				legacytest.Refute[legacytest.SignOff](t, h)
			})
		})
	}
}

// Conformance C7: after a link is lost, who is online is asked anew; those who
// are not there any more are signed off.
func TestWhoIsOnlineAfterwards(t *testing.T) {
	stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
		h, gone := w.signOn(phone), w.signOn(bob+"/x")
		w.befriend(alice, carol)
		w.Drop()
		w.settle()
		// While there is no link, a contact changes.
		h.Emit(legacy.PresenceChanged{From: carolPeer, Presence: legacy.Presence{Show: legacy.ShowAway}})
		w.Linked(2)
		w.Expect("<presence type='probe' from='" + gw + "' to='" + alice + "'/>")
		w.Expect("<presence type='probe' from='" + gw + "' to='" + bob + "'/>")
		w.Send("<presence from='" + phone + "' to='" + gw + "'/>") // what the server answers
		w.Expect("<presence from='" + fullJID(carol) + "' to='" + alice + "'><show>away</show></presence>")
		legacytest.Expect[legacytest.SignOff](t, gone)
		w.pass(time.Hour)
		legacytest.Refute[legacytest.SignOff](t, h)
	})
}

// A link carries what it is given in full: nothing is lost, doubled or out of
// order while it breaks again and again.
func TestBreakingLink(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		const n = 300
		for i := range n {
			h.Emit(legacy.MessageReceived{From: carolPeer, Text: fmt.Sprintf("number %d.", i)})
			if i%37 == 0 {
				w.pass(time.Duration(i) * time.Millisecond)
				w.Drop()
			}
			if i%11 == 0 {
				w.settle()
			}
			if i%60 == 0 { // come back, so that the session goes on
				w.pass(2 * time.Second)
				w.Linked(1)
				w.Send("<presence from='" + phone + "' to='" + gw + "'/>")
			}
		}
		w.pass(5 * time.Minute)
		ids := make(map[string]string) // id by text
		var order []string
		for _, e := range w.Take() {
			if e.Name != "message" {
				continue
			}
			text := e.ChildText("jabber:component:accept", "body")
			if before, twice := ids[text]; twice {
				if before != e.Attr("id") {
					t.Errorf("%q has two ids", text)
				}
				continue
			}
			ids[text] = e.Attr("id")
			order = append(order, text)
		}
		for i, text := range order {
			if text != fmt.Sprintf("number %d.", i) {
				t.Fatalf("%q came as number %d", text, i)
			}
		}
		if len(order) != n {
			t.Errorf("%d of %d arrived", len(order), n)
		}
	})
}

// A full spool blocks the network, and loses nothing.
func TestFullSpool(t *testing.T) {
	stage(t, setup{users: []string{alice}, key: 2}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.SetDown(true)
		w.Drop()
		w.settle()
		const n = 40 // more than spool and queues take
		sent := make(chan struct{})
		h.Do(func(env legacy.Env) {
			for i := range n {
				env.Emit(legacy.MessageReceived{From: carolPeer, Text: fmt.Sprint("text ", i)})
			}
			close(sent)
		})
		w.pass(time.Minute / 2)
		if got := w.kept(alice, registry.Inbound); got != 2 {
			t.Errorf("%d are spooled", got)
		}
		select {
		case <-sent:
			t.Error("the network was not blocked")
		default:
		}
		w.SetDown(false)
		for i := range n {
			w.Expect(fmt.Sprintf("<message><body>text %d</body></message>", i))
		}
		<-sent
	})
}
