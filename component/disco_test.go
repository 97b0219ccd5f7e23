package component_test

import (
	"strings"
	"testing"

	"transport/component"
	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/legacy/legacytest"
)

const nsDiscoInfo = "http://jabber.org/protocol/disco#info"

// XEP-0115 §5.1, §6.2, XEP-0390 §4, §6: what presence announces is the hash of what is sent,
// from every address that has caps, with administrators and without.
func TestCapsFromTheWire(t *testing.T) {
	for name, admins := range map[string][]string{"nobody": nil, "admins": {bob, "carl@example.org"}} {
		t.Run(name, func(t *testing.T) {
			config := func(cfg *component.Config) { cfg.Policy.Admins = admins }
			stage(t, setup{users: []string{alice}, config: config}, func(t *testing.T, w *world) {
				w.Send("<presence from='" + phone + "' to='" + gw + "'/>")
				w.checkCaps(gw, w.Expect("<presence type='' from='"+fullJID(gw)+"'/>"))
				form := w.discoInfo(gw, "").Child(xep.NSDataForm, "x")
				if got := xep.Values(form)["admin-addresses"]; len(got) != len(admins) {
					t.Errorf("the addresses of the administrators are %q", got) // XEP-0157 §3
				}
				h := w.echo.Session("alice")
				w.settle()
				w.befriend(alice, carol)
				for _, p := range []legacy.Presence{{Show: legacy.ShowAway}, {Show: legacy.ShowOnline, NoTyping: true}} {
					w.emit(h, legacy.PresenceChanged{From: carolPeer, Presence: p})
					w.checkCaps(carol, w.Expect("<presence type='' from='"+fullJID(carol)+"'><c xmlns='http://jabber.org/protocol/caps'/></presence>"))
				}
			})
		})
	}
}

// checkCaps asks for what a presence announces, at both addresses and all nodes.
func (w *world) checkCaps(bare string, presence *element.Element) {
	w.t.Helper()
	caps, hash := presence.Child(xep.NSCaps, "c"), presence.Child(xep.NSCaps2, "c").Child(xep.NSHashes, "hash")
	if node := caps.Attr("node"); !strings.HasPrefix(node, "https://") || strings.Contains(node, ".invalid") {
		w.t.Errorf("the node is %q", node)
	}
	for _, jid := range []string{bare, fullJID(bare)} {
		for _, node := range []string{"", caps.Attr("node") + "#" + caps.Attr("ver"), xep.CapsNode(hash.Text())} {
			q := w.discoInfo(jid, node)
			q.Unset("node")
			if got := xep.CapsVer(q); got != caps.Attr("ver") || caps.Attr("hash") != "sha-1" {
				w.t.Errorf("%s %q has the hash %q, and announces %s", jid, node, got, caps)
			}
			if got := xep.CapsHash(q); got != hash.Text() || hash.Attr("algo") != "sha-256" {
				w.t.Errorf("%s %q has the hash %q, and announces %s", jid, node, got, hash)
			}
		}
	}
}

// discoInfo is what an address answers.
func (w *world) discoInfo(jid, node string) *element.Element {
	w.t.Helper()
	w.Send("<iq type='get' id='caps' from='" + phone + "' to='" + jid + "'><query xmlns='" + nsDiscoInfo + "' node='" + node + "'/></iq>")
	return w.Expect("<iq type='result' id='caps' from='"+jid+"'/>").Child(nsDiscoInfo, "query")
}

// XEP-0030 §3.2: a hash that is nobody's.
func TestCapsOfNobody(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		w.befriend(alice, carol)
		for _, jid := range []string{gw, carol, fullJID(carol)} {
			w.Send("<iq type='get' id='d' from='" + phone + "' to='" + jid + "'><query xmlns='" + nsDiscoInfo + "' node='https://example.org/#x'/></iq>")
			w.expectError("<iq id='d' from='"+jid+"'/>", "item-not-found", "cancel")
		}
	})
}

// RFC 6121 §4.4.2: presence and messages of a contact have a resource, and a client may
// write to either address, or to one that is gone.
func TestContactResource(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: legacytest.Options{State: legacy.Delivered}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.befriend(alice, carol)
		w.emit(h, legacy.PresenceChanged{From: carolPeer, Presence: legacy.Presence{Show: legacy.ShowAway}})
		w.Expect("<presence type='' from='" + fullJID(carol) + "' to='" + alice + "'/>")
		for _, to := range []string{carol, fullJID(carol), carol + "/gone"} {
			w.presence(phone, to, "probe")
			w.Expect("<presence type='' from='" + fullJID(carol) + "' to='" + phone + "'/>")
			w.Send("<message type='chat' from='" + phone + "' to='" + to + "' id='m'><body>hello</body><request xmlns='urn:xmpp:receipts'/></message>")
			w.Expect("<message from='" + fullJID(carol) + "' to='" + phone + "'><received xmlns='urn:xmpp:receipts' id='m'/></message>")
		}
		w.emit(h, legacy.TypingChanged{From: carolPeer, State: legacy.TypingActive})
		w.Expect("<message from='" + fullJID(carol) + "'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
		w.emit(h, legacy.PresenceChanged{From: carolPeer})
		w.Expect("<presence type='unavailable' from='" + fullJID(carol) + "'/>")
		w.presence(phone, gw, "unavailable")
		w.Expect("<presence type='unavailable' from='" + fullJID(gw) + "'/>")
	})
}
