package component_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/component"
	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
)

const nsCommands = "http://jabber.org/protocol/commands"

// run sends one stage of a command and returns the answer's payload, or the whole
// error.
func (w *world) run(from, node, more, form string) *element.Element {
	w.t.Helper()
	id := fmt.Sprint("cmd-", len(node), more)
	id = strings.Map(func(r rune) rune {
		if r == '\'' || r == ' ' || r == '=' {
			return '-'
		}
		return r
	}, id)
	w.Send("<iq type='set' from='" + from + "' to='" + gw + "' id='" + id + "'><command xmlns='" + nsCommands + "' node='" + node + "'" + more + ">" + form + "</command></iq>")
	reply := w.Expect("<iq to='" + from + "' id='" + id + "'/>")
	if reply.Attr("type") == "error" {
		return reply
	}
	return reply.First()
}

func submit(fields ...string) string {
	x := "<x xmlns='jabber:x:data' type='submit'>"
	for i := 0; i < len(fields); i += 2 {
		x += "<field var='" + fields[i] + "'><value>" + fields[i+1] + "</value></field>"
	}
	return x + "</x>"
}

// XEP-0050 §2.2: what is offered to whom
func TestCommandList(t *testing.T) {
	config := func(c *component.Config) { c.Policy.Admins = []string{bob} }
	stage(t, setup{users: []string{alice}, config: config}, func(t *testing.T, w *world) {
		for _, tt := range []struct {
			who        string
			has, lacks []string
		}{
			{phone, []string{"status", "unregister"}, []string{"register", "reload", "ping", "hello"}},
			{"carol@example.org/x", []string{"register"}, []string{"status", "reload"}},
			{bob + "/x", []string{"register", "reload", "http://jabber.org/protocol/admin#announce", "ping"}, []string{"status"}},
		} {
			w.Send("<iq type='get' from='" + tt.who + "' to='" + gw + "' id='l'><query xmlns='http://jabber.org/protocol/disco#items' node='" + nsCommands + "'/></iq>")
			list := w.Expect("<iq type='result' id='l'/>").String()
			for _, node := range tt.has {
				if !strings.Contains(list, "node='"+node+"'") {
					t.Errorf("%s is not offered %s", tt.who, node)
				}
			}
			for _, node := range tt.lacks {
				if strings.Contains(list, "node='"+node+"'") {
					t.Errorf("%s is offered %s", tt.who, node)
				}
			}
		}
		isError(t, w.run(phone, "reload", "", ""), "forbidden", "auth", "")
		isError(t, w.run(phone, "nothing", "", ""), "item-not-found", "cancel", "")
		w.mustMatch(w.run("carol@example.org/x", "login", "", ""), "<command xmlns='"+nsCommands+"' status='completed'><note type='error'/></command>")
	})
}

// XEP-0050 §3.3, §3.4, §4.4: stages, cancelling, mistakes
func TestCommandStages(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		first := w.run(phone, "options", "", "")
		if first.Attr("status") != "executing" || first.Child(nsCommands, "actions").Attr("execute") != "complete" {
			t.Errorf("the first stage is %s", first)
		}
		session := " sessionid='" + first.Attr("sessionid") + "'"
		isError(t, w.run(phone, "options", session+" action='dance'", ""), "bad-request", "modify", "")
		isError(t, w.run(phone, "options", session+" action='prev'", ""), "bad-request", "modify", "")
		isError(t, w.run(laptop, "options", session, submit()), "bad-request", "modify", "")
		isError(t, w.run(phone, "options", " sessionid='nonsense'", submit()), "bad-request", "modify", "")
		if done := w.run(phone, "options", session+" action='cancel'", ""); done.Attr("status") != "canceled" {
			t.Errorf("cancelled: %s", done)
		}
		isError(t, w.run(phone, "options", session+" action='complete'", submit()), "bad-request", "modify", "")

		again := w.run(phone, "options", "", "")
		w.pass(11 * time.Minute)
		isError(t, w.run(phone, "options", " sessionid='"+again.Attr("sessionid")+"'", submit()), "bad-request", "modify", "")
		for range 8 {
			w.run(phone, "options", "", "")
		}
		isError(t, w.run(phone, "options", "", ""), "resource-constraint", "wait", "")
	})
}

// Signing off lasts until the user signs on again, over a restart too.
func TestLogout(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.run(phone, "logout", "", "")
		w.settle()
		legacytest.Expect[legacytest.SignOff](t, h)
		w.stop()
		w.start()
		w.Linked(2)
		w.settle()
		w.Send("<presence from='" + phone + "' to='" + gw + "'/>")
		w.pass(time.Minute)
		legacytest.Refute[legacytest.SignOn](t, h)
		w.message(phone, gw, "m", "login") // XEP-0100 §8
		w.settle()
		legacytest.Expect[legacytest.SignOn](t, h)
	})
}

// XEP-0077 §3.1, by a command
func TestRegisterByCommand(t *testing.T) {
	stage(t, setup{echo: legacytest.Options{Accounts: map[string]string{"alice": hidden}}}, func(t *testing.T, w *world) {
		first := w.run(phone, "register", "", "")
		session := " sessionid='" + first.Attr("sessionid") + "'"
		wrong := w.run(phone, "register", session, submit("username", "alice", "password", "wrong"))
		if wrong.Attr("status") != "executing" || wrong.Child(nsCommands, "note") == nil || wrong.Child("jabber:x:data", "x") == nil {
			t.Errorf("a wrong password: %s", wrong)
		}
		done := w.run(phone, "register", session+" action='complete'", submit("username", "alice", "password", hidden))
		if done.Attr("status") != "completed" {
			t.Errorf("registered: %s", done)
		}
		legacytest.Expect[legacytest.SignOn](t, w.echo.Session("alice"))
	})
}

// XEP-0100 §8: words in a chat with the gateway
func TestWords(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		for _, tt := range []struct{ who, word, says string }{
			{phone, "help", "reconnect"}, {phone, "status", "You are signed on"}, {phone, "contacts", "no contacts"},
			{phone, "xyzzy", "I do not know that command"}, {phone, "statistics", "I understand"},
			{"carol@example.org/x", "help", "To register"}, {"carol@example.org/x", "status", "not registered"},
			{"carol@example.org/x", "login", "not registered"},
		} {
			w.message(tt.who, gw, "w", tt.word)
			answer := w.Expect("<message type='chat' from='" + fullJID(gw) + "' to='" + tt.who + "'><body/></message>")
			if text := answer.ChildText("jabber:component:accept", "body"); !strings.Contains(text, tt.says) {
				t.Errorf("%s says %q and hears %q", tt.who, tt.word, text)
			}
		}
	})
}

// passwordless is a network whose accounts have no passwords.
type passwordless struct{ roomy }

func (n passwordless) Info() legacy.Info {
	info := n.roomy.Info()
	info.RoomName = "#stage"
	info.Instructions = "Enter your name."
	info.Form = []legacy.Field{{Var: "username", Label: "Stage name", Required: true}}
	return info
}

// What is written to register is what the network's form asks for.
func TestRegisterByTextWithoutPassword(t *testing.T) {
	asked := make(chan string, 100)
	network := func(n legacy.Network) legacy.Network { return passwordless{roomy{n, asked}} }
	stage(t, setup{network: network}, func(t *testing.T, w *world) {
		for _, tt := range []struct{ word, says string }{
			{"register ann secret", "Too many words. Write: register STAGE-NAME\n"}, {"password x", "I understand"},
			{"register", "Stage name?\n"}, {"ann", "You are registered, and signed on to"}, {"help", "\nJoin a room as <#stage>@" + gw + ".\n"},
		} {
			w.message(phone, gw, "w", tt.word)
			text := w.Expect("<message type='chat' from='"+fullJID(gw)+"' to='"+phone+"'><body/></message>").ChildText("jabber:component:accept", "body")
			if !strings.Contains(text+"\n", tt.says) || strings.Contains(text, "assword") {
				t.Errorf("says %q and hears %q", tt.word, text)
			}
		}
		w.settle()
		w.Take()
		prompt, _ := w.ask("get", phone, gw, "p", "<query xmlns='jabber:iq:gateway'/>")
		if desc := prompt.First().ChildText("jabber:iq:gateway", "desc"); desc != "Enter the Echo name of the person whom you want to add, or the room's name, as #stage." {
			t.Errorf("the prompt is %q", desc)
		}
		if a, there := w.account(alice); !there || a.Fields["username"] != "ann" {
			t.Errorf("registered as %+v", a.Fields)
		}
	})
}

// XEP-0133 §4: administration
func TestAdministration(t *testing.T) {
	reloaded := false
	config := func(c *component.Config) {
		c.Policy.Admins = []string{bob}
		c.Reload = func() (component.Policy, error) {
			reloaded = true
			return component.Policy{Admins: []string{bob}, Deny: []string{"carol@example.org"}}, nil
		}
	}
	stage(t, setup{users: []string{alice}, config: config}, func(t *testing.T, w *world) {
		const admin = "http://jabber.org/protocol/admin#"
		boss := bob + "/x"
		h := w.signOn(phone)
		if n := w.run(boss, admin+"get-registered-users-num", "", "").String(); !strings.Contains(n, "<value>1</value>") {
			t.Errorf("registered: %s", n)
		}
		if list := w.run(boss, admin+"get-online-users-list", "", "").String(); !strings.Contains(list, alice) {
			t.Errorf("online: %s", list)
		}
		ask := func(node string, fields ...string) *element.Element {
			first := w.run(boss, admin+node, "", "")
			return w.run(boss, admin+node, " sessionid='"+first.Attr("sessionid")+"'", submit(fields...))
		}
		if stats := ask("user-stats", "accountjids", alice).ChildText(nsCommands, "note"); !strings.Contains(stats, "You are signed on") {
			t.Errorf("state: %q", stats)
		}
		if wrong := ask("user-stats", "accountjids", "nobody@example.org"); wrong.Attr("status") != "executing" || wrong.Child(nsCommands, "note") == nil {
			t.Errorf("nobody: %s", wrong)
		}
		ask("announce", "announcement", "tea is ready")
		w.Expect("<message from='" + fullJID(gw) + "' to='" + alice + "'><body>tea is ready</body></message>")
		ask("end-user-session", "accountjids", alice)
		legacytest.Expect[legacytest.SignOff](t, h)
		ask("delete-user", "accountjids", alice)
		w.settle()
		if n := w.run(boss, admin+"get-registered-users-num", "", "").String(); !strings.Contains(n, "<value>0</value>") {
			t.Errorf("registered: %s", n)
		}
		w.run(boss, "reload", "", "")
		w.Send("<iq type='get' from='carol@example.org/x' to='" + gw + "' id='r'><query xmlns='jabber:iq:register'/></iq>")
		isError(t, w.Expect("<iq type='error' id='r'/>"), "forbidden", "auth", "")
		if !reloaded {
			t.Error("nothing was read")
		}
		if text := w.run(boss, "statistics", "", "").ChildText(nsCommands, "note"); !strings.Contains(text, "Stanzas received") {
			t.Errorf("statistics: %q", text)
		}
	})
}
