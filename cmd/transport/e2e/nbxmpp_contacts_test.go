package e2e

import (
	"context"
	"crypto/sha1" //nolint:gosec // what XEP-0153 prescribes
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/component/element"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

const (
	carolUIN   = "1003"
	carolICQ   = carolUIN + "@" + icqDomain
	chatStates = "http://jabber.org/protocol/chatstates"
)

// listBoth gives Alice a contact list on ICQ: Bob with the name Bobby, and Carol without a
// name, in a group.
func (w *world) listBoth() {
	w.listed()
	w.mock.EditFeedbag(demo.AliceUIN, oscarwire.FeedbagInsert,
		oscarwire.FeedbagItem{Name: carolUIN, GroupID: 7, ItemID: 72, Class: oscarwire.FeedbagBuddy})
}

// TestNBXMPPContacts registers with the roster privilege: the gateway and the contacts are
// in the roster without requests, online, and get messages.
func TestNBXMPPContacts(t *testing.T) {
	w := newClientWorld(t, true)
	w.listBoth()
	w.extra = `admins = ["carol@localhost"]`
	picture := []byte("\x89PNG\r\n\x1a\nnot much of a picture")
	w.bob.SetIcon(picture)
	w.bob.SignOn()
	w.start()
	w.waitLinks(2)
	alice := w.nbxmpp(aliceJID + "/one")
	alice.registerBy(icqDomain, demo.AliceUIN)

	// XEP-0100 §4.1.1: the gateway and the contacts have names, groups and subscriptions.
	gateway := alice.push("the gateway", func(i lab.RosterItem) bool {
		return i.JID == icqDomain && i.Subscription == "both" && i.Name != ""
	})
	if len(gateway.Groups) == 0 {
		t.Errorf("the gateway is %+v in the roster", gateway)
	}
	for jid, name := range map[string]string{bobICQ: "Bobby", carolICQ: "Carol"} {
		item := alice.push(name, func(i lab.RosterItem) bool { return i.JID == jid && i.Subscription == "both" && i.Name == name })
		if !slices.Equal(item.Groups, []string{"Freunde"}) {
			t.Errorf("%s is %+v in the roster", name, item)
		}
	}

	// Online, with a resource, and with capabilities that match their hash.
	own := alice.presence(icqDomain, "available")
	bob := alice.presence(bobICQ, "available")
	if len(alice.online(icqDomain)) != 1 || len(alice.online(bobICQ)) != 1 {
		t.Errorf("online at %q is the gateway, at %q bob: %s %s", alice.online(icqDomain), alice.online(bobICQ), own.XML, bob.XML)
	}
	info := alice.capabilities(own)
	if !slices.Contains(info.Is, "is_gateway") || !strings.Contains(info.XML, "mailto:") && !strings.Contains(info.XML, "xmpp:carol@localhost") {
		t.Errorf("the gateway is %s", info.XML) // XEP-0157 §2
	}
	if info := alice.capabilities(bob); !slices.Contains(info.Features, chatStates) || slices.Contains(info.Features, "urn:xmpp:reactions:0") {
		t.Errorf("bob does not type, or reacts: %s", info.XML) // gajim/common/modules/chatstates.py, get_active_chatstate
	}
	sum := sha1.Sum(picture) //nolint:gosec // see above
	pictured := bob
	if pictured.AvatarSHA == "" { // known a moment later
		pictured = alice.expect("bob's picture", func(e *lab.ProbeEvent) bool { return e.Bare() == bobICQ && e.AvatarSHA != "" })
	}
	if pictured.AvatarSHA != hex.EncodeToString(sum[:]) || pictured.JID != bob.JID {
		t.Errorf("bob's picture comes with %s", pictured.XML)
	}

	// Typing, in both directions: Gajim stores chat states by full JID.
	// (gajim/common/modules/contacts.py, ResourceContact.chatstate)
	w.bob.SetTyping(demo.AliceUIN, oscarwire.TypingBegun)
	if typing := alice.expect("bob's typing", func(e *lab.ProbeEvent) bool { return e.ChatState == "composing" }); typing.JID != bob.JID {
		t.Errorf("%s types, %s is online", typing.JID, bob.JID)
	}
	ctx, cancel := context.WithTimeout(t.Context(), longEnough)
	defer cancel()
	for i, to := range []string{bobICQ, bob.JID} {
		alice.send("<message to='" + to + "' type='chat'><composing xmlns='" + chatStates + "'/></message>")
		if err := w.bob.WaitTyping(ctx, demo.AliceUIN, i+1); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint("to ", to)
		alice.send(fmt.Sprintf("<message to='%s' type='chat' id='m%d'><body>%s</body><active xmlns='%s'/></message>", to, i, text, chatStates))
		if got := w.heard(); got.Text != text {
			t.Errorf("bob reads %q", got.Text)
		}
	}
	if err := w.bob.Send(demo.AliceUIN, "hello"); err != nil {
		t.Fatal(err)
	}
	if m := alice.message("hello"); m.JID != bob.JID || m.Type != "chat" {
		t.Errorf("alice reads %s", m.XML)
	}

	// ICQ has no corrections, retractions and reactions: each becomes a line of text, and
	// is not sent back. Gajim sends the fallbacks. XEP-0308, XEP-0424, XEP-0444
	for _, act := range []struct{ body, payload, want string }{
		{"to whom it concerns", "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>", "* to whom it concerns"},
		{"> to whom it concerns\n😃", "<reactions xmlns='urn:xmpp:reactions:0' id='m1'><reaction>😃</reaction></reactions><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reactions:0'/>", "😃"},
		{"/me retracted a message", "<retract xmlns='urn:xmpp:message-retract:1' id='m1'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>", "took back"},
	} {
		body := element.New(lab.NSClient, "body").AddText(act.body)
		alice.send("<message to='" + bob.JID + "' type='chat'>" + body.String() + act.payload + "</message>")
		if got := w.heard().Text; !strings.Contains(got, act.want) || strings.Contains(got, "\n") || strings.Contains(got, "/me") {
			t.Errorf("of %s bob reads %q", act.payload, got)
		}
	}
	for _, e := range alice.History() {
		if e.Kind == "message" && e.Bare() == bobICQ && e.Type == "chat" && e.Body != "" && e.Body != "hello" {
			t.Errorf("alice reads %s", e.XML)
		}
	}

	// Offline and back: the unavailable presence has the same resource.
	w.bob.SignOff()
	if gone := alice.presence(bobICQ, "unavailable"); gone.JID != bob.JID || len(alice.online(bobICQ)) != 0 {
		t.Errorf("bob leaves as %s, and is online at %q", gone.JID, alice.online(bobICQ))
	}
	w.bob.SignOn()
	alice.presence(bobICQ, "available")
	if len(alice.online(bobICQ)) != 1 {
		t.Errorf("bob is back at %q", alice.online(bobICQ))
	}

	// Gajim moves a contact to another group. (gajim/common/modules/roster.py)
	alice.call(nil, "Roster", "set_item", bobICQ, "Bobby", []string{"Kollegen"})

	// The form of a second registration contains the account and a way to unregister. XEP-0077 §3.1
	var again lab.Registration
	alice.call(&again, "Register", "request_register_form", icqDomain)
	if again.Form == nil || !strings.Contains(again.Form.Instructions, demo.AliceUIN) || !strings.Contains(again.Form.Instructions, "unregister") ||
		!strings.Contains(again.Form.Instructions, "password") {
		t.Errorf("registering again: %+v", again.Form)
	}
	alice.call(nil, "Register", "submit_register_form", again.Form.Fill(map[string][]string{"password": {""}}), icqDomain)

	// XEP-0077 §3.2: the gateway removes its roster items without requests.
	alice.call(nil, "Register", "unregister", icqDomain)
	for _, jid := range []string{bobICQ, carolICQ, icqDomain} {
		alice.push("the removal of "+jid, func(i lab.RosterItem) bool { return i.JID == jid && i.Subscription == "remove" })
	}
	alice.settled(icqDomain)
	var roster struct{ Items []lab.RosterItem }
	alice.call(&roster, "Roster", "request_roster")
	if len(roster.Items) != 0 || len(alice.online(bobICQ)) != 0 || len(alice.online(icqDomain)) != 0 {
		t.Errorf("the roster keeps %+v, online are %q and %q", roster.Items, alice.online(bobICQ), alice.online(icqDomain))
	}
	// The network stores the client's group, and the next registration restores it.
	alice.registerBy(icqDomain, demo.AliceUIN)
	alice.push("bob again", func(i lab.RosterItem) bool {
		return i.JID == bobICQ && i.Subscription == "both" && i.Name == "Bobby" && slices.Equal(i.Groups, []string{"Kollegen"})
	})
	alice.noRequests()
	alice.noWarnings()
}

// TestNBXMPPRequests registers without the privilege: the gateway sends its request in the
// order of XEP-0100, once and with its name, and suggests all contacts together.
func TestNBXMPPRequests(t *testing.T) {
	w := newClientWorld(t, false)
	w.listBoth()
	w.bob.SignOn()
	w.start()
	w.waitLinks(2)
	alice := w.nbxmpp(aliceJID + "/one")
	// An unregistered user gets a message: no client shows the error of a subscription.
	alice.call(nil, "BasePresence", "subscribe", bobICQ)
	alice.presence(bobICQ, "unsubscribed")
	if m := alice.expect("how to register", func(e *lab.ProbeEvent) bool {
		return e.Kind == "message" && e.Bare() == icqDomain && e.Body != ""
	}); !strings.Contains(m.Body, "register") {
		t.Errorf("an unregistered user gets %s", m.XML)
	}
	alice.registerBy(icqDomain, demo.AliceUIN)

	// XEP-0100 §4.1.1
	asked := alice.presence(icqDomain, "subscribe")
	if asked.Nickname == "" {
		t.Errorf("the gateway asks without a name: %s", asked.XML) // XEP-0172 §4.2
	}
	alice.call(nil, "BasePresence", "subscribed", icqDomain)
	alice.call(nil, "BasePresence", "subscribe", icqDomain)
	alice.presence(icqDomain, "subscribed")

	// XEP-0144 §3: Gajim shows one dialog, and subscribes to the selected items.
	// (gajim/gtk/roster_item_exchange.py, RosterItemExchange._on_accept)
	proposed := alice.expect("a proposal", func(e *lab.ProbeEvent) bool { return e.Kind == "exchange" })
	if len(proposed.Items) != 2 {
		t.Fatalf("proposed are %+v", proposed.Items)
	}
	names := map[string]string{bobICQ: "Bobby", carolICQ: "Carol"}
	for _, i := range proposed.Items {
		if i.Action != "add" || i.Name != names[i.JID] || !slices.Equal(i.Groups, []string{"Freunde"}) {
			t.Errorf("proposed is %+v", i)
		}
		alice.call(nil, "Roster", "set_item", i.JID, i.Name, i.Groups)
		alice.call(nil, "BasePresence", "subscribe", i.JID)
	}
	for jid := range names {
		alice.presence(jid, "subscribed")
	}
	alice.presence(bobICQ, "available")
	if len(alice.online(bobICQ)) != 1 || len(alice.online(icqDomain)) != 1 {
		t.Errorf("online at %q is bob, at %q the gateway", alice.online(bobICQ), alice.online(icqDomain))
	}

	// A contact adds alice: Gajim shows the nick and the text of the request.
	// (gajim/common/modules/presence.py, Presence._subscribe_received)
	dave := w.mock.Bot("1004", oscarmock.BotOptions{Nick: "Dave"})
	dave.SignOn()
	dave.RequestAuth(demo.AliceUIN, "it is me")
	if asked := alice.presence("1004@"+icqDomain, "subscribe"); asked.Nickname != "Dave" || !strings.Contains(asked.Status, "it is me") {
		t.Errorf("dave asks by %s", asked.XML)
	}
	alice.call(nil, "BasePresence", "unsubscribed", "1004@"+icqDomain)

	// XEP-0100 §4.4.1: first the contacts, then the gateway.
	alice.call(nil, "Register", "unregister", icqDomain)
	alice.presence(icqDomain, "unsubscribed")
	alice.presence(icqDomain, "unavailable")
	left := make(map[string]bool)
	for _, e := range alice.History() {
		if e.Kind == "presence" && e.Type == "unsubscribed" {
			if left[e.Bare()] = true; e.Bare() == icqDomain && !(left[bobICQ] && left[carolICQ]) {
				t.Errorf("the gateway leaves before the contacts: %v", left)
			}
		}
	}
	if len(alice.online(bobICQ)) != 0 || len(alice.online(icqDomain)) != 0 {
		t.Errorf("still online are %q and %q", alice.online(bobICQ), alice.online(icqDomain))
	}
	alice.noWarnings()
}
