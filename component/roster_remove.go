package component

import (
	"slices"
	"time"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/registry"
)

// clearRoster takes the contacts, and the gateway after them, off the user's roster:
// without a word where the server lets us, else as XEP-0100 §4.3 has it.
func (rw *rosterWriter) clearRoster() {
	silent := rw.writesRoster()
	for _, ct := range rw.ro.contacts {
		switch {
		case ct.Peer == "":
		case silent:
			rw.queueRemoval(ct)
		default:
			rw.unsubscribeBoth(ct.jid)
		}
	}
	slices.Sort(rw.removals)
	if silent {
		rw.queueRemoval(rw.ro.contact(""))
	} else {
		rw.unsubscribeBoth(rw.ro.u.c.domain)
	}
	clear(rw.ro.contacts)
}

// queueRemoval has a contact taken off the user's roster without a word. A request of theirs
// that is not answered yet is withdrawn.
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

// removeNext takes the next of those off the user's roster who have to go. The answer
// brings on the one after. A server that does not let us after all hears of each in the
// other way.
func (rw *rosterWriter) removeNext(now time.Time) {
	if rw.ro.u.c.conn.Load() == nil { // followLink goes on
		rw.removeAt = time.Time{}
		return
	}
	rw.removeAt = now.Add(iqTimeout + time.Second)
	rw.removeRosterItem(rw.removals[0], func(ok bool) {
		rw.removeAt = rw.ro.u.c.clock.Now()
		if !ok && rw.ro.u.c.conn.Load() == nil {
			return
		}
		if !ok {
			rw.rosterFails = true
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

// removeRosterItem takes somebody off the user's roster. Who is not there is gone.
// (XEP-0356 §4.2, RFC 6121 §2.5)
func (rw *rosterWriter) removeRosterItem(jid string, then func(ok bool)) {
	item := element.New(xep.NSRoster, "item").Set("jid", jid).Set("subscription", "remove")
	rw.ro.u.calls.sendIQRaw("set", rw.ro.u.bare, element.New(xep.NSRoster, "query").Add(item), func(reply *element.Element) {
		if reply == nil {
			then(false)
			return
		}
		why := reply.Child(stanza.NS, "error")
		then(reply.Attr("type") == "result" || why != nil && why.Child(stanza.NSErrors, "item-not-found") != nil)
	})
}

// unsubscribeBoth ends what the user's server knows of a contact, both ways.
// (XEP-0100 §4.3, §5.2)
func (rw *rosterWriter) unsubscribeBoth(jid string) {
	rw.ro.u.c.sendPresence(jid, rw.ro.u.bare, "unsubscribe", "")
	rw.ro.u.c.sendPresence(jid, rw.ro.u.bare, "unsubscribed", "")
	rw.ro.u.c.sendGone(jid, rw.ro.u.bare)
}

// removeFromRoster takes a contact who has left the network's list off the user's: without a word
// where the server lets us. (XEP-0100 §5.2, XEP-0144 §3.1)
func (rw *rosterWriter) removeFromRoster(ct *contact) {
	rw.ro.forget(ct)
	if rw.writesRoster() {
		rw.queueRemoval(ct)
		return
	}
	rw.unsubscribeBoth(ct.jid)
	rw.suggestChange("delete", ct)
}
