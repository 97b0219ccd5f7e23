package component_test

import (
	"fmt"
	"testing"
	"time"

	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
)

const (
	nsMarkers = "urn:xmpp:chat-markers:0"
	markable  = "<markable xmlns='" + nsMarkers + "'/>"
)

// markTime is the position of the nth message on the network, whose clock is not ours.
func markTime(n int) time.Time { return time.Date(2026, 1, 2, 3, 0, n, 0, time.UTC) }

// tellMarked has a contact send its nth message and returns the ID of its stanza.
func (w *world) tellMarked(h *legacytest.Handle, from legacy.Peer, n int) string {
	w.t.Helper()
	w.emit(h, legacy.MessageReceived{From: from, Text: fmt.Sprint("text ", n), ReadMark: markTime(n)})
	return w.Expect("<message type='chat' to='" + alice + "'><body>text " + fmt.Sprint(n) + "</body>" + markable + "</message>").Attr("id")
}

// displayed sends a marker of a client.
func (w *world) displayed(from, to, typ, id string) {
	w.t.Helper()
	w.Send("<message type='" + typ + "' from='" + from + "' to='" + to + "' id='d" + id + "'><displayed xmlns='" + nsMarkers + "' id='" + id + "'/></message>")
	w.settle()
}

func (w *world) grantMessages() {
	w.t.Helper()
	w.Send("<message from='example.org' to='" + gw + "'><privilege xmlns='urn:xmpp:privilege:2'><perm access='message' type='outgoing'/></privilege></message>")
	w.settle()
	w.Take()
}

// markerSent expects a marker to Carol in Alice's name, and nothing else.
func (w *world) markerSent(id string) *element.Element {
	w.t.Helper()
	m := w.Next("<message from='" + gw + "' to='example.org'><privilege xmlns='urn:xmpp:privilege:2'/></message>")
	inner := m.First().First().First()
	w.mustMatch(inner, "<message xmlns='jabber:client' type='chat' from='"+alice+"' to='"+carol+"'><displayed xmlns='"+nsMarkers+"' id='"+id+"'/><store xmlns='urn:xmpp:hints'/></message>")
	w.Quiet()
	return inner
}

// markRead expects that the network's read marker is moved, once.
func (w *world) markRead(h *legacytest.Handle, p legacy.Peer, n int) {
	w.t.Helper()
	if got := legacytest.Expect[legacytest.MarkRead](w.t, h); got.Peer != p || !got.Mark.Equal(markTime(n)) {
		w.t.Errorf("the read marker is at %+v, want %d of %s", got, n, p.ID)
	}
	w.settle()
	legacytest.Refute[legacytest.MarkRead](w.t, h)
}

// XEP-0333 §4.1, §4.2, §5: a marker of a client moves the network's read marker forward. A
// client that scrolls sends many; the last one counts.
func TestMarkRead(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.grantMessages()
		var ids []string
		for n := range 5 {
			ids = append(ids, w.tellMarked(h, carolPeer, n))
		}
		dave := w.tellMarked(h, legacy.Peer{ID: "dave"}, 5)
		for _, id := range ids[:4] {
			w.displayed(phone, fullJID(carol), "chat", id)
			legacytest.Refute[legacytest.MarkRead](t, h)
			w.pass(200 * time.Millisecond)
		}
		w.pass(time.Second)
		w.markRead(h, carolPeer, 3)
		w.displayed(phone, carol, "chat", ids[1]) // backwards
		w.displayed(phone, carol, "chat", ids[3]) // again, by another client
		w.displayed(phone, carol, "chat", "unknown")
		w.displayed(phone, carol, "chat", dave)
		w.displayed(phone, carol, "error", ids[4])
		w.displayed(phone, carol, "groupchat", ids[4])
		w.displayed(phone, gw, "chat", ids[4])
		w.Send("<message type='chat' from='" + phone + "' to='" + carol + "'><displayed xmlns='" + nsMarkers + "'/><received xmlns='" + nsMarkers + "' id='" + ids[4] + "'/></message>")
		w.pass(time.Minute)
		legacytest.Refute[legacytest.MarkRead](t, h)
		w.Take() // the refusal of a groupchat message
		w.displayed(laptop, carol, "", ids[4])
		w.pass(time.Second)
		w.markRead(h, carolPeer, 4)
		w.displayed(phone, "dave@"+gw, "chat", dave) // a chat of its own
		w.pass(time.Second)
		w.markRead(h, legacy.Peer{ID: "dave"}, 5)
		w.pass(time.Minute)
		w.Quiet() // the network's confirmation is not passed on
	})
}

// Only messages with a position can be marked.
func TestUnmarkable(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "text"})
		m := w.Expect("<message type='chat'><body>text</body></message>")
		if m.Child(nsMarkers, "markable") != nil {
			t.Errorf("got %s", m)
		}
		w.displayed(phone, carol, "chat", m.Attr("id"))
		w.pass(time.Minute)
		legacytest.Refute[legacytest.MarkRead](t, h)
		w.Quiet()
	})
}

// XEP-0356 §5, XEP-0333 §5: what the user has read with another client of the network is
// marked as displayed by the user.
func TestReadElsewhere(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		read := func(n int) { w.emit(h, legacy.ReadMarked{Peer: carolPeer, Mark: markTime(n)}) }
		first := w.tellMarked(h, carolPeer, 10)
		read(10)
		w.pass(time.Minute)
		w.Quiet() // without the privilege there is no way
		w.grantMessages()
		second, third := w.tellMarked(h, carolPeer, 20), w.tellMarked(h, carolPeer, 30)
		read(5)
		read(10)
		w.pass(time.Minute)
		w.Quiet()
		read(15)
		w.pass(time.Second)
		w.markerSent(first)
		read(20)
		read(25) // a message that we do not know
		w.Quiet()
		w.pass(time.Second)
		copied := w.markerSent(second)
		read(26)
		w.pass(time.Minute)
		w.Quiet()
		w.Send(copied.Clone().Set("from", alice).String()) // the server sends it to us, too
		w.pass(time.Minute)
		w.displayed(phone, carol, "chat", third)
		read(30) // the network confirms it
		w.pass(time.Minute)
		w.markRead(h, carolPeer, 30)
		w.Quiet()

		// The position may arrive before the messages.
		read(40)
		w.pass(time.Minute)
		w.Quiet()
		w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "read", ReadMark: markTime(35), Time: markTime(35)},
			legacy.MessageReceived{From: carolPeer, Text: "read, too", ReadMark: markTime(40), Time: markTime(40)},
			legacy.MessageReceived{From: carolPeer, Text: "in the same moment", ReadMark: markTime(40), Time: markTime(40)},
			legacy.MessageReceived{From: carolPeer, Text: "new", ReadMark: markTime(41), Time: markTime(41)})
		w.Next("<message><body>read</body></message>")
		w.Next("<message><body>read, too</body></message>")
		last := w.Next("<message><body>in the same moment</body></message>").Attr("id")
		w.Next("<message><body>new</body></message>")
		w.pass(time.Second)
		w.markerSent(last)
		read(0)
		w.emit(h, legacy.ReadMarked{Peer: carolPeer}, legacy.ReadMarked{Mark: markTime(50)})
		w.pass(time.Minute)
		w.Quiet()
		legacytest.Refute[legacytest.MarkRead](t, h)
	})
}

// XEP-0333 §4.3: in a room a marker has the stanza ID, and all of the user's clients get
// it from the user's occupant. The user may be a guest.
func TestMarkersInRoom(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked), echo: silence}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.Send("<presence from='" + laptop + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		w.settle()
		w.Take()
		says := func(n int) {
			w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: fmt.Sprint("text ", n), ID: fmt.Sprint("id", n), ReadMark: markTime(n)})
			for _, full := range []string{phone, laptop} {
				w.Expect("<message type='groupchat' to='" + full + "'>" + markable + "<stanza-id xmlns='urn:xmpp:sid:0' id='id" + fmt.Sprint(n) + "' by='" + club + "'/></message>")
			}
		}
		shown := func(id string) {
			t.Helper()
			for _, full := range []string{phone, laptop} {
				w.Expect("<message type='groupchat' from='" + club + "/alice' to='" + full + "'><displayed xmlns='" + nsMarkers + "' id='" + id + "'/><no-store xmlns='urn:xmpp:hints'/><occupant-id xmlns='urn:xmpp:occupant-id:0'/></message>")
			}
			w.Quiet()
		}
		for n := range 4 {
			says(n)
		}
		w.displayed(phone, club, "groupchat", "id0")
		w.displayed(phone, club, "groupchat", "id1")
		w.displayed(phone, club, "chat", "id2") // not to the room
		w.nothingAsked(asked)
		w.Take() // the refusal of that
		w.pass(time.Second)
		w.hear(asked, "read #club 2026-01-02T03:00:01Z")
		shown("id1")
		w.emit(h, legacy.ReadMarked{Peer: clubPeer, Mark: markTime(1)}) // the confirmation
		w.pass(time.Minute)
		w.Quiet()
		w.emit(h, legacy.ReadMarked{Peer: clubPeer, Mark: markTime(2)})
		w.pass(time.Second)
		shown("id2")
		w.displayed(laptop, club, "groupchat", "id1")
		w.pass(time.Minute)
		w.nothingAsked(asked)
		w.Quiet()

		// The user's own message is none to mark, and of the history only what is new.
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "alice", Text: "own", ID: "id4"})
		if m := w.Expect("<message type='groupchat' to='" + phone + "'><body>own</body></message>"); m.Child(nsMarkers, "markable") != nil {
			t.Errorf("got %s", m)
		}
		w.Send("<presence from='" + laptop + "' to='" + club + "' type='unavailable'/>")
		w.settle()
		w.Take()
		_, lines := w.history(laptop, "")
		for i, e := range lines {
			if is := e.Child(nsMarkers, "markable") != nil; is != (i == 3) {
				t.Errorf("line %d is markable: %t", i, is)
			}
		}
		if len(lines) != 5 {
			t.Errorf("%d lines", len(lines))
		}
	})
}

// The position at a join arrives before the room and its history.
func TestReadBeforeJoin(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked), echo: silence}, func(t *testing.T, w *world) {
		w.Send("<presence from='" + phone + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		w.hear(asked, "join #club ")
		h := w.echo.Session("alice")
		w.emit(h, legacy.ReadMarked{Peer: clubPeer, Mark: markTime(1)})
		w.pass(5 * time.Second)
		w.emit(h, legacy.RoomJoined{Room: clubPeer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}}})
		w.Take()
		for n := range 3 {
			w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "x", ID: fmt.Sprint("id", n), ReadMark: markTime(n), Time: markTime(n)})
		}
		w.Take()
		w.pass(time.Second)
		w.Next("<message type='groupchat' from='" + club + "/alice' to='" + phone + "'><displayed xmlns='" + nsMarkers + "' id='id1'/></message>")
		w.Quiet()
		w.nothingAsked(asked)
	})
}

// Positions outlive the link and the session, and are passed on when both are there.
func TestMarkersAfterLoss(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.grantMessages()
		first, second := w.tellMarked(h, carolPeer, 1), w.tellMarked(h, carolPeer, 2)
		w.SetDown(true)
		w.Drop()
		w.settle()
		w.emit(h, legacy.ReadMarked{Peer: carolPeer, Mark: markTime(1)})
		w.pass(10 * time.Second)
		w.SetDown(false)
		w.Linked(2)
		w.Send("<presence from='" + phone + "' to='" + gw + "'/>")
		w.pass(10 * time.Second)
		marked := 0
		for _, e := range w.Take() {
			if e.Child("urn:xmpp:privilege:2", "privilege") != nil {
				marked++
				w.mustMatch(e.First().First().First(), "<message xmlns='jabber:client'><displayed xmlns='"+nsMarkers+"' id='"+first+"'/></message>")
			}
		}
		if marked != 1 {
			t.Errorf("%d markers", marked)
		}

		h.Refuse(legacy.Errorf(legacy.Temporary, "Not now."))
		h.End(legacy.Errorf(legacy.Temporary, "Gone."))
		w.settle()
		w.displayed(phone, carol, "chat", second)
		w.pass(time.Minute)
		legacytest.Refute[legacytest.MarkRead](t, h)
		h.Refuse(nil)
		w.pass(10 * time.Minute)
		w.markRead(h, carolPeer, 2)

		// Nothing is left of a registration that is removed.
		third := w.tellMarked(h, carolPeer, 3)
		r := w.grantRoster()
		r.put(gw, "both", "Echo")
		r.slow = true // the actor waits for the roster's answer, and lives on
		w.Send("<iq type='set' id='u' from='" + phone + "' to='" + gw + "'>" + registerQuery("<remove/>") + "</iq>")
		r.serve()
		w.displayed(phone, carol, "chat", third)
		w.Send("<iq type='set' id='r' from='" + phone + "' to='" + gw + "'>" + plain("alice", hidden) + "</iq>")
		r.serve()
		w.Send("<presence from='" + phone + "' to='" + gw + "'/>")
		r.serve()
		legacytest.Expect[legacytest.SignOn](t, h)
		w.displayed(phone, carol, "chat", third)
		w.pass(time.Minute)
		legacytest.Refute[legacytest.MarkRead](t, h)
		r.serve()
		w.tellMarked(h, carolPeer, 1) // the positions of another account are others
	})
}

// The numbers of messages and of chats are bounded: the oldest are unknown again.
func TestManyMarkers(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.grantMessages()
		first := w.tellMarked(h, carolPeer, 0)
		var last string
		for n := range 1000 {
			last = w.tellMarked(h, carolPeer, n+1)
			w.Take()
		}
		w.displayed(phone, carol, "chat", first)
		w.pass(time.Second)
		legacytest.Refute[legacytest.MarkRead](t, h)
		w.displayed(phone, carol, "chat", last)
		w.pass(time.Second)
		w.markRead(h, carolPeer, 1000)

		for n := range 300 {
			h.Emit(legacy.ReadMarked{Peer: legacy.Peer{ID: fmt.Sprint("peer", n)}, Mark: markTime(2000 + n)})
			w.settle()
		}
		w.displayed(phone, carol, "chat", last) // Carol's position is the oldest
		w.pass(time.Second)
		w.markRead(h, carolPeer, 1000)
	})
}

// XEP-0333 §3: contacts and rooms have the feature if the network has read markers.
func TestMarkersAnnounced(t *testing.T) {
	asked := make(chan string, 100)
	for _, has := range []bool{true, false} {
		network := func(n legacy.Network) legacy.Network { return markerCity{newCity(asked)(n).(city), has} }
		stage(t, setup{network: network, users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
			h := w.signOn(phone)
			w.enter(h, asked, phone, legacy.RoomJoined{})
			for i, to := range []string{carol, club} {
				id := fmt.Sprint("i", i)
				w.Send("<iq type='get' from='" + phone + "' to='" + to + "' id='" + id + "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
				w.settle()
				if to == club {
					w.emit(h, legacy.RoomConfigReceived{Ref: w.hear(asked, "config * #club")})
				}
				if info := w.Expect("<iq type='result' id='" + id + "'/>"); hasFeature(info, nsMarkers) != has {
					t.Errorf("%s, with read markers %t: %s", to, has, info)
				}
			}
		})
	}
}

// markerCity is a city that may lack read markers.
type markerCity struct {
	city
	has bool
}

func (n markerCity) Info() legacy.Info {
	info := n.city.Info()
	if !n.has {
		info.Features &^= legacy.FeatureReadMarkers
	}
	return info
}
