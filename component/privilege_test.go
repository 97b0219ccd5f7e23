package component_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

const rosterNS = "jabber:iq:roster"

// roster is the roster of a user's server that lets the gateway read and write it.
type roster struct {
	w     *world
	owner string
	items map[string]*element.Element // by JID
	sets  []string                    // what was written: JID and subscription
	fails bool                        // sets are granted and then refused, as by ejabberd 23.01
	gets  int                         // how often it was read
	slow  bool                        // sets are not answered
}

// grantRoster has the server let the gateway write rosters. (XEP-0356 §4.1)
func (w *world) grantRoster() *roster {
	w.t.Helper()
	w.Send("<message from='example.org' to='" + gw + "'><privilege xmlns='urn:xmpp:privilege:2'><perm access='roster' type='both'/></privilege></message>")
	w.settle()
	w.Take()
	return &roster{w: w, owner: alice, items: make(map[string]*element.Element)}
}

// serve answers what the gateway does with the roster until it does no more, and returns
// what else it has sent.
func (r *roster) serve() (others []*element.Element) {
	r.w.t.Helper()
	for busy := true; busy; {
		busy = false
		r.w.settle()
		for _, e := range r.w.Take() {
			q := e.Child(rosterNS, "query")
			if q == nil {
				others = append(others, e)
				continue
			}
			busy = true
			reply := element.New("", "iq").Set("type", "result").Set("from", r.owner).Set("to", gw).Set("id", e.Attr("id"))
			switch {
			case e.Attr("to") != r.owner:
				r.w.t.Fatalf("somebody else's roster: %s", e)
			case e.Attr("type") == "get":
				r.gets++
				list := element.New(rosterNS, "query")
				for _, item := range r.items {
					list.Add(item.Clone())
				}
				reply.Add(list)
			case r.slow:
				r.sets = append(r.sets, q.First().Attr("jid"))
				continue
			case r.fails:
				reply.Set("type", "error").Add(element.New("", "error").Set("type", "cancel").
					Add(element.New("urn:ietf:params:xml:ns:xmpp-stanzas", "internal-server-error")))
			default:
				r.set(q.First(), reply)
			}
			r.w.Send(reply.String())
		}
	}
	return others
}

func (r *roster) set(item, reply *element.Element) {
	jid, sub := item.Attr("jid"), item.Attr("subscription")
	r.sets = append(r.sets, jid+" "+sub)
	if sub != "remove" {
		r.items[jid] = item.Clone()
		return
	}
	if r.items[jid] == nil { // RFC 6121 §2.5.3
		reply.Set("type", "error").Add(element.New("", "error").Set("type", "modify").
			Add(element.New("urn:ietf:params:xml:ns:xmpp-stanzas", "item-not-found")))
	}
	delete(r.items, jid)
}

// put is what the user's client writes.
func (r *roster) put(jid, subscription, name string, groups ...string) {
	item := element.New(rosterNS, "item").Set("jid", jid).Set("subscription", subscription).Set("name", name)
	for _, g := range groups {
		item.Add(element.New(rosterNS, "group").AddText(g))
	}
	r.items[jid] = item
}

// entry is a row of the roster for reading.
func (r *roster) entry(jid string) string {
	item := r.items[jid]
	if item == nil {
		return "none"
	}
	words := []string{item.Attr("subscription"), item.Attr("name")}
	for g := range item.Children(rosterNS, "group") {
		words = append(words, "in "+g.Text())
	}
	return strings.Join(words, " ")
}

// requests are the stanzas that a client asks its user about, or tells of.
func requests(stanzas []*element.Element) (all []string) {
	for _, e := range stanzas {
		if typ := e.Attr("type"); e.Name == "presence" && strings.Contains(typ, "subscribe") {
			all = append(all, typ+" from "+e.Attr("from"))
		}
	}
	return all
}

// enroll registers Alice, whose list on the network has Carol and Dave.
func (w *world) enroll(r *roster) *legacytest.Handle {
	w.t.Helper()
	h := w.echo.Session("alice")
	h.Contacts(legacy.Contact{Peer: carolPeer, Name: "Carol", Groups: []string{"Friends"}}, legacy.Contact{Peer: legacy.Peer{ID: "dave"}})
	w.Send("<iq type='set' id='r' from='" + phone + "' to='" + gw + "'>" + plain("alice", hidden) + "</iq>")
	if asked := requests(r.serve()); len(asked) > 0 && !r.fails {
		w.t.Errorf("the user is asked: %q", asked)
	}
	w.pass(time.Second)
	r.serve()
	return h
}

// What is queued while a removal is in flight does not take its place.
func TestRemovalsInOrder(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		h := w.enroll(r)
		r.sets, r.slow = nil, true
		w.emit(h, legacy.ContactRemoved{Peer: legacy.Peer{ID: "dave"}}) // by another client
		w.settle()
		inFlight := w.Expect("<iq type='set' to='" + alice + "'/>")
		w.Send("<iq type='set' id='u' from='" + phone + "' to='" + gw + "'>" + registerQuery("<remove/>") + "</iq>")
		r.serve() // the roster is read before
		r.slow = false
		delete(r.items, "dave@"+gw)
		w.Send("<iq type='result' from='" + alice + "' to='" + gw + "' id='" + inFlight.Attr("id") + "'/>")
		r.serve()
		if len(r.items) != 0 {
			t.Errorf("left are %v", r.items)
		}
	})
}

// An answer that was lost with the link is no refusal: the roster is written on.
func TestPrivilegedOverNewLink(t *testing.T) {
	again := func(w *world, r *roster) (others []*element.Element) {
		w.Drop()
		w.Linked(2)
		r.slow = false
		others = r.serve()
		w.pass(time.Minute)
		return append(others, r.serve()...)
	}
	t.Run("unregister", func(t *testing.T) {
		stage(t, setup{}, func(t *testing.T, w *world) {
			r := w.grantRoster()
			w.enroll(r)
			r.slow = true
			w.Send("<iq type='set' id='u' from='" + phone + "' to='" + gw + "'>" + registerQuery("<remove/>") + "</iq>")
			r.serve()
			if told := requests(again(w, r)); len(told) > 0 || len(r.items) > 0 {
				t.Errorf("the user is told %q; left are %v", told, r.items)
			}
		})
	})
	t.Run("register", func(t *testing.T) {
		stage(t, setup{}, func(t *testing.T, w *world) {
			r := w.grantRoster()
			r.slow = true
			w.enroll(r)
			if asked := requests(again(w, r)); len(asked) > 0 || len(r.items) != 3 {
				t.Errorf("the user is asked %q; written are %v", asked, r.items)
			}
		})
	})
}

// XEP-0356 §4.2: where the server lets the gateway write the roster, it writes itself
// and the contacts, and asks the user nothing.
func TestRegisterPrivileged(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		w.Send("<iq type='set' id='r' from='" + phone + "' to='" + gw + "'>" + plain("alice", hidden) + "</iq>")
		others := r.serve()
		if asked := requests(others); len(asked) > 0 {
			t.Errorf("the user is asked: %q", asked)
		}
		if got := r.entry(gw); got != "both Echo in Echo" {
			t.Errorf("the gateway is in the roster as %q", got)
		}
		// Nobody has told the server to send us the user's presence. (RFC 6121 §4.3)
		if !slices.ContainsFunc(others, func(e *element.Element) bool {
			return e.Name == "presence" && e.Attr("type") == "probe" && e.Attr("to") == alice
		}) {
			t.Error("the user's presence is not asked for")
		}
		if got := w.subscription(alice, ""); got != registry.To|registry.From {
			t.Errorf("the subscription is %v, want both ways", got)
		}
		h := w.echo.Session("alice")
		w.emit(h, legacy.ContactChanged{Contact: legacy.Contact{Peer: carolPeer, Name: "Carol", Groups: []string{"Friends"}}})
		w.pass(time.Second)
		if asked := requests(r.serve()); len(asked) > 0 {
			t.Errorf("the user is asked: %q", asked)
		}
		if got := r.entry(carol); got != "both Carol in Friends" {
			t.Errorf("a contact is in the roster as %q", got)
		}
	})
}

// A gateway that is in the roster already is left as the user has it, and a server that
// grants and then refuses has the user asked in the order of XEP-0100 §4.1.1.
func TestRegisterPrivilegedAgain(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		r.put(gw, "both", "My ICQ", "Work")
		w.enroll(r)
		if got := r.entry(gw); got != "both My ICQ in Work" {
			t.Errorf("the gateway is in the roster as %q", got)
		}
		if !slices.Equal(r.sets, []string{carol + " both", "dave@" + gw + " both"}) {
			t.Errorf("written: %q", r.sets)
		}
	})
	stage(t, setup{}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		r.fails = true
		h := w.echo.Session("alice")
		h.Contacts(legacy.Contact{Peer: carolPeer})
		w.Send("<iq type='set' id='r' from='" + phone + "' to='" + gw + "'>" + plain("alice", hidden) + "</iq>")
		asked := requests(r.serve())
		w.pass(15 * time.Second) // the client does not say what it can
		asked = append(asked, requests(r.serve())...)
		if !slices.Equal(asked, []string{"subscribe from " + gw, "subscribe from " + carol}) {
			t.Errorf("the user is asked %q", asked)
		}
	})
}

// XEP-0356 §4.2: whom the user adds is written with the user's name and group, which go
// to the network too, and does not ask to be added in turn.
func TestAddPrivileged(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		w.presence(phone, gw, "")
		r.serve()
		h := w.echo.Session("alice")
		r.put(carol, "none", "My Carol", "Work")
		w.presence(alice, carol, "subscribe")
		if asked := requests(r.serve()); !slices.Equal(asked, []string{"subscribed from " + carol}) {
			t.Errorf("the user is told %q", asked)
		}
		got := legacytest.Expect[legacytest.AddContact](t, h).Contact
		if got.Name != "My Carol" || !slices.Equal(got.Groups, []string{"Work"}) {
			t.Errorf("added on the network: %+v", got)
		}
		if got := r.entry(carol); got != "both My Carol in Work" {
			t.Errorf("in the roster: %q", got)
		}
		if got := w.subscription(alice, "carol"); got != registry.To|registry.From {
			t.Errorf("the subscription is %v, want both ways", got)
		}
	})
}

// Where the server lets the gateway, all entries go without a word, one after the other,
// and the gateway last; the link may be lost meanwhile.
func TestUnregisterPrivileged(t *testing.T) {
	all := []string{carol + " remove", "dave@" + gw + " remove", gw + " remove"}
	stage(t, setup{}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		w.enroll(r)
		r.sets = nil
		r.slow = true
		w.Send("<iq type='set' id='u' from='" + phone + "' to='" + gw + "'>" + registerQuery("<remove/>") + "</iq>")
		r.serve()
		if !slices.Equal(r.sets, []string{carol}) { // the next waits for the answer
			t.Errorf("written: %q", r.sets)
		}
		w.pass(15 * time.Second) // which does not come: the next way is taken
		if told := requests(r.serve()); len(told) != 2*len(all) {
			t.Errorf("the user is told %q", told)
		}
	})
	stage(t, setup{}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		w.enroll(r)
		r.sets = nil
		r.put(bob, "both", "Bob")   // no business of ours
		delete(r.items, "dave@"+gw) // removed by the user meanwhile
		w.Send("<iq type='set' id='u' from='" + phone + "' to='" + gw + "'>" + registerQuery("<remove/>") + "</iq>")
		others := r.serve()
		if told := requests(others); len(told) > 0 {
			t.Errorf("the user is told %q", told)
		}
		if !slices.Equal(r.sets, all) || len(r.items) != 1 {
			t.Errorf("written: %q; left: %v", r.sets, r.items)
		}
		if _, there := w.account(alice); there {
			t.Error("the registration is still stored")
		}
		// Nothing of it is in the way of another registration.
		w.enroll(r)
		if got := r.entry(gw); got != "both Echo in Echo" {
			t.Errorf("the gateway is in the roster as %q", got)
		}
		if got := r.entry(carol); got != "both Carol in Friends" {
			t.Errorf("a contact is in the roster as %q", got)
		}
	})
}

// XEP-0100 §5.2 without its noise: who is removed with another client leaves the roster.
func TestRemovedPrivileged(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		h := w.enroll(r)
		r.sets = nil
		w.emit(h, legacy.ContactRemoved{Peer: carolPeer})
		if told := requests(r.serve()); len(told) > 0 {
			t.Errorf("the user is told %q", told)
		}
		if !slices.Equal(r.sets, []string{carol + " remove"}) {
			t.Errorf("written: %q", r.sets)
		}
	})
}

// The names and groups that the user chooses in the roster are kept on the network, and
// come back with the next registration: those of a new contact, those that are there when
// a client comes, and those that are there when the user unregisters.
func TestGroupsAreKept(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		h := w.enroll(r)
		w.presence(phone, gw, "")
		r.serve()
		kept := func(name, group string) {
			t.Helper()
			got := legacytest.Expect[legacytest.AddContact](t, h).Contact
			if got.Peer != carolPeer || got.Name != name || !slices.Equal(got.Groups, []string{group}) {
				t.Errorf("on the network: %+v, want %s in %s", got, name, group)
			}
		}
		r.put(carol, "both", "Carol", "Work")
		w.presence(laptop, gw, "") // another client, soon after the roster was read
		r.serve()
		legacytest.Refute[legacytest.AddContact](t, h)
		w.presence(laptop, gw, "unavailable")
		w.pass(time.Hour)
		w.presence(laptop, gw, "")
		r.serve()
		kept("Carol", "Work")
		r.put(carol, "both", "Caro", "Choir")
		w.Send("<iq type='set' id='u' from='" + phone + "' to='" + gw + "'>" + registerQuery("<remove/>") + "</iq>")
		r.serve()
		kept("Caro", "Choir")
		legacytest.Expect[legacytest.SignOff](t, h)
		if len(r.items) > 0 {
			t.Errorf("left in the roster: %v", r.items)
		}
		w.Send("<iq type='set' id='r' from='" + phone + "' to='" + gw + "'>" + plain("alice", hidden) + "</iq>")
		r.serve()
		w.pass(time.Second)
		r.serve()
		if got := r.entry(carol); got != "both Caro in Choir" {
			t.Errorf("in the next roster: %q", got)
		}
	})
}

// A network that does not answer does not keep the user, and nobody is removed twice.
func TestUnregisterWhileGroupsWait(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		h := w.enroll(r)
		r.put(carol, "both", "Carol", "Work")
		h.Stall()
		remove := func(id string) {
			w.Send("<iq type='set' id='" + id + "' from='" + phone + "' to='" + gw + "'>" + registerQuery("<remove/>") + "</iq>")
		}
		remove("1")
		r.serve()
		remove("2")
		w.expectError("<iq id='2'/>", "unexpected-request", "wait")
		w.Refute("<iq type='result' id='1'/>")
		w.pass(6 * time.Second)
		w.Expect("<iq type='result' id='1'/>")
		h.Resume()
		r.serve()
	})
}

// Many contacts that a client adds at once cost no more than two readings of the roster.
func TestAddManyPrivileged(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		w.presence(phone, gw, "")
		r.serve()
		h := w.echo.Session("alice")
		r.gets = 0
		const count = 50
		for i := range count {
			jid := fmt.Sprintf("friend%d@%s", i, gw)
			r.put(jid, "none", fmt.Sprint("Friend ", i), "Work")
			w.presence(alice, jid, "subscribe")
		}
		r.serve()
		if r.gets != 2 {
			t.Errorf("the roster was read %d times", r.gets)
		}
		for i := range count {
			if got := legacytest.Expect[legacytest.AddContact](t, h).Contact; !strings.HasPrefix(got.Name, "Friend ") || len(got.Groups) != 1 {
				t.Errorf("added on the network: %+v", got)
			}
			if got, want := r.entry(fmt.Sprintf("friend%d@%s", i, gw)), fmt.Sprintf("both Friend %d in Work", i); got != want {
				t.Errorf("in the roster: %q, want %q", got, want)
			}
		}
	})
}

// A guest who becomes registered keeps the gateway as it is in the roster, and is asked
// nothing; whom they add is there both ways.
func TestGuestPrivileged(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		r.put(gw, "both", "My chats", "Work")
		form := w.run(phone, "configure", "", "")
		w.run(phone, "configure", " sessionid='"+form.Attr("sessionid")+"' action='next'", submit("record_history", "0"))
		if told := requests(r.serve()); len(told) > 0 {
			t.Errorf("the user is told %q", told)
		}
		if _, there := w.account(alice); !there {
			t.Error("not registered")
		}
		if got := r.entry(gw); got != "both My chats in Work" {
			t.Errorf("the gateway is in the roster as %q", got)
		}
	})
	stage(t, setup{network: newCity(asked)}, func(t *testing.T, w *world) {
		r := w.grantRoster()
		r.put(bob2, "none", "My Bob", "Friends")
		w.presence(alice, bob2, "subscribe")
		told := requests(r.serve())
		w.pass(time.Second)
		told = append(told, requests(r.serve())...)
		if !slices.Equal(told, []string{"subscribed from " + bob2}) {
			t.Errorf("the user is told %q", told)
		}
		for jid, want := range map[string]string{gw: "both Echo in Echo", bob2: "both My Bob in Friends"} {
			if got := r.entry(jid); got != want {
				t.Errorf("%s is in the roster as %q, want %q", jid, got, want)
			}
		}
	})
}
