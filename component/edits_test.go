package component_test

import (
	"fmt"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// A client may add and remove more contacts at once than a session takes commands.
// (XEP-0100 §4.6, §4.7)
func TestManyContacts(t *testing.T) {
	const many = 300
	name := func(i int) string { return fmt.Sprintf("friend%d", i) }
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		h.Stall()
		for i := range many {
			w.presence(alice, name(i)+"@"+gw, "subscribe")
		}
		w.settle()
		w.Refute("<presence type='error'/>")
		h.Resume()
		w.pass(time.Minute)
		w.Refute("<presence type='error'/>")
		w.Take()
		for i := range many {
			if got := w.subscription(alice, name(i)); !got.Has(registry.To) {
				t.Fatalf("the subscription of %s is %v", name(i), got)
			}
			if got := legacytest.Expect[legacytest.AddContact](t, h); got.Contact.Peer.ID != name(i) {
				t.Fatalf("%s was added, want %s", got.Contact.Peer.ID, name(i))
			}
		}
		h.Stall()
		for i := range many {
			w.presence(alice, name(i)+"@"+gw, "unsubscribe")
			w.presence(alice, name(i)+"@"+gw, "unsubscribed")
		}
		w.presence(alice, name(many-1)+"@"+gw, "subscribe") // after all
		w.settle()
		h.Resume()
		w.pass(time.Minute)
		for i := range many - 1 {
			if got := legacytest.Expect[legacytest.RemoveContact](t, h); got.Peer.ID != name(i) {
				t.Fatalf("%s was removed, want %s", got.Peer.ID, name(i))
			}
		}
		legacytest.Refute[legacytest.RemoveContact](t, h)
		if got := legacytest.Expect[legacytest.AddContact](t, h); got.Contact.Peer.ID != name(many-1) {
			t.Fatalf("%s was added", got.Contact.Peer.ID)
		}
	})
}

// What the network refuses for the number of requests is asked for again, and the user
// told when it never takes it. What changes meanwhile is what is sent then.
func TestContactsPostponed(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		h.Stall()
		tooFast := legacy.ContactFailed{Peer: carolPeer, Err: legacy.Errorf(legacy.RateLimited, "Too fast.")}
		answer := func(ev legacy.Event) {
			t.Helper()
			h.Do(func(env legacy.Env) { env.Emit(ev) })
			w.settle()
		}
		w.presence(alice, carol, "subscribe")
		w.settle()
		for pause := time.Second; pause <= 32*time.Second; pause *= 2 {
			answer(tooFast)
			w.Quiet()
			w.pass(pause)
		}
		answer(tooFast)
		w.expectError("<presence from='"+carol+"' to='"+alice+"'/>", "resource-constraint", "wait")
		w.Quiet()
		w.presence(alice, carol, "subscribe")
		w.settle()
		answer(tooFast)
		w.presence(alice, carol, "unsubscribe")
		w.pass(time.Minute)
		w.Take()
		h.Resume()
		w.settle()
		for range 8 {
			legacytest.Expect[legacytest.AddContact](t, h)
		}
		legacytest.Expect[legacytest.RemoveContact](t, h)
		legacytest.Refute[legacytest.AddContact](t, h)
	})
}

// A list that is full stays as it is.
func TestFullList(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		rows := []registry.Contact{{Network: gw, User: alice, Subscription: registry.To | registry.From}}
		var list []legacy.Contact
		for i := range 9_999 {
			id := fmt.Sprint("p", i)
			rows = append(rows, registry.Contact{Network: gw, User: alice, Peer: id, Subscription: registry.To | registry.From, Listed: true})
			list = append(list, legacy.Contact{Peer: legacy.Peer{ID: id}})
		}
		if err := w.db.PutContacts(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
		w.echo.Session("alice").Contacts(append(list, legacy.Contact{Peer: carolPeer})...)
		w.signOn(phone)
		w.pass(time.Second)
		w.Refute("<presence type='unsubscribed'/>")
		if left, err := w.db.Contacts(t.Context(), gw, alice); err != nil || len(left) != len(rows) {
			t.Errorf("%d contacts are left, %v", len(left), err)
		}
	})
}

// A contact whose removal the network refuses is not gone, and the user is told.
func TestRemovalRefused(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.befriend(phone, carol)
		w.settle()
		h.Stall() // the event tells what the network makes of it
		w.Take()
		w.message(phone, gw, "w", "remove Carol")
		w.settle()
		h.Do(func(env legacy.Env) {
			env.Emit(legacy.ContactFailed{Peer: carolPeer, Err: legacy.Errorf(legacy.Forbidden, "Not now.")})
		})
		w.Expect("<message from='" + fullJID(gw) + "'><body>is still on your list on the network: Not now.</body></message>")
	})
}

// Adding somebody who is there in one direction is answered at once.
func TestAddOneWay(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		w.presence(phone, carol, "subscribe")
		w.pass(time.Second)
		w.Take()
		w.message(phone, gw, "w", "add Carol")
		w.settle()
		w.Expect("<message from='" + fullJID(gw) + "'><body>is added to your contacts</body></message>")
	})
}
