package component_test

import (
	"strings"
	"testing"
	"time"

	"transport/component"
)

// Which versions of ejabberd have faults. (XEP-0092 §2)
func TestPrivilegeFaults(t *testing.T) {
	for version, want := range map[string][]string{
		"23.01":       {"does not write rosters", "upload"},
		"23.10":       {"upload"},
		"24.06":       {"drops the queries", "upload"},
		"24.12-3":     {"drops the queries", "upload"},
		"24.12+dfsg":  {"drops the queries", "upload"},
		"25.01":       {"upload"},
		"25.07.123":   {"upload"},
		"25.08":       nil,
		"26.1":        nil,
		"":            nil,
		"unknown":     nil,
		"master.main": nil,
	} {
		faults, remedy := component.PrivilegeFaults("ejabberd", version)
		for _, w := range want {
			if !strings.Contains(faults, w) {
				t.Errorf("%s: %q lacks %q", version, faults, w)
			}
		}
		if n := strings.Count(faults, "; ") + 1; faults != "" && n != len(want) || (faults == "") != (want == nil) || (remedy == "") != (want == nil) {
			t.Errorf("%s: %q, remedy %q, want %q", version, faults, remedy, want)
		}
		if faults, _ := component.PrivilegeFaults("Prosody", version); faults != "" {
			t.Errorf("Prosody %s: %q", version, faults)
		}
	}
}

// A server that grants privileges is asked for its version, and its faults are logged.
func TestFaultsAreLogged(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		w.Send("<message from='example.org' to='" + gw + "'><privilege xmlns='urn:xmpp:privilege:2'><perm access='roster' type='both'/></privilege></message>")
		ask := w.Expect("<iq type='get' to='example.org'><query xmlns='jabber:iq:version'/></iq>")
		w.Send("<iq type='result' id='" + ask.Attr("id") + "' from='example.org' to='" + gw + "'><query xmlns='jabber:iq:version'><name>ejabberd</name><version>24.07</version></query></iq>")
		w.settle()
		if log := w.log.String(); !strings.Contains(log, "drops the queries") || !strings.Contains(log, "25.08 or later") {
			t.Error("the fault is not logged")
		}
	})
}

// A server that grants the roster privilege and does not execute it is known after the first
// user: the others do not wait for it. A server that refuses one roster is no such server.
func TestRosterPrivilegeWithdrawn(t *testing.T) {
	register := func(w *world, from string) {
		name, _, _ := strings.Cut(from, "@")
		w.Send("<iq type='set' id='r' from='" + from + "' to='" + gw + "'>" + plain(name, hidden) + "</iq>")
		w.settle()
	}
	for name, r := range map[string]roster{"refused": {fails: true}, "not answered": {slow: true}} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{}, func(t *testing.T, w *world) {
				granted := w.grantRoster()
				granted.fails, granted.slow = r.fails, r.slow
				register(w, phone)
				granted.serve()
				w.pass(time.Minute)
				granted.serve()
				register(w, bob+"/phone")
				asked := w.Take()
				if len(requests(asked)) == 0 {
					t.Errorf("the second user is not asked: %v", asked)
				}
				for _, e := range asked {
					if e.Child(rosterNS, "query") != nil {
						t.Errorf("it is tried again: %s", e)
					}
				}
				if n := strings.Count(w.log.String(), "does not execute it"); n != 1 {
					t.Errorf("it is logged %d times", n)
				}
			})
		})
	}
	stage(t, setup{}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		register(w, phone)
		r.serve()
		r.owner, r.fails = bob, true
		register(w, bob+"/phone")
		r.serve()
		r.fails = false
		r.owner = "zoe@example.org"
		register(w, r.owner+"/phone")
		if asked := requests(r.serve()); len(asked) > 0 {
			t.Errorf("the third user is asked: %q", asked)
		}
	})
}

// A server that ends the stream over a roster is not sent a second one.
func TestRosterEndsStream(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		w.grantRoster()
		w.Send("<iq type='set' id='r' from='" + phone + "' to='" + gw + "'>" + plain("alice", hidden) + "</iq>")
		w.Expect("<iq to='" + alice + "'><query xmlns='" + rosterNS + "'/></iq>")
		w.Send("<stream:error><invalid-from xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
		w.Linked(2)
		w.grantRoster()
		w.presence(phone, gw, "")
		w.pass(time.Minute)
		for _, e := range w.Take() {
			if e.Child(rosterNS, "query") != nil {
				t.Errorf("it is tried again: %s", e)
			}
		}
		if n := strings.Count(w.log.String(), "no roster is written any more"); n != 1 {
			t.Errorf("it is logged %d times", n)
		}
	})
}
