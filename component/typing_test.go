package component_test

import (
	"testing"
	"time"

	"transport/legacy"
)

// XEP-0085 §5: who is typing in a room is told once, and is not believed to type for
// ever.
func TestTypingInRoom(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked), echo: silence}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.settle()
		w.Take()
		types := func(nick string, s legacy.Typing) {
			w.emit(h, legacy.RoomTyping{Room: clubPeer, Nick: nick, State: s})
		}
		sees := func(nick, state string) {
			t.Helper()
			w.Next("<message type='groupchat' from='" + club + "/" + nick + "' to='" + phone + "'><" + state + " xmlns='http://jabber.org/protocol/chatstates'/><no-store xmlns='urn:xmpp:hints'/></message>")
			w.Quiet()
		}
		types("bob", legacy.TypingActive)
		sees("bob", "composing")
		types("zoe", legacy.TypingActive)
		sees("zoe", "composing")
		for range 20 {
			w.pass(3 * time.Second)
			types("bob", legacy.TypingActive)
		}
		sees("zoe", "paused") // she has said no more
		w.pass(time.Minute)
		sees("bob", "paused")
		types("bob", legacy.TypingActive)
		sees("bob", "composing")
		types("bob", legacy.TypingStopped)
		sees("bob", "active")
		types("bob", legacy.TypingActive)
		sees("bob", "composing")
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "there"})
		w.Next("<message type='groupchat' from='" + club + "/bob'><body>there</body></message>")
		types("nobody", legacy.TypingActive)
		types("zoe", legacy.TypingActive)
		sees("zoe", "composing")
		w.emit(h, legacy.OccupantLeft{Room: clubPeer, Nick: "zoe"})
		w.Take()
		w.pass(time.Hour)
		w.Quiet()
	})
}
