package component_test

import (
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

func TestSignOnAndOff(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Contacts(legacy.Contact{Peer: carolPeer, Name: "Carol"})
		// XEP-0100 §4.4.1: to the gateway or to a contact.
		w.Send("<presence from='" + phone + "' to='" + gw + "'><show>away</show><status>a &amp; b</status></presence>")
		legacytest.Expect[legacytest.SignOn](t, h)
		w.Next("<presence type='' from='" + fullJID(gw) + "' to='" + alice + "'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1'/></presence>")
		w.Next("<presence type='' from='" + gw + "' to='" + alice + "'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1'/></presence>")
		if got := legacytest.Expect[legacytest.SetPresence](t, h); got.Show != legacy.ShowAway || got.Status != "a & b" {
			t.Errorf("the network sees %+v", got)
		}
		w.befriend(alice, carol)
		// XEP-0100 §4.5.1: contacts first, the gateway last.
		w.presence(phone, gw, "unavailable")
		w.Next("<presence type='unavailable' from='" + fullJID(carol) + "' to='" + alice + "'/>")
		w.Next("<presence type='unavailable' from='" + fullJID(gw) + "' to='" + alice + "'/>")
		w.Next("<presence type='unavailable' from='" + gw + "' to='" + alice + "'/>")
		if got := legacytest.Expect[legacytest.SignOff](t, h); got.Err != nil {
			t.Errorf("signed off with %v", got.Err)
		}
		w.settle()
		w.Quiet()
		// Servers repeat it.
		w.presence(phone, gw, "unavailable")
		w.presence(phone, carol, "unavailable")
		w.settle()
		w.Quiet()
		w.presence(phone, carol, "")
		legacytest.Expect[legacytest.SignOn](t, h)
	})
}

// newYear is when bubbles begin.
var newYear = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// RFC 6121 §4.7.2.1, XEP-0319 §2, XEP-0256 §3: what the user shows, and what the network is told.
func TestOwnShow(t *testing.T) {
	for _, tt := range []struct {
		inner string
		want  legacy.Presence
	}{
		{"", legacy.Presence{Show: legacy.ShowOnline}},
		{"<show>chat</show>", legacy.Presence{Show: legacy.ShowChat}},
		{"<show>away</show>", legacy.Presence{Show: legacy.ShowAway}},
		{"<show>xa</show>", legacy.Presence{Show: legacy.ShowXA}},
		{"<show>dnd</show>", legacy.Presence{Show: legacy.ShowDND}},
		{"<show>nonsense</show>", legacy.Presence{Show: legacy.ShowOnline}},
		{"<show xmlns='urn:other'>dnd</show>", legacy.Presence{Show: legacy.ShowOnline}},
		{"<status>two\r\nlines</status><x xmlns='urn:other'/>", legacy.Presence{Show: legacy.ShowOnline, Status: "two\nlines"}},
		{"<idle xmlns='urn:xmpp:idle:1' since='1999-12-31T23:30:00+00:00'/>", legacy.Presence{Show: legacy.ShowOnline, Idle: newYear.Add(-30 * time.Minute)}},
		{"<show>away</show><query xmlns='jabber:iq:last' seconds='600'/>", legacy.Presence{Show: legacy.ShowAway, Idle: newYear.Add(-10 * time.Minute)}},
		{"<idle xmlns='urn:xmpp:idle:1' since='2031-12-31T23:30:00Z'/>", legacy.Presence{Show: legacy.ShowOnline, Idle: newYear}},
		{"<idle xmlns='urn:xmpp:idle:1' since='nonsense'/><query xmlns='jabber:iq:last' seconds='600'/>", legacy.Presence{Show: legacy.ShowOnline}},
		{"<priority>nonsense</priority>", legacy.Presence{Show: legacy.ShowOnline}},
	} {
		t.Run(tt.inner, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.echo.Session("alice")
				w.Send("<presence from='" + phone + "' to='" + gw + "'>" + tt.inner + "</presence>")
				if got := legacytest.Expect[legacytest.SetPresence](t, h); got.Presence != tt.want {
					t.Errorf("got %+v, want %+v", got.Presence, tt.want)
				}
				// Nothing new, nothing told.
				w.Send("<presence from='" + phone + "' to='" + gw + "'>" + tt.inner + "</presence>")
				w.settle()
				legacytest.Refute[legacytest.SetPresence](t, h)
			})
		})
	}
}

// Conformance P5: several resources share one session; the network sees the one
// with the highest priority, and the most available one among equals.
func TestResources(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		show := func(from, show, priority string) {
			w.Send("<presence from='" + from + "' to='" + gw + "'><show>" + show + "</show><priority>" + priority + "</priority></presence>")
			w.settle()
		}
		h := w.signOn(phone)
		legacytest.Expect[legacytest.SetPresence](t, h)
		sees := func(want legacy.Show) {
			t.Helper()
			if got := legacytest.Expect[legacytest.SetPresence](t, h); got.Show != want {
				t.Errorf("the network sees %v, want %v", got.Show, want)
			}
		}
		show(laptop, "dnd", "5")
		sees(legacy.ShowDND)
		show(phone, "away", "5")
		sees(legacy.ShowAway) // the more available of two
		show(phone, "xa", "1")
		sees(legacy.ShowDND)
		show(alice+"/third", "chat", "-1")
		legacytest.Refute[legacytest.SetPresence](t, h)
		w.presence(laptop, gw, "unavailable")
		sees(legacy.ShowXA)
		// An unavailable from the bare JID is about nobody. (conformance P5)
		w.presence(alice, gw, "unavailable")
		// Nor does one of a resource that never was.
		w.presence(alice+"/fourth", gw, "unavailable")
		w.settle()
		legacytest.Refute[legacytest.SignOff](t, h)
		legacytest.Refute[legacytest.SignOn](t, h)
		// RFC 6121 §4.7.2.3: one with a negative priority wants no messages.
		w.presence(phone, gw, "unavailable")
		legacytest.Expect[legacytest.SignOff](t, h)
	})
}

// Directed presence to one contact is no log-out while the gateway itself is
// subscribed. (conformance G6)
func TestHiddenFromOne(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.presence(alice, gw, "subscribe")
		w.presence(alice, gw, "subscribed")
		w.settle()
		w.presence(phone, carol, "unavailable")
		w.settle()
		legacytest.Refute[legacytest.SignOff](t, h)
		w.presence(phone, gw, "unavailable")
		legacytest.Expect[legacytest.SignOff](t, h)
	})
}

// RFC 6121 §4.3.2: every probe is answered, to whom it came from, with its id.
func TestProbes(t *testing.T) {
	probe := func(w *world, to string) {
		w.Send("<presence type='probe' id='p 1' from='" + phone + "' to='" + to + "'/>")
	}
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		// A probe signs nobody on. (conformance P3)
		probe(w, gw)
		w.Next("<presence type='unavailable' id='p 1' from='" + fullJID(gw) + "' to='" + phone + "'/>")
		probe(w, carol)
		w.Next("<presence type='unavailable' id='p 1' from='" + fullJID(carol) + "' to='" + phone + "'/>")
		h := w.echo.Session("alice")
		legacytest.Refute[legacytest.SignOn](t, h)

		w.signOn(phone)
		w.befriend(alice, carol)
		since := time.Now().Add(-time.Hour)
		w.emit(h, legacy.PresenceChanged{From: carolPeer, Presence: legacy.Presence{Show: legacy.ShowXA, Status: "out", Idle: since}})
		full := "<show>xa</show><status>out</status><idle xmlns='urn:xmpp:idle:1' since='1999-12-31T23:00:00.000Z'/>"
		w.Next("<presence type='' from='" + fullJID(carol) + "' to='" + alice + "'>" + full + "</presence>")
		probe(w, carol)
		w.Next("<presence type='' id='p 1' from='" + fullJID(carol) + "' to='" + phone + "'>" + full + "</presence>")
		probe(w, carol+"/whatever") // the contact has no resources
		w.Next("<presence type='' from='" + fullJID(carol) + "' to='" + phone + "'/>")
		probe(w, gw)
		w.Next("<presence type='' from='" + fullJID(gw) + "' to='" + phone + "'/>")
		w.Next("<presence type='' from='" + gw + "' to='" + phone + "'/>")
		w.emit(h, legacy.PresenceChanged{From: carolPeer})
		w.Next("<presence type='unavailable' from='" + fullJID(carol) + "' to='" + alice + "'/>")
		probe(w, carol)
		w.Next("<presence type='unavailable' id='p 1' from='" + fullJID(carol) + "' to='" + phone + "'/>")
		// Nobody of that name, as far as the user may know.
		probe(w, "dave@"+gw)
		w.Next("<presence type='unsubscribed' id='p 1' from='dave@" + gw + "' to='" + phone + "'/>")
		w.settle()
		w.Quiet()
	})
}

// Who is active with one client is not idle, whatever the others say.
func TestIdleWithSeveralClients(t *testing.T) {
	const idle = "<priority>5</priority><idle xmlns='urn:xmpp:idle:1' since='1999-12-31T23:30:00Z'/>"
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		show := func(from, inner string) legacy.Presence {
			w.Send("<presence from='" + from + "' to='" + gw + "'>" + inner + "</presence>")
			return legacytest.Expect[legacytest.SetPresence](t, h).Presence
		}
		if got := show(phone, idle); got.Idle.IsZero() {
			t.Errorf("got %+v", got)
		}
		if got := show(laptop, ""); !got.Idle.IsZero() {
			t.Errorf("got %+v", got)
		}
		if got := show(laptop, idle); !got.Idle.Equal(newYear.Add(-30 * time.Minute)) {
			t.Errorf("got %+v", got)
		}
	})
}

// Who wants to look offline does, whatever their clients say.
func TestInvisible(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		legacytest.Expect[legacytest.SetPresence](t, h)
		shows := func() legacy.Presence { return legacytest.Expect[legacytest.SetPresence](t, h).Presence }
		w.message(phone, gw, "1", "invisible")
		w.Expect("<message from='" + fullJID(gw) + "'><body>You look offline</body></message>")
		if got := shows(); got != (legacy.Presence{Show: legacy.ShowInvisible}) {
			t.Errorf("got %+v", got)
		}
		w.Send("<presence from='" + phone + "' to='" + gw + "'><show>away</show><status>secret</status></presence>")
		w.settle()
		legacytest.Refute[legacytest.SetPresence](t, h)
		w.presence(phone, gw, "unavailable") // it outlives the session
		w.settle()
		w.signOn(phone)
		if got := shows(); got.Show != legacy.ShowInvisible {
			t.Errorf("got %+v", got)
		}
		w.message(phone, gw, "2", "visible")
		if got := shows(); got.Show != legacy.ShowOnline {
			t.Errorf("got %+v", got)
		}
	})
}

// XEP-0115 §6: what a contact's client cannot is not said of it.
func TestUntypedContact(t *testing.T) {
	const states = "http://jabber.org/protocol/chatstates"
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.befriend(alice, carol)
		shown := func(p legacy.Presence) (ver, features string) {
			w.emit(h, legacy.PresenceChanged{From: carolPeer, Presence: p})
			e := w.Expect("<presence type='' from='" + fullJID(carol) + "'><c xmlns='http://jabber.org/protocol/caps'/></presence>")
			caps := e.Child("http://jabber.org/protocol/caps", "c")
			ver = caps.Attr("ver")
			for _, node := range []string{"", " node='" + caps.Attr("node") + "#" + ver + "'"} {
				w.Send("<iq type='get' from='" + phone + "' to='" + carol + "' id='d'><query xmlns='http://jabber.org/protocol/disco#info'" + node + "/></iq>")
				got := w.Expect("<iq type='result' id='d' from='" + carol + "'/>").String()
				if features != "" && strings.Contains(got, states) != strings.Contains(features, states) {
					t.Errorf("the hash stands for %s, and the client has %s", got, features)
				}
				features = got
			}
			return ver, features
		}
		typed, features := shown(legacy.Presence{Show: legacy.ShowAway})
		if !strings.Contains(features, states) {
			t.Errorf("got %s", features)
		}
		untyped, features := shown(legacy.Presence{Show: legacy.ShowAway, NoTyping: true})
		if strings.Contains(features, states) || typed == untyped {
			t.Errorf("got %s, %s", features, untyped)
		}
	})
}

// What a user can learn of a contact's presence by a command.
func TestShownPresence(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		ask := func(of string) string {
			w.Send("<iq type='set' from='" + phone + "' to='" + of + "' id='c'><command xmlns='" + nsCommands + "' node='presence'/></iq>")
			return w.Expect("<iq id='c' from='" + of + "'/>").String()
		}
		if got := ask(carol); !strings.Contains(got, "You do not see") {
			t.Errorf("got %s", got)
		}
		w.befriend(alice, carol)
		w.emit(h, legacy.PresenceChanged{From: carolPeer, Presence: legacy.Presence{Show: legacy.ShowXA, Status: "out", Idle: newYear.Add(-time.Hour), Since: newYear.Add(-2 * time.Hour)}})
		if got := ask(carol); !strings.Contains(got, "Not available, signed on since 1999-12-31 22:00:00 UTC") || !strings.Contains(got, "Idle since 1999-12-31 23:00:00 UTC") || !strings.Contains(got, "out") {
			t.Errorf("got %s", got)
		}
		w.emit(h, legacy.PresenceChanged{From: carolPeer})
		if got := ask(carol); !strings.Contains(got, "Offline, last seen at 2000-01-01 00:00:00 UTC") {
			t.Errorf("got %s", got)
		}
	})
}

// What a contact's presence becomes.
func TestContactPresence(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.befriend(alice, carol)
		for _, tt := range []struct {
			presence legacy.Presence
			want     string
		}{
			{legacy.Presence{Show: legacy.ShowAway}, "type=''><show>away</show>"},
			{legacy.Presence{Show: legacy.ShowXA}, "type=''><show>xa</show>"},
			{legacy.Presence{Show: legacy.ShowDND}, "type=''><show>dnd</show>"},
			{legacy.Presence{Show: legacy.ShowChat}, "type=''><show>chat</show>"},
			{legacy.Presence{Show: legacy.ShowOnline}, "type=''>"},
			// What XML can't hold must not reach the stream. (XML 1.0 §2.2)
			{legacy.Presence{Show: legacy.ShowOnline, Status: "a<b>&\x02\ufffe\xff"}, "type=''><status>a&lt;b&gt;&amp;</status>"},
			// An invisible one looks offline.
			{legacy.Presence{Show: legacy.ShowInvisible}, "type='unavailable'>"},
			{legacy.Presence{Show: legacy.ShowOffline, Status: "back at nine"}, "type='unavailable'><status>back at nine</status>"},
		} {
			w.emit(h, legacy.PresenceChanged{From: carolPeer, Presence: tt.presence})
			e := w.Next("<presence from='" + fullJID(carol) + "' to='" + alice + "' " + tt.want + "</presence>")
			if tt.presence.Show == legacy.ShowOnline && e.Child("", "show") != nil { // RFC 6121 §4.7.2.1
				t.Errorf("got %s", e)
			}
			w.emit(h, legacy.PresenceChanged{From: carolPeer, Presence: tt.presence})
			w.Quiet() // nothing new
		}
		// Those whom the user has not subscribed to are not shown. (conformance P9)
		w.emit(h, legacy.PresenceChanged{From: legacy.Peer{ID: "dave"}, Presence: legacy.Presence{Show: legacy.ShowOnline}})
		w.Quiet()
	})
}

// RFC 6121 §4.7.1, conformance P10.
func TestUnknownPresence(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.Send("<presence type='available' id='1' from='" + phone + "' to='" + gw + "'/>")
		w.expectError("<presence id='1' from='"+gw+"' to='"+phone+"'/>", "bad-request", "modify")
		// RFC 6120 §8.3.1: errors are not answered.
		w.Send("<presence type='error' id='2' from='" + phone + "' to='" + carol + "'><error type='cancel'/></presence>")
		w.settle()
		w.Quiet()
	})
}

// Conformance G5: a stranger's presence.
func TestStrangersPresence(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		w.presence(phone, gw, "")
		w.expectError("<presence from='"+gw+"' to='"+phone+"'/>", "registration-required", "auth")
		w.presence("mallory@elsewhere.example/x", gw, "")
		w.expectError("<presence to='mallory@elsewhere.example/x'/>", "forbidden", "auth")
		w.presence("mallory@elsewhere.example/x", gw, "unavailable")
		w.settle()
		w.Quiet()
	})
}
