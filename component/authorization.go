package component

import (
	"time"

	"transport/component/element"
	"transport/legacy"
	"transport/registry"
)

// onAuthRequested: somebody asks to see the user. (XEP-0100 §5.1)
func (u *user) onAuthRequested(ev legacy.AuthRequested) {
	if ev.From.ID == "" || u.blocked[ev.From.ID] || u.contacts[ev.From.ID] == nil && len(u.contacts) >= maxContacts {
		return
	}
	_, known := u.contacts[ev.From.ID]
	ct := u.contact(ev.From.ID)
	if ct.Subscription.Has(registry.From) || u.option(optAutoAccept) {
		u.authorize(ct, true, "") // the user has said so before
		return
	}
	if u.option(optAutoDeny) {
		u.authorize(ct, false, "")
		if !known {
			delete(u.contacts, ev.From.ID)
		}
		return
	}
	u.setNick(ct, ev.Name)
	ct.Subscription = ct.Subscription&^registry.Refused | registry.AuthAsked
	u.askSubscription(ct, first(ev.Reason, "Asks to see when you are online on "+u.c.cfg.Name+"."))
}

// onAuthGranted: a contact lets the user see them.
func (u *user) onAuthGranted(p legacy.Peer) {
	if ct := u.contacts[p.ID]; ct != nil && p.ID != "" && ct.Subscription.Has(registry.AskTo) {
		u.grant(ct, "")
	}
}

// onAuthDenied: a contact does not let the user see them. (XEP-0100 §4.6.2)
func (u *user) onAuthDenied(p legacy.Peer, reason string) {
	ct := u.contacts[p.ID]
	if ct == nil || p.ID == "" {
		return
	}
	ct.Subscription &^= registry.AskTo | registry.To
	u.save(ct)
	denied := element.New(nsStanza, "presence").Set("from", ct.jid).Set("to", u.bare).Set("type", "unsubscribed")
	if reason = cleanText(reason); reason == "" {
		u.c.send(denied)
		return
	}
	u.c.send(denied.Add(element.New(nsStanza, "status").AddText(reason)))
	// Few clients show that.
	u.sendNotice(p.ID, "[does not let you see when they are online] "+reason, time.Time{})
}

// onAddedYou: somebody put the user on their list; the user may want the same.
func (u *user) onAddedYou(p legacy.Peer) {
	if ct := u.contacts[p.ID]; p.ID == "" || u.blocked[p.ID] || ct != nil && ct.Subscription != 0 {
		return
	}
	if len(u.contacts) >= maxContacts {
		return
	}
	u.askSubscription(u.contact(p.ID), "Has added you on "+u.c.cfg.Name+".")
}

// authorize answers a contact's request on the network.
func (u *user) authorize(ct *contact, allow bool, reason string) {
	editor, ok := u.legacySession().(legacy.RosterEditor)
	if !ok {
		return
	}
	if err := editor.Authorize(u.ctx, legacy.Peer{ID: ct.Peer}, allow, reason); err != nil {
		u.c.send(element.New(nsStanza, "presence").Set("from", ct.jid).Set("to", u.bare).
			Set("type", "error").Add(translateError(err).element()))
	}
}
