package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/component/element"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// eachPrivilegedServer is eachServer with the privileges to write rosters and to send
// messages as users, if the server supports them.
func eachPrivilegedServer(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	eachServerWith(t, lab.Options{Privileged: true}, test)
}

// fill adds contacts to Alice's list on the network, and signs all of them on.
func (w *world) fill(count int) {
	w.t.Helper()
	w.mock.EditFeedbag(demo.AliceUIN, oscarwire.FeedbagInsert, oscarwire.FeedbagItem{Name: "Friends", GroupID: 1, Class: oscarwire.FeedbagGroup})
	items := make([]oscarwire.FeedbagItem, count)
	for i := range items {
		name := fmt.Sprint(200001 + i)
		items[i] = oscarwire.FeedbagItem{Name: name, GroupID: 1, ItemID: uint16(i + 1),
			TLVs: oscarwire.TLVs{oscarwire.TLVText(oscarwire.TagFeedbagAlias, fmt.Sprint("Friend ", i))}}
		w.mock.Bot(name, oscarmock.BotOptions{}).SignOn()
	}
	w.mock.EditFeedbag(demo.AliceUIN, oscarwire.FeedbagInsert, items...)
}

func rosterItems(roster *element.Element) map[string]*element.Element {
	items := make(map[string]*element.Element)
	for i := range roster.First().Elements() {
		items[i.Attr("jid")] = i
	}
	return items
}

// TestContactList adds the network's list to the roster: silently if the server grants the
// privilege (XEP-0356), otherwise by requests.
func TestContactList(t *testing.T) {
	eachPrivilegedServer(t, func(t *testing.T, w *world) {
		const count = 5
		w.fill(count)
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.register(icqDomain, demo.AliceUIN)
		if w.name == "prosody" {
			for i := range count {
				alice.presence(fmt.Sprintf("%d@%s", 200001+i, icqDomain), "", "")
			}
			items := rosterItems(alice.iq("get", "", "<query xmlns='jabber:iq:roster'/>"))
			item := items["200003@"+icqDomain]
			if item == nil || item.Attr("subscription") != "both" || item.Attr("name") != "Friend 2" || item.ChildText("jabber:iq:roster", "group") != "Friends" {
				t.Errorf("the roster has %v", item)
			}
			// A new name on the network changes the roster.
			w.mock.EditFeedbag(demo.AliceUIN, oscarwire.FeedbagUpdate, oscarwire.FeedbagItem{Name: "200003", GroupID: 1, ItemID: 3,
				TLVs: oscarwire.TLVs{oscarwire.TLVText(oscarwire.TagFeedbagAlias, "Best friend")}})
			alice.expect("a roster push", func(e *element.Element) bool {
				return e.Name == "iq" && strings.Contains(e.String(), "Best friend")
			})
			// A new name in the roster changes the network's list at the next sign-on.
			alice.iq("set", "", "<query xmlns='jabber:iq:roster'><item jid='200001@"+icqDomain+"' name='My friend'><group>Friends</group></item></query>")
			alice.say(icqDomain, "r", "reconnect")
			w.wait("the new name on the network", func() bool {
				for _, i := range w.mock.Feedbag(demo.AliceUIN) {
					if i.Name == "200001" && i.Alias(nil) == "My friend" {
						return true
					}
				}
				return false
			})
		} else {
			// Debian's ejabberd grants the privilege and then refuses: the gateway sends
			// requests.
			for i := range count {
				jid := fmt.Sprintf("%d@%s", 200001+i, icqDomain)
				asked := alice.presence(jid, "subscribe", "")
				if got := asked.ChildText("http://jabber.org/protocol/nick", "nick"); got != fmt.Sprint("Friend ", i) {
					t.Errorf("%s asks as %q", jid, got)
				}
				alice.send("<presence to='" + jid + "' type='subscribed'/>")
				alice.send("<presence to='" + jid + "' type='subscribe'/>")
				alice.presence(jid, "", "")
			}
		}
		// A contact removed on the network is removed from the roster.
		w.mock.EditFeedbag(demo.AliceUIN, oscarwire.FeedbagDelete, oscarwire.FeedbagItem{Name: "200002", GroupID: 1, ItemID: 2})
		alice.presence("200002@"+icqDomain, "unavailable", "")
		// A restart sends no request again.
		alice.Forget()
		w.process.Kill()
		w.start()
		w.signedOn(demo.AliceUIN)
		alice.presence("200004@"+icqDomain, "", "")
		alice.ask("get", icqDomain, "<ping xmlns='urn:xmpp:ping'/>")
		if again := alice.Count(func(e *element.Element) bool { return e.Attr("type") == "subscribe" }); again != 0 {
			t.Errorf("%d requests were repeated", again)
		}
		if w.name != "prosody" {
			return
		}
		// Unregistering removes all roster items silently, the gateway last.
		alice.Forget()
		alice.iq("set", icqDomain, "<query xmlns='jabber:iq:register'><remove/></query>")
		alice.expect("the gateway's removal", func(e *element.Element) bool {
			q := e.Child("jabber:iq:roster", "query")
			return q != nil && e.Attr("type") == "set" && q.First().Attr("jid") == icqDomain && q.First().Attr("subscription") == "remove"
		})
		if told := alice.Count(func(e *element.Element) bool { return strings.Contains(e.Attr("type"), "subscribe") }); told != 0 {
			t.Errorf("the user gets %d subscription presences", told)
		}
		for jid := range rosterItems(alice.iq("get", "", "<query xmlns='jabber:iq:roster'/>")) {
			if strings.HasSuffix(jid, icqDomain) {
				t.Errorf("%s is left in the roster", jid)
			}
		}
	})
}

// TestGroupsAreKept: the client's name and group of a contact are stored on ICQ's list, and
// another registration restores them.
func TestGroupsAreKept(t *testing.T) {
	eachPrivilegedServer(t, func(t *testing.T, w *world) {
		if w.name != "prosody" {
			t.Skip("Debian's ejabberd does not let components write rosters")
		}
		w.fill(1)
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.register(icqDomain, demo.AliceUIN)
		old := "200001@" + icqDomain
		alice.presence(old, "", "")
		write := func(jid, name, group string) {
			alice.iq("set", "", "<query xmlns='jabber:iq:roster'><item jid='"+jid+"' name='"+name+"'><group>"+group+"</group></item></query>")
		}
		write(bobICQ, "Bobby", "Choir")
		alice.send("<presence to='" + bobICQ + "' type='subscribe'/>")
		alice.presence(bobICQ, "subscribed", "")
		write(old, "Friend 0", "Work")
		alice.iq("set", icqDomain, "<query xmlns='jabber:iq:register'><remove/></query>")
		alice.expect("the gateway's removal", func(e *element.Element) bool {
			q := e.Child("jabber:iq:roster", "query")
			return q != nil && e.Attr("type") == "set" && q.First().Attr("jid") == icqDomain && q.First().Attr("subscription") == "remove"
		})
		groups := make(map[uint16]string)
		for _, i := range w.mock.Feedbag(demo.AliceUIN) {
			if i.Class == oscarwire.FeedbagGroup {
				groups[i.GroupID] = i.Name
			}
		}
		for _, i := range w.mock.Feedbag(demo.AliceUIN) {
			if i.Class == oscarwire.FeedbagBuddy && groups[i.GroupID] != map[string]string{"200001": "Work", demo.BobUIN: "Choir"}[i.Name] {
				t.Errorf("%s is in %q on ICQ", i.Name, groups[i.GroupID])
			}
		}
		alice.Forget()
		alice.register(icqDomain, demo.AliceUIN)
		alice.presence(old, "", "")
		alice.expect("bob in the roster", func(e *element.Element) bool {
			q := e.Child("jabber:iq:roster", "query")
			return q != nil && e.Attr("type") == "set" && q.First().Attr("jid") == bobICQ
		})
		items := rosterItems(alice.iq("get", "", "<query xmlns='jabber:iq:roster'/>"))
		for jid, want := range map[string][2]string{old: {"Friend 0", "Work"}, bobICQ: {"Bobby", "Choir"}} {
			item := items[jid]
			if item == nil || item.Attr("name") != want[0] || item.ChildText("jabber:iq:roster", "group") != want[1] {
				t.Errorf("the roster has %v, want %v", item, want)
			}
		}
	})
}

// TestThousand: a user with five clients and a thousand online contacts.
func TestThousand(t *testing.T) {
	eachPrivilegedServer(t, func(t *testing.T, w *world) {
		if w.name != "prosody" {
			t.Skip("a thousand requests to answer, paced, are tested no better there")
		}
		const count = 1000
		w.fill(count)
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.register(icqDomain, demo.AliceUIN)
		alice.seeAll(count)
		for i := range 4 {
			other := w.login(fmt.Sprintf("%s/r%d", aliceJID, i))
			other.seeAll(count)
			other.presence(icqDomain, "", "")
		}
		if got := w.mock.Sessions(demo.AliceUIN); got != 1 {
			t.Errorf("%d sessions for five clients", got)
		}
	})
}

// seeAll waits for the presence of the first contacts of fill. Its deadline starts again
// with each of them.
func (p *person) seeAll(count int) {
	p.w.t.Helper()
	seen := make(map[string]bool)
	for len(seen) < count {
		e := p.expect(fmt.Sprintf("another contact online after %d", len(seen)), func(e *element.Element) bool {
			return e.Name == "presence" && e.Attr("type") == "" && strings.Contains(e.Attr("from"), "@"+icqDomain)
		})
		seen[e.Attr("from")] = true
	}
}

// TestStorm sends thousands of stanzas of every kind to every kind of address: each IQ
// request is answered exactly once, errors are not answered, and the stream continues.
func TestStorm(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.extra = "rate = 0"
		alice := w.ready()
		carol := w.login("carol@localhost/one") // a stranger to the gateway
		rng := rand.New(rand.NewPCG(1, 2))
		targets := []string{icqDomain, bobICQ, bobICQ + "/phone", "999@" + icqDomain, "no-such@" + icqDomain, `a\20b@` + icqDomain,
			"☃@" + icqDomain, icqDomain + "/x", strings.Repeat("a", 1000) + "@" + icqDomain, "%@" + icqDomain}
		payloads := []string{
			"<query xmlns='http://jabber.org/protocol/disco#info'/>", "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>",
			"<query xmlns='http://jabber.org/protocol/disco#items'/>", "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>",
			"<query xmlns='jabber:iq:register'/>", "<query xmlns='jabber:iq:register'><username>1</username></query>", "<query xmlns='jabber:iq:register'><remove/><x/></query>",
			"<query xmlns='jabber:iq:gateway'/>", "<query xmlns='jabber:iq:gateway'><prompt>x y</prompt></query>", "<ping xmlns='urn:xmpp:ping'/>",
			"<query xmlns='jabber:iq:version'/>", "<query xmlns='jabber:iq:last'/>", "<time xmlns='urn:xmpp:time'/>", "<vCard xmlns='vcard-temp'/>",
			"<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>", "<query xmlns='jabber:iq:search'/>", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:data'/></pubsub>",
			"<command xmlns='http://jabber.org/protocol/commands' node='status'/>", "<command xmlns='http://jabber.org/protocol/commands' node='nothing'/>",
			"<query xmlns='urn:example:unknown'/>", "<other xmlns='jabber:iq:register'/>",
		}
		bodies := []string{"<body>hi</body>", "<body/>", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", "<body>x</body><x xmlns='jabber:x:oob'><url>http://a.example/</url></x>",
			"<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>👍</reaction></reactions>", "<body>y</body><replace xmlns='urn:xmpp:message-correct:0' id='z'/>",
			"<encrypted xmlns='eu.siacs.conversations.axolotl'/><body>z</body>", "<subject>s</subject>", ""}
		pick := func(list []string) string { return list[rng.IntN(len(list))] }
		const rounds = 1500
		asked := make(map[string]bool)
		for i := range rounds {
			who := alice
			if i%3 == 0 {
				who = carol
			}
			id, to := fmt.Sprint("storm-", i), pick(targets)
			switch i % 4 {
			case 0, 1:
				typ := pick([]string{"get", "get", "set", "result", "error"})
				if typ == "get" || typ == "set" {
					asked[id] = true
				}
				payload := pick(payloads)
				if typ == "set" && strings.Contains(payload, "status") { // harmless, but not here
					payload = payloads[0]
				}
				who.send(fmt.Sprintf("<iq to='%s' type='%s' id='%s'>%s</iq>", to, typ, id, payload))
			case 2:
				typ := pick([]string{"chat", "normal", "headline", "groupchat", "error"})
				who.send(fmt.Sprintf("<message to='%s' type='%s' id='%s'>%s</message>", to, typ, id, pick(bodies)))
			case 3:
				typ := pick([]string{"probe", "unsubscribe", "unsubscribed", "error", "subscribed"})
				if strings.HasPrefix(to, icqDomain) || strings.HasPrefix(to, bobICQ) {
					typ = "probe"
				}
				if typ == "probe" { // servers send those, not clients
					who.send(fmt.Sprintf("<message to='%s' type='chat'><paused xmlns='http://jabber.org/protocol/chatstates'/></message>", to))
					continue
				}
				who.send(fmt.Sprintf("<presence to='%s' type='%s' id='%s'/>", to, typ, id))
			}
		}
		for _, p := range []*person{alice, carol} {
			p.ask("get", icqDomain, "<ping xmlns='urn:xmpp:ping'/>")
		}
		answers := func() map[string]int {
			got := make(map[string]int)
			for _, p := range []*person{alice, carol} {
				p.Count(func(e *element.Element) bool {
					if typ := e.Attr("type"); e.Name == "iq" && (typ == "result" || typ == "error") {
						got[e.Attr("id")]++
					}
					return false
				})
			}
			return got
		}
		w.wait("all answers", func() bool {
			got := answers()
			for id := range asked {
				if got[id] == 0 {
					return false
				}
			}
			return true
		})
		for id, n := range answers() {
			if n != 1 || strings.HasPrefix(id, "storm-") && !asked[id] {
				t.Errorf("%s was answered %d times", id, n)
			}
		}
		if n := strings.Count(w.log(), "connected to the XMPP server"); n != 2+strings.Count(w.log(), "not connected") {
			t.Errorf("a stream was lost: %d connections", n)
		}
		if strings.Contains(w.log(), "panic") {
			t.Error("something panicked")
		}
		alice.say(bobICQ, "last", "after the storm")
		for w.heard().Text != "after the storm" {
		}
	})
}
