package component_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// XEP-0077 §3.3: a change is tried by signing on anew, and stored if it works.
func TestChangePassword(t *testing.T) {
	for name, payload := range map[string]string{
		"fields": plain("alice", "new one"),
		"form":   submitForm("submit", "alice", "new one"),
		// What is left out stays as it is.
		"password only": registerQuery("<password>new one</password>"),
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				if got := w.Ask("set", phone, gw, payload); got.Attr("type") != "result" {
					t.Fatalf("got %s, want a result", got)
				}
				legacytest.Expect[legacytest.SignOff](t, h)
				legacytest.Expect[legacytest.SignOn](t, h)
				w.settle()
				if a, _ := w.account(alice); a.Fields["password"] != "new one" || a.Fields["username"] != "alice" {
					t.Error("the new password is not stored")
				}
				legacytest.Refute[legacytest.SignOff](t, h)
				// The user sees the gateway online again, and is asked for nothing.
				w.Expect("<presence from='" + fullJID(gw) + "' to='" + alice + "' type=''/>")
			})
		})
	}
}

// A change that the network refuses changes nothing, and the old session is
// made again.
func TestChangeRefused(t *testing.T) {
	for _, tt := range []struct {
		name, payload, condition, typ string
	}{
		{"wrong password", plain("alice", "wrong"), "not-acceptable", "modify"},
		{"impossible name", plain("a@b", ""), "not-acceptable", "modify"},
		{"another's account", plain("bob", ""), "conflict", "cancel"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				isError(t, w.Ask("set", phone, gw, tt.payload), tt.condition, tt.typ, "")
				w.settle()
				if a, _ := w.account(alice); a.Fields["password"] != hidden || a.Login != "alice" {
					t.Error("the old registration is not in force")
				}
				if !h.SignedOn() {
					t.Error("alice is signed on no longer")
				}
			})
		})
	}
}

// Nothing to do, and nothing done.
func TestRegisterAgain(t *testing.T) {
	for name, payload := range map[string]string{
		// XEP-0077 §3.1, §3.3: an empty password stays what it was.
		"empty password": plain("alice", ""),
		"the same":       plain("alice", hidden),
		// XEP-0004 §3.1
		"cancel": submitForm("cancel", "alice", "new one"),
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				if got := w.Ask("set", phone, gw, payload); got.Attr("type") != "result" {
					t.Fatalf("got %s, want a result", got)
				}
				w.settle()
				w.Quiet()
				legacytest.Refute[legacytest.SignOff](t, h)
				if a, _ := w.account(alice); a.Fields["password"] != hidden {
					t.Error("the password was changed")
				}
			})
		})
	}
}

// A password that was refused is mended by a new registration, which signs on.
func TestMendPassword(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Refuse(legacy.Errorf(legacy.Auth, "Wrong password."))
		w.presence(phone, gw, "")
		w.expectError("<presence from='"+gw+"'/>", "not-authorized", "auth")
		h.Refuse(nil)
		// The same data: the user says that they are right now.
		if got := w.Ask("set", phone, gw, plain("alice", hidden)); got.Attr("type") != "result" {
			t.Fatalf("got %s, want a result", got)
		}
		w.Expect("<presence from='" + fullJID(gw) + "' to='" + alice + "' type=''/>")
		if !h.SignedOn() {
			t.Error("alice is not signed on")
		}
	})
}

// XEP-0077 §3.2, XEP-0100 §4.3: in this order.
func TestUnregister(t *testing.T) {
	stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.befriend(phone, carol)
		w.Send("<iq type='set' id='1' from='" + phone + "' to='" + gw + "'>" + registerQuery("<remove/>") + "</iq>")
		w.Next("<presence type='unavailable' from='" + fullJID(carol) + "' to='" + alice + "'/>")
		w.Next("<iq type='result' id='1' from='" + gw + "' to='" + phone + "'/>")
		for _, from := range []string{carol, gw} {
			for _, typ := range []string{"unsubscribe", "unsubscribed", "unavailable"} {
				for _, sender := range sendersOf(typ, from) {
					w.Next("<presence type='" + typ + "' from='" + sender + "' to='" + alice + "'/>")
				}
			}
		}
		legacytest.Expect[legacytest.SignOff](t, h)
		w.settle()
		w.Quiet()
		if _, there := w.account(alice); there {
			t.Error("the registration is still stored")
		}
		if rows, err := w.db.Contacts(context.Background(), gw, alice); err != nil || len(rows) != 0 {
			t.Errorf("contacts are left: %v, %v", rows, err)
		}
		if _, there := w.account(bob); !there {
			t.Error("somebody else's registration is gone")
		}
		// What comes late meets a stranger.
		w.message(phone, carol, "late", "hello?")
		w.expectError("<message id='late' from='"+carol+"' to='"+phone+"'/>", "registration-required", "auth")
		isError(t, w.Ask("set", phone, gw, registerQuery("<remove/>")), "registration-required", "auth", "407")
	})
}

// XEP-0077 §3.2, conformance R8.
func TestUnregisterRefused(t *testing.T) {
	for _, tt := range []struct {
		name, from, payload, condition, typ, code string
	}{
		{"not registered", bob + "/x", registerQuery("<remove/>"), "registration-required", "auth", "407"},
		{"not alone", phone, registerQuery("<remove/><username>alice</username>"), "bad-request", "modify", "400"},
		{"not served", "alice@elsewhere.example/x", registerQuery("<remove/>"), "forbidden", "auth", "403"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				isError(t, w.Ask("set", tt.from, gw, tt.payload), tt.condition, tt.typ, tt.code)
				if _, there := w.account(alice); !there {
					t.Error("the registration is gone")
				}
			})
		})
	}
}

// Removing works while signed off, and while the network hangs.
func TestUnregisterAnytime(t *testing.T) {
	for name, before := range map[string]func(*world, *legacytest.Handle){
		"signed off": func(*world, *legacytest.Handle) {},
		"signing on": func(w *world, h *legacytest.Handle) {
			h.Stall()
			w.presence(phone, gw, "")
			w.settle()
			w.message(phone, carol, "m1", "kept, and given back or dropped")
			w.settle()
		},
		"refused": func(w *world, h *legacytest.Handle) {
			h.Refuse(legacy.Errorf(legacy.Auth, "Wrong password."))
			w.presence(phone, gw, "")
			w.settle()
		},
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				before(w, w.echo.Session("alice"))
				if got := w.Ask("set", phone, gw, registerQuery("<remove/>")); got.Attr("type") != "result" {
					t.Fatalf("got %s, want a result", got)
				}
				w.settle()
				if _, there := w.account(alice); there {
					t.Error("the registration is still stored")
				}
				if w.echo.Session("alice").SignedOn() {
					t.Error("alice is still signed on")
				}
				if name == "signing on" { // every message is delivered, answered or kept
					w.Expect("<message type='error' id='m1' from='" + carol + "' to='" + phone + "'/>")
				}
			})
		})
	}
}

// Only one registration at a time, and each IQ has its one answer.
func TestRegisterTwiceAtOnce(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Stall()
		send := func(id, payload string) {
			w.Send("<iq type='set' id='" + id + "' from='" + phone + "' to='" + gw + "'>" + payload + "</iq>")
		}
		send("1", plain("alice", hidden))
		w.settle()
		send("2", plain("alice", hidden))
		w.expectError("<iq id='2'/>", "unexpected-request", "wait")
		// XEP-0077 §3.2: who leaves meanwhile ends it.
		send("3", registerQuery("<remove/>"))
		w.expectError("<iq id='1'/>", "remote-server-timeout", "wait")
		w.expectError("<iq id='3'/>", "registration-required", "auth")
		h.Resume()
		w.settle()
		w.Quiet()
		if _, there := w.account(alice); there || h.SignedOn() {
			t.Error("alice is registered in spite of it")
		}
		send("4", plain("alice", hidden))
		w.Expect("<iq type='result' id='4'/>")
	})
}

// A network that hangs costs an answer in time, and registers nobody.
func TestRegisterHangs(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Stall()
		isError(t, w.Ask("set", phone, gw, plain("alice", hidden)), "remote-server-timeout", "wait", "504")
		h.Resume()
		w.settle()
		w.Quiet()
		if _, there := w.account(alice); there || h.SignedOn() {
			t.Error("alice is registered in spite of it")
		}
	})
}

// XEP-0077 §3.1: a contact's address registers nobody.
func TestRegisterAtContact(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		for _, typ := range []string{"get", "set"} {
			isError(t, w.Ask(typ, phone, carol, plain("alice", hidden)), "service-unavailable", "cancel", "503")
		}
	})
}

// subscription is what the registry knows of a contact.
func (w *world) subscription(user, peer string) registry.Subscription {
	w.t.Helper()
	rows, err := w.db.Contacts(context.Background(), gw, user)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, row := range rows {
		if row.Peer == peer {
			return row.Subscription
		}
	}
	return 0
}

// befriend makes a contact one in both directions, who is online.
func (w *world) befriend(user, contact string) {
	w.t.Helper()
	w.presence(user, contact, "subscribe")
	w.Expect("<presence type='subscribed' from='" + contact + "'/>")
	w.presence(user, contact, "subscribed")
	w.settle()
	w.Expect("<presence type='' from='" + fullJID(contact) + "'/>")
	w.settle()
	w.Take()
}

// movable is a network whose form asks for a server.
type movable struct{ legacy.Network }

func (n movable) Info() legacy.Info {
	info := n.Network.Info()
	info.Form = append(slices.Clip(info.Form), legacy.Field{Var: "server", Label: "Server", Renews: true})
	return info
}

// A password that is stored goes to no other server than the one it was entered
// for.
func TestChangeServer(t *testing.T) {
	form := func(server, password string) string {
		return registerQuery(submit("username", "alice", "server", server, "password", password))
	}
	network := func(n legacy.Network) legacy.Network { return movable{n} }
	stage(t, setup{users: []string{alice}, network: network}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		got := w.Ask("set", phone, gw, form("evil.example:1", ""))
		isError(t, got, "not-acceptable", "modify", "")
		if !strings.Contains(got.String(), "Server has changed") {
			t.Errorf("the user is told %s", got)
		}
		legacytest.Refute[legacytest.SignOff](t, h)
		if got := w.Ask("set", phone, gw, form("", "")); got.Attr("type") != "result" { // unchanged
			t.Errorf("got %s", got)
		}
		if got := w.Ask("set", phone, gw, form("good.example:1", "entered again")); got.Attr("type") != "result" {
			t.Errorf("got %s", got)
		}
		w.settle()
		if a, _ := w.account(alice); a.Fields["server"] != "good.example:1" {
			t.Error("the server is not stored")
		}
	})
}
