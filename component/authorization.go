package component

import (
	"cmp"
	"strings"
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/legacy"
	"transport/registry"
)

// onAuthRequested handles a contact's authorization request. (XEP-0100 §5.1)
func (ro *roster) onAuthRequested(ev legacy.AuthRequested) {
	if ev.From.ID == "" || ro.blocked[ev.From.ID] {
		return
	}
	if ro.contacts[ev.From.ID] == nil && len(ro.contacts) >= maxContacts {
		ro.u.log.Warn().Str("peer", ev.From.ID).Msg("too many contacts: an authorization request is ignored")
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

// onAuthGranted handles a contact's approval of the user's subscription. Servers ignore an
// approval without a request (RFC 6121 §3.1.6), such as one after a denial: then the gateway
// offers the contact again, and says so.
func (ro *roster) onAuthGranted(p legacy.Peer) {
	ct := ro.contacts[p.ID]
	switch {
	case p.ID == "" || ro.blocked[p.ID]:
	case ct != nil && ct.Subscription.Has(registry.AskTo):
		ro.approveSubscription(ct, "")
	case ct != nil && (ct.Subscription.Has(registry.To) || ct.Subscription.Has(registry.Removed)): // known, or not wanted
	default:
		ro.u.outbox.sendNotice(p.ID, "[lets you see when they are online now] Add this contact to see it.", time.Time{})
		if ct != nil && ct.Listed && !ct.Subscription.Has(registry.AskFrom) && !ct.Subscription.Has(registry.Refused) {
			ro.offer(ct)
			ro.save(ct)
		}
	}
}

// onAuthDenied handles a contact's denial of the user's subscription. (XEP-0100 §4.6.2)
func (ro *roster) onAuthDenied(p legacy.Peer, reason string) {
	ct := ro.contacts[p.ID]
	switch {
	case p.ID == "" || ro.blocked[p.ID] || ct != nil && ct.Subscription.Has(registry.Removed):
		return
	case ct == nil: // requested with another client
		ro.u.outbox.sendNotice(p.ID, denialText(reason), time.Time{})
		return
	case ct.Subscription.Has(registry.To): // withdrawn
		ro.u.c.sendGone(ct.jid, ro.u.bare)
	}
	ct.Subscription &^= registry.AskTo | registry.To
	ro.save(ct)
	denied := element.New(stanza.NS, "presence").Set("from", ct.jid).Set("to", ro.u.bare).Set("type", "unsubscribed")
	if reason = body.Clean(reason); reason == "" {
		ro.u.c.send(denied)
		return
	}
	ro.u.c.send(denied.Add(element.New(stanza.NS, "status").AddText(reason)))
	ro.u.outbox.sendNotice(p.ID, denialText(reason), time.Time{}) // few clients show the status
}

// denialText is the message from a contact that says a denial and its reason.
func denialText(reason string) string {
	return strings.TrimSpace("[does not let you see when they are online] " + body.Clean(reason))
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
