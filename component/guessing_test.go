package component_test

import (
	"strings"
	"testing"
	"time"

	"transport/component"
	"transport/legacy/legacytest"
)

// Whichever way passwords are tried, the gateway pauses after the third wrong one, tells the
// user for how long, and does not sign on meanwhile. (XEP-0077 §3.1, XEP-0086)
func TestGuessing(t *testing.T) {
	const code = "500"
	const wait = "Wait one minute"
	const fields = "<x xmlns='jabber:x:data' type='submit'><field var='username'><value>NAME</value></field><field var='password'><value>wrong</value></field></x>"
	for _, tt := range []struct {
		name  string
		users []string
		try   func(w *world, name string) (refusal string) // "" for a wrong password
	}{
		{"in-band registration", nil, func(w *world, name string) string {
			e := w.Ask("set", phone, gw, plain(name, "wrong"))
			if !strings.Contains(e.String(), "resource-constraint") {
				isError(w.t, e, "not-acceptable", "modify", "406")
				return ""
			}
			isError(w.t, e, "resource-constraint", "wait", code)
			return e.String()
		}},
		{"a command", nil, func(w *world, name string) string {
			first := w.run(phone, "register", "", "")
			session := first.Attr("sessionid")
			last := w.run(phone, "register", " sessionid='"+session+"'", strings.Replace(fields, "NAME", name, 1))
			if text := last.String(); strings.Contains(text, "too many") {
				return text
			}
			return ""
		}},
		{"words", nil, func(w *world, name string) string {
			if text := w.writes(phone, "register "+name+" wrong"); strings.Contains(text, "too many") {
				return text
			}
			w.writes(phone, "cancel")
			return ""
		}},
		{"a change of the password", []string{alice}, func(w *world, _ string) string {
			text := w.writes(phone, "password wrong")
			if strings.Contains(text, "too many") {
				return text
			}
			w.writes(phone, "cancel")
			return ""
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{users: tt.users}, func(t *testing.T, w *world) {
				if tt.users != nil {
					w.signOn(phone)
				}
				names := []string{"bob", "carol", "dave", "erin", "frank", "alice"}
				for i, name := range names {
					refused := tt.try(w, name)
					w.settle()
					w.Take()
					if i < 3 && refused != "" {
						t.Fatalf("number %d is refused: %s", i, refused)
					}
					if i >= 3 && !strings.Contains(refused, wait) {
						t.Fatalf("number %d: the user reads %q", i, refused)
					}
				}
				w.pass(time.Minute)
				w.Take()
				if refused := tt.try(w, "erin"); refused != "" {
					t.Errorf("after the pause: %s", refused)
				}
				w.settle()
				w.Take()
				if refused := tt.try(w, "erin"); !strings.Contains(refused, "Wait 2 minutes") {
					t.Errorf("after the fourth wrong password: %q", refused)
				}
			})
		})
	}
}

// A wrong password of one user costs the others nothing, and the right one signs on after the
// pause.
func TestGuessingEnds(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		for range 3 {
			isError(t, w.Ask("set", phone, gw, plain("alice", "wrong")), "not-acceptable", "modify", "406")
		}
		isError(t, w.Ask("set", phone, gw, plain("alice", hidden)), "resource-constraint", "wait", "500")
		isError(t, w.Ask("set", bob+"/x", gw, plain("alice", hidden)), "resource-constraint", "wait", "500") // the same account
		if e := w.Ask("set", bob+"/x", gw, plain("bob", hidden)); e.Attr("type") != "result" {
			t.Errorf("bob is refused: %s", e)
		}
		w.pass(time.Minute)
		if e := w.Ask("set", phone, gw, plain("alice", hidden)); e.Attr("type") != "result" {
			t.Errorf("alice is refused: %s", e)
		}
		legacytest.Expect[legacytest.SignOn](t, w.echo.Session("alice"))
		w.settle()
		w.Take()
	})
}

// Foreign users: the policy admits domains and single users, and refuses others, before
// anything is tried.
func TestForeigners(t *testing.T) {
	for _, tt := range []struct {
		name, allow, deny, user string
		want                    bool
	}{
		{"the parent domain by default", "", "", "zoe@example.org", true},
		{"others by default", "", "", "zoe@foreign.example", false},
		{"a subdomain by default", "", "", "zoe@sub.example.org", false},
		{"a domain of the same end", "", "", "zoe@evilexample.org", false},
		{"everybody", "*", "", "zoe@foreign.example", true},
		{"a domain", "foreign.example", "", "zoe@foreign.example", true},
		{"a user", "zoe@foreign.example", "", "zoe@foreign.example", true},
		{"another user", "zoe@foreign.example", "", "eve@foreign.example", false},
		{"everybody but a domain", "*", "foreign.example", "zoe@foreign.example", false},
		{"everybody but a user", "*", "eve@foreign.example", "eve@foreign.example", false},
		{"another than the denied", "*", "eve@foreign.example", "zoe@foreign.example", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := func(cfg *component.Config) {
				cfg.Policy = component.Policy{Allow: strings.Fields(tt.allow), Deny: strings.Fields(tt.deny)}
			}
			stage(t, setup{config: config}, func(t *testing.T, w *world) {
				e := w.Ask("set", tt.user+"/x", gw, plain("zoe", hidden))
				if !tt.want {
					isError(t, e, "forbidden", "auth", "403")
				}
				w.settle()
				w.Take()
				if _, there := w.account(tt.user); there != tt.want {
					t.Errorf("registered: %v", there)
				}
			})
		})
	}
}
