package muc

import (
	"fmt"
	"testing"
	"time"

	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

const subject = "<message from='" + club + "/bob' type='groupchat'><subject>all sorts</subject></message>"

// XEP-0045 §7.2.2, §7.2.15: the occupants, the own presence with 110 as the last one, and the
// subject. A second client joins what is joined.
func TestJoin(t *testing.T) {
	s := newStage(t, 0, 0)
	s.presence(phone, club+"/alice", "", join)
	s.expectAsked("join #club as alice")
	s.expect()
	r := s.all["#club"]
	if r.state != Joining || !s.Busy() || !s.NeedsSession() {
		t.Errorf("the room is %v", r.state)
	}
	s.emit(roomJoined())
	s.expect(occupantOf(phone, "bob", ""), occupantOf(phone, "zoe", ""), occupantOf(phone, "alice", "", "110"), subject)
	s.presence(laptop, club+"/ally", "", join) // XEP-0045 §7.2.2: 210, another nick
	s.expect(occupantOf(laptop, "bob", ""), occupantOf(laptop, "zoe", ""), occupantOf(laptop, "alice", "", "110", "210"), subject)
	s.expectAsked()
	if r.state != Joined || s.Nick() != "alice" {
		t.Errorf("the room is %v, for %q", r.state, s.Nick())
	}
}

// A join that the network refuses, that cannot be sent, or that takes too long.
// (XEP-0045 §7.2)
func TestJoinFails(t *testing.T) {
	failure := func(kind, condition string) string {
		return "<presence from='" + club + "/alice' to='" + phone + "' type='error'><error type='" + kind + "'><" + condition + " xmlns='" + stanza.NSErrors + "'/></error></presence>"
	}
	s := newStage(t, 0, 0)
	s.presence(phone, club+"/alice", "", join)
	s.emit(legacy.RoomFailed{Room: clubPeer, Err: legacy.Errorf(legacy.Forbidden, "You are banned.")})
	s.expect(failure("auth", "forbidden"))
	s.expectAsked("join #club as alice")

	s.presence(phone, club+"/alice", "", join)
	if next := s.Next(); !next.Equal(s.now.Add(joinTime)) {
		t.Errorf("the deadline is %v", next)
	}
	s.now = s.now.Add(joinTime)
	s.Due(s.now)
	s.expect(failure("wait", "remote-server-timeout"))
	s.expectAsked("join #club as alice", "leave #club ")

	s.offline, s.refused = true, &stanza.ErrRegisterFirst
	s.presence(phone, club+"/alice", "", join)
	s.expect(failure("auth", "registration-required"))
	s.expectAsked()
	if s.Busy() {
		t.Error("a room is left")
	}
}

// A room's life. (State)
func TestStates(t *testing.T) {
	lost := legacy.Errorf(legacy.Temporary, "The connection was lost.")
	step := map[string]func(*stage){
		"join":         func(s *stage) { s.presence(phone, club+"/alice", "", join) },
		"offline":      func(s *stage) { s.offline = true },
		"ready":        func(s *stage) { s.offline = false; s.Rejoin() },
		"joined":       func(s *stage) { s.emit(roomJoined()) },
		"interrupted":  func(s *stage) { s.emit(legacy.RoomInterrupted{Room: clubPeer, Err: lost}) },
		"session lost": func(s *stage) { s.offline = true; s.SessionEnded(); s.SessionLost(false, lost) },
		"failed":       func(s *stage) { s.emit(legacy.RoomFailed{Room: clubPeer, Err: lost}) },
		"kicked":       func(s *stage) { s.emit(legacy.RoomLeft{Room: clubPeer, Kind: legacy.LeftKicked}) },
		"leave":        func(s *stage) { s.presence(phone, club+"/alice", "unavailable", "") },
		"close":        func(s *stage) { s.Close("332", stanza.ErrShuttingDown) },
	}
	for _, tt := range []struct {
		steps []string
		want  State
		asked int // joins and leaves that the network gets
	}{
		{[]string{"offline", "join"}, Waiting, 0},
		{[]string{"offline", "join", "ready"}, Joining, 1},
		{[]string{"join"}, Joining, 1},
		{[]string{"join", "join"}, Joining, 1},
		{[]string{"join", "joined"}, Joined, 1},
		{[]string{"join", "joined", "join"}, Joined, 1},
		{[]string{"join", "joined", "interrupted"}, Interrupted, 1},
		{[]string{"join", "joined", "interrupted", "join"}, Interrupted, 1},
		{[]string{"join", "joined", "interrupted", "joined"}, Joined, 1},
		{[]string{"join", "joined", "interrupted", "failed"}, Leaving, 1},
		{[]string{"join", "joined", "interrupted", "leave"}, Leaving, 2},
		{[]string{"join", "session lost"}, Waiting, 1},
		{[]string{"join", "joined", "session lost"}, Interrupted, 1},
		{[]string{"join", "joined", "interrupted", "session lost"}, Interrupted, 1},
		{[]string{"join", "joined", "session lost", "ready"}, Joining, 2},
		{[]string{"join", "joined", "session lost", "ready", "joined"}, Joined, 2},
		{[]string{"join", "joined", "session lost", "leave"}, Leaving, 1},
		{[]string{"join", "failed"}, Leaving, 1},
		{[]string{"join", "leave"}, Leaving, 2},
		{[]string{"join", "joined", "leave"}, Leaving, 2},
		{[]string{"join", "joined", "kicked"}, Leaving, 1},
		{[]string{"join", "joined", "close"}, Leaving, 1},
	} {
		s := newStage(t, 0, 0)
		var r *Room
		for _, name := range tt.steps {
			step[name](s)
			if now := s.all["#club"]; now != nil {
				r = now
			}
		}
		if r.state != tt.want || len(s.asked) != tt.asked || s.Busy() != (tt.want != Leaving) {
			t.Errorf("%v: the room is %v, want %v; the network got %q", tt.steps, r.state, tt.want, s.asked)
		}
	}
	for state := Waiting; state <= Leaving; state++ {
		if state.String() == "" {
			t.Errorf("state %d has no name", state)
		}
	}
}

// XEP-0045 §7.4: a message of the user goes to the network, and what the network confirms to
// every client, with its id; one of another occupant to every client.
func TestReflect(t *testing.T) {
	s := newStage(t, 0, 0)
	s.joined(phone, laptop)
	st := s.say(phone, "m1", "<body>hello</body>")
	if len(s.sent) != 1 || s.sent[0] != "#club hello" {
		t.Errorf("sent %q", s.sent)
	}
	s.expect()
	s.Reflect(st, "id1")
	for range 2 {
		to := s.written[0].Attr("to")
		first := s.written[1:]
		s.written = s.written[:1]
		s.expect("<message type='groupchat' from='" + club + "/alice' to='" + to + "' id='m1'><body>hello</body><stanza-id xmlns='" + xep.NSStanzaID + "' id='id1' by='" + club + "'/></message>")
		s.written = first
	}
	s.presence(laptop, club+"/alice", "unavailable", "")
	s.written = nil
	s.emit(legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "hi", ID: "id2"})
	s.expect("<message type='groupchat' from='" + club + "/bob' to='" + phone + "'><body>hi</body><stanza-id xmlns='" + xep.NSStanzaID + "' id='id2'/></message>")
	if got := s.shared.Received.Load(); got != 1 {
		t.Errorf("%d messages are counted", got)
	}
	// XEP-0045 §7.2.13: both are in the history of a later client
	s.presence(laptop, club+"/alice", "", join)
	s.expect(occupantOf(laptop, "bob", ""), occupantOf(laptop, "zoe", ""), occupantOf(laptop, "alice", "", "110"),
		"<message from='"+club+"/alice' id='m1'><body>hello</body><delay xmlns='"+xep.NSDelay+"'/></message>",
		"<message from='"+club+"/bob'><body>hi</body><delay xmlns='"+xep.NSDelay+"'/></message>", subject)
	s.say(alice+"/other", "m2", "<body>from outside</body>") // XEP-0045 §7.4
	s.expect("<message type='error' to='" + alice + "/other' id='m2'><error type='modify'><not-acceptable xmlns='" + stanza.NSErrors + "'/></error></message>")
}

// XEP-0045 §8.2: the user is kicked, and another occupant.
func TestKick(t *testing.T) {
	s := newStage(t, 0, 0)
	s.joined(phone)
	s.iq("set", phone, club, "<query xmlns='"+xep.NSMUCAdmin+"'><item nick='zoe' role='none'/></query>")
	s.expectAsked("moderate #club zoe kick=true")
	s.expect()
	s.answers["ref0"](legacy.Done{Ref: "ref0"})
	s.expect("<iq type='result' to='" + phone + "' id='q'/>")
	s.emit(legacy.OccupantLeft{Room: clubPeer, Nick: "zoe", Kind: legacy.LeftKicked, By: "alice"})
	s.expect(occupantOf(phone, "zoe", "unavailable", "307"))
	s.emit(legacy.RoomLeft{Room: clubPeer, Kind: legacy.LeftKicked, By: "bob", Reason: "enough"})
	s.expect("<presence from='" + club + "/alice' to='" + phone + "' type='unavailable'><x xmlns='" + nsUser + "'>" +
		"<item affiliation='none' role='none'><actor nick='bob'/><reason>enough</reason></item><status code='307'/><status code='110'/></x></presence>")
	s.expectAsked() // the network knows
	if s.Busy() {
		t.Error("the room is left")
	}
}

// The connection of a room is lost and comes back: the clients stay, and get the differences.
func TestInterrupted(t *testing.T) {
	s := newStage(t, 0, 0)
	r := s.joined(phone)
	s.presence(phone, club+"/ally", "", "")
	s.expectAsked("nick #club ally")
	s.emit(legacy.RoomInterrupted{Room: clubPeer, Err: legacy.Errorf(legacy.Temporary, "The connection was lost.")})
	s.expect("<message type='groupchat' from='"+club+"' to='"+phone+"'><body>You were disconnected: The connection was lost. The gateway is reconnecting.</body></message>",
		"<presence from='"+club+"/ally' to='"+phone+"' type='error'/>")
	s.say(phone, "m1", "<body>hello?</body>")
	s.expect("<message type='error' id='m1'><error type='wait'><recipient-unavailable xmlns='" + stanza.NSErrors + "'/><text xmlns='" + stanza.NSErrors + "'>" +
		"You were disconnected: The connection was lost. The gateway is reconnecting. Try again in a moment.</text></error></message>")
	s.emit(legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "of the lost connection"})
	s.expect()
	ev := roomJoined()
	ev.Nick, ev.Occupants = "alice_", []legacy.Occupant{{Nick: "alice_"}, {Nick: "bob", Level: legacy.LevelOperator}}
	s.emit(ev)
	// XEP-0045 §7.6: the new nick
	s.expect(occupantOf(phone, "zoe", "unavailable"), occupantOf(phone, "alice", "unavailable", "303", "110"),
		occupantOf(phone, "bob", ""), occupantOf(phone, "alice_", "", "110"), subject, "<message type='groupchat' from='"+club+"' to='"+phone+"'><body>The connection is back.</body></message>")
	if r.state != Joined || r != s.all["#club"] {
		t.Errorf("the room is %v", r.state)
	}
}

// XEP-0045 §7.14: the last client leaves the room, on the network at once or after a while.
// What the network still reports of the join is left, too.
func TestLeave(t *testing.T) {
	s := newStage(t, 0, 0)
	s.joined(phone, laptop)
	s.presence(laptop, club+"/alice", "unavailable", "")
	s.expect(occupantOf(laptop, "alice", "unavailable", "110"))
	s.expectAsked()
	s.presence(phone, club+"/alice", "unavailable", "<status>bye</status>")
	s.expect(occupantOf(phone, "alice", "unavailable", "110"))
	s.expectAsked("leave #club bye")
	s.emit(roomJoined())
	s.expectAsked("leave #club ")

	s = newStage(t, 0, time.Minute)
	r := s.joined(phone)
	s.presence(phone, club+"/alice", "unavailable", "")
	s.presence(phone, club+"/alice", "", join)
	s.expectAsked()
	s.presence(phone, club+"/alice", "unavailable", "")
	s.now = s.Next()
	if s.expectAsked(); r.state != Joined {
		t.Errorf("the room is %v", r.state)
	}
	s.Due(s.now)
	s.expectAsked("leave #club ")
}

// XEP-0313 §4.2, XEP-0059 §2.1: the archive of a room, which its user reads page by page
func TestArchive(t *testing.T) {
	s := newStage(t, time.Hour, 0)
	r := s.joined(phone)
	for i := range 4 {
		s.emit(legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: fmt.Sprint("line ", i), ID: fmt.Sprint("id", i)})
	}
	s.written = nil
	result := func(i int) string {
		return fmt.Sprintf("<message from='%s' to='%s'><result xmlns='%s' queryid='x' id='id%d'><forwarded xmlns='%s'><delay xmlns='%s'/><message xmlns='jabber:client' from='%s/bob'><body>line %d</body></message></forwarded></result></message>",
			club, phone, xep.NSMAM, i, xep.NSForward, xep.NSDelay, club, i)
	}
	fin := func(first, last, complete string) string {
		return "<iq type='result' id='q'><fin xmlns='" + xep.NSMAM + "' complete='" + complete + "'><set xmlns='" + xep.NSRSM + "'><first>" + first + "</first><last>" + last + "</last><count>4</count></set></fin></iq>"
	}
	query := func(rsm string) {
		s.iq("set", phone, club, "<query xmlns='"+xep.NSMAM+"' queryid='x'><set xmlns='"+xep.NSRSM+"'>"+rsm+"</set></query>")
	}
	query("<max>3</max>")
	s.expect(result(0), result(1), result(2), fin("id0", "id2", ""))
	query("<max>3</max><after>id2</after>")
	s.expect(result(3), fin("id3", "id3", "true"))
	// XEP-0424 §5: a retracted message leaves the archive
	s.emit(legacy.RoomRedaction{Room: clubPeer, Nick: "bob", ID: "id1"})
	s.written = nil
	query("<max>1</max><after>id0</after>")
	if s.written = s.written[:1]; true {
		s.expect(result(2))
	}
	// After a restart the history is the archive's.
	s.Rooms = NewRooms(r.rs.ctx, s.shared, (*stageHost)(s), noMarks{}, alice, r.rs.log)
	s.presence(phone, club+"/alice", "", join)
	s.emit(roomJoined())
	if s.written = s.written[3:]; len(s.written) != 4 {
		t.Fatalf("the history is %v", s.written)
	}
	s.written = s.written[:1]
	s.expect("<message from='" + club + "/bob' to='" + phone + "'><body>line 0</body><delay xmlns='" + xep.NSDelay + "'/></message>")
	// The user turns it off.
	s.account.Options = map[string]string{OptNoHistory: "1"}
	s.emit(legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "in private", ID: "id9"})
	s.written = nil
	query("<before/><max>1</max>")
	s.written = s.written[:1]
	s.expect(result(3))
}

// A persistent room is joined after a restart, and kept without a client.
func TestPersistent(t *testing.T) {
	s := newStage(t, 0, 0)
	s.account.Options = map[string]string{OptStayInRooms: "1"}
	r := s.joined(phone)
	s.presence(phone, club+"/alice", "unavailable", "")
	s.expectAsked()
	if !HasPersistentRoom(s.account) || !s.OnlyPersistent() {
		t.Errorf("the options are %v", s.account.Options)
	}
	s.Rooms = NewRooms(r.rs.ctx, s.shared, (*stageHost)(s), noMarks{}, alice, r.rs.log)
	s.offline = true
	s.AddPersistent()
	if r = s.all["#club"]; r == nil || r.state != Waiting || !s.NeedsSession() {
		t.Fatal("the room is not there")
	}
	s.offline = false
	s.Rejoin()
	s.expectAsked("join #club as alice")
	s.emit(legacy.RoomFailed{Room: clubPeer, Err: legacy.Errorf(legacy.Full, "The room is full.")})
	if len(s.notices) != 1 {
		t.Errorf("the user was notified of %q", s.notices)
	}
	s.account.Options["stay #club"] = "alice"
	s.AddPersistent()
	delete(s.account.Options, OptStayInRooms)
	s.ApplyPersistence()
	if s.Busy() || s.account.Options["stay #club"] != "" {
		t.Errorf("the room is kept: %v", s.account.Options)
	}
}

// A nick change that another one overtakes is answered, and one that is refused after the
// leave does not bring the user back.
func TestNickChangesOvertaken(t *testing.T) {
	s := newStage(t, 0, 0)
	s.joined(phone, laptop)
	s.presence(phone, club+"/al", "", "")
	s.presence(laptop, club+"/zed", "", "")
	s.expect("<presence from='" + club + "/al' to='" + phone + "' type='error'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
	s.presence(phone, club+"/alice", "unavailable", "")
	s.presence(laptop, club+"/alice", "unavailable", "")
	s.written, s.asked = nil, nil
	s.emit(legacy.RoomFailed{Room: clubPeer, Nick: true, Err: legacy.Errorf(legacy.Conflict, "The nick is in use.")}, roomJoined())
	s.expect()
	s.expectAsked("leave #club ")
}
