package component

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"transport/component/address"
	"transport/component/body"
	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// The gateway, and the contacts of the network's list that the user's roster lacks, are
// offered in the best available way: written into the roster by the roster privilege
// (XEP-0356), suggested by roster item exchange (XEP-0144), or by one subscription request
// each. An offer that the user has answered is never repeated.

const (
	offerBatch = 100 // items of one suggestion (XEP-0144 §8.2)
	capsWait   = 200 * time.Millisecond
	readPause  = 10 * time.Minute // least time between two roster queries when clients come online
)

// offerGateway offers the gateway itself for the user's roster, before its contacts.
// (XEP-0100 §4.1.1 step 7)
func (rw *rosterWriter) offerGateway() {
	gw := rw.ro.contact("")
	if gw.Subscription.Has(registry.From) {
		return
	}
	gw.Subscription |= registry.AskFrom
	rw.ro.save(gw)
	if rw.writesRoster() {
		rw.offers = slices.Insert(rw.offers, 0, gw.Peer)
		return
	}
	rw.ro.sendSubscribe(gw, rw.whyGateway())
}

// enterGateway subscribes the gateway to a user that has added it: by the roster privilege,
// which keeps the item's name and groups, else by a subscription request.
func (rw *rosterWriter) enterGateway() {
	domain, user := rw.ro.u.c.domain, rw.ro.u.bare
	done := func(ok bool) {
		if !ok {
			rw.ro.u.c.sendPresence(domain, user, "subscribe", "")
		}
	}
	if !rw.writesRoster() {
		done(false)
		return
	}
	rw.ro.u.calls.sendIQ("get", user, element.New(xep.NSRoster, "query"), func(reply *element.Element) {
		if reply == nil {
			done(false)
			return
		}
		e := rosterEntry{name: rw.ro.u.c.cfg.Name}
		for item := range reply.Child(xep.NSRoster, "query").Children(xep.NSRoster, "item") {
			if item.Attr("jid") != domain {
				continue
			}
			e.name = cmp.Or(body.Clean(item.Attr("name")), e.name)
			for g := range item.Children(xep.NSRoster, "group") {
				e.groups = append(e.groups, g.Text())
			}
		}
		if e.groups == nil {
			e.groups = []string{rw.ro.u.c.cfg.Name}
		}
		rw.setRosterEntry(domain, "both", e, done)
	})
}

func (rw *rosterWriter) whyGateway() string {
	return "The gateway to " + rw.ro.u.c.info.Name + ", with which you have registered."
}

// offer queues a contact of the network's list for the user's roster.
func (rw *rosterWriter) offer(ct *contact) {
	ct.Subscription |= registry.AskFrom
	rw.offers = append(rw.offers, ct.Peer)
}

// offerNext makes the next offer. Offers are spread over time, so that a long list does
// not flood the client.
func (rw *rosterWriter) offerNext(now time.Time) {
	if rw.ro.u.c.conn.Load() == nil { // the next link goes on
		rw.offerAt = time.Time{}
		return
	}
	rw.offerAt, rw.offerAwaitsNick = now.Add(offerPace), false
	if rw.writesRoster() {
		if rw.ro.queryNicks(1) {
			rw.awaitNicks(now)
			return
		}
		rw.offerAt = now.Add(iqTimeout) // the answer brings on the next
		rw.pushNext()
		return
	}
	if rw.offers[0] == "" { // proposals come from it
		if gw := rw.nextOffer(); gw != nil {
			rw.ro.sendSubscribe(gw, rw.whyGateway())
		}
		return
	}
	rw.ro.u.clients.queryApplicantCaps()
	proposers := rw.ro.u.clients.clientsWith(xep.NSRosterX)
	few := 1
	if len(proposers) > 0 {
		few = offerBatch
	}
	switch {
	case rw.ro.u.clients.awaitsCaps():
		rw.offerAt = now.Add(capsWait)
	case rw.ro.queryNicks(few):
		rw.awaitNicks(now)
	case len(proposers) > 0:
		rw.suggestRosterItems(proposers)
	default:
		if ct := rw.nextOffer(); ct != nil {
			rw.ro.sendSubscribe(ct, "From your contact list on "+rw.ro.u.c.cfg.Name+".")
		}
	}
	if len(rw.offers) == 0 {
		rw.ro.u.clients.setApplicant("")
	}
}

// awaitNicks delays the next offer until the nicks of its contacts are known.
func (rw *rosterWriter) awaitNicks(now time.Time) {
	rw.offerAt, rw.offerAwaitsNick = now.Add(nickTime), true
}

// nextOffer removes the next contact from the queue, and returns nil if it is empty.
func (rw *rosterWriter) nextOffer() *contact {
	for len(rw.offers) > 0 {
		peer := rw.offers[0]
		rw.offers = rw.offers[1:]
		if ct := rw.ro.contacts[peer]; ct != nil && ct.Subscription.Has(registry.AskFrom) {
			return ct
		}
	}
	return nil
}

// pushNext writes the next contact into the user's roster. If the server refuses in spite
// of the privilege, as ejabberd 23.01 does, the other ways are used.
func (rw *rosterWriter) pushNext() {
	var ct *contact
	for ct == nil && len(rw.offers) > 0 {
		ct = rw.ro.contacts[rw.offers[0]]
		rw.offers = rw.offers[1:]
		if ct != nil && !ct.Subscription.Has(registry.AskFrom) && !ct.rosterStale {
			ct = nil
		}
	}
	if ct == nil {
		rw.offerAt = rw.ro.u.c.clock.Now()
		return
	}
	ct.rosterStale = false
	enter := ct.Subscription.Has(registry.AskFrom) // else it is there, and has changed
	subscription := "both"
	if !enter && !ct.Subscription.Has(registry.From) {
		subscription = "to"
	}
	rw.setRosterItem(ct, subscription, func(ok bool) {
		rw.offerAt = rw.ro.u.c.clock.Now()
		switch {
		case rw.ro.contacts[ct.Peer] != ct: // removed meanwhile
		case ok && enter:
			rw.onItemAdded(ct)
		case ok:
		default:
			ct.rosterStale = !enter
			rw.offers = slices.Insert(rw.offers, 0, ct.Peer)
		}
	})
}

// onItemAdded handles a new roster item with a subscription in both directions, for which
// the user was not asked.
func (rw *rosterWriter) onItemAdded(ct *contact) {
	ct.Subscription = ct.Subscription&^(registry.AskFrom|registry.AskTo) | registry.To | registry.From
	rw.ro.save(ct)
	switch {
	case ct.Peer != "":
		ct.unsent = rw.ro.sendContactPresence(ct, rw.ro.u.bare, "") != nil
		return
	case rw.ro.u.login.legacySession() != nil:
		rw.ro.sendGatewayPresence(rw.ro.u.bare)
	}
	rw.ro.u.c.sendPresence(rw.ro.u.c.domain, rw.ro.u.bare, "probe", newID()) // the server does not send us the user's presence by itself
}

// rosterEntry is the name and the groups of a roster item.
type rosterEntry struct {
	name   string
	groups []string
}

// rosterEntry returns the name and groups that a contact should have in the user's
// roster. Groups that exist only in the roster are kept.
func (rw *rosterWriter) rosterEntry(ct *contact) rosterEntry {
	if ct.Peer == "" {
		return rosterEntry{rw.ro.u.c.cfg.Name, []string{rw.ro.u.c.cfg.Name}}
	}
	e := rosterEntry{cmp.Or(ct.Name, ct.inRoster.name, rw.ro.nick(ct)), ct.Groups}
	if len(e.groups) == 0 || slices.Contains(ct.inRoster.groups, e.groups[0]) {
		e.groups = ct.inRoster.groups
	}
	return e
}

// suggestRosterItems sends contacts by roster item exchange to clients that ask the user
// about all of them at once. (XEP-0144 §5)
func (rw *rosterWriter) suggestRosterItems(clients []string) {
	x := element.New(xep.NSRosterX, "x")
	for x.Count() < offerBatch {
		ct := rw.nextOffer()
		if ct == nil {
			break
		}
		ct.suggested = true
		x.Add(rw.rosterItem("add", ct))
	}
	if x.Count() > 0 {
		rw.sendRosterX(clients, x)
	}
}

func (rw *rosterWriter) sendRosterX(clients []string, x *element.Element) {
	for _, full := range clients {
		rw.ro.u.calls.sendIQ("set", full, x.Clone(), func(*element.Element) {})
	}
}

// suggestChange sends one change to clients that support roster item exchange. (XEP-0144
// §3)
func (rw *rosterWriter) suggestChange(action string, ct *contact) {
	if clients := rw.ro.u.clients.clientsWith(xep.NSRosterX); len(clients) > 0 {
		rw.sendRosterX(clients, element.New(xep.NSRosterX, "x").Add(rw.rosterItem(action, ct)))
	}
}

// rosterItem returns a contact as an item of roster item exchange. (XEP-0144 §3.1)
func (rw *rosterWriter) rosterItem(action string, ct *contact) *element.Element {
	item := element.New(xep.NSRosterX, "item").Set("action", action).Set("jid", ct.jid)
	if action == "delete" {
		return item
	}
	e := rw.rosterEntry(ct)
	if e.name != "" {
		item.Set("name", e.name)
	}
	for _, group := range e.groups {
		item.Add(element.New(xep.NSRosterX, "group").AddText(group))
	}
	return item
}

// updateRosterItem updates the user's roster after a contact was renamed or moved to
// another group on the network.
func (rw *rosterWriter) updateRosterItem(ct *contact) {
	switch {
	case !rw.writesRoster():
		rw.suggestChange("modify", ct)
	case !ct.rosterStale:
		ct.rosterStale = true
		rw.offers = append(rw.offers, ct.Peer)
	}
}

// readRosterAgain reads the roster when a client comes online: servers do not push roster
// changes to components.
func (rw *rosterWriter) readRosterAgain() {
	if rw.ro.u.login.legacySession() != nil && rw.ro.u.c.clock.Now().Sub(rw.readAt) >= readPause {
		rw.readRoster(func() {})
	}
}

// readRoster reads the user's roster by the roster privilege and applies changed names
// and groups to the network's contact list. The stored name shows which side has changed
// it. Offers pause meanwhile. then is called afterwards, or at once without the
// privilege. (XEP-0356 §4.2)
func (rw *rosterWriter) readRoster(then func()) {
	if !rw.writesRoster() {
		then()
		return
	}
	if rw.reading { // that may be answered already, before what is to be read was written
		rw.readers = append(rw.readers, then)
		return
	}
	rw.reading = true
	rw.readAt = rw.ro.u.c.clock.Now()
	rw.offerAt = rw.readAt.Add(iqTimeout + time.Second)
	sent := rw.ro.u.conn
	rw.ro.u.calls.sendIQRaw("get", rw.ro.u.bare, element.New(xep.NSRoster, "query"), func(reply *element.Element) {
		rw.offerAt = rw.ro.u.c.clock.Now()
		if reply.Attr("type") != "result" {
			rw.noteRefusal(sent, reply)
		} else if q := reply.Child(xep.NSRoster, "query"); q != nil {
			for item := range q.Children(xep.NSRoster, "item") {
				rw.readRosterItem(item)
			}
		}
		readers := rw.readers
		rw.reading, rw.readers = false, nil
		then()
		if len(readers) > 0 {
			rw.readRoster(func() {
				for _, f := range readers {
					f()
				}
			})
		}
	})
}

func (rw *rosterWriter) readRosterItem(item *element.Element) {
	jid, err := address.Parse(item.Attr("jid"))
	if err != nil || jid.Domain != rw.ro.u.c.domain {
		return
	}
	peer, err := legacy.Peer{}, error(nil)
	if jid.Local != "" {
		peer, err = rw.ro.u.c.peers.Contact(jid)
	}
	ct := rw.ro.contacts[peer.ID]
	if err != nil || ct == nil {
		return
	}
	if item.Attr("subscription") == "both" && !ct.Subscription.Has(registry.From) { // entered by us before, or by the user
		rw.onItemAdded(ct)
	}
	if ct.Peer == "" {
		return
	}
	ct.inRoster = rosterEntry{name: strings.Clone(body.Clean(item.Attr("name")))} // not a part of the whole roster
	for g := range item.Children(xep.NSRoster, "group") {
		ct.inRoster.groups = append(ct.inRoster.groups, strings.Clone(g.Text()))
	}
	rw.applyRosterItem(ct)
}

// applyRosterItem applies the name and groups of a roster item to the network's contact
// list.
func (rw *rosterWriter) applyRosterItem(ct *contact) {
	name, groups := ct.inRoster.name, ct.inRoster.groups
	renamed := name != "" && name != ct.Name && name != rw.ro.nick(ct)
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
	rw.ro.save(ct)
	if ct.Listed {
		ct.editing = true
		rw.ro.addContact(ct, "") // one that is there is renamed and moved
	}
}
