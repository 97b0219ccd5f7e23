package e2e

import (
	"strings"
	"testing"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/component/element"
	"transport/legacy/oscar/oscarmock"
)

// formRegistration is a filled-in registration form. (XEP-0077 §4)
func formRegistration(name, password string) string {
	return "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>" +
		"<field var='FORM_TYPE'><value>jabber:iq:register</value></field>" +
		"<field var='username'><value>" + name + "</value></field>" +
		"<field var='password'><value>" + password + "</value></field></x></query>"
}

// registered waits for the subscription handshake after a registration.
func (p *person) registered(domain string) {
	p.w.t.Helper()
	p.presence(domain, "subscribe", "")
	p.send("<presence to='" + domain + "' type='subscribed'/>")
	p.send("<presence to='" + domain + "' type='subscribe'/>")
	p.presence(domain, "", "")
}

// answer waits for a message of the gateway itself.
func (p *person) answer(domain string) string {
	p.w.t.Helper()
	return p.message(domain).ChildText(lab.NSClient, "body")
}

// command runs an ad-hoc command without a form, and returns its note.
// (XEP-0050 §3)
func (p *person) command(node string) string {
	p.w.t.Helper()
	const ns = "http://jabber.org/protocol/commands"
	reply := p.iq("set", icqDomain, "<command xmlns='"+ns+"' action='execute' node='"+node+"'/>")
	cmd := reply.Child(ns, "command")
	if cmd == nil || cmd.Attr("status") != "completed" {
		p.w.t.Errorf("command %s: %s", node, reply)
		return ""
	}
	return cmd.ChildText(ns, "note")
}

// TestAccountByForm registers by form, changes the password on the network and then in the
// gateway, and unregisters.
func TestAccountByForm(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		if got := condition(alice.ask("set", icqDomain, formRegistration(demo.AliceUIN, "wrong"))); got != "not-acceptable" {
			t.Errorf("a wrong password: %q", got)
		}
		alice.iq("set", icqDomain, formRegistration(demo.AliceUIN, networkPass))
		alice.registered(icqDomain)
		alice.add(bobICQ)

		// The password changes on the network, which ends the session.
		const changed = "e2e-new"
		w.mock.AddAccount(oscarmock.Account{Name: demo.AliceUIN, Password: changed, Nick: "Alice"})
		w.mock.Disconnect(demo.AliceUIN, oscarmock.DisconnectClose)
		alice.presence(icqDomain, "unavailable", "")
		if got := alice.answer(icqDomain); !strings.Contains(got, "password") {
			t.Errorf("the gateway says %q", got)
		}
		if got := alice.command("status"); !strings.Contains(got, "not signed on") {
			t.Errorf("the state is %q", got)
		}
		alice.iq("set", icqDomain, formRegistration(demo.AliceUIN, changed))
		alice.presence(icqDomain, "", "")
		w.signedOn(demo.AliceUIN)
		if got := alice.command("status"); !strings.Contains(got, "You are signed on") {
			t.Errorf("the state is %q", got)
		}

		// XEP-0077 §3.2; XEP-0100 §4.3
		alice.iq("set", icqDomain, "<query xmlns='jabber:iq:register'><remove/></query>")
		for _, jid := range []string{bobICQ, icqDomain} {
			alice.presence(jid, "unsubscribe", "")
			alice.presence(jid, "unsubscribed", "")
			alice.presence(jid, "unavailable", "")
		}
		w.signedOff(demo.AliceUIN)
		fresh := alice.iq("get", icqDomain, "<query xmlns='jabber:iq:register'/>").String()
		if strings.Contains(fresh, "<registered/>") || strings.Contains(fresh, demo.AliceUIN) {
			t.Errorf("the form after unregistering: %s", fresh)
		}
		alice.send("<presence type='unavailable'/>")
		alice.send("<presence/>") // there is no registration to sign on
		alice.iq("set", icqDomain, registration(demo.AliceUIN, changed))
		alice.registered(icqDomain)
		w.expectNoSecrets()
	})
}

// TestAccountByText registers, signs off and signs on by writing to the gateway, like
// clients without forms.
func TestAccountByText(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.say(icqDomain, "t1", "hello?")
		if got := alice.answer(icqDomain); !strings.Contains(got, "register") {
			t.Errorf("the gateway says %q", got)
		}
		alice.say(icqDomain, "t2", "register "+demo.AliceUIN+" wrong")
		if got := alice.answer(icqDomain); !strings.Contains(got, "password") {
			t.Errorf("the gateway says %q", got)
		}
		alice.say(icqDomain, "t3", "register "+demo.AliceUIN+" "+networkPass)
		alice.answer(icqDomain)
		alice.registered(icqDomain)
		alice.say(icqDomain, "t4", "logout")
		alice.answer(icqDomain)
		alice.presence(icqDomain, "unavailable", "")
		w.signedOff(demo.AliceUIN)
		alice.say(icqDomain, "t5", "login")
		alice.answer(icqDomain)
		alice.presence(icqDomain, "", "")
		w.signedOn(demo.AliceUIN)
		w.expectNoSecrets()
	})
}

// TestSignedOnElsewhere signs the account on from another client: the gateway reports it,
// and signs on again only when the user requests it.
func TestSignedOnElsewhere(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		alice := w.ready()
		w.mock.Disconnect(demo.AliceUIN, oscarmock.DisconnectReplaced)
		alice.presence(bobICQ, "unavailable", "")
		alice.presence(icqDomain, "unavailable", "")
		if got := alice.answer(icqDomain); !strings.Contains(got, "somewhere else") {
			t.Errorf("the gateway says %q", got)
		}
		alice.say(bobICQ, "late", "hello")
		late := alice.expect("an error", func(e *element.Element) bool { return e.Name == "message" && e.Attr("id") == "late" })
		if late.Attr("type") != "error" {
			t.Errorf("a message while signed on elsewhere: %s", late)
		}
		alice.command("login")
		alice.presence(icqDomain, "", "")
		alice.presence(bobICQ, "", "")
		alice.say(bobICQ, "m1", "here again")
		if got := w.heard().Text; got != "here again" {
			t.Errorf("bob reads %q", got)
		}
	})
}

// TestWrongSecret gives one of two gateways a wrong secret: the log names the gateway and
// the remedy, without the secrets, and the other gateway works.
func TestWrongSecret(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		const wrong = "e2e-wrong-secret"
		w.secret = wrong
		w.start()
		w.waitLog("make the secret of network", 1)
		w.waitLinks(1)
		var line string
		for l := range strings.Lines(w.log()) {
			if strings.Contains(l, "make the secret of network") {
				line = l
			}
		}
		if !strings.Contains(line, `"level":"error"`) || !strings.Contains(line, icqDomain) {
			t.Errorf("the log says %s", line)
		}
		alice := w.login(aliceJID + "/one")
		alice.register(aimDomain, "Alice AIM")
		if strings.Contains(w.log(), wrong) {
			t.Error("the log has the wrong secret")
		}
		w.expectNoSecrets()
	})
}
