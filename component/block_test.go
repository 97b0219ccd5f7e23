package component_test

import (
	"strings"
	"testing"
	"time"

	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
)

const nsBlocking = "urn:xmpp:blocking"

// blockIQ sends an IQ of XEP-0191 to the gateway and returns the answer.
func (w *world) blockIQ(from, typ, payload string) *element.Element {
	w.t.Helper()
	w.Send("<iq type='" + typ + "' from='" + from + "' to='" + gw + "' id='b'>" + payload + "</iq>")
	return w.Expect("<iq to='" + from + "' id='b'/>")
}

func blockItems(name string, jids ...string) string {
	x := "<" + name + " xmlns='" + nsBlocking + "'>"
	for _, jid := range jids {
		x += "<item jid='" + jid + "'/>"
	}
	return x + "</" + name + ">"
}

// XEP-0191 §3: the list, block, unblock
func TestBlockingIQ(t *testing.T) {
	stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
		isError(t, w.blockIQ("stranger@example.org/x", "get", blockItems("blocklist")), "registration-required", "auth", "")
		isError(t, w.blockIQ(phone, "get", blockItems("blocklist")), "recipient-unavailable", "wait", "")
		h := w.signOn(phone)
		dave := "dave@" + gw
		if got := w.blockIQ(phone, "set", blockItems("block", carol, dave)); got.Attr("type") != "result" || got.Count() != 0 {
			t.Errorf("block: %s", got)
		}
		if list := w.blockIQ(phone, "get", blockItems("blocklist")).String(); strings.Count(list, "<item") != 2 || !strings.Contains(list, "jid='"+carol+"'") {
			t.Errorf("the list is %s", list)
		}
		if list := w.blockIQ(bob+"/x", "get", blockItems("blocklist")); strings.Contains(list.String(), "carol") {
			t.Errorf("somebody else's list is %s", list)
		}
		if got := w.blockIQ(phone, "set", blockItems("unblock", carol)); got.Attr("type") != "result" {
			t.Errorf("unblock: %s", got)
		}
		if list := w.blockIQ(phone, "get", blockItems("blocklist")).String(); strings.Contains(list, "carol") || !strings.Contains(list, "dave") {
			t.Errorf("the list is %s", list)
		}
		w.blockIQ(phone, "set", blockItems("block", carol))
		if got := w.blockIQ(phone, "set", blockItems("unblock")); got.Attr("type") != "result" { // §3.4: all
			t.Errorf("unblock all: %s", got)
		}
		if list := w.blockIQ(phone, "get", blockItems("blocklist")).String(); strings.Contains(list, "<item") {
			t.Errorf("the list is %s", list)
		}
		isError(t, w.blockIQ(phone, "set", blockItems("block")), "bad-request", "modify", "")
		isError(t, w.blockIQ(phone, "set", blockItems("block", "mallory@example.com")), "item-not-found", "cancel", "")
		isError(t, w.blockIQ(phone, "set", blockItems("block", "@")), "jid-malformed", "modify", "")
		isError(t, w.blockIQ(phone, "get", blockItems("block", carol)), "feature-not-implemented", "cancel", "")

		h.Stall()
		w.Send("<iq type='set' from='" + phone + "' to='" + gw + "' id='slow'>" + blockItems("block", carol) + "</iq>")
		w.settle()
		w.emit(h, legacy.BlockChanged{Peer: legacy.Peer{ID: "carol"}}) // another client does the contrary
		for _, e := range w.Take() {
			t.Errorf("answered too early: %s", e)
		}
		h.Resume()
		w.Expect("<iq type='result' to='" + phone + "' id='slow'/>")

		h.FailSend(legacy.Errorf(legacy.Forbidden, "Your list is full."))
		isError(t, w.blockIQ(phone, "set", blockItems("block", carol)), "not-allowed", "cancel", "")
		h.FailSend(nil)
		h.Stall()
		w.Send("<iq type='set' from='" + phone + "' to='" + gw + "' id='lost'>" + blockItems("block", carol) + "</iq>")
		w.settle()
		h.End(legacy.Errorf(legacy.Temporary, "Gone."))
		h.Resume()
		isError(t, w.Expect("<iq to='"+phone+"' id='lost'/>"), "recipient-unavailable", "wait", "")
	})
}

// XEP-0191 §3.2: what the user sees of somebody blocked, and may send them
func TestBlockedContact(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.presence(alice, carol, "subscribe")
		w.Expect("<presence from='" + carol + "' to='" + alice + "' type='subscribed'/>")
		w.settle()
		w.Take()

		w.blockIQ(phone, "set", blockItems("block", carol))
		w.settle()
		if len(w.Take()) == 0 {
			t.Error("carol is shown as before")
		}
		said := legacy.MessageReceived{From: legacy.Peer{ID: "carol"}, Text: "let me in"}
		w.emit(h, said, legacy.TypingChanged{From: said.From, State: legacy.TypingActive},
			legacy.PresenceChanged{From: said.From, Presence: legacy.Presence{Show: legacy.ShowAway, Status: "look at me"}},
			legacy.AuthRequested{From: said.From, Reason: "please"}, legacy.AddedYou{From: said.From})
		for _, e := range w.Take() {
			t.Errorf("of somebody blocked: %s", e)
		}
		w.presence(phone, carol, "probe")
		w.Expect("<presence from='" + fullJID(carol) + "' to='" + phone + "' type='unavailable'/>")
		w.message(phone, carol, "m", "no")
		w.Expect("<message from='" + carol + "' to='" + phone + "' id='m' type='error'><error type='cancel'>" +
			"<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><blocked xmlns='urn:xmpp:blocking:errors'/></error></message>")
		legacytest.Refute[legacytest.Send](t, h)

		w.emit(h, legacy.BlockChanged{Peer: said.From}) // with another client
		w.Expect("<presence from='" + fullJID(carol) + "' to='" + alice + "'><show>away</show></presence>")
		w.emit(h, said)
		w.Expect("<message from='" + fullJID(carol) + "'><body>let me in</body></message>")

		h.FailSend(legacy.Errorf(legacy.Blocked, "Blocked."))
		w.message(phone, carol, "m2", "the network knows better")
		w.Expect("<message id='m2' type='error'><error type='cancel'><blocked xmlns='urn:xmpp:blocking:errors'/></error></message>")
	})
}

// The list is the network's: it is there after a restart.
func TestBlockedAtSignOn(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.blockIQ(phone, "set", blockItems("block", carol))
		h.End(legacy.Errorf(legacy.Temporary, "Gone."))
		w.pass(time.Minute)
		legacytest.Expect[legacytest.SignOn](t, h)
		w.settle()
		if list := w.blockIQ(phone, "get", blockItems("blocklist")).String(); !strings.Contains(list, carol) {
			t.Errorf("the list is %s", list)
		}
	})
}

// Blocking by commands and by words
func TestBlockingCommands(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		note := func(e *element.Element) string { return e.ChildText(nsCommands, "note") }
		answers := func(node, peer string) *element.Element {
			form := w.run(phone, node, "", "")
			return w.run(phone, node, " sessionid='"+form.Attr("sessionid")+"'", submit("peer", peer))
		}
		if got := note(w.run(phone, "unblock", "", "")); !strings.Contains(got, "not blocked anybody") {
			t.Errorf("nobody to unblock: %q", got)
		}
		if got := note(answers("block", "Carol")); got != "carol is blocked." {
			t.Errorf("block: %q", got)
		}
		if got := note(answers("block", "\u2603")); !strings.Contains(got, "An Echo name has") {
			t.Errorf("an impossible name: %q", got)
		}
		if got := note(w.run(phone, "blocked", "", "")); !strings.Contains(got, "carol") {
			t.Errorf("the list: %q", got)
		}
		if got := note(answers("unblock", "carol")); got != "carol is not blocked." {
			t.Errorf("unblock: %q", got)
		}
		for _, tt := range [][2]string{
			{"block dave", "dave is blocked."},
			{"block " + carol, "carol is blocked."},
			{"blocked", "You have blocked:\ncarol\ndave"},
			{"unblock dave", "dave is not blocked."},
			{"unblock", "Echo name? One of: carol.\nWrite your answer, or cancel to stop."},
			{"☃", "An Echo name has 1 to 64 letters, digits, dots, hyphens or underscores.\nEcho name? One of: carol.\nWrite your answer, or cancel to stop."},
			{"cancel", "Cancelled; nothing was changed."},
			{"unblock ☃", "An Echo name has 1 to 64 letters, digits, dots, hyphens or underscores."},
		} {
			w.message(phone, gw, "w", tt[0])
			if got := w.Expect("<message from='"+fullJID(gw)+"' to='"+phone+"'/>").ChildText("jabber:component:accept", "body"); got != tt[1] {
				t.Errorf("%s: %q, want %q", tt[0], got, tt[1])
			}
		}
		w.message(phone, gw, "h", "help")
		if got := w.Expect("<message from='" + fullJID(gw) + "' to='" + phone + "'/>").String(); !strings.Contains(got, "block ADDRESS: ") {
			t.Errorf("help says %s", got)
		}
	})
}
