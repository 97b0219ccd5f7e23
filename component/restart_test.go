package component_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// Conformance C9, G9: everybody goes offline, politely.
func TestShutdown(t *testing.T) {
	stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
		h, hangs := w.signOn(phone), w.signOn(bob+"/x")
		w.befriend(alice, carol)
		// One whose network does not let go. (the session is left behind)
		release := make(chan struct{})
		defer close(release)
		hangs.Do(func(legacy.Env) { <-release })
		w.settle()
		began := time.Now()
		w.stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("stopping took %v", took)
		}
		w.Expect("<presence type='unavailable' from='" + fullJID(carol) + "' to='" + alice + "'/>")
		w.Expect("<presence type='unavailable' from='" + fullJID(gw) + "' to='" + alice + "'><status>shutting down</status></presence>")
		w.Expect("<presence type='unavailable' from='" + fullJID(gw) + "' to='" + bob + "'/>")
		if got := legacytest.Expect[legacytest.SignOff](t, h); got.Err != nil {
			t.Errorf("signed off with %v", got.Err)
		}
		if err := w.Unlinked(); !errors.Is(err, io.EOF) {
			t.Errorf("the stream ended with %v", err)
		}
	})
}

// Shutting down without a link, or while connecting, takes no longer.
func TestShutdownWithoutLink(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"down":    func(w *world) { w.SetDown(true); w.Drop() },
		"stalled": func(w *world) { w.Stall() },
		"silent":  func(w *world) { w.Stall(); w.Drop(); w.pass(time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				w.signOn(phone)
				prepare(w)
				w.settle()
				began := time.Now()
				w.stop()
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("stopping took %v", took)
				}
			})
		})
	}
}

// A restart, with the same registry: users come back without doing anything,
// messages that were kept are delivered or given back, and contacts who only
// look online are corrected. (conformance G9)
func TestRestart(t *testing.T) {
	for name, polite := range map[string]bool{"stopped": true, "killed": false} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				w.befriend(alice, carol)
				if !polite { // the same to the server: a link that breaks
					w.SetDown(true)
					w.Drop()
					w.settle()
				}
				w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "before"})
				w.stop()
				w.settle()
				w.Take()
				w.SetDown(false)
				h.Contacts(legacy.Contact{Peer: legacy.Peer{ID: "nobody"}}, legacy.Contact{Peer: carolPeer, AwaitingAuth: true})
				w.start()
				w.Linked(2)
				w.Expect("<presence type='probe' from='" + gw + "' to='" + bob + "'/>")
				w.Expect("<presence type='probe' from='" + gw + "' to='" + alice + "'/>")
				w.Send("<presence from='" + phone + "' to='" + gw + "'/>") // what the server answers
				w.Expect("<presence type='' from='" + fullJID(gw) + "' to='" + alice + "'/>")
				w.Expect("<presence from='" + fullJID(carol) + "' to='" + alice + "'/>")
				if !polite {
					w.Expect("<message from='" + fullJID(carol) + "' to='" + alice + "'><body>before</body><delay xmlns='urn:xmpp:delay'/></message>")
				}
				w.settle()
				if w.echo.Session("bob").SignedOn() {
					t.Error("bob is signed on, and is not online")
				}
				w.Refute("<presence type='unavailable' to='" + bob + "'/>")
			})
		})
	}
}

// Contacts who went offline while the gateway was dead still look online, since
// no server says otherwise. (conformance G9)
func TestStaleContacts(t *testing.T) {
	accounts := map[string]string{"alice": hidden, "carol": hidden} // carol is offline
	stage(t, setup{users: []string{alice}, echo: legacytest.Options{Accounts: accounts}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		for _, jid := range []string{gw, carol} {
			w.presence(alice, jid, "subscribe")
			w.presence(alice, jid, "subscribed")
		}
		w.settle()
		w.emit(h, legacy.PresenceChanged{From: carolPeer, Presence: legacy.Presence{Show: legacy.ShowOnline}})
		w.Expect("<presence type='' from='" + fullJID(carol) + "'/>")
		w.SetDown(true)
		w.Drop()
		w.stop()
		w.Take()
		w.SetDown(false)
		w.start()
		w.Linked(2)
		w.presence(phone, gw, "")
		w.Expect("<presence type='unavailable' from='" + fullJID(carol) + "' to='" + alice + "'/>")
		w.settle()
		last := make(map[string]string) // presence of the gateway, by address
		for _, e := range w.Take() {
			if e.Name == "presence" && e.Attr("type") != "probe" {
				last[e.Attr("from")] = e.Attr("type")
			}
		}
		for _, from := range []string{gw, fullJID(gw)} {
			if typ, sent := last[from]; !sent || typ != "" {
				t.Errorf("the gateway is %q at %s", typ, from)
			}
		}
		// Once is enough.
		w.presence(phone, gw, "unavailable")
		w.presence(phone, gw, "")
		w.settle()
		w.Refute("<presence from='" + fullJID(carol) + "'/>")
	})
}

// A message that waited for the network when the gateway stopped has its
// outcome after the restart.
func TestRestartWithKeptMessage(t *testing.T) {
	for name, online := range map[string]bool{"online": true, "offline": false} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}, echo: legacytest.Options{Silent: true}}, func(t *testing.T, w *world) {
				h := w.echo.Session("alice")
				h.Stall()
				w.presence(phone, gw, "")
				w.settle()
				w.message(phone, carol, "m1", "hello")
				w.settle()
				w.stop()
				w.Refute("<message/>")
				h.Resume()
				w.start()
				w.Linked(2)
				if online {
					w.presence(phone, gw, "")
					if got := legacytest.Expect[legacytest.Send](t, h); got.Text != "hello" {
						t.Errorf("got %+v", got)
					}
					w.pass(time.Hour)
					w.Refute("<message/>")
					return
				}
				report := w.Expect("<message type='chat' from='" + fullJID(gw) + "' to='" + alice + "'/>")
				if text := report.ChildText("", "body"); !strings.HasPrefix(text, "Your message to "+carol+" was not delivered") || !strings.HasSuffix(text, "> hello") {
					t.Errorf("the report is %q", text)
				}
			})
		})
	}
}
