package component

import (
	"slices"
	"time"

	"transport/component/address"
	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// The gateway, and the contacts that the network's list has and the user's roster
// lacks, are offered in the best way that is there: written into the roster by the
// server's leave (XEP-0356), contacts proposed as a list (XEP-0144), or by a request for
// subscription each. What the user has answered once is never repeated.

const (
	offerBatch   = 100 // items of one proposal (XEP-0144 §8.2)
	capsPatience = 200 * time.Millisecond
	readPause    = 10 * time.Minute // between two readings of the roster for no other reason
)

// offerGateway puts the gateway itself on the user's list, before its contacts.
// (XEP-0100 §4.1.1 step 7)
func (u *user) offerGateway() {
	gw := u.contact("")
	if gw.Subscription.Has(registry.From) {
		return
	}
	gw.Subscription |= registry.AskFrom
	u.save(gw)
	if u.writesRoster() {
		u.toAsk = slices.Insert(u.toAsk, 0, gw.Peer)
		return
	}
	u.sendSubscribe(gw, u.whyGateway())
}

func (u *user) whyGateway() string {
	return "The gateway to " + u.c.info.Name + ", with which you have registered."
}

// offer puts a contact on the user's list who is on the network's.
func (u *user) offer(ct *contact) {
	ct.Subscription |= registry.AskFrom
	u.toAsk = append(u.toAsk, ct.Peer)
}

// askNext offers the next of the contacts that wait for it, spread over time, so
// that a long list is no flood.
func (u *user) askNext(now time.Time) {
	if u.c.conn.Load() == nil { // the next link goes on
		u.askAt = time.Time{}
		return
	}
	u.askAt, u.askAwaits = now.Add(askPace), false
	if u.writesRoster() {
		if u.seekNicks(1) {
			u.awaitNicks(now)
			return
		}
		u.askAt = now.Add(queryTime) // the answer brings on the next
		u.writeNext()
		return
	}
	if u.toAsk[0] == "" { // proposals come from it
		if gw := u.nextToAsk(); gw != nil {
			u.sendSubscribe(gw, u.whyGateway())
		}
		return
	}
	u.meetApplicant()
	proposers := u.clientsWith(xep.NSRosterX)
	few := 1
	if len(proposers) > 0 {
		few = offerBatch
	}
	switch {
	case u.learning():
		u.askAt = now.Add(capsPatience)
	case u.seekNicks(few):
		u.awaitNicks(now)
	case len(proposers) > 0:
		u.propose(proposers)
	default:
		if ct := u.nextToAsk(); ct != nil {
			u.sendSubscribe(ct, "From your contact list on "+u.c.cfg.Name+".")
		}
	}
	if len(u.toAsk) == 0 {
		u.applicant = applicant{}
	}
}

// awaitNicks puts the next offer off until it is known what the contacts are called.
func (u *user) awaitNicks(now time.Time) { u.askAt, u.askAwaits = now.Add(nickTime), true }

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
	if u.applicant.asking {
		return true
	}
	for _, r := range u.resources {
		if r.asking {
			return true
		}
	}
	return false
}

// writeNext writes the next contact into the user's roster. Where the server does not
// let us after all, as ejabberd 23.01 does not, the other ways are taken.
func (u *user) writeNext() {
	var ct *contact
	for ct == nil && len(u.toAsk) > 0 {
		ct = u.contacts[u.toAsk[0]]
		u.toAsk = u.toAsk[1:]
		if ct != nil && !ct.Subscription.Has(registry.AskFrom) && !ct.changed {
			ct = nil
		}
	}
	if ct == nil {
		return
	}
	ct.changed = false
	enter := ct.Subscription.Has(registry.AskFrom) // else it is there, and has changed
	subscription := "both"
	if !enter && !ct.Subscription.Has(registry.From) {
		subscription = "to"
	}
	u.setRosterItem(ct, subscription, func(ok bool) {
		u.askAt = u.c.clock.Now()
		switch {
		case u.contacts[ct.Peer] != ct: // removed meanwhile
		case ok && enter:
			u.onEntered(ct)
		case ok:
		default:
			u.rosterFails = u.rosterFails || u.c.conn.Load() != nil
			ct.changed = !enter
			u.toAsk = slices.Insert(u.toAsk, 0, ct.Peer)
		}
	})
}

// onEntered: somebody is in the user's roster with a subscription both ways, which was
// asked of nobody.
func (u *user) onEntered(ct *contact) {
	ct.Subscription = ct.Subscription&^(registry.AskFrom|registry.AskTo) | registry.To | registry.From
	u.save(ct)
	switch {
	case ct.Peer != "":
		ct.unshown = u.sendContactPresence(ct, u.bare, "") != nil
		return
	case u.legacySession() != nil:
		u.sendGatewayPresence(u.bare)
	}
	u.c.sendPresence(u.c.domain, u.bare, "probe", newID()) // nothing has told the server to send us the user's
}

// rosterEntry is what somebody is called in a roster, and the groups that hold them.
type rosterEntry struct {
	name   string
	groups []string
}

// rosterEntry is how somebody is to be in the user's roster. Groups that only the roster
// knows stay.
func (u *user) rosterEntry(ct *contact) rosterEntry {
	if ct.Peer == "" {
		return rosterEntry{u.c.cfg.Name, []string{u.c.cfg.Name}}
	}
	e := rosterEntry{first(ct.Name, ct.inRoster.name, u.nick(ct)), ct.Groups}
	if len(e.groups) == 0 || slices.Contains(ct.inRoster.groups, e.groups[0]) {
		e.groups = ct.inRoster.groups
	}
	return e
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
		x.Add(u.rosterItem("add", ct))
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

// suggest proposes one change to clients that know proposals. (XEP-0144 §3)
func (u *user) suggest(action string, ct *contact) {
	if clients := u.clientsWith(xep.NSRosterX); len(clients) > 0 {
		u.sendRosterX(clients, element.New(xep.NSRosterX, "x").Add(u.rosterItem(action, ct)))
	}
}

// rosterItem is a contact in a proposal. (XEP-0144 §3.1)
func (u *user) rosterItem(action string, ct *contact) *element.Element {
	item := element.New(xep.NSRosterX, "item").Set("action", action).Set("jid", ct.jid)
	if action == "delete" {
		return item
	}
	e := u.rosterEntry(ct)
	if e.name != "" {
		item.Set("name", e.name)
	}
	for _, group := range e.groups {
		item.Add(element.New(xep.NSRosterX, "group").AddText(group))
	}
	return item
}

// tellRoster tells the user's roster that a contact was renamed or moved on the
// network.
func (u *user) tellRoster(ct *contact) {
	switch {
	case !u.writesRoster():
		u.suggest("modify", ct)
	case !ct.changed:
		ct.changed = true
		u.toAsk = append(u.toAsk, ct.Peer)
	}
}

// readRosterAgain reads the roster when a client comes: servers do not tell us what has
// been changed in it.
func (u *user) readRosterAgain() {
	if u.legacySession() != nil && u.c.clock.Now().Sub(u.readAt) >= readPause {
		u.readRoster(func() {})
	}
}

// readRoster reads, where the server lets us, what the user calls the contacts,
// and takes it over to the network's list. Which side has changed a name shows in
// the one that was stored. Nothing is written meanwhile. then is called afterwards, or
// at once where nothing can be read. (XEP-0356 §4.2)
func (u *user) readRoster(then func()) {
	if !u.writesRoster() {
		then()
		return
	}
	if u.reading { // that may be answered already, before what is to be read was written
		u.readers = append(u.readers, then)
		return
	}
	u.reading = true
	u.readAt = u.c.clock.Now()
	u.askAt = u.readAt.Add(queryTime + time.Second)
	u.query("get", u.bare, element.New(xep.NSRoster, "query"), func(reply *element.Element) {
		u.askAt = u.c.clock.Now()
		if reply == nil {
			u.rosterFails = u.rosterFails || u.c.conn.Load() != nil
		} else if q := reply.Child(xep.NSRoster, "query"); q != nil {
			for item := range q.Children(xep.NSRoster, "item") {
				u.readRosterItem(item)
			}
		}
		readers := u.readers
		u.reading, u.readers = false, nil
		then()
		if len(readers) > 0 {
			u.readRoster(func() {
				for _, f := range readers {
					f()
				}
			})
		}
	})
}

func (u *user) readRosterItem(item *element.Element) {
	jid, err := address.Parse(item.Attr("jid"))
	if err != nil || jid.Domain != u.c.domain {
		return
	}
	peer, err := legacy.Peer{}, error(nil)
	if jid.Local != "" {
		peer, err = u.c.peer(jid)
	}
	ct := u.contacts[peer.ID]
	if err != nil || ct == nil {
		return
	}
	if item.Attr("subscription") == "both" && !ct.Subscription.Has(registry.From) { // entered by us before, or by the user
		u.onEntered(ct)
	}
	if ct.Peer == "" {
		return
	}
	ct.inRoster = rosterEntry{name: cleanText(item.Attr("name"))}
	for g := range item.Children(xep.NSRoster, "group") {
		ct.inRoster.groups = append(ct.inRoster.groups, g.Text())
	}
	u.follow(ct)
}

// follow takes over what the user calls a contact, and the group, to the network's list.
func (u *user) follow(ct *contact) {
	name, groups := ct.inRoster.name, ct.inRoster.groups
	renamed := name != "" && name != ct.Name && name != u.nick(ct)
	moved := len(groups) > 0 && (len(ct.Groups) == 0 || !slices.Contains(groups, ct.Groups[0]))
	if !renamed && !moved {
		return
	}
	if renamed {
		ct.Name = name
	}
	if moved {
		ct.Groups = groups
	}
	u.save(ct)
	if ct.Listed {
		ct.editing = true
		u.addContact(ct, "") // one that is there is renamed and moved
	}
}
