package component_test

import (
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

var carolPeer = legacy.Peer{ID: "carol"}

// XEP-0100 §4.1.1: the gateway and the user subscribe to each other, in
// whatever order the user's server and client make of it (conformance P8, R11).
func TestGatewaySubscription(t *testing.T) {
	for name, stanzas := range map[string][]string{
		"usual":      {"subscribed", "subscribe"},
		"reversed":   {"subscribe", "subscribed"},
		"repeated":   {"subscribed", "subscribed", "subscribe", "subscribe"},
		"both again": {"subscribe", "subscribed", "subscribe", "subscribed"},
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{}, func(t *testing.T, w *world) {
				w.Ask("set", phone, gw, plain("alice", hidden))
				w.settle()
				w.Expect("<presence type='subscribe' from='" + gw + "' to='" + alice + "'/>")
				w.Take()
				for _, typ := range stanzas {
					w.presence(alice, gw, typ)
					w.settle()
				}
				for _, typ := range stanzas {
					if typ == "subscribe" { // RFC 6121 §3.1.4: each is answered, and presence follows
						w.Next("<presence type='subscribed' from='" + gw + "' to='" + alice + "'/>")
						w.Next("<presence type='' from='" + fullJID(gw) + "' to='" + alice + "'/>")
						w.Next("<presence type='' from='" + gw + "' to='" + alice + "'/>")
					}
				}
				w.settle()
				w.Refute("<presence type='subscribe'/>") // the gateway has asked already
				w.Quiet()
				if got := w.subscription(alice, ""); got != registry.To|registry.From {
					t.Errorf("the subscription is %v, want both ways", got)
				}
			})
		})
	}
}

// XEP-0100 §4.6: a contact is put on the network's list; that the network has
// taken it grants the subscription, and asks for the reverse.
func TestAddContact(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		// Servers differ in whether a resource is there.
		w.Send("<presence type='subscribe' from='" + phone + "' to='" + carol + "'><status>It is me.</status></presence>")
		got := legacytest.Expect[legacytest.AddContact](t, h)
		if got.Contact.Peer != carolPeer || got.Reason != "It is me." {
			t.Errorf("got %+v, want carol with the reason", got)
		}
		w.Next("<presence type='subscribed' from='" + carol + "' to='" + alice + "'/>")
		w.Next("<presence type='unavailable' from='" + fullJID(carol) + "' to='" + alice + "'/>") // not known yet
		w.Next("<presence type='subscribe' from='" + carol + "' to='" + alice + "'/>")
		w.Next("<presence type='' from='" + fullJID(carol) + "' to='" + alice + "'><c xmlns='http://jabber.org/protocol/caps'/></presence>")
		w.settle()
		w.Quiet()
		w.presence(alice, carol, "subscribed")
		w.settle()
		w.Quiet() // RFC 6121 §3.1.5: no answer
		if got := w.subscription(alice, "carol"); got != registry.To|registry.From {
			t.Errorf("the subscription is %v, want both ways", got)
		}
		// RFC 6121 §3.1.3: who asks again is answered again.
		w.presence(alice, carol, "subscribe")
		w.Next("<presence type='subscribed' from='" + carol + "'/>")
		w.Next("<presence type='' from='" + fullJID(carol) + "'/>")
		w.settle()
		w.Quiet()
		legacytest.Refute[legacytest.AddContact](t, h)
	})
}

// What becomes of a request that the network does not grant at once.
func TestAddContactOutcomes(t *testing.T) {
	contact := legacy.Contact{Peer: carolPeer, AwaitingAuth: true}
	for _, tt := range []struct {
		name   string
		events []legacy.Event
		want   []string
	}{
		{"waiting", []legacy.Event{legacy.ContactChanged{Contact: contact}}, nil},
		{"granted", []legacy.Event{legacy.ContactChanged{Contact: contact}, legacy.AuthGranted{From: carolPeer}}, []string{"subscribed", "unavailable", "subscribe"}},
		{"granted by list", []legacy.Event{legacy.ContactChanged{Contact: legacy.Contact{Peer: carolPeer}}}, []string{"subscribed", "unavailable", "subscribe"}},
		// XEP-0100 §4.6.2
		{"denied", []legacy.Event{legacy.AuthDenied{From: carolPeer, Reason: "no"}}, []string{"unsubscribed"}},
		{"nobody", []legacy.Event{legacy.ContactFailed{Peer: carolPeer, Err: legacy.Errorf(legacy.NotFound, "Who?")}}, []string{"unsubscribed", "error"}},
		{"forbidden", []legacy.Event{legacy.ContactFailed{Peer: carolPeer, Err: legacy.Errorf(legacy.Forbidden, "No.")}}, []string{"unsubscribed", "error"}},
		// It stays asked for.
		{"later", []legacy.Event{legacy.ContactFailed{Peer: carolPeer, Err: legacy.Errorf(legacy.Temporary, "Later.")}}, []string{"error"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				h.Stall() // the events tell what the network makes of it
				w.presence(alice, carol, "subscribe")
				w.settle()
				w.Quiet()
				h.Do(func(env legacy.Env) {
					for _, ev := range tt.events {
						env.Emit(ev)
					}
				})
				w.settle()
				for _, typ := range tt.want {
					w.Next("<presence type='" + typ + "' from='" + senderOf(typ, carol) + "' to='" + alice + "'/>")
				}
				if tt.name == "denied" {
					w.Next("<message from='" + fullJID(carol) + "' to='" + alice + "'><body>does not let you see when they are online] no</body></message>")
				}
				w.Quiet()
				sub := w.subscription(alice, "carol")
				if asked := sub.Has(registry.AskTo); asked != (tt.name == "waiting" || tt.name == "later") {
					t.Errorf("the subscription is %v", sub)
				}
				if sees := sub.Has(registry.To); sees != (len(tt.want) == 3) {
					t.Errorf("the subscription is %v", sub)
				}
			})
		})
	}
}

// XEP-0100 §4.6: an address that nobody can have. Conformance G10.
func TestAddImpossible(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		nobody := `no\20\40one@` + gw
		w.presence(alice, nobody, "subscribe")
		w.Next("<presence type='unsubscribed' from='" + nobody + "' to='" + alice + "'/>")
		w.expectError("<presence from='"+nobody+"'/>", "item-not-found", "cancel")
		for _, typ := range []string{"subscribed", "unsubscribe", "unsubscribed", "probe"} {
			w.presence(phone, nobody, typ)
		}
		w.settle()
		for _, e := range w.Take() { // RFC 6120 §8.3.1: only the probe is answered
			if typ := e.Attr("type"); typ != "unsubscribed" {
				t.Errorf("got %s", e)
			}
		}
		legacytest.Refute[legacytest.AddContact](t, h)
	})
}

// A contact added while signed off is added once signed on.
func TestAddContactOffline(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.presence(alice, carol, "subscribe")
		w.settle()
		w.Quiet()
		h := w.echo.Session("alice")
		w.presence(phone, gw, "")
		legacytest.Expect[legacytest.AddContact](t, h)
		w.Expect("<presence type='subscribed' from='" + carol + "'/>")
	})
}

// XEP-0100 §4.7: a contact goes from the network's list when it is gone in both
// directions.
func TestRemoveContact(t *testing.T) {
	for name, order := range map[string][]string{
		"usual":    {"unsubscribe", "unsubscribed"},
		"reversed": {"unsubscribed", "unsubscribe"},
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				w.befriend(alice, carol)
				// Prosody sends them from the full JID. (conformance Q12)
				w.presence(phone, carol, order[0])
				w.settle()
				legacytest.Refute[legacytest.RemoveContact](t, h)
				w.presence(phone, carol, order[1])
				if got := legacytest.Expect[legacytest.RemoveContact](t, h); got.Peer != carolPeer {
					t.Errorf("%+v is removed", got.Peer)
				}
				w.Next("<presence type='unsubscribed' from='" + carol + "' to='" + alice + "'/>")
				w.Next("<presence type='unavailable' from='" + fullJID(carol) + "' to='" + alice + "'/>")
				w.settle()
				w.Quiet()
				// RFC 6121 §4.3.2: nobody there, and nobody allowed, look the same.
				w.presence(phone, carol, "probe")
				w.Next("<presence type='unsubscribed' from='" + carol + "' to='" + phone + "'/>")
				w.emit(h, legacy.PresenceChanged{From: carolPeer, Presence: legacy.Presence{Show: legacy.ShowAway}})
				w.Quiet()
			})
		})
	}
}

// A contact removed while signed off leaves the network's list at the next
// sign-on, and does not come back with it.
func TestRemoveContactOffline(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.befriend(alice, carol)
		w.presence(phone, gw, "unavailable")
		legacytest.Expect[legacytest.SignOff](t, h)
		w.settle()
		w.presence(alice, carol, "unsubscribe")
		w.presence(alice, carol, "unsubscribed")
		w.settle()
		w.Take()
		w.presence(phone, gw, "")
		legacytest.Expect[legacytest.RemoveContact](t, h)
		w.settle()
		w.Refute("<presence from='" + fullJID(carol) + "'/>")
	})
}

// XEP-0100 §5.1: somebody asks; the user's answer goes to the network.
func TestAuthRequested(t *testing.T) {
	for _, tt := range []struct {
		answer string
		allow  bool
	}{{"subscribed", true}, {"unsubscribed", false}} {
		t.Run(tt.answer, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				w.emit(h, legacy.AuthRequested{From: carolPeer, Name: "Carol <3", Reason: "Let me & see."})
				w.Next("<presence type='subscribe' from='" + carol + "' to='" + alice + "'><status>Let me &amp; see.</status>" +
					"<nick xmlns='http://jabber.org/protocol/nick'>Carol &lt;3</nick></presence>") // XEP-0172 §4.1
				w.settle()
				w.Quiet()
				w.presence(phone, carol, tt.answer)
				if got := legacytest.Expect[legacytest.Authorize](t, h); got.Peer != carolPeer || got.Allow != tt.allow {
					t.Errorf("got %+v", got)
				}
				w.settle()
				w.Quiet()
				// Once is enough.
				w.presence(phone, carol, tt.answer)
				w.settle()
				legacytest.Refute[legacytest.Authorize](t, h)
				if tt.allow { // and is remembered
					w.emit(h, legacy.AuthRequested{From: carolPeer})
					legacytest.Expect[legacytest.Authorize](t, h)
					w.Quiet()
				}
			})
		})
	}
}

// Who wants nobody to see them is not asked, and a refusal tells why.
func TestAuthRefused(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.emit(h, legacy.AuthRequested{From: carolPeer})
		w.Next("<presence type='subscribe' from='" + carol + "' to='" + alice + "'/>")
		w.Send("<presence type='unsubscribed' from='" + phone + "' to='" + carol + "'><status>Who are you?</status></presence>")
		if got := legacytest.Expect[legacytest.Authorize](t, h); got.Allow || got.Reason != "Who are you?" {
			t.Errorf("got %+v", got)
		}
		form := w.run(phone, "options", "", "")
		w.run(phone, "options", " sessionid='"+form.Attr("sessionid")+"'", submit("auto-deny", "1"))
		w.emit(h, legacy.AuthRequested{From: legacy.Peer{ID: "dave"}})
		if got := legacytest.Expect[legacytest.Authorize](t, h); got.Allow || got.Peer.ID != "dave" {
			t.Errorf("got %+v", got)
		}
		w.Refute("<presence type='subscribe'/>")
		w.Take()
		w.presence(phone, "dave@"+gw, "subscribe") // nothing is remembered of it
		if got := legacytest.Expect[legacytest.AddContact](t, h); got.Contact.Peer.ID != "dave" {
			t.Errorf("got %+v", got)
		}
	})
}

// Changes of the list by another client.
func TestContactChanges(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.emit(h, legacy.ContactChanged{Contact: legacy.Contact{Peer: carolPeer, Name: "Carol"}})
		w.pass(time.Second) // requests are spread over time
		// XEP-0100 §5.1, RFC 6121 §3.1.6: a request, and never an unsolicited "subscribed".
		w.Next("<presence type='subscribe' from='" + carol + "' to='" + alice + "'><nick xmlns='http://jabber.org/protocol/nick'>Carol</nick></presence>")
		w.Quiet()
		w.emit(h, legacy.ContactChanged{Contact: legacy.Contact{Peer: carolPeer, Name: "Caro"}})
		w.pass(time.Second)
		w.Quiet()
		// XEP-0100 §5.2
		w.emit(h, legacy.ContactRemoved{Peer: carolPeer})
		for _, typ := range []string{"unsubscribe", "unsubscribed", "unavailable"} {
			w.Next("<presence type='" + typ + "' from='" + senderOf(typ, carol) + "' to='" + alice + "'/>")
		}
		w.Quiet()
		w.emit(h, legacy.ContactRemoved{Peer: carolPeer}, legacy.AddedYou{From: carolPeer}, legacy.AddedYou{From: carolPeer})
		w.Next("<presence type='subscribe' from='" + carol + "' to='" + alice + "'/>")
		w.Quiet()
		// Nothing comes of what has no address.
		w.emit(h, legacy.ContactChanged{}, legacy.ContactRemoved{}, legacy.AuthRequested{}, legacy.AuthGranted{}, legacy.AuthDenied{},
			legacy.AddedYou{}, legacy.ContactFailed{}, legacy.PresenceChanged{}, legacy.MessageReceived{Text: "?"}, legacy.TypingChanged{})
		w.Quiet()
	})
}

// The network's list at sign-on: new ones ask, those that are gone part, and a
// list that is empty all at once is put back.
func TestListAtSignOn(t *testing.T) {
	for _, tt := range []struct {
		name string
		list []legacy.Contact
		want map[string][]string
		adds int
	}{
		{"same", []legacy.Contact{{Peer: carolPeer}, {Peer: legacy.Peer{ID: "dave"}}}, nil, 0},
		{"more", []legacy.Contact{{Peer: carolPeer}, {Peer: legacy.Peer{ID: "dave"}}, {Peer: legacy.Peer{ID: "erin"}}},
			map[string][]string{"erin": {"subscribe"}}, 0},
		{"less", []legacy.Contact{{Peer: carolPeer}}, map[string][]string{"dave": {"unsubscribe", "unsubscribed", "unavailable"}}, 0},
		{"empty", nil, nil, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				w.befriend(alice, carol)
				w.befriend(alice, "dave@"+gw)
				legacytest.Expect[legacytest.AddContact](t, h)
				legacytest.Expect[legacytest.AddContact](t, h)
				w.presence(phone, gw, "unavailable")
				legacytest.Expect[legacytest.SignOff](t, h)
				w.settle()
				w.Take()
				h.Contacts(tt.list...)
				w.presence(phone, gw, "")
				for range tt.adds {
					legacytest.Expect[legacytest.AddContact](t, h)
				}
				w.pass(5 * time.Second)
				got := make(map[string][]string)
				for _, e := range w.Take() {
					if typ := e.Attr("type"); typ != "" && typ != "subscribed" && e.Name == "presence" {
						name := e.Attr("from")[:4]
						got[name] = append(got[name], typ)
					}
				}
				if len(got) != len(tt.want) {
					t.Fatalf("got %v, want %v", got, tt.want)
				}
				for name, types := range tt.want {
					for i, typ := range types {
						if len(got[name]) != len(types) || got[name][i] != typ {
							t.Fatalf("got %v, want %v", got, tt.want)
						}
					}
				}
			})
		})
	}
}

// XEP-0100 §4.8.2, conformance G5: strangers have no contacts. No client shows an error of a
// request, so that a message says how to register, now and then.
func TestStrangersSubscription(t *testing.T) {
	const how = "<message type='chat' from='" + gw + "/echo' to='" + alice + "'><body>To register, use your client's form for this gateway, or write: register NAME PASSWORD</body></message>"
	for name, s := range map[string]setup{"unknown": {}, "known": {users: []string{alice}}} {
		t.Run(name, func(t *testing.T) {
			stage(t, s, func(t *testing.T, w *world) {
				if name == "known" { // one whose actor is there
					w.echo.Session("alice").Stall()
					w.presence(phone, gw, "")
					w.settle()
					w.Ask("set", phone, gw, registerQuery("<remove/>"))
					w.settle()
					w.Take()
				}
				for i, to := range []string{gw, carol} {
					w.Send("<presence type='subscribe' id='s' from='" + alice + "' to='" + to + "'/>")
					w.Next("<presence type='unsubscribed' id='s' from='" + to + "' to='" + alice + "'/>")
					if i == 0 {
						w.Next(how)
					}
					w.settle()
					w.Quiet()
					w.presence(alice, to, "unsubscribe")
					w.presence(alice, to, "unsubscribed")
					w.presence(phone, to, "unavailable")
					w.settle()
					w.Quiet()
					w.presence(phone, to, "probe")
					w.Next("<presence type='unsubscribed' from='" + to + "' to='" + phone + "'/>")
				}
				w.presence(bob, carol, "subscribe") // others are told, too
				w.Next("<presence type='unsubscribed' from='" + carol + "' to='" + bob + "'/>")
				w.Next("<message type='chat' from='" + gw + "/echo' to='" + bob + "'/>")
				w.pass(time.Hour)
				w.presence(alice, carol, "subscribe")
				w.Next("<presence type='unsubscribed' from='" + carol + "' to='" + alice + "'/>")
				w.Next(how)
				w.settle()
				w.Quiet()
			})
		})
	}
}

// A contact that sees the user stays one when the network refuses to add it.
func TestAddingRefusedForContact(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.emit(h, legacy.AuthRequested{From: carolPeer})
		w.Expect("<presence type='subscribe' from='" + carol + "'/>")
		w.presence(alice, carol, "subscribed")
		w.settle()
		h.Stall() // the answer is the test's
		w.presence(alice, carol, "subscribe")
		w.settle()
		w.emit(h, legacy.ContactFailed{Peer: carolPeer, Err: legacy.Errorf(legacy.NotFound, "Nobody has that name.")})
		w.Expect("<presence type='unsubscribed' from='" + carol + "'/>")
		if got := w.subscription(alice, "carol"); got != registry.From {
			t.Errorf("the subscription is %v", got)
		}
	})
}
