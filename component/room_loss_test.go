package component_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// A room to which no client returns after the link was lost is left, though the user is
// online.
func TestRoomAfterLink(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping, users: []string{alice}}, func(t *testing.T, w *world) {
		w.presence(laptop, gw, "")
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{})
		w.Drop()
		w.Linked(2)
		w.settle()
		w.presence(phone, gw, "")
		w.presence(laptop, gw, "")
		w.settle()
		w.presence(laptop, gw, "unavailable")
		w.pass(10 * time.Minute)
		for {
			select {
			case got := <-asked:
				if got == "leave #club" {
					return
				}
			default:
				t.Fatal("it is not left")
			}
		}
	})
}

// Unregistering while the network is away leaves the rooms, too.
func TestUnregisterWithoutSession(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{})
		h.End(legacy.Errorf(legacy.Temporary, "gone"))
		w.settle()
		w.Take()
		w.Send("<iq type='set' id='u' from='" + phone + "' to='" + gw + "'>" + registerQuery("<remove/>") + "</iq>")
		w.Expect("<iq type='result' id='u'/>")
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type='unavailable'/>")
		w.pass(time.Minute)
		if n := actors(); n != 0 {
			t.Errorf("%d actors are left", n)
		}
	})
}

// XEP-0045 §7.6, §8.1: what the network can no longer confirm is answered.
func TestRequestsOfLostRooms(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.settle()
		w.Take()
		w.Send("<message type='groupchat' from='" + phone + "' to='" + club + "' id='s1'><subject>new</subject></message>")
		w.settle()
		<-asked
		h.End(legacy.Errorf(legacy.Temporary, "The connection was lost."))
		w.Expect("<message type='error' id='s1' from='" + club + "'/>")
		w.Send("<presence from='" + phone + "' to='" + club + "/newnick' id='n1'/>")
		w.expectError("<presence id='n1' from='"+club+"/newnick'/>", "not-acceptable", "wait")
	})
}

// A change of the subject that another one overtakes is answered. (XEP-0045 §8.1)
func TestSubjectOvertaken(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		joinClub(t, w, asked)
		w.settle()
		w.Take()
		for _, id := range []string{"s1", "s2"} {
			w.Send("<message type='groupchat' from='" + phone + "' to='" + club + "' id='" + id + "'><subject>" + id + "</subject></message>")
			w.settle()
		}
		w.expectError("<message id='s1' from='"+club+"' to='"+phone+"'/>", "conflict", "wait")
	})
}

// TestUnreadRoom: what a user writes goes to the network while the XMPP server reads slower than
// a busy room talks. The user gets everything afterwards, in order.
func TestUnreadRoom(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.Barrier()
		w.Stall()
		const n, own = 1500, 50 // more than the connection's buffer takes
		text := strings.Repeat("x", 1<<10)
		for i := range n {
			w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: fmt.Sprint(i, " ", text)})
		}
		for i := range own {
			w.Send(fmt.Sprintf("<message type='groupchat' from='%s' to='%s' id='m%d'><body>mine %d</body></message>", phone, club, i, i))
			w.settle()
		}
		for i := range own {
			if got := legacytest.Expect[legacytest.Send](t, h); got.Text != fmt.Sprint("mine ", i) {
				t.Fatalf("the network got %q", got.Text)
			}
		}
		w.Resume()
		for i := range n {
			w.Expect(fmt.Sprintf("<message type='groupchat' from='%s/bob'><body>%d %s</body></message>", club, i, text))
		}
		for i := range own {
			w.Expect(fmt.Sprintf("<message type='groupchat' from='%s/alice' id='m%d'/>", club, i))
		}
	})
}
