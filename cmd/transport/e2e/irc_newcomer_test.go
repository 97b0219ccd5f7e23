package e2e

import (
	"strings"
	"testing"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
)

// TestIRCNewcomer: a user without a channel searches for one, reads its topic, and joins it
// by a name with a space. An operator makes them operator, and they ban an occupant in the
// ways of Gajim and Converse.
func TestIRCNewcomer(t *testing.T) {
	if testing.Short() {
		t.Skip("end-to-end tests are not short")
	}
	w := newWorld(t, "prosody", lab.Prosody, lab.Options{})
	irc := startIRC(t, lab.Ngircd)
	w.useIRC(irc.Addr)
	bob := dialIRC(t, irc.Addr, "bob")
	bob.send("JOIN #test")
	bob.expect(" 366 ")
	bob.send("TOPIC #test :what it is about")
	w.start()
	w.waitLinks(2)
	alice := w.login(aliceJID + "/one")
	const room, info = "#test@" + ircDomain, "http://jabber.org/protocol/disco#info"
	has := func(answer, want string) {
		t.Helper()
		if !strings.Contains(answer, want) {
			t.Errorf("no %s in %s", want, answer)
		}
	}
	var is []string
	for identity := range alice.iq("get", ircDomain, "<query xmlns='"+info+"'/>").Child(info, "query").Children(info, "identity") {
		is = append(is, identity.Attr("category")+"/"+identity.Attr("type"))
	}
	if got := strings.Join(is, " "); got != "gateway/irc conference/text" {
		t.Errorf("the gateway is %s", got)
	}
	has(alice.iq("get", ircDomain, "<query xmlns='http://jabber.org/protocol/disco#items'/>").String(), "jid='"+room+"'")
	about := alice.iq("get", room, "<query xmlns='"+info+"'/>").String()
	has(about, "<field var='muc#roominfo_occupants'><value>1</value>")
	has(about, "<field var='muc#roominfo_description'><value>what it is about</value>")
	found := alice.iq("set", ircDomain, "<query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='submit'><field var='channel'><value>about</value></field></x></query>").String()
	has(found, "<field var='topic'><value>what it is about</value>")
	// XEP-0045 §7.2
	alice.join(room, "Dave Jones")
	alice.presence(room+"/bob", "", "")
	self := alice.presence(room+"/Dave_Jones", "", "")
	if codes(self) != "110 210" {
		t.Errorf("the own presence is %s", self)
	}
	has(self.String(), "jid='"+aliceJID+"/one'")
	// XEP-0045 §7.12
	has(alice.iq("get", room, "<query xmlns='"+info+"' node='x-roomuser-item'/>").String(), "name='Dave_Jones'")
	// XEP-0045 §9.1
	bob.send("MODE #test +o Dave_Jones")
	alice.role(room+"/Dave_Jones", "owner", "moderator")
	alice.admin(room, "jid='bob@"+ircDomain+"' affiliation='outcast'")
	bob.expect("KICK #test bob")
	w.expectNoSecrets()
}

// TestIRCReplaced: a client returns with the same resource before the server has detected
// that the old connection is dead. The new client does not get the old one's leave.
// (XEP-0045 §7.14)
func TestIRCReplaced(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		irc := startIRC(t, lab.Ngircd)
		w.useIRC(irc.Addr)
		w.start()
		w.waitLinks(2)
		const room = "#test@" + ircDomain
		w.login(aliceJID+"/one").enter(room, "alice")
		again := w.login(aliceJID + "/one")
		w.wait("end of the old client's stay", func() bool {
			return condition(again.ask("get", room+"/alice", "<ping xmlns='urn:xmpp:ping'/>")) == "not-acceptable"
		})
		if got := again.Count(func(e *element.Element) bool { return lab.From(e, room) && e.Name == "presence" }); got != 0 {
			t.Errorf("before it joins, a client gets %d presences of the room", got)
		}
		if self := again.enter(room, "alice"); codes(self) != "110" {
			t.Errorf("the own presence is %s", self)
		}
		// A client that leaves the room and stays online gets its own unavailable presence.
		again.send("<presence to='" + room + "/alice' type='unavailable'/>")
		if left := again.presence(room+"/alice", "unavailable", ""); codes(left) != "110" {
			t.Errorf("for its leave it gets %s", left)
		}
	})
}
