package e2e

import (
	"context"
	"strings"
	"testing"

	"transport/component/element"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// TestAIMRoom joins an AIM chat room, exchanges messages and invitations.
func TestAIMRoom(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		bob := w.mock.Bot("Bob AIM", oscarmock.BotOptions{Reply: func(_, text string) string { return "You said: " + text }})
		bob.SignOn()
		bob.EnterRoom("Lobby")
		w.mock.Bot("Dora", oscarmock.BotOptions{}).SignOn()
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		const room = "#lobby@" + aimDomain
		join := func(p *person, room, nick string) {
			p.send("<presence to='" + room + "/" + nick + "' id='join'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
		}
		refused := func(id, want string) {
			t.Helper()
			e := alice.expect("an error for "+id, func(e *element.Element) bool { return e.Attr("type") == "error" && e.Attr("id") == id })
			if got := condition(e); got != want {
				t.Errorf("%s: %q, want %q", id, got, want)
			}
		}
		join(alice, room, "alice") // XEP-0045 §7.2.5: registered users only
		refused("join", "registration-required")
		alice.register(aimDomain, "Alice AIM")
		// XEP-0045 §6.4
		if info := alice.iq("get", room, "<query xmlns='http://jabber.org/protocol/disco#info'/>").String(); !strings.Contains(info, "category='conference'") {
			t.Errorf("the room says %s", info)
		}
		// XEP-0045 §7.2.2, §7.2.15
		join(alice, room, "alice")
		alice.presence(room+"/Bob AIM", "", "")
		if self := alice.presence(room+"/Alice AIM", "", ""); codes(self) != "110 210" || self.Attr("id") != "join" {
			t.Errorf("the own presence is %s", self)
		}
		alice.expect("the subject", func(e *element.Element) bool {
			return e.Name == "message" && e.Attr("from") == room && e.ChildText("jabber:client", "subject") == "Lobby" && e.Child("jabber:client", "body") == nil
		})
		// XEP-0045 §7.4
		alice.send("<message to='" + room + "' type='groupchat' id='m1'><body>hello &lt;all&gt; ☃</body></message>")
		if echo := alice.message(room + "/Alice AIM"); echo.Attr("id") != "m1" || echo.ChildText("jabber:client", "body") != "hello <all> ☃" {
			t.Errorf("the reflection is %s", echo)
		}
		if got := alice.message(room+"/Bob AIM").ChildText("jabber:client", "body"); got != "You said: hello <all> ☃" {
			t.Errorf("alice reads %q", got)
		}
		// XEP-0071 §7: formatting
		bob.Say("Lobby", `<b>so</b> <a href="http://x.example/">see</a>`)
		if m := alice.message(room + "/Bob AIM"); m.ChildText("jabber:client", "body") != "*so* see <http://x.example/>" ||
			!strings.Contains(m.String(), "<strong>so</strong>") || !strings.Contains(m.String(), "<a href='http://x.example/'>see</a>") {
			t.Errorf("alice reads %s", m)
		}
		alice.send("<message to='" + room + "' type='groupchat' id='long'><body>" + strings.Repeat("x", 1100) + "</body></message>")
		if echo := alice.message(room + "/Alice AIM"); echo.Attr("id") != "long" || len(echo.ChildText("jabber:client", "body")) != 1100 {
			t.Errorf("the reflection is %s", echo)
		}
		heard := 0 // in parts
		for heard < 1100 {
			part, _ := strings.CutPrefix(alice.message(room+"/Bob AIM").ChildText("jabber:client", "body"), "You said: ")
			if part == "" || strings.Trim(part, "x") != "" {
				t.Fatalf("alice reads %q", part)
			}
			heard += len(part)
		}
		if heard != 1100 {
			t.Errorf("the room reads %d letters", heard)
		}
		// XEP-0045 §7.6, §8.1, §8.2: not supported by AIM
		alice.send("<presence to='" + room + "/alicia' id='nick'/>")
		refused("nick", "not-acceptable")
		alice.send("<message to='" + room + "' type='groupchat' id='subject'><subject>tea</subject></message>")
		refused("subject", "feature-not-implemented")
		if got := condition(alice.ask("set", room, "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Bob AIM' role='none'/></query>")); got != "feature-not-implemented" {
			t.Errorf("kicking: %q", got)
		}
		// XEP-0045 §7.8.2
		alice.send("<message to='" + room + "' id='invite'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='dora@" + aimDomain + "'/></x></message>")
		alice.presence(room+"/Dora", "", "")
		// XEP-0249 §2
		if err := bob.Invite("Alice AIM", oscarwire.RoomID{Exchange: 4, Cookie: "4-0-Chess Club"}, "Fancy a game?"); err != nil {
			t.Fatal(err)
		}
		if got := alice.message("bobaim@"+aimDomain).ChildText("jabber:client", "body"); got != "Fancy a game?" {
			t.Errorf("alice reads %q", got)
		}
		const chess = `#chess\20club@` + aimDomain
		alice.expect("the invitation", func(e *element.Element) bool {
			x := e.Child("jabber:x:conference", "x")
			return e.Attr("from") == chess && x != nil && x.Attr("jid") == chess
		})
		bob.EnterRoom("Chess Club")
		join(alice, chess, "Alice AIM")
		alice.presence(chess+"/Bob AIM", "", "")
		if self := alice.presence(chess+"/Alice AIM", "", ""); codes(self) != "110" {
			t.Errorf("the own presence is %s", self)
		}
		// XEP-0045 §7.14
		leave := func(room string) {
			t.Helper()
			alice.send("<presence to='" + room + "/Alice AIM' type='unavailable'/>")
			if self := alice.presence(room+"/Alice AIM", "unavailable", ""); codes(self) != "110" {
				t.Errorf("the own presence is %s", self)
			}
		}
		outside := func(room string) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), longEnough)
			defer cancel()
			if err := w.mock.WaitRoom(ctx, "Alice AIM", room, false); err != nil {
				t.Fatal(err)
			}
		}
		leave(chess)
		outside("chess club")
		// the connection of the room is lost
		w.mock.CutRoom("Alice AIM")
		if self := alice.presence(room+"/Alice AIM", "unavailable", ""); codes(self) != "333 110" {
			t.Errorf("the own presence is %s", self)
		}
		// the connection to AIM is lost: the gateway rejoins the room
		join(alice, room, "Alice AIM")
		alice.presence(room+"/Alice AIM", "", "")
		w.mock.Disconnect("Alice AIM", oscarmock.DisconnectClose)
		alice.expect("word of the loss", func(e *element.Element) bool {
			return e.Attr("from") == room && strings.Contains(e.ChildText("jabber:client", "body"), "disconnected")
		})
		alice.presence(room+"/Bob AIM", "", "")
		alice.presence(room+"/Alice AIM", "", "")
		alice.send("<message to='" + room + "' type='groupchat' id='m2'><body>back</body></message>")
		alice.expect("the reflection", func(e *element.Element) bool {
			return e.Attr("from") == room+"/Alice AIM" && e.Attr("id") == "m2" && e.Attr("type") == "groupchat"
		})
		leave(room)
		outside("lobby")
	})
}
