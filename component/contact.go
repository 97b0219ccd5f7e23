package component

import (
	"time"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// contact is one of the user's contacts, or with the peer "" the gateway itself.
// We are the presence server of all of them: the state of their subscriptions is
// ours to keep.
type contact struct {
	registry.Contact
	jid      string
	presence legacy.Presence
	avatar   *avatar // nil for none, or not known
	flaps    flaps
	unshown  bool        // the presence changed while it could not be sent
	offered  bool        // the user's client has proposed the contact to the user
	changed  bool        // the roster does not have the name or the groups yet
	inRoster rosterEntry // as it was read last
	naming   *nickQuery  // for what the network calls them, nil if it was not asked
	editing  bool        // a change of the user's is on its way to the network
}

const (
	askPace     = 100 * time.Millisecond // between requests for a subscription
	maxContacts = 10_000
)

// contact finds or makes the row of a peer.
func (u *user) contact(peer string) *contact {
	ct := u.contacts[peer]
	if ct == nil {
		ct = &contact{
			Contact: registry.Contact{Network: u.c.domain, User: u.bare, Peer: peer},
			jid:     u.c.contactJID(peer),
		}
		u.contacts[peer] = ct
	}
	return ct
}

// save stores a contact's row. A failure costs no more than a repeated request
// after a restart, so it is only logged.
func (u *user) save(cts ...*contact) {
	if len(cts) == 0 || u.account == nil {
		return
	}
	rows := make([]registry.Contact, len(cts))
	for i, ct := range cts {
		rows[i] = ct.Contact
	}
	ctx, cancel := u.storing()
	defer cancel()
	if err := u.c.cfg.Registry.PutContacts(ctx, rows); err != nil {
		u.log.Error().Err(err).Msg("cannot store contacts")
	}
}

// forget removes a contact's row.
func (u *user) forget(ct *contact) {
	delete(u.contacts, ct.Peer)
	ctx, cancel := u.storing()
	defer cancel()
	if err := u.c.cfg.Registry.DeleteContact(ctx, u.c.domain, u.bare, ct.Peer); err != nil && !isNotFound(err) {
		u.log.Error().Err(err).Msg("cannot remove a contact")
	}
}

// onSubscription handles the four subscription stanzas. (RFC 6121 §3, XEP-0100
// §4.6, §4.7)
func (u *user) onSubscription(st *inbound) {
	guest := !u.isRegistered() && u.c.info.Guests
	if guest && st.to.Local == "" {
		u.onGuestSubscription(st)
		return
	}
	if u.account == nil && !guest {
		if st.typ == "subscribe" {
			u.c.refuseSubscription(st)
			return
		}
		u.c.refuse(st, errRegisterFirst)
		return
	}
	peer, err := legacy.Peer{}, error(nil)
	if st.to.Local != "" {
		peer, err = u.c.peer(st.to)
	}
	if err == nil && len(u.contacts) > maxContacts && u.contacts[peer.ID] == nil {
		err = legacy.Errorf(legacy.RateLimited, "You have too many contacts.")
	}
	if err != nil {
		if st.typ == "subscribe" { // XEP-0100 §4.6: there is nobody to add
			u.c.sendPresence(st.to.Bare().String(), u.bare, "unsubscribed", "")
			u.c.refuse(st, translateError(err))
		}
		return
	}
	if guest { // whom they want to see is to be kept; there is nobody yet for the rest
		if st.typ != "subscribe" {
			return
		}
		if why := u.keepAccount(); why != nil {
			u.c.refuse(st, *why)
			return
		}
	}
	ct := u.contacts[peer.ID]
	if ct == nil {
		if st.typ == "unsubscribe" || st.typ == "unsubscribed" {
			return
		}
		ct = u.contact(peer.ID)
	}
	if st.typ == "subscribe" || st.typ == "subscribed" {
		ct.Subscription &^= registry.Removed
	}
	reason := cleanText(st.ChildText(nsComponent, "status"))
	switch st.typ {
	case "subscribe":
		u.onSubscribe(ct, reason, st.id)
	case "subscribed":
		u.onSubscribed(ct)
	case "unsubscribe":
		u.onUnsubscribe(ct)
	case "unsubscribed":
		u.onUnsubscribed(ct, reason)
	}
}

// onGuestSubscription lets somebody who is not registered have the gateway on their
// list. It is always there, so that nothing need be remembered.
func (u *user) onGuestSubscription(st *inbound) {
	switch st.typ {
	case "subscribe":
		u.c.sendPresence(u.c.domain, u.bare, "subscribed", st.id)
		u.sendGatewayPresence(u.bare)
		u.c.sendPresence(u.c.domain, u.bare, "subscribe", "")
	case "unsubscribe":
		u.c.sendPresence(u.c.full(u.c.domain), u.bare, "unavailable", "")
		u.c.sendPresence(u.c.domain, u.bare, "unsubscribed", st.id)
		u.c.sendPresence(u.c.domain, u.bare, "unsubscribe", "")
	}
}

// onSubscribe: the user wants to see a contact.
func (u *user) onSubscribe(ct *contact, reason, id string) {
	_, edits := u.legacySession().(legacy.RosterEditor)
	switch {
	case ct.Peer == "", ct.Subscription.Has(registry.To | registry.From):
		u.grant(ct, id)
		return
	case ct.Subscription.Has(registry.To), !u.c.info.Features.Has(legacy.FeatureRoster):
		u.readRoster(func() {
			if u.contacts[ct.Peer] == ct {
				u.grant(ct, id)
			}
		})
		return
	}
	ct.Subscription |= registry.AskTo
	u.save(ct)
	if edits {
		u.readRoster(func() { // the user may have named the contact, and chosen a group
			if u.contacts[ct.Peer] == ct && ct.Subscription.Has(registry.AskTo) {
				u.addContact(ct, reason)
			}
		})
	} // else it is added once the session is ready
}

// legacySession is the session that commands may go to, nil if there is none.
func (u *user) legacySession() legacy.Session {
	if s := u.session; s != nil && s.ready && !s.ending {
		return s.legacy
	}
	return nil
}

// addContact puts a contact on the network's list.
func (u *user) addContact(ct *contact, reason string) {
	editor, ok := u.legacySession().(legacy.RosterEditor)
	if !ok {
		return
	}
	err := editor.AddContact(u.ctx, legacy.Contact{Peer: legacy.Peer{ID: ct.Peer}, Name: ct.Name, Groups: ct.Groups}, reason)
	if err != nil {
		u.onContactFailed(legacy.Peer{ID: ct.Peer}, err)
	}
}

// grant lets the user see a contact, and asks in turn that the contact may see
// the user. (XEP-0100 §4.6.1)
func (u *user) grant(ct *contact, id string) {
	ct.Subscription = ct.Subscription&^registry.AskTo | registry.To
	u.save(ct)
	u.watch(ct, true)
	u.c.sendPresence(ct.jid, u.bare, "subscribed", id)
	switch {
	case ct.Peer != "":
		ct.unshown = u.sendContactPresence(ct, u.bare, "") != nil
	case u.legacySession() != nil:
		u.sendGatewayPresence(u.bare)
	}
	asked := ct.Subscription.Has(registry.AskFrom) && !ct.offered || ct.Subscription.Has(registry.Refused)
	if ct.offered = false; ct.Subscription.Has(registry.From) || asked {
		return
	}
	if ct.Peer != "" && u.writesRoster() {
		u.offer(ct)
		u.save(ct)
		return
	}
	reason := u.whyGateway()
	if ct.Peer != "" {
		reason = "You have added this contact on " + u.c.cfg.Name + ". Allow this too, so that they see when you are online."
	}
	u.askSubscription(ct, reason)
}

// askSubscription sends the user a contact's request to see the user.
// (XEP-0100 §5.1)
func (u *user) askSubscription(ct *contact, reason string) {
	ct.Subscription |= registry.AskFrom
	u.save(ct)
	u.withNick(ct, func() {
		if u.contacts[ct.Peer] == ct && ct.Subscription.Has(registry.AskFrom) {
			u.sendSubscribe(ct, reason)
		}
	})
}

// sendSubscribe sends a request, which says who asks and why. (XEP-0172 §4.1)
func (u *user) sendSubscribe(ct *contact, reason string) {
	p := element.New(nsStanza, "presence").Set("from", ct.jid).Set("to", u.bare).Set("type", "subscribe")
	if reason != "" {
		p.Add(element.New(nsStanza, "status").AddText(reason))
	}
	if name := u.nameOf(ct); name != "" {
		p.Add(xep.Nick(name))
	}
	u.c.send(p)
}

// watch has the network tell a contact's presence, or no longer, where that has to be
// asked for.
func (u *user) watch(ct *contact, on bool) {
	watcher, ok := u.legacySession().(legacy.Watcher)
	if !ok || ct.Peer == "" {
		return
	}
	if p, err := u.c.cfg.Network.ParsePeer(ct.Peer); err == nil && !p.Room {
		if err := watcher.Watch(u.ctx, p, on); err != nil {
			u.log.Debug().Err(err).Msg("cannot watch a contact")
		}
	}
}

// watchContacts does so for all whom the user wants to see.
func (u *user) watchContacts() {
	for _, ct := range u.contacts {
		if ct.Subscription.Has(registry.To) {
			u.watch(ct, true)
		}
	}
}

// onSubscribed: the user lets a contact see their presence.
func (u *user) onSubscribed(ct *contact) {
	asked := ct.Subscription.Has(registry.AuthAsked)
	before := ct.Subscription
	ct.Subscription = ct.Subscription&^(registry.AskFrom|registry.AuthAsked|registry.Refused) | registry.From
	if ct.Subscription != before {
		u.save(ct)
	}
	if asked {
		u.authorize(ct, true, "")
	}
}

// onUnsubscribe: the user wants to see a contact no longer.
func (u *user) onUnsubscribe(ct *contact) {
	ct.Subscription &^= registry.To | registry.AskTo
	u.watch(ct, false)
	u.c.sendPresence(ct.jid, u.bare, "unsubscribed", "")
	u.c.sendPresence(u.c.full(ct.jid), u.bare, "unavailable", "")
	u.endContact(ct)
}

// onUnsubscribed: the user does not let a contact see their presence, or no
// longer.
func (u *user) onUnsubscribed(ct *contact, reason string) {
	asked, saw := ct.Subscription.Has(registry.AuthAsked), ct.Subscription.Has(registry.From)
	ct.Subscription &^= registry.From | registry.AskFrom | registry.AuthAsked
	if asked {
		u.authorize(ct, false, reason)
	}
	if !saw {
		ct.Subscription |= registry.Refused // never asked again
	}
	if saw || ct.Subscription.Has(registry.To) {
		u.endContact(ct)
		return
	}
	u.save(ct)
}

// endContact stores what is left of a subscription; when nothing is left in
// either direction, the contact leaves the network's list. (XEP-0100 §4.7)
func (u *user) endContact(ct *contact) {
	if ct.Peer == "" || ct.Subscription.Has(registry.To) || ct.Subscription.Has(registry.From) || ct.Subscription.Has(registry.AskTo) {
		u.save(ct)
		return
	}
	ct.Subscription = registry.Removed
	editor, ok := u.legacySession().(legacy.RosterEditor)
	if !ok && ct.Listed {
		u.save(ct) // it leaves the network's list at the next sign-on
		return
	}
	if ok {
		if err := editor.RemoveContact(u.ctx, legacy.Peer{ID: ct.Peer}); err != nil {
			u.log.Warn().Err(err).Str("peer", ct.Peer).Msg("cannot remove a contact")
			u.save(ct)
			return
		}
	}
	u.forget(ct)
}
