package component

import (
	"slices"

	"transport/component/element"
	"transport/legacy"
	"transport/registry"
)

// mergeContacts brings the network's list and ours together at sign-on.
func (u *user) mergeContacts(list []legacy.Contact) {
	stale := u.c.takeStale(u.bare)
	listed := make(map[string]bool, len(list))
	var changed []*contact
	for _, c := range list {
		if c.Peer.ID == "" || len(u.contacts) >= maxContacts {
			continue
		}
		listed[c.Peer.ID] = true
		if ct := u.mergeContact(c, stale); ct != nil {
			changed = append(changed, ct)
		}
	}
	u.save(changed...)
	if !u.c.info.Features.Has(legacy.FeatureRoster) {
		return
	}
	// A list that is empty all at once is more likely a server's loss than the
	// user's wish: put our contacts back.
	lost := len(list) == 0
	for _, ct := range u.contacts {
		switch {
		case ct.Peer == "" || listed[ct.Peer]:
		case ct.Subscription.Has(registry.Removed):
			u.forget(ct)
		case ct.Subscription.Has(registry.AskTo), ct.Listed && lost && ct.Subscription.Has(registry.To):
			u.addContact(ct, "")
		case ct.Listed: // removed with another client
			u.drop(ct)
		}
	}
	if stale {
		u.showStale()
	}
}

// showStale shows contacts offline that may look online since before the gateway was
// killed.
func (u *user) showStale() {
	u.hideBare()
	for _, ct := range u.contacts {
		if ct.Peer != "" && ct.Subscription.Has(registry.To) && ct.presence.Show == legacy.ShowOffline {
			ct.unshown = u.sendContactPresence(ct, u.bare, "") != nil
		}
	}
}

// hideBare takes back presence from bare addresses, which earlier versions sent: a client
// that still has it would show it until its next sign-on.
func (u *user) hideBare() {
	for _, ct := range u.contacts {
		if ct.Peer == "" || ct.Subscription.Has(registry.To) {
			u.c.sendPresence(ct.jid, u.bare, "unavailable", "")
		}
	}
}

// mergeContact brings one contact of the network's list in. It returns the row if
// it needs storing.
func (u *user) mergeContact(c legacy.Contact, stale bool) *contact {
	ct, known := u.contacts[c.Peer.ID], true
	if ct == nil {
		ct, known = u.contact(c.Peer.ID), false
	}
	before := ct.Contact
	ct.Name, ct.Groups, ct.Listed = c.Name, c.Groups, true
	switch {
	case ct.Subscription.Has(registry.Removed): // while signed off
		if editor, ok := u.legacySession().(legacy.RosterEditor); ok && editor.RemoveContact(u.ctx, c.Peer) == nil {
			u.forget(ct)
		}
		return nil
	case ct.Subscription.Has(registry.AskTo) && !c.AwaitingAuth:
		u.grant(ct, "")
		return nil
	case ct.Subscription.Has(registry.AskFrom) && stale, !known:
		u.offer(ct)
	}
	renamed := before.Name != ct.Name || !slices.Equal(before.Groups, ct.Groups)
	if known && before.Listed && !renamed && before.Subscription == ct.Subscription {
		return nil
	}
	if known && before.Listed && renamed && ct.Subscription.Has(registry.To) {
		u.tellRoster(ct)
	}
	return ct
}

// onContactChanged: the network's list changed, by us or by another client.
func (u *user) onContactChanged(c legacy.Contact) {
	if c.Peer.ID == "" || u.contacts[c.Peer.ID] == nil && len(u.contacts) >= maxContacts {
		return
	}
	if ct := u.mergeContact(c, false); ct != nil {
		u.save(ct)
	}
	u.onEdited(c.Peer)
	u.onAdded(c.Peer.ID, nil)
}

// onContactRemoved: a contact left the network's list, by another client.
// (XEP-0100 §5.2)
func (u *user) onContactRemoved(p legacy.Peer) {
	ct := u.contacts[p.ID]
	if ct == nil || p.ID == "" || ct.Subscription.Has(registry.AskTo) { // added again meanwhile
		return
	}
	u.drop(ct)
}

// onContactFailed: the network did not take a change of a contact.
func (u *user) onContactFailed(p legacy.Peer, err error) {
	defer u.onEdited(p)
	ct := u.contacts[p.ID]
	if ct == nil || p.ID == "" {
		return
	}
	why := translateError(err)
	defer u.onAdded(p.ID, err)
	switch legacy.KindOf(err) {
	case legacy.Temporary, legacy.RateLimited, legacy.Offline:
		// It stays asked for, and is tried again at the next sign-on.
	default:
		if ct.Subscription.Has(registry.AskTo) {
			u.c.sendPresence(ct.jid, u.bare, "unsubscribed", "")
			u.forget(ct)
		}
	}
	u.c.send(element.New(nsStanza, "presence").Set("from", ct.jid).Set("to", u.bare).
		Set("type", "error").Add(why.element()))
}
