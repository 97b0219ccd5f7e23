package component_test

import (
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// XEP-0144 §5: a client that can is offered the network's list as one proposal;
// XEP-0115 §5.4: what it can is asked for once.
func TestProposal(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.Send("<presence from='" + phone + "' to='" + gw + "'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:x' ver='unverified'/></presence>")
		q := w.Expect("<iq type='get' to='" + phone + "'><query xmlns='http://jabber.org/protocol/disco#info' node='urn:x#unverified'/></iq>")
		// Another one's answer does not count. (RFC 6120 §8.1.3)
		features := "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='http://jabber.org/protocol/rosterx'/></query>"
		w.Send("<iq type='result' from='" + laptop + "' to='" + gw + "' id='" + q.Attr("id") + "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
		w.Send("<iq type='result' from='" + phone + "' to='" + gw + "' id='" + q.Attr("id") + "'>" + features + "</iq>")
		h := w.echo.Session("alice")
		legacytest.Expect[legacytest.SignOn](t, h)
		w.settle()
		w.Take()
		w.emit(h, legacy.ContactChanged{Contact: legacy.Contact{Peer: legacy.Peer{ID: "carol"}, Name: "Carol", Groups: []string{"Friends"}}})
		w.pass(time.Second)
		w.Expect("<iq type='set' to='" + phone + "'><x xmlns='http://jabber.org/protocol/rosterx'><item action='add' jid='" + carol + "' name='Carol'><group>Friends</group></item></x></iq>")
		for _, e := range w.Take() {
			if e.Attr("type") == "subscribe" {
				t.Errorf("asked as well: %s", e)
			}
		}
	})
}

// XEP-0356 §5: what the user sent elsewhere appears as sent, and the copy that the
// server hands back does not go to the network.
func TestOwnMessage(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		own := legacy.OwnMessage{To: legacy.Peer{ID: "carol"}, Text: "from my other client"}
		w.emit(h, own) // without the privilege it is told by the contact's chat
		w.Expect("<message from='" + fullJID(carol) + "' to='" + alice + "'><body>[you wrote elsewhere] from my other client</body></message>")
		const advert = "<privilege xmlns='urn:xmpp:privilege:2'><perm access='message' type='outgoing'/></privilege>"
		w.Send("<message from='" + bob + "' to='" + gw + "'>" + advert + "</message>") // a user has nothing to grant
		w.settle()
		w.Take()
		w.emit(h, own)
		w.Expect("<message from='" + fullJID(carol) + "' to='" + alice + "'><body/></message>")
		w.Send("<message from='example.org' to='" + gw + "'>" + advert + "</message>")
		w.settle()
		w.Take() // the server's version is queried
		w.emit(h, own)
		m := w.Expect("<message from='" + gw + "' to='example.org'><privilege xmlns='urn:xmpp:privilege:2'/></message>")
		inner := m.First().First().First()
		if inner.Attr("from") != alice || inner.Attr("to") != carol || inner.Attr("id") == "" {
			t.Fatalf("sent %s", m)
		}
		w.message(alice, carol, inner.Attr("id"), own.Text) // it comes back
		w.settle()
		legacytest.Refute[legacytest.Send](t, h)
		w.Quiet()
	})
}

// XEP-0144 §5: the client that registers is asked what it can before anything is
// proposed, since we see no presence of it yet; XEP-0100 §4.1.1: the gateway comes first.
func TestProposalToApplicant(t *testing.T) {
	const rosterX = "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='http://jabber.org/protocol/rosterx'/></query>"
	for name, answer := range map[string]string{
		"proposals":    rosterX,
		"no proposals": "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='jabber:iq:version'/></query>",
		"no answer":    "",
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{}, func(t *testing.T, w *world) {
				h := w.echo.Session("alice")
				h.Contacts(legacy.Contact{Peer: carolPeer, Name: "Carol"}, legacy.Contact{Peer: legacy.Peer{ID: "dave"}, Name: "Dave"})
				w.Send("<iq type='set' id='r' from='" + phone + "' to='" + gw + "'>" + plain("alice", hidden) + "</iq>")
				w.Expect("<presence type='subscribe' from='" + gw + "' to='" + alice + "'><status>The gateway to Echo, with which you have registered.</status>" +
					"<nick xmlns='http://jabber.org/protocol/nick'>Echo</nick></presence>")
				q := w.Expect("<iq type='get' to='" + phone + "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
				w.settle()
				w.Take()
				w.pass(5 * time.Second)
				w.Refute("<presence type='subscribe'/>") // the client has time to answer
				if answer != "" {
					w.Send("<iq type='result' from='" + phone + "' to='" + gw + "' id='" + q.Attr("id") + "'>" + answer + "</iq>")
				}
				w.pass(10 * time.Second)
				if answer == rosterX {
					w.Next("<iq type='set' to='" + phone + "'><x xmlns='http://jabber.org/protocol/rosterx'>" +
						"<item action='add' jid='" + carol + "' name='Carol'/><item action='add' jid='dave@" + gw + "' name='Dave'/></x></iq>")
				} else {
					for _, name := range []string{"Carol", "Dave"} {
						w.Next("<presence type='subscribe' from='" + strings.ToLower(name) + "@" + gw + "'><status>From your contact list on Echo.</status>" +
							"<nick xmlns='http://jabber.org/protocol/nick'>" + name + "</nick></presence>")
					}
				}
				w.Refute("<presence type='subscribe'/>")
				w.Refute("<iq type='get'/>")
			})
		})
	}
}
