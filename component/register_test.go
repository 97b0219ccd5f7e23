package component_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"transport/component"
	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

const registerNS = "jabber:iq:register"

func registerQuery(inner string) string {
	return "<query xmlns='" + registerNS + "'>" + inner + "</query>"
}

func plain(name, password string) string {
	return registerQuery("<username>" + name + "</username><password>" + password + "</password>")
}

func submitForm(typ, name, password string) string {
	return registerQuery("<x xmlns='jabber:x:data' type='" + typ + "'>" +
		"<field var='FORM_TYPE'><value>" + registerNS + "</value></field>" +
		"<field var='username'><value>" + name + "</value></field>" +
		"<field var='password'><value>" + password + "</value></field></x>")
}

// isError checks an error answer, with the number of the old kind.
func isError(t *testing.T, e *element.Element, condition, typ, code string) {
	t.Helper()
	x := e.Child("", "error")
	if e.Attr("type") != "error" || x.Attr("type") != typ || x.Child("urn:ietf:params:xml:ns:xmpp-stanzas", condition) == nil || code != "" && x.Attr("code") != code {
		t.Errorf("got %s, want %s/%s with code %s", e, condition, typ, code)
	}
	if strings.Contains(e.String(), hidden) {
		t.Errorf("the error says a secret: %s", e) // XEP-0077 §3.3
	}
}

func (w *world) account(user string) (registry.Account, bool) {
	w.t.Helper()
	a, err := w.db.Account(context.Background(), gw, user)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		w.t.Fatal(err)
	}
	return a, err == nil
}

// XEP-0077 §3.1, §4: plain fields and the form, since the fields can say all.
func TestRegistrationForm(t *testing.T) {
	stage(t, setup{users: []string{bob}}, func(t *testing.T, w *world) {
		got := w.Ask("get", phone, gw, registerQuery(""))
		w.mustMatch(got, `<iq type='result'><query xmlns='jabber:iq:register'>
			<instructions>Enter your name</instructions><username/><password/>
			<x xmlns='jabber:x:data' type='form'>
				<field var='FORM_TYPE' type='hidden'><value>jabber:iq:register</value></field>
				<field var='username' type='text-single' label='Name'><required/></field>
				<field var='password' type='text-private'><required/></field>
			</x></query></iq>`)
		if got.Child(registerNS, "query").Child(registerNS, "registered") != nil {
			t.Error("a stranger is registered")
		}
		const registered = "You are registered as bob. Leave the password empty to keep the one that is stored. " +
			"To unregister, if your client has no button for it, write the word unregister to gw.example.org. Enter your name"
		// XEP-0077 §3.1: <registered/> and what was entered, but for the secret.
		got = w.Ask("get", bob+"/x", gw, registerQuery(""))
		w.mustMatch(got, `<iq type='result'><query xmlns='jabber:iq:register'><registered/><instructions>`+registered+`</instructions><username>bob</username>
			<x xmlns='jabber:x:data'><instructions>`+registered+`</instructions><field var='username'><value>bob</value></field></x></query></iq>`)
		if strings.Contains(got.String(), hidden) {
			t.Errorf("the password is in %s", got)
		}
	})
}

// XEP-0100 §4.1.1: credentials are tried, stored, and the gateway asks to be
// put on the user's list.
func TestRegister(t *testing.T) {
	for name, payload := range map[string]string{
		"fields": plain("Alice", hidden),
		"form":   submitForm("submit", "Alice", hidden),
		// XEP-0077 §4: the form counts when both are there.
		"both": strings.Replace(submitForm("submit", "Alice", hidden), "<x ", "<username>other</username><x ", 1),
		// XEP-0004 §3.2: unknown fields are ignored.
		"unknown": registerQuery("<username>Alice</username><misc>?</misc><password>" + hidden + "</password>"),
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{}, func(t *testing.T, w *world) {
				if got := w.Ask("set", phone, gw, payload); got.Attr("type") != "result" || got.Count() != 0 {
					t.Fatalf("got %s, want an empty result", got)
				}
				w.Expect("<presence type='subscribe' from='" + gw + "' to='" + alice + "'><nick xmlns='http://jabber.org/protocol/nick'>Echo</nick></presence>")
				a, ok := w.account(alice)
				if !ok || a.Login != "alice" || a.Fields["password"] != hidden || a.Fields["username"] != "Alice" {
					t.Errorf("stored %+v, %v", a.Login, ok)
				}
				// The session that tried the credentials goes on.
				h := w.echo.Session("alice")
				legacytest.Expect[legacytest.SignOn](t, h)
				w.Send("<presence from='" + phone + "' to='" + gw + "'/>")
				w.settle()
				legacytest.Refute[legacytest.SignOn](t, h)
				legacytest.Refute[legacytest.SignOff](t, h)
			})
		})
	}
}

// What is not acceptable, and that nothing of it is stored.
func TestRegisterRefused(t *testing.T) {
	for _, tt := range []struct {
		name, payload        string
		condition, typ, code string
		text                 string
		setup                setup
		refusal              error
		from                 string
	}{
		// XEP-0100 §4.1.2
		{name: "wrong password", payload: plain("alice", "wrong"), condition: "not-acceptable", typ: "modify", code: "406", text: "name and password"},
		// XEP-0077 §3.1
		{name: "no password", payload: registerQuery("<username>alice</username>"), condition: "not-acceptable", typ: "modify", code: "406", text: "Password is missing"},
		{name: "empty password", payload: plain("alice", ""), condition: "not-acceptable", typ: "modify", code: "406", text: "Password is missing"},
		{name: "nothing", payload: registerQuery(""), condition: "not-acceptable", typ: "modify", code: "406", text: "missing"},
		{name: "impossible name", payload: plain("a@b", hidden), condition: "not-acceptable", typ: "modify", code: "406", text: "An Echo name"},
		{name: "long", payload: plain("alice", strings.Repeat("x", 5000)), condition: "not-acceptable", typ: "modify", code: "406", text: "too long"},
		// XEP-0077 §3.1
		{name: "taken", payload: plain("B ob", hidden), condition: "conflict", typ: "cancel", code: "409", text: "Somebody else", setup: setup{users: []string{bob}}},
		{name: "network down", payload: plain("alice", hidden), condition: "remote-server-timeout", typ: "wait", code: "504", text: "out of order",
			refusal: legacy.Errorf(legacy.Temporary, "The network is out of order.")},
		{name: "broken", payload: plain("alice", hidden), condition: "internal-server-error", typ: "cancel", code: "500", text: "inside the gateway",
			refusal: errors.New("an unknown cause")},
		{name: "denied", payload: plain("alice", hidden), condition: "forbidden", typ: "auth", code: "403", text: "does not serve",
			setup: setup{config: func(c *component.Config) { c.Policy.Deny = []string{alice} }}},
		{name: "another domain", payload: plain("alice", hidden), condition: "forbidden", typ: "auth", code: "403", from: "alice@elsewhere.example/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, tt.setup, func(t *testing.T, w *world) {
				w.echo.Session("alice").Refuse(tt.refusal)
				from := tt.from
				if from == "" {
					from = phone
				}
				got := w.Ask("set", from, gw, tt.payload)
				isError(t, got, tt.condition, tt.typ, tt.code)
				if text := got.Child("", "error").ChildText("", "text"); !strings.Contains(text, tt.text) {
					t.Errorf("the text is %q, want %q in it", text, tt.text)
				}
				if _, stored := w.account(alice); stored {
					t.Error("the registration is stored")
				}
				w.settle()
				w.Quiet()
			})
		})
	}
}
