package e2e

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // what XEP-0084 prescribes
	"encoding/base64"
	"encoding/hex"
	"image"
	_ "image/jpeg" // what icons are made into
	"image/png"
	"strings"
	"testing"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/component/element"
	"transport/legacy"
	"transport/legacy/oscar/oscarmock"
)

// TestPeople tests vCards, searches and avatars.
func TestPeople(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		picture := []byte("\x89PNG\r\n\x1a\nnot much of a picture")
		sum := sha1.Sum(picture) //nolint:gosec // see above
		hash := hex.EncodeToString(sum[:])
		w.bob.SetIcon(picture)
		w.mock.AddAccount(oscarmock.Account{Name: "1004", Nick: "Dora", First: "Dora", Last: "Müller", Email: "dora@example.net"})
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.SetFeatures("http://jabber.org/protocol/disco#info", "urn:xmpp:avatar:metadata+notify")
		alice.send("<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:example' ver='unverified'/></presence>")
		alice.register(icqDomain, demo.AliceUIN)
		alice.add(bobICQ)
		w.bob.SignOn()

		// XEP-0153 §4.1
		alice.expect("a presence with the picture's hash", func(e *element.Element) bool {
			x := e.Child("vcard-temp:x:update", "x")
			return e.Name == "presence" && lab.From(e, bobICQ) && x != nil && x.ChildText("vcard-temp:x:update", "photo") == hash
		})
		// XEP-0084 §4.2
		event := alice.expect("news of the picture", func(e *element.Element) bool {
			return e.Name == "message" && e.Child("http://jabber.org/protocol/pubsub#event", "event") != nil
		})
		if !strings.Contains(event.String(), hash) || event.Attr("from") != bobICQ {
			t.Errorf("the news are %s", event)
		}
		// XEP-0084 §3
		data := alice.iq("get", bobICQ, "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:data'><item id='"+hash+"'/></items></pubsub>")
		if !strings.Contains(data.String(), base64.StdEncoding.EncodeToString(picture)) {
			t.Errorf("the picture is %s", data)
		}
		// XEP-0054 §3.1
		card := alice.iq("get", bobICQ, "<vCard xmlns='vcard-temp'/>").String()
		if !strings.Contains(card, "<NICKNAME>Bob</NICKNAME>") || !strings.Contains(card, base64.StdEncoding.EncodeToString(picture)) {
			t.Errorf("the vCard is %s", card)
		}
		if card := alice.iq("get", "1004@"+icqDomain, "<vCard xmlns='vcard-temp'/>").String(); !strings.Contains(card, "Müller") {
			t.Errorf("the vCard is %s", card)
		}
		if got := condition(alice.ask("get", "424242@"+icqDomain, "<vCard xmlns='vcard-temp'/>")); got != "item-not-found" {
			t.Errorf("the vCard of nobody: %q", got)
		}
		// XEP-0292 §4
		if card := alice.iq("get", bobICQ, "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>").String(); !strings.Contains(card, "<nickname><text>Bob</text></nickname>") {
			t.Errorf("the vCard 4 is %s", card)
		}
		// XEP-0055 §2
		found := alice.iq("set", icqDomain, "<query xmlns='jabber:iq:search'><nick>dora</nick></query>").String()
		if !strings.Contains(found, "jid='1004@"+icqDomain+"'") {
			t.Errorf("found %s", found)
		}
		if found := alice.iq("set", icqDomain, "<query xmlns='jabber:iq:search'><nick>nobody</nick></query>"); found.First().Count() != 0 {
			t.Errorf("found %s", found)
		}
		// XEP-0012 §3, §8
		if got := condition(alice.ask("get", "424242@"+icqDomain, "<query xmlns='jabber:iq:last'/>")); got != "forbidden" {
			t.Errorf("the last activity of a stranger: %q", got)
		}
		if got := alice.iq("get", bobICQ, "<query xmlns='jabber:iq:last'/>").First().Attr("seconds"); got != "0" {
			t.Errorf("bob is idle for %q s", got)
		}
	})
}

// TestBlocking blocks Bob on the network itself.
func TestBlocking(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		icq := w.icq()
		bobICQ, bob := icq.bobJID(), icq.friend
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.register(icqDomain, icq.alice)
		bob.SignOn()
		alice.add(bobICQ)
		alice.presence(bobICQ, "", "")
		w.wait("sight of Alice", func() bool { return bob.sees(icq.alice).Show == legacy.ShowOnline })

		// XEP-0191 §3.3
		alice.iq("set", icqDomain, "<block xmlns='urn:xmpp:blocking'><item jid='"+bobICQ+"'/></block>")
		alice.presence(bobICQ, "unavailable", "")
		w.wait("end of Bob's sight of Alice", func() bool { return bob.sees(icq.alice).Show == legacy.ShowOffline })
		_ = bob.Send(icq.alice, "are you there?") // an error now or later
		alice.say(bobICQ, "m1", "I am not")
		refused := alice.expect("an error", func(e *element.Element) bool { return e.Name == "message" && e.Attr("id") == "m1" })
		if condition(refused) != "not-acceptable" || !strings.Contains(refused.String(), "<blocked xmlns='urn:xmpp:blocking:errors'/>") {
			t.Errorf("refused with %s", refused)
		}
		// XEP-0191 §3.1
		if list := alice.iq("get", icqDomain, "<blocklist xmlns='urn:xmpp:blocking'/>").String(); !strings.Contains(list, bobICQ) {
			t.Errorf("the list is %s", list)
		}
		alice.say(icqDomain, "m2", "unblock "+icq.bob)
		alice.expect("the answer", func(e *element.Element) bool {
			return lab.From(e, icqDomain) && e.ChildText("jabber:client", "body") == icq.bob+" is not blocked."
		})
		alice.presence(bobICQ, "", "")
		if err := bob.Send(icq.alice, "are you there now?"); err != nil {
			t.Error(err)
		}
		if got := alice.message(bobICQ).ChildText("jabber:client", "body"); got != "are you there now?" {
			t.Errorf("alice reads %q", got)
		}
	})
}

// TestOwnVCard publishes the avatar and the other fields of Alice's vCard on ICQ after she
// has turned on the settings.
func TestOwnVCard(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		picture := image.NewGray(image.Rect(0, 0, 200, 100))
		var file bytes.Buffer
		if err := png.Encode(&file, picture); err != nil {
			t.Fatal(err)
		}
		icq := w.icq()
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.register(icqDomain, icq.alice)
		icq.friend.SignOn()
		alice.add(icq.bobJID())
		// XEP-0054 §3.2
		alice.iq("set", "", "<vCard xmlns='vcard-temp'><FN>Alice Liddell</FN><N><GIVEN>Alice</GIVEN><FAMILY>Liddell</FAMILY></N><PHOTO><TYPE>image/png</TYPE><BINVAL>"+
			base64.StdEncoding.EncodeToString(file.Bytes())+"</BINVAL></PHOTO></vCard>")
		const ns = "http://jabber.org/protocol/commands"
		form := alice.iq("set", icqDomain, "<command xmlns='"+ns+"' node='options'/>").First()
		alice.iq("set", icqDomain, "<command xmlns='"+ns+"' node='options' sessionid='"+form.Attr("sessionid")+"'><x xmlns='jabber:x:data' type='submit'>"+
			"<field var='send-avatar'><value>1</value></field><field var='send-profile'><value>1</value></field></x></command>")
		w.wait("picture of Alice's", func() bool {
			icon, kind, err := image.Decode(bytes.NewReader(icq.friend.picture(icq.alice)))
			return err == nil && kind == "jpeg" && icon.Bounds().Dx() == 64
		})
		w.wait("new name on ICQ", func() bool {
			return strings.Contains(alice.iq("set", icqDomain, "<query xmlns='jabber:iq:search'><last>Liddell</last></query>").String(), icq.alice)
		})
	})
}

// TestCommands runs ad-hoc commands.
func TestCommands(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.extra = "admins = [\"carol@localhost\"]"
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		const ns = "http://jabber.org/protocol/commands"
		command := func(p *person, node, more, form string) *element.Element {
			return p.iq("set", icqDomain, "<command xmlns='"+ns+"' node='"+node+"'"+more+">"+form+"</command>").First()
		}
		submit := func(fields ...string) string {
			x := "<x xmlns='jabber:x:data' type='submit'>"
			for i := 0; i < len(fields); i += 2 {
				x += "<field var='" + fields[i] + "'><value>" + fields[i+1] + "</value></field>"
			}
			return x + "</x>"
		}
		// XEP-0050 §2.2
		list := alice.iq("get", icqDomain, "<query xmlns='http://jabber.org/protocol/disco#items' node='"+ns+"'/>").String()
		if !strings.Contains(list, "node='register'") || strings.Contains(list, "admin#") {
			t.Errorf("a stranger is offered %s", list)
		}
		// XEP-0050 §2.4: registration, wrong and right
		first := command(alice, "register", "", "")
		session := " sessionid='" + first.Attr("sessionid") + "' action='complete'"
		again := command(alice, "register", session, submit("username", demo.AliceUIN, "password", "wrong"))
		if again.Attr("status") != "executing" || again.Child(ns, "note") == nil {
			t.Errorf("a wrong password: %s", again)
		}
		if done := command(alice, "register", session, submit("username", demo.AliceUIN, "password", networkPass)); done.Attr("status") != "completed" {
			t.Errorf("registration: %s", done)
		}
		w.signedOn(demo.AliceUIN)
		if note := command(alice, "status", "", "").ChildText(ns, "note"); !strings.Contains(note, "signed on to ICQ.\nSince ") {
			t.Errorf("the status is %q", note)
		}
		command(alice, "logout", "", "")
		w.signedOff(demo.AliceUIN)
		alice.say(icqDomain, "m", "login") // XEP-0100 §8: words do, too
		w.signedOn(demo.AliceUIN)

		// XEP-0133 §4
		carol := w.login("carol@localhost/one")
		if users := command(carol, "http://jabber.org/protocol/admin#get-online-users-list", "", "").String(); !strings.Contains(users, aliceJID) {
			t.Errorf("the users are %s", users)
		}
		if got := condition(alice.ask("set", icqDomain, "<command xmlns='"+ns+"' node='statistics'/>")); got != "forbidden" {
			t.Errorf("statistics for a user: %q", got)
		}
		asked := command(carol, "http://jabber.org/protocol/admin#announce", "", "")
		command(carol, "http://jabber.org/protocol/admin#announce", " sessionid='"+asked.Attr("sessionid")+"'", submit("announcement", "Maintenance at noon"))
		alice.expect("the announcement", func(e *element.Element) bool {
			return lab.From(e, icqDomain) && strings.Contains(e.ChildText("jabber:client", "body"), "Maintenance at noon")
		})
		asked = command(carol, "http://jabber.org/protocol/admin#delete-user", "", "")
		command(carol, "http://jabber.org/protocol/admin#delete-user", " sessionid='"+asked.Attr("sessionid")+"'", submit("accountjids", aliceJID))
		w.signedOff(demo.AliceUIN)
		if got := alice.iq("get", icqDomain, "<query xmlns='jabber:iq:register'/>").String(); strings.Contains(got, "<registered/>") {
			t.Error("alice is registered still")
		}
	})
}
