package component

import (
	"testing"

	"mellium.im/xmpp/disco/info"
)

// XEP-0115 §5.2: the simple generation example.
func TestCapsVer(t *testing.T) {
	a, err := newDiscoAnswer(info.Identity{Category: "client", Type: "pc", Name: "Exodus 0.9.1"}, []string{
		"http://jabber.org/protocol/caps", "http://jabber.org/protocol/disco#info",
		"http://jabber.org/protocol/disco#items", "http://jabber.org/protocol/muc",
	})
	if err != nil || a.ver != "QgayPKawpkPSDYmwT/WM94uAlu0=" {
		t.Errorf("ver is %q, %v", a.ver, err)
	}
}
