package e2e

import (
	"strings"
	"testing"

	"transport/cmd/transport/internal/demo"
	"transport/component/element"
)

// TestICQAccount changes the password on the network by command, kills the gateway, and
// signs on with the new password. It also tests receipts, and invisibility.
func TestICQAccount(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		alice := w.ready()
		const ns = "http://jabber.org/protocol/commands"
		command := func(node, more, form string) *element.Element {
			return alice.iq("set", icqDomain, "<command xmlns='"+ns+"' node='"+node+"'"+more+">"+form+"</command>").First()
		}
		const changed = "e2e-changed"
		asked := command("change-password", "", "")
		done := command("change-password", " sessionid='"+asked.Attr("sessionid")+"'", "<x xmlns='jabber:x:data' type='submit'>"+
			"<field var='password'><value>"+changed+"</value></field><field var='again'><value>"+changed+"</value></field></x>")
		if done.Attr("status") != "completed" || w.mock.Password(demo.AliceUIN) != changed {
			t.Errorf("changing the password: %s", done)
		}

		// XEP-0184 §5: a receipt for a delivered message, none for a stored one
		receipt := func(e *element.Element) bool {
			return e.Name == "message" && e.Child("urn:xmpp:receipts", "received") != nil
		}
		write := func(id string) {
			alice.send("<message to='" + bobICQ + "' type='chat' id='" + id + "'><body>" + id + "</body><request xmlns='urn:xmpp:receipts'/></message>")
		}
		write("online")
		if got := alice.expect("a receipt", receipt).Child("urn:xmpp:receipts", "received").Attr("id"); got != "online" {
			t.Errorf("the receipt is for %q", got)
		}
		w.bob.SignOff()
		alice.presence(bobICQ, "unavailable", "")
		write("offline")
		w.wait("message that is kept for Bob", func() bool { return w.mock.Stored(demo.BobUIN) == 1 })
		w.bob.SignOn()
		alice.presence(bobICQ, "", "")
		write("again")
		if got := alice.expect("a receipt", receipt).Child("urn:xmpp:receipts", "received").Attr("id"); got != "again" {
			t.Errorf("the receipt is for %q", got)
		}

		alice.say(icqDomain, "i", "invisible")
		invisible := func() bool {
			status, _, _ := w.mock.Presence(demo.AliceUIN)
			return status.Invisible()
		}
		w.wait("invisibility", invisible)

		w.process.Kill()
		w.signedOff(demo.AliceUIN)
		w.start()
		w.signedOn(demo.AliceUIN)
		alice.presence(bobICQ, "", "")
		w.wait("invisibility after the restart", invisible)
		if log := w.log(); strings.Contains(log, changed) {
			t.Error("the log has the new password")
		}
	})
}
