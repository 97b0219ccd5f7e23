package component_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/component"
	"transport/component/element"
	"transport/legacy"
)

// history joins with a wish for history, and returns what is sent of it.
func (w *world) history(full, wish string) (bodies []string, stanzas []*element.Element) {
	w.t.Helper()
	w.Send("<presence from='" + full + "' to='" + club + "/alice'><x xmlns='http://jabber.org/protocol/muc'>" + wish + "</x></presence>")
	w.settle()
	for _, e := range w.Take() {
		if e.Name == "message" && e.Child(nsComponent, "body") != nil {
			bodies = append(bodies, e.ChildText(nsComponent, "body"))
			stanzas = append(stanzas, e)
		}
	}
	return bodies, stanzas
}

// XEP-0045 §7.2.13: how much a client gets that does not say how much it wants is the
// user's to say, for all rooms and for one.
func TestHistoryLength(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{})
		w.talk(h, 30)
		gets := func(want int) {
			t.Helper()
			if bodies, _ := w.history(laptop, ""); len(bodies) != want {
				t.Errorf("%d lines, want %d", len(bodies), want)
			}
			if bodies, _ := w.history(laptop, "<history maxstanzas='7'/>"); len(bodies) != 7 {
				t.Errorf("%d lines, but 7 were wished for", len(bodies))
			}
		}
		set := func(length, says string) {
			t.Helper()
			form := w.run(phone, "options", "", "")
			done := w.run(phone, "options", " sessionid='"+form.Attr("sessionid")+"' action='complete'", submit("max_history_length", length))
			if !strings.Contains(done.String(), says) {
				t.Errorf("%s lines: %s", length, done)
			}
		}
		gets(20)
		set("5", "stored")
		gets(5)
		set("-1", "stored")
		gets(30)
		set("many", "Enter a number")
		set("1000", "Enter a number")
		set("5", "stored")
		room := func(length string) *element.Element {
			answer, _ := w.ask("set", phone, club, "own", "<query xmlns='"+nsOwner+"'>"+submit("max_history_length", length)+"</query>")
			return answer
		}
		if answer := room("3"); answer.Attr("type") != "result" {
			t.Errorf("set for the room: %s", answer)
		}
		gets(3)
		isError(t, room("-2"), "not-acceptable", "modify", "")
		gets(3)
		room("")
		gets(5)
	})
}

// XEP-0393 §6.1: marks in what comes from a network with formatting of its own are what
// they are; the user's own are styling.
func TestUnstyledInRoom(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.Take()
		const mark = "<unstyled xmlns='urn:xmpp:styling:0'/>"
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "a *b* c"})
		w.Expect("<message from='" + club + "/bob'><body>a *b* c</body>" + mark + "</message>")
		for _, m := range []legacy.RoomMessage{{Nick: "bob", Text: "plain"}, {Nick: "bob", Text: "b", Markup: []legacy.Span{{Text: "b", Style: legacy.Bold}}}} {
			m.Room = clubPeer
			w.emit(h, m)
			if got := w.Expect("<message from='" + club + "/bob'/>"); strings.Contains(got.String(), "unstyled") {
				t.Errorf("got %s", got)
			}
		}
		w.groupchat(phone, "m1", "<body>*mine*</body>")
		if got := w.Expect("<message from='" + club + "/alice' id='m1'/>"); strings.Contains(got.String(), "unstyled") {
			t.Errorf("reflected %s", got)
		}
		w.mustMatch(w.archive(phone, mamQuery("", "")).results[0], "<message><result xmlns='"+nsMAM+"'><forwarded xmlns='"+nsForward+"'><message xmlns='"+nsClient+"'>"+mark+"</message></forwarded></result></message>")
	})
}

func occupantOf(e *element.Element) string { return e.Child(nsOccupant, "occupant-id").Attr("id") }

// What was said before is told to who comes later, from the archive after a restart.
func TestHistoryFromArchive(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.Take()
		ids := w.talk(h, 6)
		w.stop()
		w.start()
		w.Linked(2)
		w.settle()
		w.Take()
		// XEP-0045 §7.1: nothing is told before the network has let the client in
		w.Send("<presence from='" + phone + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		w.hear(asked, "join #club ")
		w.emit(h, legacy.RoomJoined{Room: clubPeer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}, {Nick: "bob"}}})
		w.Take()
		// XEP-0045 §7.2.13: as from the occupant, with a delay from the room
		bodies, stanzas := w.history(phone, "")
		if got := strings.Join(bodies, " "); got != "n0 n1 n2 n3 n4 n5" {
			t.Fatalf("history is %q", got)
		}
		for i, e := range stanzas {
			w.mustMatch(e, "<message type='groupchat' from='"+club+"/bob' to='"+phone+"'><delay xmlns='urn:xmpp:delay' from='"+club+"'/><stanza-id xmlns='"+nsStanzaID+"' by='"+club+"' id='"+ids[i]+"'/><occupant-id xmlns='"+nsOccupant+"'/></message>")
		}
		stamp := stanzas[3].Child("urn:xmpp:delay", "delay").Attr("stamp")
		size := len(stanzas[5].String())
		// XEP-0045 §7.2.14: the least that any wish allows; characters are those of stanzas
		for _, tt := range []struct{ wish, want string }{
			{"<history maxstanzas='2'/>", "n4 n5"}, {"<history maxstanzas='0'/>", ""}, {"<history maxchars='0'/>", ""},
			{"<history since='" + stamp + "'/>", "n3 n4 n5"}, {"<history since='" + stamp + "' maxstanzas='1'/>", "n5"},
			{"<history seconds='150'/>", "n4 n5"}, {"<history seconds='150' maxstanzas='1'/>", "n5"},
			{"<history seconds='9223372036854775807'/>", "n0 n1 n2 n3 n4 n5"},
			{fmt.Sprintf("<history maxchars='%d'/>", size*3/2), "n5"}, {"<history maxchars='100000'/>", "n0 n1 n2 n3 n4 n5"},
			{"<history maxstanzas='-1' seconds='x' since='y'/>", "n0 n1 n2 n3 n4 n5"},
		} {
			if bodies, _ := w.history(phone, tt.wish); strings.Join(bodies, " ") != tt.want {
				t.Errorf("%s: %q", tt.wish, bodies)
			}
		}
	})
}

// What the network tells again after a loss of the connection is not told again.
func TestHistoryRepeated(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.Take()
		say := func(id, text string, at time.Time) {
			w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: text, ID: id, Time: at})
		}
		// XEP-0359 §3: the network's own id is the stanza's
		say("net-1", "one", time.Time{})
		w.Expect("<message type='groupchat'><body>one</body><stanza-id xmlns='" + nsStanzaID + "' id='net-1' by='" + club + "'/></message>")
		say("net-1", "one", time.Now())
		w.Quiet()
		say("net-2", "two", time.Now().Add(-time.Minute))
		w.Expect("<message type='groupchat'><body>two</body><delay xmlns='urn:xmpp:delay' from='" + club + "'/></message>")
		w.Quiet()
		// also by a component that has just started, when nobody has come yet
		w.stop()
		w.start()
		w.Linked(2)
		w.settle()
		w.Take()
		joinClub(t, w, asked)
		w.Take()
		say("net-1", "one", time.Now())
		say("net-3", "three", time.Now())
		w.Expect("<message type='groupchat'><body>three</body></message>")
		w.Quiet()
		if p := w.archive(phone, mamQuery("", "")); p.allText != "one two three" {
			t.Errorf("the archive has %q", p.bodies)
		}
	})
}

// record_history of a room, and the option for all of them.
func TestUnrecorded(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, users: []string{alice}, config: keeping}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{})
		info := func() *element.Element {
			answer, _ := w.ask("get", phone, club, "i", "<query xmlns='http://jabber.org/protocol/disco#info'/>")
			if ref, ok := askedConfig(w, asked); ok {
				w.emit(h, legacy.RoomConfigReceived{Ref: ref})
				answer = w.Expect("<iq id='i'/>")
			}
			return answer
		}
		say := func(text string) {
			w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: text})
			w.Expect("<message type='groupchat'><body>" + text + "</body></message>")
		}
		archived := func() string { return w.archive(phone, mamQuery("", "")).allText }
		say("kept")
		w.configure(phone, club, "configure", "record_history", "0")
		w.hear(asked, `reconfigure "#club" map[record_history:false]`)
		say("secret")
		if got := archived(); got != "kept" {
			t.Errorf("the archive has %q", got)
		}
		// XEP-0313 §3.1: what is not complete is not announced: clients then ask for history
		if hasFeature(info(), nsMAM) {
			t.Error("the archive of a room that is not recorded is announced")
		}
		w.configure(phone, gw, "options", "record_history", "0")
		w.configure(phone, club, "configure", "record_history", "true")
		w.hear(asked, `reconfigure "#club" map[record_history:true]`)
		say("again")
		if got := archived(); got != "kept again" || !hasFeature(info(), nsMAM) {
			t.Errorf("the archive has %q", got)
		}
		// The option is for all rooms that have no setting of their own.
		other := legacy.Peer{ID: "#other", Room: true}
		w.Send("<presence from='" + phone + "' to='#other@" + gw + "/alice'>" + nsMUC + "</presence>")
		w.hear(asked, "join #other ")
		w.emit(h, legacy.RoomJoined{Room: other, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}}}, legacy.RoomMessage{Room: other, Nick: "bob", Text: "x"})
		answer, before := w.ask("set", phone, "#other@"+gw, "o", mamQuery("", ""))
		for _, e := range before {
			if e.Child(nsMAM, "result") != nil {
				t.Errorf("archived: %s", e)
			}
		}
		w.mustMatch(answer, "<iq type='result'><fin xmlns='"+nsMAM+"' complete='true'/></iq>")
		// XEP-0077 §3.2: nothing is left of who has unregistered
		w.Ask("set", phone, gw, registerQuery("<remove/>"))
		w.settle()
		if got := archived(); got != "" {
			t.Errorf("the archive still has %q", got)
		}
	})
}

// askedConfig is the ref of a question for a room's settings, if there was one.
func askedConfig(w *world, asked chan string) (string, bool) {
	w.settle()
	select {
	case got := <-asked:
		ref, isConfig := strings.CutPrefix(got, "config ")
		if !isConfig {
			w.t.Fatalf("the network was asked for %q", got)
		}
		ref, _, _ = strings.Cut(ref, " ")
		return ref, true
	default:
		return "", false
	}
}

// configure answers the form of a command with some fields, and returns what comes.
func (w *world) configure(from, to, node string, fields ...string) *element.Element {
	w.t.Helper()
	first, _ := w.ask("set", from, to, "c1", "<command xmlns='"+nsCommands+"' node='"+node+"'/>")
	session := first.Child(nsCommands, "command").Attr("sessionid")
	if session == "" {
		w.t.Fatalf("%s at %s: %s", node, to, first)
	}
	done, _ := w.ask("set", from, to, "c2", "<command xmlns='"+nsCommands+"' node='"+node+"' sessionid='"+session+"'>"+submit(fields...)+"</command>")
	return done
}

// XEP-0421 §3: ids of occupants: stable, different in each room, everywhere the same,
// and nobody's else
func TestOccupantIDs(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		bob := occupantOf(w.Expect("<presence from='" + club + "/bob' type=''><occupant-id xmlns='" + nsOccupant + "'/></presence>"))
		me := occupantOf(w.Expect("<presence from='" + club + "/alice' type=''><occupant-id xmlns='" + nsOccupant + "'/></presence>"))
		w.Take()
		expect := func(what, pattern, want string) {
			t.Helper()
			if got := occupantOf(w.Expect(pattern)); got == "" || got != want {
				t.Errorf("%s: the id is %q, want %q", what, got, want)
			}
		}
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "hi"})
		expect("a message", "<message from='"+club+"/bob'/>", bob)
		w.groupchat(phone, "m1", "<body>hello</body>")
		expect("a reflection", "<message from='"+club+"/alice' id='m1'/>", me)
		_, stanzas := w.history(laptop, "")
		if len(stanzas) != 2 || occupantOf(stanzas[0]) != bob || occupantOf(stanzas[1]) != me {
			t.Errorf("history: %v", stanzas)
		}
		for i, e := range w.archive(phone, mamQuery("", "")).results {
			if got := occupantOf(e.Child(nsMAM, "result").Child(nsForward, "forwarded").Child(nsClient, "message")); got != []string{bob, me}[i] {
				t.Errorf("the archive: %q", got)
			}
		}
		// The id goes with who is called something else, also when they change.
		w.emit(h, legacy.OccupantRenamed{Room: clubPeer, Old: "bob", New: "bobby"})
		expect("renamed", "<presence from='"+club+"/bobby' to='"+phone+"' type=''/>", bob)
		w.emit(h, legacy.OccupantChanged{Room: clubPeer, Occupant: legacy.Occupant{Nick: "bobby", Away: true}})
		expect("away", "<presence from='"+club+"/bobby' to='"+phone+"' type=''><show>away</show></presence>", bob)
		// Who takes the nick that somebody has left is not them.
		w.Take()
		w.emit(h, legacy.OccupantJoined{Room: clubPeer, Occupant: legacy.Occupant{Nick: "bob"}})
		if got := occupantOf(w.Expect("<presence from='" + club + "/bob' to='" + phone + "' type=''/>")); got == bob || got == "" {
			t.Errorf("another bob has the id %q", got)
		}
		// An account tells who somebody is, whatever their nick.
		account := legacy.Occupant{Nick: "dora", Identity: "account:d"}
		w.emit(h, legacy.OccupantJoined{Room: clubPeer, Occupant: account})
		dora := occupantOf(w.Expect("<presence from='" + club + "/dora' to='" + phone + "'/>"))
		w.emit(h, legacy.OccupantLeft{Room: clubPeer, Nick: "dora"})
		w.Take()
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "dora", Identity: "account:d", Text: "I was here"})
		expect("who has left", "<message from='"+club+"/dora' to='"+phone+"'/>", dora)
		w.Take()
		account.Nick = "dora2"
		w.emit(h, legacy.OccupantJoined{Room: clubPeer, Occupant: account})
		expect("under another nick", "<presence from='"+club+"/dora2' to='"+phone+"'/>", dora)
		account.Identity = "account:later" // more is known of them now
		w.Take()
		w.emit(h, legacy.OccupantChanged{Room: clubPeer, Occupant: account})
		expect("while they stay", "<presence from='"+club+"/dora2' to='"+phone+"'/>", dora)
		w.Take()
		w.emit(h, legacy.OccupantJoined{Room: clubPeer, Occupant: legacy.Occupant{Nick: "dora", Identity: "account:e"}})
		if got := occupantOf(w.Expect("<presence from='" + club + "/dora' to='" + phone + "'/>")); got == dora {
			t.Error("two accounts have one id")
		}
		other := legacy.Peer{ID: "#other", Room: true}
		w.Send("<presence from='" + phone + "' to='#other@" + gw + "/alice'>" + nsMUC + "</presence>")
		w.hear(asked, "join #other ")
		w.emit(h, legacy.RoomJoined{Room: other, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}, {Nick: "dora2", Identity: "account:d"}}})
		if got := occupantOf(w.Expect("<presence from='#other@" + gw + "/dora2'/>")); got == dora || got == "" {
			t.Errorf("in another room the id is %q", got)
		}
	})
}

// XEP-0045 §7.4, XEP-0359 §3: what the user says comes back to every client, with the
// id that the client gave it, and with that of the archive
func TestReflection(t *testing.T) {
	asked := make(chan string, 1000)
	for name, config := range map[string]func(*component.Config){"kept": keeping, "not kept": nil} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{network: newCity(asked), echo: silence, config: config}, func(t *testing.T, w *world) {
				joinClub(t, w, asked)
				w.Send("<presence from='" + laptop + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
				w.settle()
				w.Take()
				w.groupchat(phone, "m1", "<body>hello</body><reply xmlns='urn:xmpp:reply:0' id='net-0'/><origin-id xmlns='"+nsStanzaID+"' id='o1'/>")
				id := ""
				for _, to := range []string{phone, laptop} {
					e := w.Expect("<message type='groupchat' from='" + club + "/alice' to='" + to + "' id='m1'><body>hello</body><reply xmlns='urn:xmpp:reply:0' id='net-0'/>" +
						"<origin-id xmlns='" + nsStanzaID + "' id='o1'/><stanza-id xmlns='" + nsStanzaID + "' by='" + club + "'/><occupant-id xmlns='" + nsOccupant + "'/></message>")
					if e.Child("urn:xmpp:delay", "delay") != nil {
						t.Errorf("said just now: %s", e)
					}
					got := e.Child(nsStanzaID, "stanza-id").Attr("id")
					if id == "" {
						id = got
					}
					if got != id || id == "" {
						t.Errorf("the ids are %q and %q", id, got)
					}
				}
				w.Quiet()
				if config != nil {
					if p := w.archive(phone, mamQuery("", "")); len(p.ids) != 1 || p.ids[0] != id {
						t.Errorf("the archive has %v, want %q", p.ids, id)
					}
				}
				// A receipt is never given for what was said in a room. (XEP-0184 §5.3)
				w.groupchat(phone, "m2", "<body>x</body><request xmlns='urn:xmpp:receipts'/>")
				w.Refute("<message><received xmlns='urn:xmpp:receipts'/></message>")
			})
		})
	}
}
