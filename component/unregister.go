package component

import (
	"slices"
	"time"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// onUnregister removes a registration and every trace of it. (XEP-0077 §3.2,
// XEP-0100 §4.3)
func (u *user) onUnregister(r *request) {
	if r.payload.Count() != 1 {
		u.fail(r, errBadRequest)
		return
	}
	u.unregister(func(why *stanzaError) {
		if why != nil {
			u.fail(r, *why)
			return
		}
		u.reply(r, nil)
	})
}

// unregister removes a registration, and calls done before what the user's
// server is told. What the user has changed in the roster goes to the network before.
func (u *user) unregister(done func(*stanzaError)) {
	if u.trial != nil {
		u.endTrial(legacy.Errorf(legacy.Temporary, "You removed the registration before it was complete."))
	}
	if !u.isRegistered() {
		done(&errRegisterFirst)
		return
	}
	if u.leavingGateway {
		done(&errUnregistering)
		return
	}
	u.leavingGateway = true
	u.settleRoster(func() {
		u.leavingGateway = false
		u.removeAccount(done)
		u.sweep()
	})
}

func (u *user) removeAccount(done func(*stanzaError)) {
	for _, st := range u.keptStanzas() { // they would go with the account
		u.c.refuse(st, errRegisterFirst)
	}
	ctx, cancel := u.storing()
	defer cancel()
	if err := u.c.cfg.Registry.DeleteAccount(ctx, u.c.domain, u.bare); err != nil && !isNotFound(err) {
		u.log.Error().Err(err).Msg("cannot remove a registration")
		done(&errDatabase)
		return
	}
	u.c.setRegistered(u.bare, false)
	u.hideContacts()
	u.endSession()
	u.account, u.block = nil, nil
	u.retryAt, u.graceEnd, u.toAsk = time.Time{}, time.Time{}, nil
	u.keptIn, u.keptOut, u.keptTill = false, false, time.Time{}
	clear(u.resources)
	u.log.Info().Msg("unregistered")
	done(nil)
	u.leaveRoster()
}

// settling is what waits until the network has the changes that are on their way to it.
type settling struct {
	deadline time.Time
	then     func()
}

// settleTime is how long that may take.
const settleTime = 5 * time.Second

// settleRoster calls then once the network has the names and groups that the user has
// chosen in the roster: they come back with another registration.
func (u *user) settleRoster(then func()) {
	if _, edits := u.legacySession().(legacy.RosterEditor); !edits {
		then()
		return
	}
	u.readRoster(func() {
		u.settling = &settling{u.c.clock.Now().Add(settleTime), then}
		u.settle()
	})
}

// settle ends the wait of settleRoster if there is nothing to wait for.
func (u *user) settle() {
	for _, ct := range u.contacts {
		if ct.editing {
			return
		}
	}
	u.endSettling()
}

// endSettling lets go on what waits for changes.
func (u *user) endSettling() {
	if s := u.settling; s != nil {
		u.settling = nil
		s.then()
	}
}

// onEdited: the network has taken a change of a contact, or has not.
func (u *user) onEdited(p legacy.Peer) {
	if ct := u.contacts[p.ID]; ct != nil {
		ct.editing = false
	}
	if u.settling != nil {
		u.settle()
	}
}

// leaveRoster takes the contacts, and the gateway after them, off the user's roster:
// without a word where the server lets us, else as XEP-0100 §4.3 has it.
func (u *user) leaveRoster() {
	silent := u.writesRoster()
	for _, ct := range u.contacts {
		switch {
		case ct.Peer == "":
		case silent:
			u.remove(ct)
		default:
			u.part(ct.jid)
		}
	}
	slices.Sort(u.toRemove)
	if silent {
		u.remove(u.contact(""))
	} else {
		u.part(u.c.domain)
	}
	clear(u.contacts)
}

// remove has a contact taken off the user's roster without a word. A request of theirs
// that is not answered yet is withdrawn.
func (u *user) remove(ct *contact) {
	if ct.Subscription.Has(registry.AskFrom) && !ct.Subscription.Has(registry.To) {
		u.c.sendPresence(ct.jid, u.bare, "unsubscribe", "")
	}
	u.c.sendPresence(u.c.full(ct.jid), u.bare, "unavailable", "")
	u.toRemove = append(u.toRemove, ct.jid)
	if u.removeAt.IsZero() {
		u.removeAt = u.c.clock.Now()
	}
}

// removeNext takes the next of those off the user's roster who have to go. The answer
// brings on the one after. A server that does not let us after all hears of each in the
// other way.
func (u *user) removeNext(now time.Time) {
	if u.c.conn.Load() == nil { // followLink goes on
		u.removeAt = time.Time{}
		return
	}
	u.removeAt = now.Add(queryTime + time.Second)
	u.removeRosterItem(u.toRemove[0], func(ok bool) {
		u.removeAt = u.c.clock.Now()
		if !ok && u.c.conn.Load() == nil {
			return
		}
		if !ok {
			u.rosterFails = true
			for _, jid := range u.toRemove {
				u.part(jid)
			}
			u.toRemove, u.removeAt = nil, time.Time{}
			return
		}
		if u.toRemove = u.toRemove[1:]; len(u.toRemove) == 0 {
			u.removeAt = time.Time{}
		}
	})
}

// removeRosterItem takes somebody off the user's roster. Who is not there is gone.
// (XEP-0356 §4.2, RFC 6121 §2.5)
func (u *user) removeRosterItem(jid string, then func(ok bool)) {
	item := element.New(xep.NSRoster, "item").Set("jid", jid).Set("subscription", "remove")
	u.queryRaw("set", u.bare, element.New(xep.NSRoster, "query").Add(item), func(reply *element.Element) {
		if reply == nil {
			then(false)
			return
		}
		why := reply.Child(nsComponent, "error")
		then(reply.Attr("type") == "result" || why != nil && why.Child(nsStanzaErrors, "item-not-found") != nil)
	})
}

// part ends what the user's server knows of a contact, both ways.
// (XEP-0100 §4.3, §5.2)
func (u *user) part(jid string) {
	u.c.sendPresence(jid, u.bare, "unsubscribe", "")
	u.c.sendPresence(jid, u.bare, "unsubscribed", "")
	u.c.sendPresence(u.c.full(jid), u.bare, "unavailable", "")
}

// drop takes a contact who has left the network's list off the user's: without a word
// where the server lets us. (XEP-0100 §5.2, XEP-0144 §3.1)
func (u *user) drop(ct *contact) {
	u.forget(ct)
	if u.writesRoster() {
		u.remove(ct)
		return
	}
	u.part(ct.jid)
	u.suggest("delete", ct)
}
