package component_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"transport/component"
	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// Somebody who is not registered has the gateway, and people, on their list.
func TestGuestSubscription(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		const guest = "guest@example.org"
		send := func(typ, from, id string) {
			w.Send("<presence type='" + typ + "' from='" + from + "' to='" + gw + "' id='" + id + "'/>")
		}
		gets := func(to, id string, types ...string) {
			t.Helper()
			for _, typ := range types {
				for _, from := range sendersOf(typ, gw) {
					w.Expect("<presence type='" + typ + "' from='" + from + "' to='" + to + "' " + id + "/>")
				}
			}
		}
		const pc = guest + "/pc"
		send("subscribe", guest, "s")
		gets(guest, "id='s'", "subscribed")
		gets(guest, "", "", "subscribe")
		send("subscribed", guest, "")
		send("", pc, "")
		send("probe", pc, "")
		gets(pc, "", "")
		send("unavailable", pc, "")
		send("unsubscribe", guest, "u")
		gets(guest, "", "unavailable")
		gets(guest, "id='u'", "unsubscribed")
		gets(guest, "", "unsubscribe")
		w.settle()
		if left := w.Take(); len(left) > 0 {
			t.Errorf("more came: %s", left)
		}
		if _, there := w.account(guest); there {
			t.Error("registered by having the gateway on a list")
		}
		w.Send("<presence type='subscribe' from='" + guest + "' to='x!y@" + gw + "' id='x'/>")
		isError(t, w.Expect("<presence type='error' id='x'/>"), "item-not-found", "cancel", "")
		if _, there := w.account(guest); there {
			t.Error("registered by an address that cannot be")
		}
		w.Send("<presence type='subscribe' from='" + guest + "' to='" + bob2 + "' id='b'/>")
		w.settle()
		w.Take()
		if _, there := w.account(guest); !there || w.subscription(guest, "bob")&(registry.To|registry.AskTo) == 0 {
			t.Errorf("whom they want to see is not kept: %v", w.subscription(guest, "bob"))
		}
	})
}

// Settings of somebody who is not registered, by the node and the action that users
// of other gateways know. (XEP-0050 §3.1: the answer has the node of the request)
func TestGuestSettings(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		shows := func(value string) string {
			form := w.run(phone, "configure", "", "")
			w.mustMatch(form, "<command xmlns='"+nsCommands+"' node='configure' status='executing'><x xmlns='"+nsData+"'><field var='record_history'><value>"+value+"</value></field><field var='persistent'/></x></command>")
			return " sessionid='" + form.Attr("sessionid") + "' action='next'"
		}
		w.run(phone, "configure", shows("true"), "<x xmlns='"+nsData+"' type='submit'/>")
		if _, there := w.account(alice); there {
			t.Error("registered by settings that are as they were")
		}
		done := w.run(phone, "configure", shows("true"), "<x xmlns='"+nsData+"' type='submit'><field var='record_history'><value>0</value></field></x>")
		w.mustMatch(done, "<command xmlns='"+nsCommands+"' node='configure' status='completed'/>")
		w.Expect("<presence type='subscribe' from='" + gw + "' to='" + alice + "'/>") // as of anybody who registers
		shows("false")
		w.mustMatch(w.run(phone, "ping", "", ""), "<command xmlns='"+nsCommands+"' status='completed'><note>Pong</note></command>")
	})
}

// Users of other gateways find the settings by the node that they look for, and a form
// to try their client with. (XEP-0050 §2.2)
func TestListedNodes(t *testing.T) {
	for node, services := range map[string]bool{"global-configure": false, "configure": true} {
		stage(t, setup{network: func(n legacy.Network) legacy.Network { return city{roomy{n, make(chan string, 100)}, services} }}, func(t *testing.T, w *world) {
			list, _ := w.ask("get", phone, gw, "l", "<query xmlns='http://jabber.org/protocol/disco#items' node='"+nsCommands+"'/>")
			if !strings.Contains(list.String(), "node='"+node+"'") || strings.Contains(list.String(), "node='options'") {
				t.Errorf("listed are %s", list)
			}
			if form := w.run(phone, node, "", ""); form.Attr("node") != node || form.Attr("status") != "executing" {
				t.Errorf("%s: %s", node, form)
			}
			hello := " sessionid='" + w.run(phone, "hello", "", "").Attr("sessionid") + "' action='complete'"
			w.mustMatch(w.run(phone, "hello", hello, submit("name", " ")), "<command xmlns='"+nsCommands+"' status='executing'><note type='error'/></command>")
			w.mustMatch(w.run(phone, "hello", hello, submit("name", "Al &lt;3")), "<command xmlns='"+nsCommands+"' status='completed'><note>Hello Al &lt;3!</note></command>")
		})
	}
}

// The settings of a room are had before it is entered, those of the network aside; a
// switch may be unset again.
func TestOwnConfig(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked), config: keeping}, func(t *testing.T, w *world) {
		owner := func(typ, payload string) string {
			answer, _ := w.ask(typ, phone, club, "o", "<query xmlns='"+nsOwner+"'>"+payload+"</query>")
			return answer.String()
		}
		set := func(field, value string) {
			if answer := owner("set", submit(field, value)); !strings.Contains(answer, "type='result'") {
				t.Errorf("%s: %s", value, answer)
			}
		}
		record := func(value string) {
			t.Helper()
			if form := owner("get", ""); !strings.Contains(form, "label='Archive the messages'><value>"+value+"</value>") || strings.Contains(form, "muc#roomconfig_membersonly") {
				t.Errorf("want %s: %s", value, form)
			}
		}
		record("true")
		set("record_history", "false")
		record("false")
		set("record_history", "unset")
		record("true")
		if answer := owner("set", submit("max_history_length", "many")); !strings.Contains(answer, "not-acceptable") {
			t.Errorf("accepted: %s", answer)
		}
		owner("set", "<x xmlns='"+nsData+"' type='cancel'/>")
		record("true")
	})
}

// Rooms are entered in the order in which the user has asked for them, again, too.
func TestRejoinInOrder(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked), users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		rooms := []string{"#h", "#b", "#g", "#a", "#f", "#c", "#e", "#d"}
		for _, room := range rooms {
			w.Send("<presence from='" + phone + "' to='" + room + "@" + gw + "/alice'>" + nsMUC + "</presence>")
			w.hear(asked, "join "+room+" ")
		}
		h.End(legacy.Errorf(legacy.Temporary, "The connection was lost."))
		w.settle()
		w.pass(time.Minute)
		for _, room := range rooms {
			w.hear(asked, "join "+room+" ")
		}
	})
}

// An invitation to a nick, which is not a JID. (XEP-0045 §7.8.2)
func TestInviteNick(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		joinClub(t, w, asked)
		w.Send("<message from='" + phone + "' to='" + club + "' id='i'><x xmlns='" + nsUser + "'><invite to='Bob'/></x></message>")
		w.hear(asked, "invite #club bob")
		w.Take()
		w.Send("<message from='" + phone + "' to='" + club + "' id='n'><x xmlns='" + nsUser + "'><invite to='#club'/></x></message>")
		isError(t, w.Expect("<message type='error' id='n'/>"), "item-not-found", "cancel", "")
	})
}

// XEP-0085 §5.1: a client that shows itself to rooms only is told who types to it.
func TestGuestTyping(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.settle()
		w.Take()
		typing := legacy.TypingChanged{From: legacy.Peer{ID: "bob"}, State: legacy.TypingActive}
		w.emit(h, typing)
		w.Expect("<message type='chat' from='" + fullJID(bob2) + "' to='alice@example.org'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
	})
}

// XEP-0092 §2, of somebody on the network
func TestVersionOfPerson(t *testing.T) {
	asked := make(chan string, 100)
	const query = "<query xmlns='jabber:iq:version'/>"
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		w.Send("<iq type='get' from='" + phone + "' to='" + bob2 + "' id='0'>" + query + "</iq>")
		isError(t, w.Expect("<iq type='error' id='0'/>"), "recipient-unavailable", "wait", "")
		h := joinClub(t, w, asked)
		for i, to := range []string{bob2, club + "/bob"} {
			id := string(rune('1' + i))
			w.Send("<iq type='get' from='" + phone + "' to='" + to + "' id='" + id + "'>" + query + "</iq>")
			w.emit(h, legacy.VersionReceived{Ref: w.hear(asked, "version * bob"), Version: "a client 1.0"})
			w.Expect("<iq type='result' id='" + id + "'><query xmlns='jabber:iq:version'><name>a client 1.0</name></query></iq>")
		}
		w.Send("<iq type='get' from='" + phone + "' to='" + bob2 + "' id='4'>" + query + "</iq>")
		w.emit(h, legacy.VersionReceived{Ref: w.hear(asked, "version * bob"), Err: legacy.Errorf(legacy.NotFound, "nobody")})
		isError(t, w.Expect("<iq type='error' id='4'/>"), "item-not-found", "cancel", "")
	})
}

// An administrator signs a guest off, by the names that users of other gateways know.
func TestEndGuest(t *testing.T) {
	asked := make(chan string, 100)
	const boss = bob + "/office"
	stage(t, setup{network: newRoomy(asked), config: func(c *component.Config) { c.Policy.Admins = []string{bob} }}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.settle()
		w.Take()
		form := w.run(boss, "disconnect-user", "", "")
		done := w.run(boss, "disconnect-user", " sessionid='"+form.Attr("sessionid")+"'", "<x xmlns='"+nsData+"' type='submit'><field var='jids'><value>"+alice+"</value></field></x>")
		w.mustMatch(done, "<command xmlns='"+nsCommands+"' node='disconnect-user' status='completed'><note>"+alice+": signed off</note></command>")
		w.Expect("<presence type='unavailable' from='" + club + "/alice' to='" + phone + "'>" + item("none", "none", "307", "110") + "</presence>")
		legacytest.Expect[legacytest.SignOff](t, h)
		isError(t, w.run(phone, "disconnect-user", "", ""), "forbidden", "auth", "")
	})
}

// What is said to a guest while there is no link, or was lost with one, arrives later,
// also when the gateway is stopped meanwhile.
func TestGuestWithoutLink(t *testing.T) {
	for name, stopped := range map[string]bool{"link lost": false, "gateway stopped, too": true} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan string, 100)
			stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
				h := joinClub(t, w, asked)
				w.Stall() // what comes now is not confirmed
				w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "lost with the link"})
				w.SetDown(true)
				w.Drop()
				w.settle()
				w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "without a link"})
				if stopped {
					w.stop()
				}
				w.settle()
				w.Take()
				w.Resume()
				w.SetDown(false)
				if stopped {
					w.start()
				}
				w.Linked(2)
				for _, text := range []string{"lost with the link", "without a link"} {
					w.Expect("<message from='" + fullJID(carol) + "' to='" + alice + "'><body>" + text + "</body><delay xmlns='urn:xmpp:delay'/></message>")
				}
				w.pass(2 * time.Minute) // with a ping that comes back
				if kept, err := w.db.KeptUsers(t.Context(), gw, registry.Inbound); err != nil || len(kept) != 0 {
					t.Errorf("still kept: %v, %v", kept, err)
				}
			})
		})
	}
}

// With the roster privilege, a guest who adds the gateway is not asked to let it see them.
func TestGuestEntersGateway(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fails bool
		put   []string // what the guest's client has written: name and groups
		entry string
		asks  bool
	}{
		{"without a name", false, []string{""}, "both Echo in Echo", false},
		{"with a name and a group", false, []string{"Relay", "Chat"}, "both Relay in Chat", false},
		{"where the server refuses", true, []string{""}, "none ", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{network: newRoomy(make(chan string, 100))}, func(t *testing.T, w *world) {
				r := w.grantRoster()
				r.owner, r.fails = "guest@example.org", tt.fails
				r.put(gw, "none", tt.put[0], tt.put[1:]...)
				w.Send("<presence type='subscribe' from='" + r.owner + "' to='" + gw + "' id='s'/>")
				var types []string
				for _, e := range r.serve() {
					types = append(types, e.Attr("type"))
				}
				if r.entry(gw) != tt.entry || slices.Contains(types, "subscribe") != tt.asks || !slices.Contains(types, "subscribed") {
					t.Errorf("the roster has %q, and came %q", r.entry(gw), types)
				}
			})
		})
	}
}

// A guest whom the network does not take hears it as the answer to the join, once.
// (XEP-0045 §7.2)
func TestGuestRefused(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		w.echo.Session("alice").Refuse(legacy.Errorf(legacy.BadNick, "Not that nick."))
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='j'>" + nsMUC + "</presence>")
		w.settle()
		isError(t, w.Next("<presence type='error' from='"+club+"/alice' to='"+phone+"' id='j'/>"), "not-acceptable", "modify", "")
		w.pass(time.Hour)
		w.Quiet()
	})
}
