package component

import (
	"slices"
	"time"

	"transport/component/address"
	"transport/component/element"
	"transport/component/xep"
	"transport/registry"
)

// Contacts that the network's list has and the user's roster lacks are offered in
// the best way that is there: written into the roster by the server's leave
// (XEP-0356), proposed as a list (XEP-0144), or by a request for subscription
// each. What the user has answered once is never repeated.

const (
	offerBatch   = 100 // items of one proposal (XEP-0144 §8.2)
	capsPatience = 200 * time.Millisecond
)

// askNext offers the next of the contacts that wait for it, spread over time, so
// that a long list is no flood.
func (u *user) askNext(now time.Time) {
	u.askAt = now.Add(askPace)
	switch proposers := u.clientsWith(xep.NSRosterX); {
	case u.privilege().roster && !u.rosterFails:
		u.askAt = now.Add(queryTime) // the answer brings on the next
		u.enterNext()
	case u.learning():
		u.askAt = now.Add(capsPatience)
	case len(proposers) > 0:
		u.propose(proposers)
	default:
		if ct := u.nextToAsk(); ct != nil {
			u.sendSubscribe(ct, "")
		}
	}
}

// nextToAsk takes the next contact that still is to be offered, nil if there is
// none.
func (u *user) nextToAsk() *contact {
	for len(u.toAsk) > 0 {
		peer := u.toAsk[0]
		u.toAsk = u.toAsk[1:]
		if ct := u.contacts[peer]; ct != nil && ct.Subscription.Has(registry.AskFrom) {
			return ct
		}
	}
	return nil
}

// learning reports whether a client has yet to say what it can do.
func (u *user) learning() bool {
	for _, r := range u.resources {
		if r.asking {
			return true
		}
	}
	return false
}

// enterNext writes a contact into the user's roster. Where the server does not
// let us after all, as ejabberd 23.01 does not, the other ways are taken.
func (u *user) enterNext() {
	ct := u.nextToAsk()
	if ct == nil {
		return
	}
	u.setRosterItem(ct, func(ok bool) {
		u.askAt = u.c.clock.Now()
		if u.contacts[ct.Peer] != ct {
			return
		}
		if !ok {
			u.rosterFails = true
			u.toAsk = slices.Insert(u.toAsk, 0, ct.Peer)
			return
		}
		ct.Subscription = ct.Subscription&^(registry.AskFrom|registry.AskTo) | registry.To | registry.From
		u.save(ct)
		ct.unshown = u.sendContactPresence(ct, u.bare, "") != nil
	})
}

// propose sends a list of contacts to clients that ask the user about all of them
// at once. (XEP-0144 §5)
func (u *user) propose(clients []string) {
	x := element.New(xep.NSRosterX, "x")
	for x.Count() < offerBatch {
		ct := u.nextToAsk()
		if ct == nil {
			break
		}
		ct.offered = true
		x.Add(rosterItem("add", ct))
	}
	if x.Count() > 0 {
		u.sendRosterX(clients, x)
	}
}

func (u *user) sendRosterX(clients []string, x *element.Element) {
	for _, full := range clients {
		u.query("set", full, x.Clone(), func(*element.Element) {})
	}
}

// rosterItem is a contact in a proposal. (XEP-0144 §3.1)
func rosterItem(action string, ct *contact) *element.Element {
	item := element.New(xep.NSRosterX, "item").Set("action", action).Set("jid", ct.jid)
	if action == "delete" {
		return item
	}
	if ct.Name != "" {
		item.Set("name", ct.Name)
	}
	for _, group := range ct.Groups {
		item.Add(element.New(xep.NSRosterX, "group").AddText(group))
	}
	return item
}

// tellRoster tells the user's roster that a contact was renamed or moved on the
// network (action "modify"), or is gone ("delete").
func (u *user) tellRoster(action string, ct *contact) {
	if u.privilege().roster && !u.rosterFails {
		failed := func(ok bool) { u.rosterFails = u.rosterFails || !ok }
		if action == "delete" {
			u.removeRosterItem(ct.jid, failed)
		} else {
			u.setRosterItem(ct, failed)
		}
		return
	}
	if clients := u.clientsWith(xep.NSRosterX); len(clients) > 0 {
		u.sendRosterX(clients, element.New(xep.NSRosterX, "x").Add(rosterItem(action, ct)))
	}
}

// readRoster reads, where the server lets us, what the user calls the contacts,
// and takes it over to the network's list. Which side has changed a name shows in
// the one that was stored. (XEP-0356 §4.2)
func (u *user) readRoster() {
	if !u.privilege().roster {
		return
	}
	u.query("get", u.bare, element.New(xep.NSRoster, "query"), func(reply *element.Element) {
		if reply == nil {
			return
		}
		q := reply.Child(xep.NSRoster, "query")
		if q == nil {
			return
		}
		for item := range q.Children(xep.NSRoster, "item") {
			u.readRosterItem(item)
		}
	})
}

func (u *user) readRosterItem(item *element.Element) {
	jid, err := address.Parse(item.Attr("jid"))
	if err != nil || jid.Domain != u.c.domain || jid.Local == "" {
		return
	}
	peer, err := u.c.peer(jid)
	ct := u.contacts[peer.ID]
	if err != nil || ct == nil || !ct.Listed {
		return
	}
	var groups []string
	for g := range item.Children(xep.NSRoster, "group") {
		groups = append(groups, g.Text())
	}
	if !ct.Subscription.Has(registry.From) { // entered by us before, or by the user
		switch item.Attr("subscription") {
		case "both":
			ct.Subscription = ct.Subscription&^registry.AskFrom | registry.To | registry.From
			u.save(ct)
		}
	}
	name := cleanText(item.Attr("name"))
	if name == "" || name == ct.Name && (len(groups) == 0 || slices.Equal(groups, ct.Groups)) {
		return
	}
	ct.Name = name
	if len(groups) > 0 {
		ct.Groups = groups
	}
	u.save(ct)
	u.addContact(ct, "") // one that is there is renamed and moved
}
