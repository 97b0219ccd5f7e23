package e2e

import (
	"fmt"
	"strings"
	"testing"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
)

func (s *ircScene) invitations() {
	// XEP-0045 §7.8.2, XEP-0249
	s.alice.send("<message to='" + clubRoom + "'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='bob@" + ircDomain + "'/></x></message>")
	s.bob.send("PING sync")
	s.bob.send("JOIN #den")
	s.bob.expect(" 366 ")
	s.bob.send("INVITE alice #den")
	s.alice.expect("an invitation", func(e *element.Element) bool {
		return e.Name == "message" && strings.Contains(e.String(), "#den@"+ircDomain) && strings.Contains(e.String(), "invite")
	})
}

// list requests the list of channels, page by page. (XEP-0045 §6.3, XEP-0059)
func (s *ircScene) list() {
	const items = "http://jabber.org/protocol/disco#items"
	seen := make(map[string]bool)
	for after := ""; ; {
		page := s.alice.iq("get", ircDomain, "<query xmlns='"+items+"'><set xmlns='http://jabber.org/protocol/rsm'><max>1</max><after>"+after+"</after></set></query>")
		q := page.Child(items, "query")
		if q == nil {
			s.Fatalf("a page is %s", page)
		}
		n := 0
		for item := range q.Children(items, "item") {
			seen[item.Attr("jid")] = true
			n++
		}
		last := q.Child("http://jabber.org/protocol/rsm", "set").ChildText("http://jabber.org/protocol/rsm", "last")
		if n > 1 {
			s.Fatalf("a page of one has %d", n)
		}
		if n == 0 || last == "" || last == after {
			break
		}
		after = last
	}
	if !seen[clubRoom] || !seen["#den@"+ircDomain] {
		s.Errorf("the list has %v", seen)
	}
	if info := s.alice.iq("get", clubRoom, "<query xmlns='http://jabber.org/protocol/disco#info'/>").String(); !strings.Contains(info, "of bob") {
		s.Errorf("the room says %s", info)
	}
	// XEP-0045 §10.2: alice was made an operator above
	form := s.alice.iq("get", clubRoom, "<query xmlns='http://jabber.org/protocol/muc#owner'/>").String()
	if !strings.Contains(form, "muc#roomconfig_moderatedroom") {
		s.Errorf("the configuration is %s", form)
	}
	s.alice.iq("set", clubRoom, "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>"+
		"<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"+
		"<field var='muc#roomconfig_moderatedroom'><value>1</value></field></x></query>")
	s.bob.expect("MODE #club +m")
	s.bob.send("MODE #club -m")
	s.bob.expect("MODE #club -m")
}

// raw sends IRC lines as messages to the server's address, which sends the answers.
func (s *ircScene) raw() {
	s.alice.say(ircDomain, "r1", "VERSION")
	s.alice.expect("the version", func(e *element.Element) bool {
		return lab.From(e, ircDomain) && strings.Contains(strings.ToLower(e.ChildText("jabber:client", "body")), "irc")
	})
}

func (s *ircScene) whois() {
	card := s.alice.iq("get", "bob@"+ircDomain, "<vCard xmlns='vcard-temp'/>").String()
	if !strings.Contains(card, "<NICKNAME>bob</NICKNAME>") {
		s.Errorf("bob's card is %s", card)
	}
	if version := s.alice.iq("get", clubRoom+"/carol", "<query xmlns='jabber:iq:version'/>").String(); !strings.Contains(version, "an XMPP gateway") {
		s.Errorf("carol's client is %s", version)
	}
	if got := condition(s.alice.ask("get", "nobody@"+ircDomain, "<vCard xmlns='vcard-temp'/>")); got != "item-not-found" { // XEP-0054 §3.3
		s.Errorf("the card of nobody: %q", got)
	}
}

// history: a user who joins again gets the history, and queries the archive.
func (s *ircScene) history() {
	s.bob.send("PRIVMSG #club :for the archive")
	s.carol.body(clubRoom+"/bob", "for the archive")
	again := s.w.login("carol@localhost/again")
	again.join(clubRoom, "carol")
	m := again.body(clubRoom+"/bob", "for the archive")
	if m.Child("urn:xmpp:delay", "delay") == nil {
		s.Errorf("the history has no time: %s", m)
	}
	again.send("<presence to='" + clubRoom + "/carol' type='unavailable'/>")
	// XEP-0313 §4
	again.iq("set", clubRoom, "<query xmlns='urn:xmpp:mam:2' queryid='q1'><set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set></query>")
	again.expect("the archived line", func(e *element.Element) bool {
		return strings.Contains(e.String(), "queryid='q1'") && strings.Contains(e.String(), "for the archive")
	})
}

// restart restarts the IRC server; all occupants leave and join again.
func (s *ircScene) restart() {
	s.irc.Kill()
	for _, p := range []*person{s.alice, s.carol} {
		p.expect("word of the loss", func(e *element.Element) bool {
			return e.Attr("from") == clubRoom && strings.Contains(e.ChildText("jabber:client", "body"), "disconnected")
		})
	}
	if err := s.irc.Start(s.Context()); err != nil {
		s.Fatal(err)
	}
	s.bob = dialIRC(s.T, s.irc.Addr, "bob")
	s.bob.send("JOIN #club")
	names := s.bob.expect(" 353 ")
	present := strings.Count(names, "alice") + strings.Count(names, "carol")
	s.bob.expect(" 366 ")
	for range 2 - present { // alice and carol, before or after bob, in any order
		s.bob.expect("JOIN")
	}
	for _, p := range []*person{s.alice, s.carol} {
		p.presence(clubRoom+"/bob", "", "")
	}
	s.bob.send("PRIVMSG #club :we are back")
	s.alice.body(clubRoom+"/bob", "we are back")
	s.carol.body(clubRoom+"/bob", "we are back")
	s.carol.groupchat(clubRoom, "b1", "indeed")
	s.bob.expect("PRIVMSG #club :indeed")
}

// TestIRCServersAbroad: without a fixed server, users name it in every address, like
// biboumi's users.
func TestIRCServersAbroad(t *testing.T) {
	if testing.Short() {
		t.Skip("end-to-end tests are not short")
	}
	w := newWorld(t, "prosody", lab.Prosody, lab.Options{})
	one, two := startIRC(t, ircServers["inspircd"]), startIRC(t, lab.Ngircd)
	w.second = fmt.Sprintf("driver = \"irc\"\ndomain = %q\nsecret = %q\n[network.options]\ntls_ports = \"\"\n\nprivate = true\nrate = 0\n", ircDomain, xmppSecret)
	w.start()
	w.waitLinks(2)
	alice := w.login(aliceJID + "/one")
	for _, irc := range []*lab.IRC{one, two} {
		server := strings.ReplaceAll(irc.Addr, ":", `\3a`)
		room := "#abroad%" + server + "@" + ircDomain
		bob := dialIRC(t, irc.Addr, "bob")
		bob.send("JOIN #abroad")
		bob.expect(" 366 ")
		alice.enter(room, "alice")
		bob.expect("JOIN")
		bob.send("PRIVMSG #abroad :hello from " + irc.Name)
		alice.body(room+"/bob", "hello from "+irc.Name)
		alice.groupchat(room, "a1", "hello too")
		bob.expect("PRIVMSG #abroad :hello too")
		alice.say("bob%"+server+"@"+ircDomain, "a2", "alone")
		bob.expect("PRIVMSG bob :alone")
		bob.send("PRIVMSG alice :yes?")
		alice.body("bob%"+server+"@"+ircDomain, "yes?")
		alice.send("<presence to='" + server + "@" + ircDomain + "' type='subscribe'/>") // without registering
		alice.expect("the server among her contacts", func(e *element.Element) bool {
			return e.Name == "presence" && lab.From(e, server+"@"+ircDomain) && e.Attr("type") == ""
		})
		alice.say(server+"@"+ircDomain, "a3", "VERSION")
		alice.expect("the version", func(e *element.Element) bool {
			return lab.From(e, server+"@"+ircDomain) && e.Child("jabber:client", "body") != nil
		})
	}
}
