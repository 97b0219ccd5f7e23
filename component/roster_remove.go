package component

import (
	"slices"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/registry"
)

// clearRoster removes all contacts, and then the gateway, from the user's roster: by the
// roster privilege if the server grants it, else by unsubscribing. (XEP-0100 §4.3)
func (rw *rosterWriter) clearRoster() {
	silent := rw.writesRoster()
	queued := len(rw.removals) // the first of these is in flight
	for _, ct := range rw.ro.contacts {
		switch {
		case ct.Peer == "":
		case silent:
			rw.queueRemoval(ct)
		default:
			rw.unsubscribeBoth(ct.jid)
		}
	}
	slices.Sort(rw.removals[queued:])
	if silent {
		rw.queueRemoval(rw.ro.contact(""))
	} else {
		rw.unsubscribeBoth(rw.ro.u.c.domain)
	}
	clear(rw.ro.contacts)
}

// queueRemoval queues the removal of a contact from the user's roster by the roster
// privilege. A pending subscription request of the contact is withdrawn.
func (rw *rosterWriter) queueRemoval(ct *contact) {
	if ct.Subscription.Has(registry.AskFrom) && !ct.Subscription.Has(registry.To) {
		rw.ro.u.c.sendPresence(ct.jid, rw.ro.u.bare, "unsubscribe", "")
	}
	rw.ro.u.c.sendGone(ct.jid, rw.ro.u.bare)
	rw.removals = append(rw.removals, ct.jid)
	if rw.removeAt.IsZero() {
		rw.removeAt = rw.ro.u.c.clock.Now()
	}
}

// keepItem takes a contact that was added again off the queue of removals, unless its
// removal is in flight.
func (rw *rosterWriter) keepItem(jid string) {
	if i := slices.Index(rw.removals, jid); i > 0 {
		rw.removals = slices.Delete(rw.removals, i, i+1)
	}
}

// removeNext removes the next queued contact. The server's answer starts the next
// removal. If the server refuses, all are unsubscribed instead.
func (rw *rosterWriter) removeNext(now time.Time) {
	if rw.ro.u.c.conn.Load() == nil { // followLink goes on
		rw.removeAt = time.Time{}
		return
	}
	rw.removeAt = now.Add(iqTimeout + time.Second)
	sent := rw.ro.u.conn
	rw.removeRosterItem(rw.removals[0], func(ok bool, reply *element.Element) {
		rw.removeAt = rw.ro.u.c.clock.Now()
		if !ok && !rw.isRefusal(sent) {
			return
		}
		if !ok {
			rw.noteRefusal(sent, reply)
			for _, jid := range rw.removals {
				rw.unsubscribeBoth(jid)
			}
			rw.removals, rw.removeAt = nil, time.Time{}
			return
		}
		if rw.removals = rw.removals[1:]; len(rw.removals) == 0 {
			rw.removeAt = time.Time{}
		}
	})
}

// removeRosterItem removes an item from the user's roster. A missing item counts as
// removed. (XEP-0356 §4.2, RFC 6121 §2.5)
func (rw *rosterWriter) removeRosterItem(jid string, then func(ok bool, reply *element.Element)) {
	item := element.New(xep.NSRoster, "item").Set("jid", jid).Set("subscription", "remove")
	rw.ro.u.calls.sendIQRaw("set", rw.ro.u.bare, element.New(xep.NSRoster, "query").Add(item), func(reply *element.Element) {
		then(reply.Attr("type") == "result" || stanza.HasCondition(reply, stanza.ItemNotFound), reply)
	})
}

// unsubscribeBoth cancels the subscriptions of a contact in both directions. (XEP-0100
// §4.3, §5.2)
func (rw *rosterWriter) unsubscribeBoth(jid string) {
	rw.ro.u.c.sendPresence(jid, rw.ro.u.bare, "unsubscribe", "")
	rw.ro.u.c.sendPresence(jid, rw.ro.u.bare, "unsubscribed", "")
	rw.ro.u.c.sendGone(jid, rw.ro.u.bare)
}

// removeFromRoster removes a contact that was deleted on the network from the user's
// roster: by the roster privilege if the server grants it. (XEP-0100 §5.2, XEP-0144 §3.1)
func (rw *rosterWriter) removeFromRoster(ct *contact) {
	rw.ro.forget(ct)
	if rw.writesRoster() {
		rw.queueRemoval(ct)
		return
	}
	rw.unsubscribeBoth(ct.jid)
	rw.suggestChange("delete", ct)
}
