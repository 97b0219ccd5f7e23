package component_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// seeing is a network with rooms that is told how available the user is.
type seeing struct {
	roomy
	seen chan legacy.Presence
}

func (n seeing) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.roomy.NewSession(a, env)
	if err != nil {
		return nil, err
	}
	return seeingSession{s.(roomySession), n.seen}, nil
}

type seeingSession struct {
	roomySession
	seen chan legacy.Presence
}

func (s seeingSession) SetPresence(_ context.Context, p legacy.Presence) error {
	s.seen <- p
	return nil
}

// XEP-0045 §7.7: who is away in a room is away for the network, too, and all the user's
// clients there see it.
func TestShownInRoom(t *testing.T) {
	asked, seen := make(chan string, 100), make(chan legacy.Presence, 100)
	network := func(n legacy.Network) legacy.Network { return seeing{roomy{n, asked}, seen} }
	stage(t, setup{network: network}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.Send("<presence from='" + laptop + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		w.settle()
		w.Take()
		shows := func(want legacy.Presence) {
			t.Helper()
			w.settle()
			got := legacy.Presence{}
			for len(seen) > 0 {
				got = <-seen
			}
			if got != want {
				t.Errorf("the network sees %+v, want %+v", got, want)
			}
		}
		shows(legacy.Presence{Show: legacy.ShowOnline})
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='a1'><show>away</show><status>at lunch</status></presence>")
		away := "<show>away</show><status>at lunch</status>" + item("none", "participant", "110")
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type='' id='a1'>" + away + "</presence>")
		w.Expect("<presence from='" + club + "/alice' to='" + laptop + "' type='' id=''>" + away + "</presence>")
		shows(legacy.Presence{}) // the other client is not away
		w.emit(h, legacy.OccupantChanged{Room: clubPeer, Occupant: legacy.Occupant{Nick: "alice", Away: true}})
		w.Quiet() // it is known
		w.Send("<presence from='" + laptop + "' to='" + club + "/alice'><show>xa</show></presence>")
		shows(legacy.Presence{Show: legacy.ShowAway, Status: "at lunch"})
		w.Take()
		w.Send("<presence from='" + phone + "' to='" + club + "/alice'/>")
		back := w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type=''>" + item("none", "participant", "110") + "</presence>")
		if strings.Contains(back.String(), "<show") || strings.Contains(back.String(), "<status>") {
			t.Errorf("back: %s", back)
		}
		shows(legacy.Presence{Show: legacy.ShowOnline})
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' type='unavailable'/>")
		shows(legacy.Presence{Show: legacy.ShowXA})
	})
}

// XEP-0045 §7.6: a nick that cannot be had is refused from where it was asked for, and
// nowhere else.
func TestNickRefused(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		other := legacy.Peer{ID: "#other", Room: true}
		w.Send("<presence from='" + phone + "' to='#other@" + gw + "/alice'>" + nsMUC + "</presence>")
		w.hear(asked, "join #other ")
		w.emit(h, legacy.RoomJoined{Room: other, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}}})
		w.Send("<message type='groupchat' from='" + phone + "' to='#other@" + gw + "' id='s1'><subject>news</subject></message>")
		w.hear(asked, "topic #other news")
		w.Take()
		for kind, want := range map[legacy.Kind][2]string{
			legacy.Conflict: {"conflict", "cancel"}, legacy.Forbidden: {"not-acceptable", "cancel"}, legacy.RateLimited: {"resource-constraint", "wait"},
		} {
			w.Send("<presence from='" + phone + "' to='" + club + "/bob' id='n1'/>")
			w.hear(asked, "nick bob")
			no := legacy.Errorf(kind, "no")
			w.emit(h, legacy.RoomFailed{Room: other, Nick: true, Err: no}, legacy.RoomFailed{Room: clubPeer, Nick: true, Err: no})
			isError(t, w.Next("<presence type='error' from='"+club+"/bob' to='"+phone+"' id='n1'/>"), want[0], want[1], "")
			w.Quiet()
		}
		w.emit(h, legacy.RoomFailed{Room: other, Err: legacy.Errorf(legacy.Forbidden, "no operator")})
		isError(t, w.Next("<message type='error' from='#other@"+gw+"' id='s1'/>"), "forbidden", "auth", "")
	})
}

// XEP-0045 §5.1, §8.6: in a moderated room those without a voice are visitors
func TestVisitors(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.emit(h, legacy.OccupantJoined{Room: clubPeer, Occupant: legacy.Occupant{Nick: "dave"}})
		w.Take()
		w.emit(h, legacy.RoomConfigChanged{Room: clubPeer, Text: "+m", Config: &legacy.RoomConfig{Moderated: true}})
		w.Expect("<presence from='" + club + "/dave' to='" + phone + "' type=''>" + item("none", "visitor") + "</presence>")
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type=''>" + item("none", "visitor", "110") + "</presence>")
		w.Expect("<message from='" + club + "'><body>+m</body><x xmlns='" + nsUser + "'><status code='104'/></x></message>")
		w.Quiet()
		answer, _ := w.ask("get", phone, club, "l", "<query xmlns='"+nsAdmin+"'><item role='visitor'/></query>")
		if n := answer.First().Count(); n != 2 {
			t.Errorf("%d visitors: %s", n, answer)
		}
		w.emit(h, legacy.OccupantChanged{Room: clubPeer, Occupant: legacy.Occupant{Nick: "alice", Level: legacy.LevelVoice}})
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type=''>" + item("member", "participant", "110") + "</presence>")
		// XEP-0045 §7.4: who has no voice is told so
		h.FailSend(legacy.Errorf(legacy.Forbidden, "no voice"))
		w.groupchat(phone, "m1", "<body>hello</body>")
		isError(t, w.Expect("<message type='error' id='m1'/>"), "forbidden", "auth", "")
		w.emit(h, legacy.RoomConfigChanged{Room: clubPeer, Text: "-m", Config: &legacy.RoomConfig{}})
		w.Expect("<presence from='" + club + "/dave' to='" + phone + "' type=''>" + item("none", "participant") + "</presence>")
		// Large rooms are not told of everybody.
		for i := range 100 {
			w.emit(h, legacy.OccupantJoined{Room: clubPeer, Occupant: legacy.Occupant{Nick: fmt.Sprint("n", i)}})
		}
		w.emit(h, legacy.OccupantChanged{Room: clubPeer, Occupant: legacy.Occupant{Nick: "alice"}})
		w.Take()
		w.emit(h, legacy.RoomConfigChanged{Room: clubPeer, Text: "+m", Config: &legacy.RoomConfig{Moderated: true}})
		w.Next("<presence from='" + club + "/alice' to='" + phone + "' type=''>" + item("none", "visitor", "110") + "</presence>")
		w.Next("<message from='" + club + "'/>")
		w.Quiet()
	})
}

// XEP-0045 §7.2.15, §8.1: who has set the subject, and when
func TestSubject(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked), users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.Send("<presence from='" + phone + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		w.hear(asked, "join #club ")
		w.emit(h, legacy.RoomJoined{Room: clubPeer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}},
			Topic: legacy.Topic{Text: "old", By: "gone", Time: time.Unix(1000, 0)}})
		w.Expect("<message type='groupchat' from='" + club + "/gone' to='" + phone + "'><subject>old</subject><delay xmlns='urn:xmpp:delay' from='" + club + "' stamp='1970-01-01T00:16:40.000Z'/></message>")
		w.emit(h, legacy.TopicChanged{Room: clubPeer, Topic: legacy.Topic{Text: "new", By: "alice", Time: time.Unix(2000, 0)}})
		m := w.Expect("<message type='groupchat' from='" + club + "/alice' to='" + phone + "'><subject>new</subject><occupant-id xmlns='" + nsOccupant + "'/></message>")
		if m.Child("urn:xmpp:delay", "delay") != nil {
			t.Errorf("a new subject is delayed: %s", m)
		}
	})
}

// XEP-0421 §3: who the user is in a room does not depend on where they connect from;
// every message of somebody has their id.
func TestOwnOccupantID(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence}, func(t *testing.T, w *world) {
		id := func(pattern string) string { return w.Expect(pattern).Child(nsOccupant, "occupant-id").Attr("id") }
		h := joinClub(t, w, asked)
		mine := id("<presence from='" + club + "/alice' type=''/>")
		w.Take()
		w.emit(h, legacy.OccupantChanged{Room: clubPeer, Occupant: legacy.Occupant{Nick: "alice", Level: legacy.LevelVoice, Identity: "alice@cloak"}})
		if now := id("<presence from='" + club + "/alice' type=''/>"); now != mine || mine == "" {
			t.Errorf("the user's id was %q and is %q", mine, now)
		}
		w.emit(h, legacy.RoomJoined{Room: clubPeer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice", Identity: "alice@elsewhere"}, {Nick: "bob"}}})
		bobs := id("<presence from='" + club + "/bob' type=''/>")
		if now := id("<presence from='" + club + "/alice' type=''/>"); now != mine {
			t.Errorf("the user's id was %q and is %q", mine, now)
		}
		w.Take()
		w.emit(h, legacy.RoomTyping{Room: clubPeer, Nick: "bob", State: legacy.TypingActive})
		if got := id("<message from='" + club + "/bob' type='groupchat'/>"); got != bobs {
			t.Errorf("who is typing has the id %q", got)
		}
		w.message(phone, club+"/BOB", "p1", "psst") // nobody types nicks as they are written
		if sent := legacytest.Expect[legacytest.Send](t, h); sent.To.ID != "bob" {
			t.Errorf("sent to %+v", sent.To)
		}
		w.emit(h, legacy.MessageReceived{From: legacy.Peer{ID: "bob"}, Text: "yes?"})
		if got := id("<message from='" + club + "/bob' type='chat'><body>yes?</body></message>"); got != bobs {
			t.Errorf("who writes to the user alone has the id %q", got)
		}
	})
}

// Who names a room that cannot be is told so, registered or not.
func TestNoSuchRoom(t *testing.T) {
	asked := make(chan string, 100)
	for _, guest := range []bool{true, false} {
		s := setup{network: newCityOfServices(asked)}
		if !guest {
			s.users = []string{alice}
		}
		stage(t, s, func(t *testing.T, w *world) {
			for i := range 2 { // with and without an actor
				for _, to := range []string{"#club@" + gw, "nobody%irc.net@" + gw, "irc.net@" + gw, gw} {
					w.Send("<presence from='" + phone + "' to='" + to + "/alice' id='w'>" + nsMUC + "</presence>")
					isError(t, w.Next("<presence type='error' from='"+to+"/alice' to='"+phone+"' id='w'/>"), "item-not-found", "cancel", "")
				}
				if i == 0 {
					w.Send("<presence from='" + phone + "' to='#club%irc.net@" + gw + "/alice'>" + nsMUC + "</presence>")
					w.settle()
					w.Take()
				}
			}
		})
	}
}

// XEP-0045 §7.2.3, §9.5: every occupant has an address, the same in each presence and in
// lists, and the user's is the client's own, by which clients find themselves
func TestItemJIDs(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked), users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		occupant := func(typ, nick, to, jid string) string {
			return "<presence from='" + club + "/" + nick + "' to='" + to + "' type='" + typ + "'><x xmlns='" + nsUser + "'><item jid='" + jid + "'/></x></presence>"
		}
		w.Send("<presence from='" + phone + "' to='" + club + "/me'>" + nsMUC + "</presence>")
		w.hear(asked, "join #club ")
		w.emit(h, legacy.RoomJoined{Room: clubPeer, Nick: "me", Occupants: []legacy.Occupant{{Nick: "me"}, {Nick: "Bob", Level: legacy.LevelOperator}, {Nick: "nobody!knows"}}})
		w.Expect(occupant("", "Bob", phone, "bob@"+gw))
		w.Expect(occupant("", "nobody!knows", phone, "nobody!knows@"+gw)) // a nick that people cannot write
		self := w.Expect(occupant("", "me", phone, phone))
		if strings.Contains(self.String(), "code='100'") {
			t.Errorf("nobody sees the address of XMPP: %s", self)
		}
		w.Send("<presence from='" + laptop + "' to='" + club + "/me'>" + nsMUC + "</presence>")
		w.Expect(occupant("", "me", laptop, laptop))
		w.Take()
		w.emit(h, legacy.OccupantJoined{Room: clubPeer, Occupant: legacy.Occupant{Nick: "Zoe"}})
		w.Expect(occupant("", "Zoe", phone, "zoe@"+gw))
		w.emit(h, legacy.OccupantChanged{Room: clubPeer, Occupant: legacy.Occupant{Nick: "Zoe", Level: legacy.LevelVoice}})
		w.Expect(occupant("", "Zoe", phone, "zoe@"+gw))
		w.emit(h, legacy.OccupantRenamed{Room: clubPeer, Old: "Zoe", New: "Zora"})
		w.Expect(occupant("unavailable", "Zoe", phone, "zoe@"+gw))
		w.Expect(occupant("", "Zora", phone, "zora@"+gw))
		w.emit(h, legacy.OccupantLeft{Room: clubPeer, Nick: "Zora", Kind: legacy.LeftKicked})
		w.Expect(occupant("unavailable", "Zora", phone, "zora@"+gw))
		w.emit(h, legacy.OccupantRenamed{Room: clubPeer, Old: "me", New: "myself"})
		w.Expect(occupant("unavailable", "me", phone, phone))
		w.Expect(occupant("", "myself", phone, phone))
		w.emit(h, legacy.OccupantChanged{Room: clubPeer, Occupant: legacy.Occupant{Nick: "myself", Level: legacy.LevelOperator}})
		w.Expect(occupant("", "myself", laptop, laptop))
		w.Take()
		// The lists name the same people by the same addresses.
		list, _ := w.ask("get", phone, club, "l", "<query xmlns='"+nsAdmin+"'><item affiliation='owner'/></query>")
		w.mustMatch(list, "<iq type='result'><query xmlns='"+nsAdmin+"'><item nick='Bob' jid='bob@"+gw+"'/><item nick='myself' jid='"+alice+"'/></query></iq>")
		for _, item := range []string{"jid='bob@" + gw + "'", "jid='bob@" + gw + "' nick='Bob'", "nick='Bob'", "jid='Bob@" + gw + "/there'"} {
			w.ask("set", phone, club, "b", "<query xmlns='"+nsAdmin+"'><item affiliation='outcast' "+item+"><reason>out</reason></item></query>")
			ref := w.hear(asked, "moderate * #club {Nick:Bob Kick:false Ban:true Level:0 Reason:out}")
			w.emit(h, legacy.Done{Ref: ref})
			w.Next("<iq type='result' id='b'/>")
		}
		w.ask("set", phone, club, "d", "<query xmlns='"+nsAdmin+"'><item affiliation='none' jid='"+alice+"'/></query>") // a /deop of oneself
		w.hear(asked, "moderate * #club {Nick:myself Kick:false Ban:false Level:0 Reason:}")
		w.Send("<presence from='" + laptop + "' to='" + club + "/myself' type='unavailable'/>")
		w.Expect(occupant("unavailable", "myself", laptop, laptop))
	})
}

// A client that is gone is not told that it has left: its address may be that of another
// one, which is about to join. One that is there is told. (XEP-0045 §7.14, §18.1.2)
func TestGoneClients(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked), users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{Nick: "alice"})
		leave := "<presence from='" + phone + "' to='" + club + "/alice' type='unavailable'/>"
		noneToPhone := func(when string) {
			t.Helper()
			w.settle()
			for _, e := range w.Take() {
				if e.Name == "presence" && strings.HasPrefix(e.Attr("from"), club) {
					t.Errorf("%s: %s", when, e)
				}
			}
		}
		again := func() {
			t.Helper()
			w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='again'>" + nsMUC + "</presence>")
			w.settle()
			for len(asked) > 0 {
				if strings.HasPrefix(<-asked, "join ") {
					w.emit(h, legacy.RoomJoined{Room: clubPeer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}}})
				}
			}
			w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type='' id='again'>" + item("none", "participant", "110") + "</presence>")
			w.Take()
		}
		// What its server could not deliver, of a message or of presence.
		for _, name := range []string{"message type='error' id='m'", "presence type='error'"} {
			w.Send("<" + name + " from='" + phone + "' to='" + club + "/bob'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></" + strings.Fields(name)[0] + ">")
			noneToPhone("a bounce")
			again()
		}
		// It went offline, which its server tells the gateway and then the room.
		w.Send("<presence from='" + phone + "' to='" + gw + "' type='unavailable'/>" + leave)
		noneToPhone("it went offline")
		w.Send("<presence from='" + phone + "' to='" + gw + "'/>")
		again()
		// Another one has its address.
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' type='unavailable'><status>Disconnected: Replaced by new connection</status></presence>")
		noneToPhone("it was replaced")
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='again' xml:lang='en'>" + nsMUC + "</presence>")
		w.settle()
		w.Take()
		w.Send(leave)
		noneToPhone("it was replaced, on ejabberd")
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='again' xml:lang='en'>" + nsMUC + "</presence>")
		w.settle()
		w.Take()
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' type='unavailable' xml:lang='en'/>")
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type='unavailable'>" + item("none", "none", "110") + "</presence>")
		again()
		w.Send(leave)
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type='unavailable'>" + item("none", "none", "110") + "</presence>")
	})
}

// XEP-0045 §7.2.15: what the network does not tell of the subject is not made up
func TestSubjectOnJoining(t *testing.T) {
	when := time.Unix(1700000000, 0)
	for _, tt := range []struct {
		topic           legacy.Topic
		from, text      string
		stamped, knowBy bool
	}{
		{legacy.Topic{}, club, "", false, false},
		{legacy.Topic{By: "bob", Time: when}, club, "", false, false}, // who has taken it away
		{legacy.Topic{Text: "all sorts"}, club, "all sorts", false, false},
		{legacy.Topic{Text: "all sorts", Time: when}, club, "all sorts", true, false},
		{legacy.Topic{Text: "all sorts", By: "gone", Time: when}, club + "/gone", "all sorts", true, false},
		{legacy.Topic{Text: "all sorts", By: "bob", Time: when}, club + "/bob", "all sorts", true, true},
	} {
		asked := make(chan string, 100)
		stage(t, setup{network: newCity(asked)}, func(t *testing.T, w *world) {
			w.Send("<presence from='" + phone + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
			w.hear(asked, "join #club ")
			w.emit(w.echo.Session("alice"), legacy.RoomJoined{Room: clubPeer, Nick: "alice", Topic: tt.topic, Occupants: []legacy.Occupant{{Nick: "alice"}, {Nick: "bob"}}})
			m := w.Expect("<message type='groupchat'><subject/></message>")
			if m.Attr("from") != tt.from || m.ChildText("jabber:component:accept", "subject") != tt.text || m.Child("jabber:component:accept", "subject") == nil ||
				(m.Child("urn:xmpp:delay", "delay") != nil) != tt.stamped || (m.Child("urn:xmpp:occupant-id:0", "occupant-id") != nil) != tt.knowBy {
				t.Errorf("%+v: %s", tt.topic, m)
			}
		})
	}
}
