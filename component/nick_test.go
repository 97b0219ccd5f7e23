package component_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// nicknamed is a network that tells, after a while, what people are called.
type nicknamed struct {
	legacy.Network
	after time.Duration
}

type nicknamedSession struct {
	*legacytest.Session
	emit  func(legacy.Event)
	after time.Duration
}

func (n nicknamed) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.Network.NewSession(a, env)
	if err != nil {
		return nil, err
	}
	return nicknamedSession{s.(*legacytest.Session), env.Emit, n.after}, nil
}

func (s nicknamedSession) RequestProfile(_ context.Context, ref string, p legacy.Peer) error {
	go func() {
		time.Sleep(s.after)
		s.emit(legacy.ProfileReceived{Ref: ref, Profile: legacy.Profile{Nick: p.ID + " the Great"}})
	}()
	return nil
}

func newNicknamed(after time.Duration) func(legacy.Network) legacy.Network {
	return func(n legacy.Network) legacy.Network { return nicknamed{n, after} }
}

// spoken is a network whose addresses say what people are called.
type spoken struct{ legacy.Network }

func (spoken) Nick(p legacy.Peer) string { return "<" + p.ID + ">" }

// XEP-0172 §4.1: every request says what the network calls the contact, whoever asks
// whom, and is sent without it where the network is slow.
func TestNickInRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		network func(legacy.Network) legacy.Network
		nick    string
		wait    time.Duration
	}{
		"profile": {newNicknamed(time.Second), "<nick xmlns='http://jabber.org/protocol/nick'>carol the Great</nick>", time.Second},
		"address": {func(n legacy.Network) legacy.Network { return spoken{n} }, "<nick xmlns='http://jabber.org/protocol/nick'>&lt;carol></nick>", 0},
		"slow":    {newNicknamed(time.Minute), "", 5 * time.Second},
	} {
		for what, ask := range map[string]func(w *world, h *legacytest.Handle){
			"is asked": func(w *world, h *legacytest.Handle) { w.emit(h, legacy.AuthRequested{From: carolPeer}) },
			"is added": func(w *world, h *legacytest.Handle) { w.emit(h, legacy.AddedYou{From: carolPeer}) },
			"adds":     func(w *world, _ *legacytest.Handle) { w.presence(alice, carol, "subscribe") },
			"has listed": func(w *world, h *legacytest.Handle) {
				w.emit(h, legacy.ContactChanged{Contact: legacy.Contact{Peer: carolPeer}})
			},
		} {
			t.Run(name+", who "+what, func(t *testing.T) {
				stage(t, setup{users: []string{alice}, network: tt.network}, func(t *testing.T, w *world) {
					h := w.signOn(phone)
					ask(w, h)
					w.settle()
					if tt.wait > 0 {
						w.Refute("<presence type='subscribe'/>")
					}
					w.pass(tt.wait + 100*time.Millisecond)
					got := w.Expect("<presence type='subscribe' from='" + carol + "'>" + tt.nick + "</presence>")
					if tt.nick == "" && got.Child("http://jabber.org/protocol/nick", "nick") != nil {
						t.Errorf("got %s", got)
					}
					w.pass(2 * time.Minute)
					w.Refute("<presence type='subscribe'/>")
				})
			})
		}
	}
}

// XEP-0144 §5: a list that is proposed has the names.
func TestNickInProposals(t *testing.T) {
	stage(t, setup{network: newNicknamed(time.Second)}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Contacts(legacy.Contact{Peer: carolPeer}, legacy.Contact{Peer: legacy.Peer{ID: "dave"}, Name: "My Dave"})
		w.Ask("set", phone, gw, plain("alice", hidden))
		q := w.Expect("<iq type='get' to='" + phone + "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
		w.Send("<iq type='result' from='" + phone + "' to='" + gw + "' id='" + q.Attr("id") + "'>" +
			"<query xmlns='http://jabber.org/protocol/disco#info'><feature var='http://jabber.org/protocol/rosterx'/></query></iq>")
		w.pass(5 * time.Second)
		w.Expect("<iq type='set' to='" + phone + "'><x xmlns='http://jabber.org/protocol/rosterx'>" +
			"<item jid='" + carol + "' name='carol the Great'/><item jid='dave@" + gw + "' name='My Dave'/></x></iq>")
	})
}

// XEP-0356 §4.2: whom the user has not named is in the roster as the network calls them,
// later if that takes long; it is no name of the user's, so that nothing of it goes to the
// network, after a restart neither.
func TestNickInRoster(t *testing.T) {
	for name, after := range map[string]time.Duration{"at once": time.Second, "later": time.Minute} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{network: newNicknamed(after)}, func(t *testing.T, w *world) {
				r := w.grantRoster()
				h := w.enroll(r) // who names Carol, and not Dave
				w.presence(phone, gw, "")
				for range 2 {
					w.pass(6 * time.Second)
					r.serve()
				}
				if after == time.Minute {
					if got := r.entry("dave@" + gw); got != "both " {
						t.Errorf("Dave is in the roster as %q, before he has a name", got)
					}
				}
				w.pass(2 * time.Minute)
				r.serve()
				if got := r.entry("dave@" + gw); got != "both dave the Great" {
					t.Errorf("Dave is in the roster as %q", got)
				}
				if got := r.entry(carol); got != "both Carol in Friends" {
					t.Errorf("Carol is in the roster as %q", got)
				}
				w.stop()
				w.start()
				w.Linked(2)
				r2 := w.grantRoster()
				r2.items, r2.sets = r.items, nil
				w.presence(phone, gw, "")
				r2.serve()
				w.pass(time.Minute)
				r2.serve()
				legacytest.Refute[legacytest.AddContact](t, h)
				if len(r2.sets) > 0 {
					t.Errorf("written again: %q", r2.sets)
				}
			})
		})
	}
}

// A name that the user gives later counts, on the network too.
func TestNickGivesWay(t *testing.T) {
	stage(t, setup{network: newNicknamed(time.Second)}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		h := w.enroll(r)
		w.pass(6 * time.Second)
		r.serve()
		w.presence(phone, gw, "")
		r.serve()
		r.put("dave@"+gw, "both", "My Dave", "Work")
		w.message(phone, gw, "m", "reconnect")
		r.serve()
		w.pass(time.Minute)
		r.serve()
		got := legacytest.Expect[legacytest.AddContact](t, h).Contact
		if got.Name != "My Dave" || !slices.Equal(got.Groups, []string{"Work"}) {
			t.Errorf("on the network: %+v", got)
		}
		if got := r.entry("dave@" + gw); got != "both My Dave in Work" {
			t.Errorf("in the roster: %q", got)
		}
	})
}

// A name that the network tells of somebody counts where nothing else is known of them.
func TestPeerNamed(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		h := w.enroll(r)
		w.presence(phone, gw, "")
		r.serve()
		w.emit(h, legacy.PeerNamed{Peer: carolPeer, Nick: "C a r o l"}, legacy.PeerNamed{Peer: legacy.Peer{ID: "dave"}, Nick: "D a ve\n"},
			legacy.PeerNamed{Peer: legacy.Peer{ID: "dave"}, Nick: "later"}, legacy.PeerNamed{Nick: "nobody"}, legacy.PeerNamed{Peer: legacy.Peer{ID: "erin"}, Nick: "E"})
		r.serve()
		for jid, want := range map[string]string{carol: "both Carol in Friends", "dave@" + gw: "both D a ve", gw: "both Echo in Echo"} {
			if got := r.entry(jid); got != want {
				t.Errorf("%s is in the roster as %q, want %q", jid, got, want)
			}
		}
	})
}
