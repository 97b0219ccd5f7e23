package component_test

import (
	"testing"
	"time"

	"transport/legacy"
)

// TestKeptRoom: what the network has put the user into is offered once, and left only when
// the user leaves it.
func TestKeptRoom(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newPicky(asked, false), users: []string{alice}, config: lingering}, func(t *testing.T, w *world) {
		offers := func() (n int) {
			w.settle()
			for _, e := range w.Take() {
				if x := e.Child("http://jabber.org/protocol/muc#user", "x"); e.Name == "message" && x != nil && e.Attr("to") == alice && e.Attr("from") == club {
					n++
				}
			}
			return n
		}
		joined := legacy.RoomJoined{Room: clubPeer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}}, Kept: true}
		for i := range 3 {
			h := w.signOn(phone)
			w.Take()
			w.emit(h, joined)
			if n := offers(); i == 0 && n != 1 || i > 0 && n != 0 {
				t.Errorf("sign-on %d: offered %d times", i, n)
			}
			w.presence(phone, gw, "unavailable")
			w.pass(time.Minute) // and the session ends
			w.nothingAsked(asked)
		}
		h := w.signOn(phone)
		w.emit(h, joined)
		w.Send("<presence from='" + phone + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type=''/>")
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' type='unavailable'/>") // the client ends
		w.presence(phone, gw, "unavailable")
		w.pass(time.Minute)
		w.nothingAsked(asked)

		h = w.signOn(phone)
		w.emit(h, joined)
		w.Send("<presence from='" + phone + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		w.settle()
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' type='unavailable'/>") // the user leaves
		w.pass(time.Minute)
		w.hear(asked, "leave #club")
		w.emit(h, legacy.RoomLeft{Room: clubPeer})
		w.Take()
		w.emit(h, joined) // it is new again
		if n := offers(); n != 1 {
			t.Errorf("offered %d times", n)
		}
	})
}

// TestRedirectedRoom: a join that the network redirects fails with the new address, and the
// other room is left if nobody enters it.
func TestRedirectedRoom(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newPicky(asked, false), users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		other := legacy.Peer{ID: "##club", Room: true}
		for _, enters := range []bool{false, true} {
			w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='j'>" + nsMUC + "</presence>")
			w.hear(asked, "join #club ")
			w.Take()
			w.emit(h, legacy.RoomFailed{Room: clubPeer, Err: legacy.Errorf(legacy.Forbidden, "Forwarding."), MovedTo: other},
				legacy.RoomJoined{Room: other, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}}})
			e := w.Expect("<presence type='error' from='" + club + "/alice' id='j'/>")
			isError(t, e, "gone", "cancel", "")
			if to := e.Child("jabber:component:accept", "error").ChildText("urn:ietf:params:xml:ns:xmpp-stanzas", "gone"); to != "xmpp:%23%23club@"+gw+"?join" {
				t.Errorf("redirected to %q", to)
			}
			if enters {
				w.Send("<presence from='" + phone + "' to='##club@" + gw + "/alice'>" + nsMUC + "</presence>")
				w.pass(time.Hour)
				w.nothingAsked(asked)
				continue
			}
			w.pass(9 * time.Minute)
			w.nothingAsked(asked)
			w.pass(2 * time.Minute)
			w.hear(asked, "leave ##club")
			w.emit(h, legacy.RoomLeft{Room: other})
			w.Take()
		}
	})
}

// TestModeratedRoom: a room that becomes moderated changes the role of its occupants without
// voice at once, although its configuration is unknown.
func TestModeratedRoom(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newPicky(asked, false), users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{})
		for _, moderated := range []bool{true, false} {
			role := map[bool]string{true: "visitor", false: "participant"}[moderated]
			w.emit(h, legacy.RoomConfigChanged{Room: clubPeer, Text: "Mode", Moderated: &moderated})
			w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type=''>" + item("none", role, "110") + "</presence>")
		}
		w.emit(h, legacy.RoomConfigChanged{Room: clubPeer, Text: "Mode"})
		w.settle()
		w.Refute("<presence/>")
	})
}
