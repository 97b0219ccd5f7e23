package component_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// A message that fails after its sender's client has gone offline is reported to the user's
// bare JID, whatever makes it fail: an error to that client would reach nobody.
func TestBounceToOfflineClient(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func(w *world, h *legacytest.Handle)
		want string
	}{
		{"refused by the network", func(w *world, h *legacytest.Handle) {
			h.FailSend(legacy.Errorf(legacy.Forbidden, "Carol does not want it."))
			h.Resume()
		}, " was not delivered: Carol does not want it."},
		{"end of the session", func(w *world, h *legacytest.Handle) {
			h.End(legacy.Errorf(legacy.Temporary, "The server is down."))
		}, " may not have arrived: "},
		{"signed off after the last client", func(w *world, _ *legacytest.Handle) {
			w.presence(laptop, gw, "unavailable")
			w.pass(time.Minute)
		}, " may not have arrived: "},
		{"unregistered", func(w *world, _ *legacytest.Handle) {
			w.Ask("set", laptop, gw, registerQuery("<remove/>"))
		}, " may not have arrived: "},
		{"shutdown", func(w *world, _ *legacytest.Handle) {
			w.stop()
			w.start()
			w.Linked(2)
		}, " may not have arrived: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				w.presence(laptop, gw, "")
				h := w.signOn(phone)
				h.Stall()
				w.message(phone, carol, "m1", "see you\nat eight")
				w.settle()
				w.presence(phone, gw, "unavailable")
				w.settle()
				w.Take()
				tt.fail(w, h)
				got := w.Expect("<message type='chat' from='" + fullJID(gw) + "' to='" + alice + "'/>")
				text := got.ChildText("", "body")
				if !strings.HasPrefix(text, "Your message to "+carol+tt.want) || !strings.HasSuffix(text, "\n> see you\n> at eight") {
					t.Errorf("the report is %q", text)
				}
				w.pass(time.Minute)
				w.Refute("<message/>")
			})
		})
	}
}

// Messages that fail together, to one contact, are one report; the error of a client that
// is online is still an error, also if it comes back.
func TestBounceTogether(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.presence(laptop, gw, "")
		h := w.signOn(phone)
		h.Stall()
		for i := range 60 {
			w.message(phone, carol, fmt.Sprint("m", i), fmt.Sprint("line ", i))
		}
		w.message(laptop, carol, "l1", "from the laptop")
		w.presence(phone, gw, "unavailable")
		w.settle()
		w.Take()
		h.End(legacy.Errorf(legacy.Temporary, "The server is down."))
		w.expectError("<message id='l1' from='"+carol+"' to='"+laptop+"'/>", "remote-server-timeout", "wait")
		text := w.Expect("<message type='chat' to='"+alice+"'/>").ChildText("", "body")
		for i := range 60 {
			if !strings.Contains(text+"\n", fmt.Sprint("\n> line ", i, "\n")) {
				t.Errorf("line %d is not reported", i)
			}
		}
		if !strings.HasPrefix(text, "60 messages of yours to "+carol+" may not have arrived: The server is down.") {
			t.Errorf("the report begins %.100q", text)
		}
		w.Refute("<message/>")
	})
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.presence(laptop, gw, "")
		h := w.signOn(phone)
		h.Stall()
		w.message(phone, carol, "m1", "hello")
		w.settle()
		w.presence(phone, gw, "unavailable")
		w.presence(phone, gw, "")
		w.settle()
		h.FailSend(legacy.Errorf(legacy.Forbidden, "No."))
		h.Resume()
		w.settle()
		w.expectError("<message id='m1' from='"+carol+"' to='"+phone+"'/>", "not-allowed", "cancel")
	})
}

// A message that fails while there is no link, and an error that the server has not
// acknowledged when the link breaks, are reported when the link is back.
func TestBounceWithoutLink(t *testing.T) {
	const refused = "Carol does not want it."
	reported := func(t *testing.T, w *world) {
		t.Helper()
		got := w.Expect("<message type='chat' to='" + alice + "'><delay xmlns='urn:xmpp:delay'/></message>")
		if text := got.ChildText("", "body"); !strings.Contains(text, refused) || !strings.HasSuffix(text, "\n> hello") {
			t.Errorf("the report is %q", text)
		}
		w.pass(time.Minute)
		w.Refute("<message type='chat'/>")
	}
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		h.Stall()
		w.message(phone, carol, "m1", "hello")
		w.settle()
		w.SetDown(true)
		w.Drop()
		w.settle()
		h.FailSend(legacy.Errorf(legacy.Forbidden, refused))
		h.Resume()
		w.settle()
		w.Refute("<message/>")
		w.SetDown(false)
		w.Linked(2)
		w.presence(phone, gw, "")
		reported(t, w)
	})
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		h.Stall()
		w.message(phone, carol, "m1", "hello")
		w.settle()
		w.Stall()
		h.FailSend(legacy.Errorf(legacy.Forbidden, refused))
		h.Resume()
		w.settle()
		w.Drop()
		w.Resume()
		w.Linked(2)
		w.presence(phone, gw, "")
		reported(t, w)
	})
}

// The messages of a room fail like others.
func TestBounceInRoom(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked), users: []string{alice}}, func(t *testing.T, w *world) {
		w.presence(laptop, gw, "")
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{})
		h.Stall()
		w.Send("<message type='groupchat' from='" + phone + "' to='" + club + "' id='g1'><body>hello</body></message>")
		w.settle()
		w.presence(phone, club+"/alice", "unavailable")
		w.presence(phone, gw, "unavailable")
		w.settle()
		w.Take()
		h.End(legacy.Errorf(legacy.Temporary, "The server is down."))
		text := w.Expect("<message type='chat' from='"+fullJID(gw)+"' to='"+alice+"'/>").ChildText("", "body")
		if !strings.HasPrefix(text, "Your message to "+club+" may not have arrived: The server is down.") || !strings.HasSuffix(text, "\n> hello") {
			t.Errorf("the report is %q", text)
		}
	})
}
