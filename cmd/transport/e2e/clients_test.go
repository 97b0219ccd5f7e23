package e2e

import (
	"fmt"
	"strings"
	"testing"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// listed gives Alice a contact list on ICQ: Bob with the name Bobby, in a group.
func (w *world) listed() {
	w.mock.EditFeedbag(demo.AliceUIN, oscarwire.FeedbagInsert,
		oscarwire.FeedbagItem{GroupID: 0, Class: oscarwire.FeedbagGroup},
		oscarwire.FeedbagItem{Name: "Freunde", GroupID: 7, Class: oscarwire.FeedbagGroup},
		oscarwire.FeedbagItem{Name: demo.BobUIN, GroupID: 7, ItemID: 71, Class: oscarwire.FeedbagBuddy,
			TLVs: oscarwire.TLVs{{Tag: oscarwire.TagFeedbagAlias, Value: []byte("Bobby")}}})
}

// TestListIsOffered registers an account with a contact list: the user gets a subscription
// request for each contact, and the presence of the approved ones.
func TestListIsOffered(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.listed()
		w.bob.SignOn()
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.register(icqDomain, demo.AliceUIN)
		alice.presence(bobICQ, "subscribe", "")
		alice.send("<presence to='" + bobICQ + "' type='subscribed'/>")
		alice.send("<presence to='" + bobICQ + "' type='subscribe'/>")
		alice.presence(bobICQ, "subscribed", "")
		alice.presence(bobICQ, "", "")
		if item := rosterItems(alice.iq("get", "", "<query xmlns='jabber:iq:roster'/>"))[bobICQ]; item == nil || item.Attr("subscription") != "both" {
			t.Errorf("bob's place in the roster is %v", item)
		}
	})
}

// TestClients tests several clients of Alice: she is on ICQ while one of them is online,
// with the presence of the one with the highest priority; offline messages wait for her.
func TestClients(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		one := w.ready()
		two := w.login(aliceJID + "/two")
		two.presence(bobICQ, "", "")
		mood := func(mode oscarwire.Mode) {
			t.Helper()
			w.wait("right status of Alice's", func() bool {
				status, online := w.bob.Sees(demo.AliceUIN)
				return online && status.Mode() == mode
			})
		}
		two.send("<presence><show>dnd</show><priority>5</priority></presence>")
		mood(oscarwire.ModeDND)
		two.send("<presence type='unavailable'/>")
		mood(oscarwire.ModeOnline)
		one.send("<presence><show>away</show></presence>")
		mood(oscarwire.ModeAway)
		one.Kill() // a client that vanishes counts as offline
		w.signedOff(demo.AliceUIN)
		w.wait("offline Alice", func() bool { _, online := w.bob.Sees(demo.AliceUIN); return !online })

		for i := range 3 {
			if err := w.bob.Send(demo.AliceUIN, fmt.Sprint("line ", i)); err != nil {
				t.Fatal(err)
			}
		}
		two.send("<presence/>")
		w.signedOn(demo.AliceUIN)
		for i := range 3 {
			m := two.message(bobICQ)
			if m.ChildText(lab.NSClient, "body") != fmt.Sprint("line ", i) || m.Child("urn:xmpp:delay", "delay") == nil {
				t.Errorf("number %d is %s", i, m)
			}
		}
		two.presence(bobICQ, "", "")
		if n := w.mock.Sessions(demo.AliceUIN); n != 1 {
			t.Errorf("%d sessions on ICQ", n)
		}
	})
}

// TestConsent tests authorization requests in both directions.
func TestConsent(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		const daveUIN = "1004"
		const daveICQ = daveUIN + "@" + icqDomain
		reasons := make(chan string, 1)
		dave := w.mock.Bot(daveUIN, oscarmock.BotOptions{Nick: "Dave", NeedsAuth: true, Accept: func(_, reason string) bool {
			reasons <- reason
			return strings.Contains(reason, "Alice")
		}})
		dave.SignOn()
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.register(icqDomain, demo.AliceUIN)
		alice.send("<presence to='" + daveICQ + "' type='subscribe'><status>Alice here</status></presence>")
		alice.presence(daveICQ, "subscribed", "")
		alice.presence(daveICQ, "", "")
		if got := <-reasons; got != "Alice here" {
			t.Errorf("dave gets %q", got)
		}

		// a contact that refuses
		w.mock.Bot("1005", oscarmock.BotOptions{NeedsAuth: true, Accept: func(string, string) bool { return false }}).SignOn()
		alice.send("<presence to='1005@" + icqDomain + "' type='subscribe'/>")
		alice.presence("1005@"+icqDomain, "unsubscribed", "")

		// a contact that requests a subscription
		w.bob.RequestAuth(demo.AliceUIN, "let me see you")
		ask := alice.presence(bobICQ, "subscribe", "")
		if got := ask.ChildText(lab.NSClient, "status"); got != "let me see you" {
			t.Errorf("alice gets %q: %s", got, ask)
		}
		alice.send("<presence to='" + bobICQ + "' type='subscribed'/>")
	})
}
