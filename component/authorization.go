package component

import (
	"cmp"
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/legacy"
	"transport/registry"
)

// onAuthRequested handles a contact's authorization request. (XEP-0100 §5.1)
func (ro *roster) onAuthRequested(ev legacy.AuthRequested) {
	if ev.From.ID == "" || ro.blocked[ev.From.ID] || ro.contacts[ev.From.ID] == nil && len(ro.contacts) >= maxContacts {
		return
	}
	_, known := ro.contacts[ev.From.ID]
	ct := ro.contact(ev.From.ID)
	if ct.Subscription.Has(registry.From) || ro.u.account.option(optAutoAccept) {
		ro.authorize(ct, true, "") // approved before, or by the option
		return
	}
	if ro.u.account.option(optAutoDeny) {
		ro.authorize(ct, false, "")
		if !known {
			delete(ro.contacts, ev.From.ID)
		}
		return
	}
	ro.setNick(ct, ev.Name)
	ct.Subscription = ct.Subscription&^registry.Refused | registry.AuthAsked
	ro.askSubscription(ct, cmp.Or(ev.Reason, "Asks to see when you are online on "+ro.u.c.cfg.Name+"."))
}

// onAuthGranted handles a contact's approval of the user's subscription.
func (ro *roster) onAuthGranted(p legacy.Peer) {
	if ct := ro.contacts[p.ID]; ct != nil && p.ID != "" && ct.Subscription.Has(registry.AskTo) {
		ro.approveSubscription(ct, "")
	}
}

// onAuthDenied handles a contact's denial of the user's subscription. (XEP-0100 §4.6.2)
func (ro *roster) onAuthDenied(p legacy.Peer, reason string) {
	ct := ro.contacts[p.ID]
	if ct == nil || p.ID == "" {
		return
	}
	ct.Subscription &^= registry.AskTo | registry.To
	ro.save(ct)
	denied := element.New(stanza.NS, "presence").Set("from", ct.jid).Set("to", ro.u.bare).Set("type", "unsubscribed")
	if reason = body.Clean(reason); reason == "" {
		ro.u.c.send(denied)
		return
	}
	ro.u.c.send(denied.Add(element.New(stanza.NS, "status").AddText(reason)))
	// Few clients show that.
	ro.u.outbox.sendNotice(p.ID, "[does not let you see when they are online] "+reason, time.Time{})
}

// onAddedYou handles the event that a peer has added the user: the gateway offers to add
// the peer.
func (ro *roster) onAddedYou(p legacy.Peer) {
	if ct := ro.contacts[p.ID]; p.ID == "" || ro.blocked[p.ID] || ct != nil && ct.Subscription != 0 {
		return
	}
	if len(ro.contacts) >= maxContacts {
		return
	}
	ro.askSubscription(ro.contact(p.ID), "Has added you on "+ro.u.c.cfg.Name+".")
}

// authorize answers a contact's authorization request on the network.
func (ro *roster) authorize(ct *contact, allow bool, reason string) {
	editor, ok := ro.u.login.legacySession().(legacy.RosterEditor)
	if !ok {
		return
	}
	if err := editor.Authorize(ro.u.ctx, legacy.Peer{ID: ct.Peer}, allow, reason); err != nil {
		ro.u.c.send(element.New(stanza.NS, "presence").Set("from", ct.jid).Set("to", ro.u.bare).
			Set("type", "error").Add(stanza.Translate(err).Element()))
	}
}
