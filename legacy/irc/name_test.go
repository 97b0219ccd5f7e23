package irc

import (
	"testing"

	"transport/legacy"
)

// TestNicks: the user's nick before the join, and nicks for servers that allow no
// accents.
func TestNicks(t *testing.T) {
	for server, rooms := range map[string]map[string]string{"irc.test:6667": {"#room": "ali"}, "": {"#room%irc.net": "al", "#room%far.net": "ali"}} {
		o := DefaultOptions()
		o.Server = server
		n, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		a := legacy.Account{Fields: map[string]string{"username": "ali"}, Settings: map[string]map[string]string{"irc.net": {"nick": "al"}}}
		for room, want := range rooms {
			if got := n.(legacy.NickTeller).RoomNick(a, legacy.Peer{ID: room, Room: true}); got != want {
				t.Errorf("in %s: %q, want %q", room, got, want)
			}
		}
		if got := n.(legacy.NickLimiter).LegalNick("Dave Jones"); got != "Dave_Jones" {
			t.Errorf("Dave is called %q", got)
		}
	}
	for nick, want := range map[string]string{"alice": "alice", "Zoë": "Zoe", "Søren": "Soren", "ЖЖ": "", "жanna": "anna", "ß7": "ss7", "ж7": "_7"} {
		if got := plainNick(nick); got != want {
			t.Errorf("%q becomes %q, want %q", nick, got, want)
		}
	}
}
