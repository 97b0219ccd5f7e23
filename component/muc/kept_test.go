package muc

import (
	"fmt"
	"testing"
	"time"

	"transport/component/stanza"
	"transport/legacy"
)

// offers returns how many invitations to the club were written, and forgets them.
func (s *stage) offers() (n int) {
	for _, e := range s.written {
		if e.Name == "message" && e.Attr("to") == alice && e.Attr("from") == club && e.Child(nsUser, "x").Child(nsUser, "invite") != nil {
			n++
		}
	}
	s.written = nil
	return n
}

func keptRoom() legacy.RoomJoined {
	ev := roomJoined()
	ev.Kept = true
	return ev
}

// What the network has put the user into is offered once, and left only by a client that
// leaves it. Anything else leaves it as it is.
func TestKept(t *testing.T) {
	enter := func(s *stage) { s.presence(phone, club+"/ally", "", join) }
	leave := func(s *stage) { s.presence(phone, club+"/alice", "unavailable", "<status>bye</status>") }
	pass := func(s *stage) {
		for i := 0; i < 5 && !s.Next().IsZero(); i++ {
			s.now = s.Next()
			s.Due(s.now)
		}
		s.LeaveEmpty()
	}
	for _, tt := range []struct {
		name   string
		linger time.Duration
		steps  []func(*stage)
		asked  []string // of the network
	}{
		{"nobody enters it", 0, []func(*stage){pass}, nil},
		{"a client leaves it", 0, []func(*stage){enter, leave, pass}, []string{"leave #club bye"}},
		{"a client leaves it, lingering", time.Minute, []func(*stage){enter, leave, pass}, []string{"leave #club bye"}},
		{"a client leaves it and comes back", 0, []func(*stage){enter, leave, enter, pass}, nil},
		{"a client goes offline, and the room hears it first", 0,
			[]func(*stage){enter, leave, func(s *stage) { s.SetClientOffline(phone, true) }, pass}, nil},
		{"a client goes offline, and the gateway hears it first", time.Minute,
			[]func(*stage){enter, func(s *stage) { s.SetClientOffline(phone, true) }, leave, pass}, nil},
		{"a client is gone", 0, []func(*stage){enter, func(s *stage) { s.RemoveClient(phone) }, pass}, nil},
		{"one leaves, another is gone", 0, []func(*stage){enter, func(s *stage) { s.presence(laptop, club+"/alice", "", join) }, leave,
			func(s *stage) { s.RemoveClient(laptop) }, pass}, nil},
		{"a client leaves it while it is persistent, comes back, and is gone", 0, []func(*stage){func(s *stage) {
			s.account.Options[OptStayInRooms] = "1"
			s.ApplyPersistence()
		}, enter, leave, enter, func(s *stage) {
			delete(s.account.Options, OptStayInRooms)
			s.ApplyPersistence()
			s.RemoveClient(phone)
		}, pass}, nil},
		{"the link to the XMPP server is lost", 0, []func(*stage){enter, func(s *stage) { s.LinkChanged() }, pass}, nil},
		{"no room is persistent any more", 0, []func(*stage){func(s *stage) {
			s.account.Options[OptStayInRooms] = "1"
			s.ApplyPersistence()
			delete(s.account.Options, OptStayInRooms)
			s.ApplyPersistence()
		}, pass}, nil},
		{"the session is lost", 0, []func(*stage){func(s *stage) { s.SessionEnded(); s.SessionLost(false, errLost); s.Rejoin() }, pass}, nil},
		{"the session is lost, with a client", 0,
			[]func(*stage){enter, func(s *stage) { s.SessionEnded(); s.SessionLost(false, errLost); s.Rejoin() }, pass}, []string{"join #club as ally"}},
		{"a client leaves it without a session", 0, []func(*stage){enter, leave, func(s *stage) { s.offline = true }, pass,
			func(s *stage) { s.offline = false; s.emit(keptRoom()) }}, []string{"leave #club "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t, 0, tt.linger)
			s.account.Options = make(map[string]string)
			s.emit(keptRoom())
			if n := s.offers(); n != 1 {
				t.Errorf("offered %d times", n)
			}
			for _, step := range tt.steps {
				step(s)
			}
			s.expectAsked(tt.asked...)
			s.written = nil
			s.Rooms = NewRooms(s.ctx, s.shared, (*stageHost)(s), noMarks{}, alice, s.log) // after a restart
			s.emit(keptRoom())
			if n := s.offers(); n != 0 {
				t.Errorf("offered again %d times", n)
			}
		})
	}
}

// A room that the user has left is new if the network puts the user into it again.
func TestKeptAgain(t *testing.T) {
	s := newStage(t, 0, 0)
	for range 2 {
		s.emit(keptRoom())
		if n := s.offers(); n != 1 {
			t.Errorf("offered %d times", n)
		}
		s.emit(legacy.RoomLeft{Room: clubPeer})
	}
	if len(s.account.Options) > 0 && s.account.Options[offeredPrefix+"#club"] != "" {
		t.Errorf("the options are %v", s.account.Options)
	}
}

// The offers that are remembered are limited.
func TestManyOffers(t *testing.T) {
	s := newStage(t, 0, 0)
	for i := range 2*maxRooms + 10 {
		room := legacy.Peer{ID: fmt.Sprint("#room", i), Room: true}
		s.emit(legacy.RoomJoined{Room: room, Nick: "alice", Kept: true})
		s.Close("333", stanza.ErrNotOnline) // the session ends
	}
	n := 0
	for _, v := range s.account.Options {
		if v != "" {
			n++
		}
	}
	if n > maxRooms {
		t.Errorf("%d offers are remembered", n)
	}
}

// RFC 6120 §8.3.3.5: a join that the network redirects fails with the new address. The other
// room is left if nobody enters it.
func TestRedirected(t *testing.T) {
	for _, enters := range []bool{false, true} {
		s := newStage(t, 0, 0)
		s.presence(phone, club+"/alice", "", join)
		other := legacy.Peer{ID: "##club", Room: true}
		s.emit(legacy.RoomFailed{Room: clubPeer, Err: legacy.Errorf(legacy.Forbidden, "Forwarding."), MovedTo: other})
		s.expect("<presence type='error' from='" + club + "/alice'><error type='cancel'><gone xmlns='" + stanza.NSErrors + "'>xmpp:%23%23club@" + gw + "?join</gone></error></presence>")
		s.asked = nil
		s.emit(legacy.RoomJoined{Room: other, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}}})
		s.expect("<message from='##club@" + gw + "' to='" + alice + "'/>")
		if enters {
			s.OnPresence(s.stanza("<presence from='"+phone+"' to='##club@"+gw+"/ally'>"+join+"</presence>"), other)
		}
		s.now = s.now.Add(offerTime - time.Second)
		s.Due(s.now)
		s.expectAsked()
		s.now = s.now.Add(time.Second)
		if s.Due(s.now); enters {
			s.expectAsked()
			continue
		}
		s.expectAsked("leave ##club ")
	}
}
