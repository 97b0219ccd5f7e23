package component_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"transport/component"
	"transport/legacy"
	"transport/legacy/legacytest"
)

// offered are the nodes of the commands that somebody is offered, in order.
func (w *world) offered(who, at string) []string {
	w.t.Helper()
	list, _ := w.ask("get", who, at, "l", "<query xmlns='http://jabber.org/protocol/disco#items' node='"+nsCommands+"'/>")
	var nodes []string
	for item := range list.First().Children("http://jabber.org/protocol/disco#items", "item") {
		nodes = append(nodes, item.Attr("node"))
	}
	return nodes
}

func (w *world) offers(who, at string, want ...string) {
	w.t.Helper()
	if got := w.offered(who, at); !slices.Equal(got, want) {
		w.t.Errorf("%s is offered %q, want %q", who, got, want)
	}
}

// What is offered is what applies now, what people do most first, and what is for
// developers last, for administrators only. (XEP-0050 §2.1)
func TestCommandOrder(t *testing.T) {
	config := func(c *component.Config) { c.Policy.Admins = []string{bob} }
	stage(t, setup{users: []string{alice}, config: config}, func(t *testing.T, w *world) {
		w.offers("carol@example.org/x", gw, "register")
		w.offers(phone, gw, "add-contact", "invisible", "options", "status", "login", "logout", "change-registration", "unregister")
		h := w.signOn(phone)
		w.offers(phone, gw, "add-contact", "invisible", "block", "options", "status", "logout", "reconnect", "import-contacts", "change-registration", "unregister")
		w.emit(h, legacy.ContactChanged{Contact: legacy.Contact{Peer: carolPeer}}, legacy.BlockChanged{Peer: legacy.Peer{ID: "bob"}, Blocked: true})
		w.run(phone, "invisible", "", "")
		w.offers(phone, gw, "add-contact", "remove-contact", "contacts", "visible", "block", "unblock", "blocked", "options", "status", "logout", "reconnect",
			"sync-contacts", "import-contacts", "export-contacts", "change-registration", "unregister")
		w.run(phone, "logout", "", "")
		w.offers(phone, gw, "add-contact", "remove-contact", "contacts", "visible", "options", "status", "login", "sync-contacts", "export-contacts", "change-registration", "unregister")
		boss := w.offered(bob+"/x", gw)
		if len(boss) < 4 || boss[0] != "register" || !slices.Equal(boss[len(boss)-2:], []string{"ping", "hello"}) {
			t.Errorf("an administrator is offered %q", boss)
		}
	})
}

// A network's own commands need a session, and accounts of it.
func TestCommandsOfNetworks(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked), echo: silence}, func(t *testing.T, w *world) {
		w.offers(phone, gw, "join-room", "list-rooms", "register", "add-contact", "global-configure", "server-configure")
		w.mustMatch(w.run(phone, "raw", "", ""), "<command xmlns='"+nsCommands+"' status='executing'/>")
		joinClub(t, w, asked)
		w.settle()
		w.Take()
		w.offers(phone, gw, "join-room", "list-rooms", "change-nick", "register", "add-contact", "global-configure", "status", "server-configure", "raw")
		w.offers(phone, club, "configure", "knock")
	})
}

// One state has the same words wherever it is told, and the remedy with it.
func TestStateWords(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked), users: []string{alice}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		note := func(node string) string { return w.run(phone, node, "", "").ChildText(nsCommands, "note") }
		if got := note("status"); !strings.HasPrefix(got, "You are signed on to Echo.\nSince ") {
			t.Errorf("status: %q", got)
		}
		const off = "You have signed off. Write login to the gateway to sign on again."
		for _, got := range []string{note("logout"), note("blocked"), note("status")} {
			if !strings.HasPrefix(got, off) {
				t.Errorf("a command says %q, want %q", got, off)
			}
		}
		w.message(phone, gw, "m", "status")
		if got := w.Expect("<message from='"+gw+"/echo'><body/></message>").ChildText("jabber:component:accept", "body"); !strings.HasPrefix(got, off) {
			t.Errorf("status says %q, want %q", got, off)
		}
		for _, st := range []string{
			"<presence from='" + phone + "' to='" + club + "/alice' id='e'>" + nsMUC + "</presence>",
			"<message type='chat' from='" + phone + "' to='" + carol + "' id='e'><body>hello</body></message>",
			"<iq type='get' from='" + phone + "' to='" + gw + "' id='e'><blocklist xmlns='urn:xmpp:blocking'/></iq>",
		} {
			w.Send(st)
			w.settle()
			for _, e := range w.Take() {
				if e.Attr("id") == "e" && e.Child("", "error").ChildText("", "text") != off {
					t.Errorf("got %s, want %q in it", e, off)
				}
			}
		}
	})
}

// A state that the network does not take is a note of the command, and the setting stays
// as it was.
func TestRefusedState(t *testing.T) {
	network := func(n legacy.Network) legacy.Network { return seen{n} }
	stage(t, setup{network: network, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		legacytest.Expect[legacytest.SetPresence](t, h)
		w.mustMatch(w.run(phone, "invisible", "", ""), "<command xmlns='"+nsCommands+"' status='completed'><note type='error'>Everybody is seen here.</note></command>")
		if a, _ := w.account(alice); len(a.Options) > 0 {
			t.Errorf("stored are %v", a.Options)
		}
	})
}

// One contact is no contacts.
func TestPlurals(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		says := func(node, want string) {
			t.Helper()
			if got := w.run(phone, node, "", "").ChildText(nsCommands, "note"); !strings.Contains(got, want) {
				t.Errorf("%s: %q, want %q in it", node, got, want)
			}
		}
		w.emit(h, legacy.ContactChanged{Contact: legacy.Contact{Peer: carolPeer}})
		says("contacts", "You have 1 contact:\n"+carol)
		says("status", " 1 contact, 0 online.")
		says("sync-contacts", "about 1 contact.")
		w.emit(h, legacy.ContactChanged{Contact: legacy.Contact{Peer: legacy.Peer{ID: "dan"}}}, legacy.PresenceChanged{From: legacy.Peer{ID: "dan"}, Presence: legacy.Presence{Show: legacy.ShowDND}})
		says("contacts", "You have 2 contacts:\n"+carol+"\ndan@"+gw+", busy")
	})
}

// seen is a network on which nobody is invisible.
type seen struct{ legacy.Network }

func (n seen) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.Network.NewSession(a, env)
	return seenSession{s}, err
}

type seenSession struct{ legacy.Session }

// SetPresence implements legacy.Presencer.
func (s seenSession) SetPresence(ctx context.Context, p legacy.Presence) error {
	if p.Show == legacy.ShowInvisible {
		return legacy.Errorf(legacy.Unsupported, "Everybody is seen here.")
	}
	return s.Session.(legacy.Presencer).SetPresence(ctx, p)
}
