package muc

import (
	"testing"
	"time"

	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

var errLost = legacy.Errorf(legacy.Temporary, "The connection was lost.")

// roomLine is a pattern of a line of the room itself.
func roomLine(to, text string) string {
	return "<message type='groupchat' from='" + club + "' to='" + to + "'><body>" + text + "</body></message>"
}

const (
	lossLine   = "You were disconnected: The connection was lost. The gateway is reconnecting."
	returnLine = "The connection is back."
)

// losses are the ways in which the connection of a room is lost and made again.
var losses = []struct {
	name       string
	text       string
	lose, join func(s *stage)
}{
	{"the link", lossLine, func(s *stage) { s.emit(legacy.RoomInterrupted{Room: clubPeer, Err: errLost}) }, func(*stage) {}},
	{"the session", lossLine,
		func(s *stage) { s.offline = true; s.SessionEnded(); s.SessionLost(false, errLost) },
		func(s *stage) { s.offline = false; s.Rejoin() }},
	{"a new session", "You were disconnected: The gateway signs on to the network again. The gateway is reconnecting.",
		func(s *stage) { s.offline = true; s.SessionEnded(); s.SessionLost(true, nil) },
		func(s *stage) { s.offline = false; s.Rejoin() }},
}

// While the connection of a room is restored, its clients stay in it: the self-ping (XEP-0410
// §3.2), what the user says or asks for, and joins of known and new clients.
func TestRestoring(t *testing.T) {
	for _, tt := range losses {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t, 0, 0)
			s.joined(phone)
			s.say(phone, "t1", "<subject>new</subject>")
			s.asked = nil
			tt.lose(s)
			s.expect(roomLine(phone, tt.text), "<message type='error' id='t1'><error type='wait'><recipient-unavailable xmlns='"+stanza.NSErrors+"'/></error></message>")
			unavailable := "<error type='wait'><recipient-unavailable xmlns='" + stanza.NSErrors + "'/><text xmlns='" + stanza.NSErrors + "'>" +
				tt.text + " Try again in a moment.</text></error>"
			for range 2 { // while there is no session, and while the network has the join
				for _, to := range []string{club, club + "/alice"} {
					s.iq("get", phone, to, "<ping xmlns='"+xep.NSPing+"'/>")
					s.expect("<iq type='result' from='" + to + "' to='" + phone + "' id='q'/>")
				}
				s.say(phone, "m1", "<body>hello?</body>")
				s.expect("<message type='error' id='m1'>" + unavailable + "</message>")
				s.OnMessage(s.stanza("<message type='chat' from='"+phone+"' to='"+club+"/bob' id='m2'><body>hello?</body></message>"), clubPeer)
				s.expect("<message type='error' from='" + club + "/bob' id='m2'>" + unavailable + "</message>")
				s.iq("set", phone, club, "<query xmlns='"+xep.NSMUCAdmin+"'><item nick='zoe' role='none'/></query>")
				s.expect("<iq type='error' id='q'>" + unavailable + "</iq>")
				s.presence(phone, club+"/alice", "", "<show>away</show>")
				s.expect("<presence from='" + club + "/alice' to='" + phone + "' type=''><show>away</show></presence>")
				for _, full := range []string{phone, laptop} {
					s.presence(full, club+"/alice", "", join)
					s.expect(occupantOf(full, "bob", ""), occupantOf(full, "zoe", ""), occupantOf(full, "alice", "", "110"),
						"<message from='"+club+"/bob' to='"+full+"' type='groupchat'><subject>all sorts</subject></message>", roomLine(full, tt.text))
				}
				s.expectAsked()
				s.iq("get", alice+"/other", club+"/alice", "<ping xmlns='"+xep.NSPing+"'/>") // a client that is not in it joins again
				s.expect("<iq type='error' id='q'><error type='cancel'><not-acceptable xmlns='" + stanza.NSErrors + "'/></error></iq>")
				s.presence(laptop, club+"/alice", "unavailable", "")
				tt.join(s)
				s.written, s.asked = nil, nil
			}
			s.presence(phone, club+"/alice", "", join)
			s.written = nil
			s.emit(roomJoined())
			s.expect(occupantOf(phone, "bob", ""), occupantOf(phone, "zoe", ""), occupantOf(phone, "alice", "", "110"), subject, roomLine(phone, returnLine))
		})
	}
}

// A connection that comes and goes is told of once in a minute, and a loss that lasts in any
// case.
func TestFlapping(t *testing.T) {
	s := newStage(t, 0, 0)
	s.joined(phone)
	heard := func() (texts []string) {
		for _, e := range s.written {
			if text := e.ChildText(stanza.NS, "body"); text != "" {
				texts = append(texts, text)
			}
		}
		s.written = nil
		return texts
	}
	lose, back := losses[0].lose, func() { s.emit(roomJoined()) }
	expect := func(what string, want ...string) {
		t.Helper()
		got := heard()
		if len(got) != len(want) {
			t.Fatalf("%s: the room hears %q, want %q", what, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: the room hears %q, want %q", what, got, want)
			}
		}
	}
	lose(s)
	expect("at once", lossLine)
	back()
	expect("at once", returnLine)
	for range 5 {
		s.now = s.now.Add(5 * time.Second)
		lose(s)
		back()
	}
	expect("flapping")
	lose(s)
	expect("soon")
	if next := s.Next(); !next.Equal(s.now.Add(35 * time.Second)) {
		t.Errorf("Due is called at %v", next)
	}
	s.now = s.Next()
	s.Due(s.now)
	expect("a loss that lasts", lossLine)
	if next := s.Next(); !next.IsZero() {
		t.Errorf("Due is called at %v", next)
	}
	back()
	expect("back", returnLine)
	lose(s)
	s.presence(phone, club+"/alice", "", join)
	expect("a join", lossLine)
	back()
	expect("back after a join", returnLine)
}

// A sign-on that fails tells the newest reason, to who asks.
func TestSignOnAgainFails(t *testing.T) {
	s := newStage(t, 0, 0)
	s.joined(phone)
	s.SessionLost(false, legacy.Errorf(legacy.Temporary, "The connection broke."))
	s.written = nil
	s.Rejoin()
	s.SessionLost(false, errLost)
	s.expect()
	s.say(phone, "m1", "<body>hello?</body>")
	s.expect("<message type='error' id='m1'><error><text xmlns='" + stanza.NSErrors + "'>" + lossLine + " Try again in a moment.</text></error></message>")
}

// A session that no sign-on follows ends the rooms: they are not said to be restored.
func TestLostForGood(t *testing.T) {
	s := newStage(t, 0, 0)
	s.joined(phone)
	s.SessionLost(false, legacy.Errorf(legacy.Replaced, "You signed on elsewhere."))
	s.expect(occupantOf(phone, "alice", "unavailable", "110", "333"))
	if s.Busy() {
		t.Error("the room is left")
	}
}

// A change that the network has not confirmed when it joins the user again is refused.
func TestJoinedAgain(t *testing.T) {
	s := newStage(t, 0, 0)
	s.joined(phone)
	s.say(phone, "t1", "<subject>new</subject>")
	s.presence(phone, club+"/ally", "", "")
	s.emit(roomJoined())
	s.expect("<presence from='"+club+"/ally' type='error'><error type='wait'/></presence>", "<message type='error' id='t1'><error type='wait'/></message>",
		occupantOf(phone, "bob", ""), occupantOf(phone, "zoe", ""), occupantOf(phone, "alice", "", "110"), subject)
}

// A last client that leaves while the connection is lost may come back (XEP-0045 §7.14).
func TestLingerWhileRestoring(t *testing.T) {
	s := newStage(t, 0, time.Minute)
	s.joined(phone)
	losses[0].lose(s)
	s.presence(phone, club+"/alice", "unavailable", "")
	if !s.Busy() {
		t.Fatal("the room is left at once")
	}
	s.now = s.now.Add(time.Minute)
	s.Due(s.now)
	s.expectAsked("leave #club ")
}
