package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
)

// TestIRCServices logs in to a NickServ account, by SASL and by a message.
func TestIRCServices(t *testing.T) {
	if testing.Short() {
		t.Skip("end-to-end tests are not short")
	}
	for name, services := range map[string]lab.Services{"SASL": lab.NickServAndSASL, "NickServ": lab.NickServ} {
		t.Run(name, func(t *testing.T) {
			irc := startIRC(t, func(ctx context.Context) (*lab.IRC, error) { return lab.Inspircd(ctx, services) })
			w := newWorld(t, "prosody", lab.Prosody, lab.Options{})
			owner := dialIRC(t, irc.Addr, "alice")
			owner.send("PRIVMSG NickServ :REGISTER " + networkPass + " alice@x.invalid")
			owner.expect("now registered")
			owner.send("QUIT")
			owner.expect("ERROR")
			w.useIRC(irc.Addr)
			w.start()
			w.waitLinks(2)
			alice := w.login(aliceJID + "/one")
			if services == lab.NickServAndSASL {
				alice.say(ircDomain, "w1", "register alice wrong")
				alice.expect("word of the wrong password", func(e *element.Element) bool {
					return e.Name == "message" && lab.From(e, ircDomain) && strings.Contains(e.String(), "password")
				})
			}
			alice.register(ircDomain, "alice")
			bob := dialIRC(t, irc.Addr, "bob")
			if services == lab.NickServ { // who answers when it likes
				alice.expect("word from NickServ", func(e *element.Element) bool {
					return e.Name == "message" && strings.Contains(e.String(), "identified")
				})
			}
			bob.send("WHOIS alice")
			bob.expect(" 330 bob alice alice ")
			w.expectNoSecrets()
		})
	}
}

// TestIRCContacts tests the presence of contacts on IRC, by MONITOR.
func TestIRCContacts(t *testing.T) {
	if testing.Short() {
		t.Skip("end-to-end tests are not short")
	}
	w := newWorld(t, "prosody", lab.Prosody, lab.Options{})
	irc := startIRC(t, ircServers["inspircd"])
	w.useIRC(irc.Addr)
	w.start()
	w.waitLinks(2)
	alice := w.login(aliceJID + "/one")
	alice.register(ircDomain, "alice")
	bobs := "bob@" + ircDomain
	alice.add(bobs)
	for range 2 {
		bob := dialIRC(t, irc.Addr, "bob")
		alice.presence(bobs, "", "")
		bob.send("QUIT")
		alice.presence(bobs, "unavailable", "")
	}
}

// TestIRCSignOff: the server's notices at sign-off (ngIRCd sends statistics) do not appear
// as a new chat when the user is back.
func TestIRCSignOff(t *testing.T) {
	if testing.Short() {
		t.Skip("end-to-end tests are not short")
	}
	w := newWorld(t, "prosody", lab.Prosody, lab.Options{})
	irc := startIRC(t, lab.Ngircd)
	w.useIRC(irc.Addr)
	w.start()
	w.waitLinks(2)
	alice := w.login(aliceJID + "/one")
	alice.register(ircDomain, "alice")
	bob := dialIRC(t, irc.Addr, "bob")
	alice.say("bob@"+ircDomain, "m1", "good night")
	bob.expect("PRIVMSG bob :good night")
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	w.waitLog("signed off from the network", 1)
	again := w.login(aliceJID + "/two")
	again.presence(ircDomain, "", "")
	bob.send("PRIVMSG alice :good morning")
	again.body("bob@"+ircDomain, "good morning")
	if n := again.Count(func(e *element.Element) bool { return e.Name == "message" && e.Child("urn:xmpp:delay", "delay") != nil }); n > 0 {
		t.Errorf("%d messages were stored", n)
	}
}

// TestIRCXMPPRestart: messages of the time when the XMPP server was down arrive afterwards.
func TestIRCXMPPRestart(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		irc := startIRC(t, lab.Ngircd)
		w.linger = 2 * time.Second
		w.useIRC(irc.Addr)
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.register(ircDomain, "alice")
		bob := dialIRC(t, irc.Addr, "bob")
		bob.send("JOIN #club")
		bob.expect(" 366 ")
		alice.enter(clubRoom, "alice")
		bob.expect("JOIN")
		if err := w.server.Stop(); err != nil {
			t.Fatal(err)
		}
		w.waitLog(`"not connected to the XMPP server"`, 2)
		const lines = 10
		for i := range lines {
			bob.send(fmt.Sprint("PRIVMSG #club :in the room ", i))
			bob.send(fmt.Sprint("PRIVMSG alice :alone ", i))
		}
		bob.send("PING said")
		bob.expect("said")
		if err := w.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.waitLinks(4)
		again := w.login(aliceJID + "/two")
		for i := range lines {
			again.body("bob@"+ircDomain, fmt.Sprint("alone ", i))
		}
		again.enter(clubRoom, "alice")
		for i := range lines {
			m := again.body(clubRoom+"/bob", fmt.Sprint("in the room ", i))
			if m.Child("urn:xmpp:delay", "delay") == nil {
				t.Errorf("no time: %s", m)
			}
		}
		again.groupchat(clubRoom, "b1", "all read")
		bob.expect("PRIVMSG #club :all read")
	})
}
