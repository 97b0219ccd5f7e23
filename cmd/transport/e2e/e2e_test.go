package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/component/element"
	"transport/legacy"
	"transport/legacy/oscar/oscarmock"
)

// TestWholeLine goes through Alice's whole use of the gateway, from discovery to
// unregistering.
func TestWholeLine(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		icq := w.icq()
		bobICQ, bob := icq.bobJID(), icq.friend
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")

		// XEP-0030, XEP-0100 §4.1
		items := alice.iq("get", "localhost", "<query xmlns='http://jabber.org/protocol/disco#items'/>").String()
		info := alice.iq("get", icqDomain, "<query xmlns='http://jabber.org/protocol/disco#info'/>").String()
		if !strings.Contains(items, icqDomain) || !strings.Contains(info, "category='gateway'") || !strings.Contains(info, "type='icq'") {
			t.Errorf("the gateway shows itself as %s in %s", info, items)
		}
		// XEP-0077 §3.1
		form := alice.iq("get", icqDomain, "<query xmlns='jabber:iq:register'/>").String()
		for _, want := range []string{"<username/>", "<password/>", "jabber:x:data", "<instructions>"} {
			if !strings.Contains(form, want) {
				t.Errorf("the form lacks %s: %s", want, form)
			}
		}
		if got := condition(alice.ask("set", icqDomain, registration(icq.alice, "wrong"))); got != "not-acceptable" {
			t.Errorf("a wrong password: %q", got)
		}
		if got := condition(alice.ask("set", icqDomain, registration("", ""))); got != "not-acceptable" {
			t.Errorf("no name: %q", got)
		}
		alice.register(icqDomain, icq.alice)
		again := alice.iq("get", icqDomain, "<query xmlns='jabber:iq:register'/>").String()
		if !strings.Contains(again, "<registered/>") || !strings.Contains(again, icq.alice) || strings.Contains(again, icq.password) {
			t.Errorf("the form of the registered: %s", again)
		}
		// XEP-0100 §4.6
		bob.SignOn() // who must agree, on some servers
		alice.add(bobICQ)
		alice.presence(bobICQ, "", "")

		// XEP-0100 §4.8, §5.3
		for i, text := range []string{
			"hello", "Grüße", "Привет", "😀 👩‍👩‍👧", "<b>1 < 2</b> &amp; &lt;", "two\nlines", "]]> \"quoted\" 'text'",
		} {
			alice.say(bobICQ, fmt.Sprint("m", i), text)
			if from, got := bob.heard(); got != text || from != icq.alice {
				t.Errorf("alice wrote %q, bob reads %q from %s", text, got, from)
			}
			if err := bob.Send(icq.alice, text); err != nil {
				t.Fatal(err)
			}
			if got := alice.message(bobICQ).ChildText("jabber:client", "body"); got != text {
				t.Errorf("bob wrote %q, alice reads %q", text, got)
			}
		}
		alice.say("no-number-☃@"+icqDomain, "bad", "hello")
		bad := alice.expect("an error", func(e *element.Element) bool { return e.Name == "message" && e.Attr("id") == "bad" })
		if got := condition(bad); got != "item-not-found" && got != "jid-malformed" && got != "bad-request" {
			t.Errorf("a message to nobody: %s", bad)
		}

		// XEP-0100 §5.3.1: presence both ways
		bob.show(legacy.Presence{Show: legacy.ShowAway, Status: "lunch"})
		alice.expect("bob's status", func(e *element.Element) bool { // some servers send it only on request
			return e.Name == "presence" && lab.From(e, bobICQ) && e.ChildText("jabber:client", "show") == "away" && e.ChildText("jabber:client", "status") == "lunch"
		})
		bob.show(legacy.Presence{Show: legacy.ShowDND})
		alice.presence(bobICQ, "", "dnd")
		alice.send("<presence><show>xa</show><status>gone &amp; away</status></presence>")
		w.wait("status of Alice", func() bool {
			p := bob.sees(icq.alice)
			return p.Show == legacy.ShowXA && p.Status == "gone & away"
		})
		bob.SignOff()
		alice.presence(bobICQ, "unavailable", "")

		// XEP-0085
		bob.SignOn()
		alice.presence(bobICQ, "", "")
		alice.send("<presence/>") // some servers send nothing to users who are away
		w.wait("return of Alice", func() bool { return bob.sees(icq.alice).Show == legacy.ShowOnline })
		bob.types(icq.alice)
		alice.expect("composing", func(e *element.Element) bool {
			return e.Child("http://jabber.org/protocol/chatstates", "composing") != nil
		})

		// XEP-0100 §4.7
		removed := icq.watchContacts()
		alice.iq("set", "", "<query xmlns='jabber:iq:roster'><item jid='"+bobICQ+"' subscription='remove'/></query>")
		removed(icq.bob)
		// XEP-0077 §3.2
		alice.iq("set", icqDomain, "<query xmlns='jabber:iq:register'><remove/></query>")
		w.wait("end of Alice's session", func() bool { return bob.sees(icq.alice).Show == legacy.ShowOffline })
		if got := condition(alice.ask("set", icqDomain, "<query xmlns='jabber:iq:register'><remove/></query>")); got != "registration-required" {
			t.Errorf("removed twice: %q", got)
		}
		w.expectNoSecrets()
	})
}

// expectNoSecrets checks that the log contains no passwords.
func (w *world) expectNoSecrets() {
	w.t.Helper()
	for _, secret := range []string{networkPass, w.password, xmppSecret} {
		if strings.Contains(w.log(), secret) {
			w.t.Errorf("the log has the secret %q", secret)
		}
	}
}

// ready starts the gateway with Alice registered, and Bob in her roster and online.
func (w *world) ready() *person {
	w.t.Helper()
	w.start()
	w.waitLinks(2)
	alice := w.login(aliceJID + "/one")
	alice.register(icqDomain, demo.AliceUIN)
	alice.add(bobICQ)
	w.bob.SignOn()
	alice.presence(bobICQ, "", "")
	return alice
}

// TestKilledGateway kills the gateway: after a restart it signs an online user on to ICQ
// again, and no offline contact is shown as online.
func TestKilledGateway(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		alice := w.ready()
		w.process.Kill()
		w.signedOff(demo.AliceUIN)
		if err := w.bob.Send(demo.AliceUIN, "while you were away"); err != nil {
			t.Fatal(err)
		}
		w.bob.SignOff()
		w.start()
		w.signedOn(demo.AliceUIN)
		got := alice.message(bobICQ)
		if got.ChildText("jabber:client", "body") != "while you were away" || got.Child("urn:xmpp:delay", "delay") == nil {
			t.Errorf("got %s", got)
		}
		alice.presence(bobICQ, "unavailable", "")
		w.bob.SignOn()
		alice.presence(bobICQ, "", "")
		alice.say(bobICQ, "m1", "back again")
		if got := w.heard().Text; got != "back again" {
			t.Errorf("bob reads %q", got)
		}
	})
}

// TestKilledServer kills the XMPP server: the gateway reconnects, messages of the meantime
// arrive, and the ICQ session continues.
func TestKilledServer(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		c := newCable(t, w.server.Component)
		w.via = c.listener.Addr().String()
		w.ready()
		w.server.Kill()
		c.tear(true)
		w.waitLog(`"not connected to the XMPP server"`, 2)
		for i := range 10 {
			if err := w.bob.Send(demo.AliceUIN, fmt.Sprint("line ", i)); err != nil {
				t.Fatal(err)
			}
		}
		// Alice is online before the gateway connects: ejabberd can lose sight of a message
		// that it stores while she signs on.
		if err := w.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		alice := w.login(aliceJID + "/two")
		c.mend()
		w.waitLinks(4)
		for i := range 10 {
			got := alice.message(bobICQ)
			if got.ChildText("jabber:client", "body") != fmt.Sprint("line ", i) || got.Child("urn:xmpp:delay", "delay") == nil {
				t.Errorf("number %d is %s", i, got)
			}
		}
		w.signedOn(demo.AliceUIN)
		alice.say(bobICQ, "m1", "still here")
		if got := w.heard().Text; got != "still here" {
			t.Errorf("bob reads %q", got)
		}
	})
}

// TestStop shuts the gateway down: users see it go offline, and their ICQ sessions sign
// off.
func TestStop(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		alice := w.ready()
		began := time.Now()
		if err := w.process.Terminate(6 * time.Second); err != nil {
			t.Error(err)
		}
		if code := w.process.Wait(); code != 0 {
			t.Errorf("exit code %d after %v", code, time.Since(began))
		}
		alice.presence(bobICQ, "unavailable", "")
		alice.presence(icqDomain, "unavailable", "")
		w.signedOff(demo.AliceUIN)
	})
}

// TestServerAbsentAtStart starts the gateway before the server, and with a wrong secret.
func TestServerAbsentAtStart(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		if err := w.server.Stop(); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.waitLog("connection refused", 1)
		if err := w.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.waitLinks(2)
	})
}

// TestNetworkRestart crashes the ICQ server and starts it again.
func TestNetworkRestart(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		alice := w.ready()
		addr := w.mock.Addr()
		w.mock.Hang()
		alice.presence(bobICQ, "unavailable", "")
		alice.presence(icqDomain, "unavailable", "")
		alice.say(bobICQ, "kept", "are you there?") // waits until the session is back
		if err := w.mock.Listen(addr); err != nil {
			t.Fatal(err)
		}
		alice.presence(icqDomain, "", "")
		alice.presence(bobICQ, "", "")
		if got := w.heard().Text; got != "are you there?" {
			t.Errorf("bob reads %q", got)
		}
	})
}

// TestSeveral has two users, two clients of one of them, and two networks in one
// process.
func TestSeveral(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		alice := w.ready()
		carol := w.login("carol@localhost/one")
		carol.register(icqDomain, "1003")
		carol.add(bobICQ)
		carol.presence(bobICQ, "", "")
		carol.say(bobICQ, "c1", "carol here")
		if got := w.heard(); got.Text != "carol here" || got.From != "1003" {
			t.Errorf("bob reads %+v", got)
		}
		// A second user with the same account gets a conflict. (XEP-0077 §3.1)
		if got := condition(carol.ask("set", icqDomain, registration(demo.AliceUIN, networkPass))); got != "conflict" {
			t.Errorf("a second owner: %q", got)
		}

		second := w.login(aliceJID + "/two")
		second.presence(bobICQ, "", "") // it comes online late and gets the contacts' presence
		if err := w.bob.Send(demo.AliceUIN, "to all of you"); err != nil {
			t.Fatal(err)
		}
		second.message(bobICQ)
		alice.message(bobICQ)
		second.send("<presence type='unavailable'/>")
		alice.say(bobICQ, "m1", "still signed on")
		if got := w.heard().Text; got != "still signed on" {
			t.Errorf("bob reads %q", got)
		}

		aim := w.mock.Bot("Dave", oscarmock.BotOptions{AddBack: true})
		aim.SignOn()
		alice.register(aimDomain, "Alice AIM")
		alice.add("dave@" + aimDomain)
		alice.presence("dave@"+aimDomain, "", "")
		alice.say("dave@"+aimDomain, "m2", "1 < 2 & <b>")
		select {
		case m := <-aim.Messages():
			if m.Text != "1 < 2 & <b>" || m.From != "aliceaim" {
				t.Errorf("dave reads %+v", m)
			}
		case <-time.After(longEnough):
			t.Error("dave gets no message")
		}
	})
}
