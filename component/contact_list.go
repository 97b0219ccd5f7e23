package component

import (
	"slices"

	"transport/component/element"
	"transport/component/stanza"
	"transport/legacy"
	"transport/registry"
)

// mergeContacts merges the network's contact list with the stored contacts at sign-on.
func (ro *roster) mergeContacts(list []legacy.Contact) {
	stale := ro.u.c.takeStale(ro.u.bare)
	listed := make(map[string]bool, len(list))
	var changed []*contact
	for _, c := range list {
		if c.Peer.ID == "" {
			continue
		}
		listed[c.Peer.ID] = true // what does not fit is not removed either
		if ro.contacts[c.Peer.ID] == nil && len(ro.contacts) >= maxContacts {
			continue
		}
		if ct := ro.mergeContact(c, stale); ct != nil {
			changed = append(changed, ct)
		}
	}
	ro.save(changed...)
	if !ro.u.c.info.Features.Has(legacy.FeatureRoster) {
		return
	}
	// A list that is empty all at once is more likely a server's loss than the
	// user's wish: put our contacts back.
	lost := len(list) == 0
	for _, ct := range ro.contacts {
		switch {
		case ct.Peer == "" || listed[ct.Peer]:
		case ct.revive():
			ro.save(ct)
		case ct.Subscription.Has(registry.Removed):
			ro.forget(ct)
		case ct.Subscription.Has(registry.AskTo), ct.Listed && lost && ct.Subscription.Has(registry.To):
			ro.addContact(ct, "")
		case ct.Listed: // removed with another client
			ro.removeFromRoster(ct)
		}
	}
	if stale {
		ro.showStale()
	}
}

// showStale sends unavailable presence of contacts that may appear online since before
// the gateway was killed.
func (ro *roster) showStale() {
	ro.hideBare()
	for _, ct := range ro.contacts {
		if ct.Peer != "" && ct.Subscription.Has(registry.To) && ct.presence.Show == legacy.ShowOffline {
			ct.unsent = ro.sendContactPresence(ct, ro.u.bare, "") != nil
		}
	}
}

// hideBare takes back contacts' presence from bare addresses, which earlier versions sent:
// a client that still has it would show it until its next sign-on. The gateway itself still
// sends it.
func (ro *roster) hideBare() {
	for _, ct := range ro.contacts {
		if ct.Peer != "" && ct.Subscription.Has(registry.To) {
			ro.u.c.sendPresence(ct.jid, ro.u.bare, "unavailable", "")
		}
	}
}

// mergeContact merges one contact of the network's list. It returns the contact if it
// must be stored.
func (ro *roster) mergeContact(c legacy.Contact, stale bool) *contact {
	ct, known := ro.contacts[c.Peer.ID], true
	if ct == nil {
		ct, known = ro.contact(c.Peer.ID), false
	}
	before := ct.Contact
	ct.Name, ct.Groups, ct.Listed = c.Name, c.Groups, true
	switch {
	case ct.Subscription.Has(registry.Removed): // while signed off
		ro.edit(c.Peer.ID, "")
		return nil
	case ct.Subscription.Has(registry.AskTo) && !c.AwaitingAuth:
		ro.approveSubscription(ct, "")
		return nil
	case ct.Subscription.Has(registry.AskFrom) && stale, !known:
		ro.offer(ct)
	}
	renamed := before.Name != ct.Name || !slices.Equal(before.Groups, ct.Groups)
	if known && before.Listed && !renamed && before.Subscription == ct.Subscription {
		return nil
	}
	if known && before.Listed && renamed && ct.Subscription.Has(registry.To) {
		ro.updateRosterItem(ct)
	}
	return ct
}

// onContactChanged handles a change of the network's contact list, by us or by another
// client.
func (ro *roster) onContactChanged(c legacy.Contact) {
	if c.Peer.ID == "" || ro.contacts[c.Peer.ID] == nil && len(ro.contacts) >= maxContacts {
		return
	}
	ro.endEdit(c.Peer.ID, nil)
	defer ro.editNext()
	if ct := ro.mergeContact(c, false); ct != nil {
		ro.save(ct)
	}
	ro.u.account.onEdited(c.Peer)
	ro.onAdded(c.Peer.ID, nil)
}

// onContactRemoved handles the removal of a contact by another client. (XEP-0100 §5.2)
func (ro *roster) onContactRemoved(p legacy.Peer) {
	ro.endEdit(p.ID, nil)
	defer ro.editNext()
	defer ro.u.account.onEdited(p)
	ct := ro.contacts[p.ID]
	switch {
	case ct == nil, p.ID == "", ct.Subscription.Has(registry.AskTo): // added again meanwhile
	case ct.revive():
		ro.save(ct)
	case ct.Subscription.Has(registry.Removed): // by the user
		ro.forget(ct)
	default:
		ro.removeFromRoster(ct)
	}
}

// revive makes a contact that the user has removed, and that waits for the user's
// authorization since, an ordinary one that is not listed. It returns false for any other.
func (ct *contact) revive() bool {
	if !ct.Subscription.Has(registry.Removed | registry.AuthAsked) {
		return false
	}
	ct.Subscription &^= registry.Removed
	ct.Listed = false
	return true
}

// onContactFailed handles the network's rejection of an edit.
func (ro *roster) onContactFailed(p legacy.Peer, err error) {
	defer ro.editNext()
	if ro.endEdit(p.ID, err) {
		return
	}
	defer ro.u.account.onEdited(p)
	ct := ro.contacts[p.ID]
	if ct == nil || p.ID == "" { // removed meanwhile, or never stored
		ro.u.log.Debug().Err(err).Str("peer", p.ID).Msg("an edit failed for a peer that is not a contact")
		return
	}
	if ct.Subscription.Has(registry.Removed) { // it is tried again at the next sign-on
		ro.u.log.Warn().Err(err).Str("peer", p.ID).Msg("cannot remove a contact")
		ro.u.notify(ct.jid + " is still on your list on the network: " + userText(err) + " The gateway tries again when you sign on.")
		return
	}
	why := stanza.Translate(err)
	defer ro.onAdded(p.ID, err)
	switch legacy.KindOf(err) {
	case legacy.Temporary, legacy.RateLimited, legacy.Offline:
		// It stays asked for, and is tried again at the next sign-on.
	default:
		if ct.Subscription.Has(registry.AskTo) {
			ro.u.c.sendPresence(ct.jid, ro.u.bare, "unsubscribed", "")
			if ct.Subscription &^= registry.AskTo; ct.Subscription != 0 || ct.Listed {
				ro.save(ct) // another client has added it, or it sees the user
			} else {
				ro.forget(ct)
			}
		}
	}
	ro.u.c.send(element.New(stanza.NS, "presence").Set("from", ct.jid).Set("to", ro.u.bare).
		Set("type", "error").Add(why.Element()))
}
