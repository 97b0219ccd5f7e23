package component_test

import (
	"testing"
	"time"

	"transport/component"
	"transport/legacy"
	"transport/legacy/legacytest"
)

func lingering(cfg *component.Config) { cfg.Linger = 2 * time.Second }

// Who comes back soon has not been away for the network.
func TestLinger(t *testing.T) {
	stage(t, setup{users: []string{alice}, config: lingering}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.presence(phone, gw, "unavailable")
		w.pass(time.Second)
		w.presence(laptop, gw, "")
		w.pass(10 * time.Second)
		legacytest.Refute[legacytest.SignOff](t, h)
		w.presence(laptop, gw, "unavailable")
		w.pass(time.Second)
		legacytest.Refute[legacytest.SignOff](t, h)
		w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "are you there?"})
		w.Expect("<message to='" + alice + "'><body>are you there?</body></message>")
		w.pass(time.Second)
		legacytest.Expect[legacytest.SignOff](t, h)
	})
}

// A server that ends says of all clients that they have gone, and then ends: nobody
// misses anything.
func TestLingerServerEnds(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked), users: []string{bob}, config: lingering}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		registered := w.signOn(bob + "/one")
		w.settle()
		w.Take()
		w.presence(phone, club+"/alice", "unavailable")
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type='unavailable'>" + item("none", "none", "110") + "</presence>")
		w.presence(bob+"/one", gw, "unavailable")
		w.pass(time.Second)
		w.SetDown(true)
		w.Drop()
		w.pass(30 * time.Second)
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "meanwhile"})
		w.SetDown(false)
		w.Linked(2)
		w.settle()
		w.Take()
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='j2'>" + nsMUC + "</presence>")
		w.Expect("<presence from='" + club + "/bob' to='" + phone + "'/>")
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' id='j2'/>")
		w.Expect("<message from='" + club + "/bob' to='" + phone + "'><body>meanwhile</body><delay xmlns='urn:xmpp:delay'/></message>")
		w.presence(bob+"/two", gw, "")
		w.pass(5 * time.Minute)
		legacytest.Refute[legacytest.SignOff](t, h)
		legacytest.Refute[legacytest.SignOff](t, registered)
		if len(asked) != 0 {
			t.Errorf("asked for %q", <-asked)
		}
	})
}

// A room is left a little later, unless a client comes back; one with another nick
// enters anew.
func TestLingerInRoom(t *testing.T) {
	asked := make(chan string, 100)
	want := func(t *testing.T, what string) {
		t.Helper()
		select {
		case got := <-asked:
			if got != what {
				t.Errorf("asked for %q, not %q", got, what)
			}
		default:
			t.Errorf("not asked for %q", what)
		}
	}
	stage(t, setup{network: newRoomy(asked), config: lingering}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		leave := func() { w.Send("<presence from='" + phone + "' to='" + club + "/alice' type='unavailable'/>") }
		leave()
		w.pass(time.Second)
		w.Take()
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='j2'>" + nsMUC + "</presence>")
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' id='j2'>" + item("none", "participant", "110") + "</presence>")
		w.pass(time.Minute)
		leave()
		w.pass(time.Second)
		w.Send("<presence from='" + phone + "' to='" + club + "/alison' id='j3'>" + nsMUC + "</presence>")
		w.settle()
		want(t, "leave #club")
		want(t, "join #club ")
		w.emit(h, legacy.RoomLeft{Room: clubPeer}, legacy.RoomJoined{Room: clubPeer, Nick: "alison", Occupants: []legacy.Occupant{{Nick: "alison"}}})
		w.Expect("<presence from='" + club + "/alison' to='" + phone + "' id='j3'>" + item("none", "participant", "110") + "</presence>")
		w.Send("<presence from='" + phone + "' to='" + club + "/alison' type='unavailable'/>")
		w.pass(time.Second)
		legacytest.Refute[legacytest.SignOff](t, h)
		w.pass(time.Second)
		want(t, "leave #club")
		legacytest.Expect[legacytest.SignOff](t, h) // a guest in no room
	})
}
