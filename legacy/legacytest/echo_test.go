package legacytest_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

func fields(name, password string) map[string]string {
	return map[string]string{"username": name, "password": password}
}

// front is the server that an Echo dials: it accepts connections and sends nothing.
type front struct {
	net.Listener
	conns chan net.Conn
}

func newFront(t *testing.T) *front {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{ln, make(chan net.Conn, 100)}
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			f.conns <- conn
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-accepting
		for len(f.conns) > 0 {
			f.drop()
		}
	})
	return f
}

// drop closes the oldest connection.
func (f *front) drop() { (<-f.conns).Close() }

func TestEchoConforms(t *testing.T) {
	for name, opts := range map[string]legacytest.Options{
		"plain":    {},
		"receipts": {State: legacy.Delivered, MaxText: 100},
		"slow":     {Queue: 1},
		"strict":   {Accounts: map[string]string{"alice": "right", "bob": "secret"}, Authorization: true},
	} {
		t.Run(name, func(t *testing.T) {
			legacytest.Conformance(t, legacytest.Harness{
				Start: func(t *testing.T) legacytest.Lab {
					f := newFront(t)
					opts.Addr = f.Addr().String()
					echo := legacytest.NewEcho(opts)
					gone := newFront(t)
					gone.Close()
					alice := echo.Session("alice")
					t.Cleanup(alice.Resume)
					return legacytest.Lab{
						Network:     echo,
						Unreachable: legacytest.NewEcho(legacytest.Options{Addr: gone.Addr().String()}),
						Say: func(text string) {
							alice.Emit(legacy.MessageReceived{From: legacy.Peer{ID: "bob"}, Text: text, ReadMark: time.Now()})
						},
						Drop:  f.drop,
						Stall: alice.Stall,
					}
				},
				Good:       fields("Alice", "right"),
				Wrong:      fields("Alice", "wrong"),
				Invalid:    map[string]map[string]string{"username": fields("?", "right"), "password": fields("alice", "")},
				Peer:       "bob",
				Spellings:  []string{"Bob", "B o b", " bob "},
				Impossible: []string{"b@b", "bø"},
			})
		})
	}
}

// session runs a session of an account and drops its events.
func session(t *testing.T, echo *legacytest.Echo, name string) (legacy.Session, *legacytest.Handle, chan legacy.Event) {
	t.Helper()
	events := make(chan legacy.Event, 1000)
	env := legacy.Env{Emit: func(ev legacy.Event) { events <- ev }}
	s, err := echo.NewSession(legacy.Account{Fields: fields(name, "right")}, env)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(t.Context())
	}()
	t.Cleanup(func() { <-ended })
	h := echo.Session(name)
	legacytest.Expect[legacytest.SignOn](t, h)
	if _, ok := (<-events).(legacy.Ready); !ok {
		t.Fatal("the first event is not Ready")
	}
	return s, h, events
}

func next[T legacy.Event](t *testing.T, events chan legacy.Event) T {
	t.Helper()
	for ev := range events {
		if ev, ok := ev.(T); ok {
			return ev
		}
	}
	panic("unreachable")
}

// Two accounts exchange presence, requests and messages.
func TestEchoPeers(t *testing.T) {
	echo := legacytest.NewEcho(legacytest.Options{Authorization: true, Accounts: map[string]string{"alice": "right", "bob": "right"}})
	alice, _, heardAlice := session(t, echo, "alice")
	bobPeer, alicePeer := legacy.Peer{ID: "bob"}, legacy.Peer{ID: "alice"}

	// A message to an offline account is stored.
	if err := alice.Send(t.Context(), legacy.Outgoing{Ref: "1", To: bobPeer, Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	if got := next[legacy.MessageSent](t, heardAlice); got.Ref != "1" || got.State != legacy.Stored {
		t.Errorf("got %+v, want 1 stored", got)
	}
	bob, bobHandle, heardBob := session(t, echo, "bob")
	if got := next[legacy.MessageReceived](t, heardBob); got.Text != "hello" || got.Time.IsZero() || got.From != alicePeer {
		t.Errorf("got %+v, want hello, with a time", got)
	}

	// The contact must approve the subscription.
	if err := alice.(legacy.RosterEditor).AddContact(t.Context(), legacy.Contact{Peer: bobPeer}, "please"); err != nil {
		t.Fatal(err)
	}
	if got := next[legacy.ContactChanged](t, heardAlice); !got.Contact.AwaitingAuth {
		t.Errorf("got %+v, want it to await authorization", got)
	}
	if got := next[legacy.AuthRequested](t, heardBob); got.From != alicePeer || got.Reason != "please" {
		t.Errorf("got %+v, want alice's request", got)
	}
	if err := bob.(legacy.RosterEditor).Authorize(t.Context(), alicePeer, true, ""); err != nil {
		t.Fatal(err)
	}
	next[legacy.AuthGranted](t, heardAlice)
	if got := next[legacy.PresenceChanged](t, heardAlice); got.Presence.Show != legacy.ShowOnline {
		t.Errorf("got %+v, want online", got)
	}
	legacytest.Expect[legacytest.Authorize](t, bobHandle)

	bobHandle.End(errors.New("gone"))
	if got := next[legacy.PresenceChanged](t, heardAlice); got.Presence.Show != legacy.ShowOffline {
		t.Errorf("got %+v, want offline", got)
	}
	legacytest.Refute[legacytest.Authorize](t, bobHandle)
}
