package component

import (
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// contact is one of the user's contacts or, with the peer "", the gateway itself. The
// gateway is the presence server of all of them and keeps their subscription states.
type contact struct {
	registry.Contact
	jid         string
	presence    legacy.Presence
	avatar      *avatar // nil if there is none or it is unknown
	flaps       flaps
	unsent      bool        // the presence changed while it could not be sent
	suggested   bool        // sent by roster item exchange
	rosterStale bool        // the roster item lacks the current name or groups
	inRoster    rosterEntry // the roster item that was read last
	nickQuery   *nickQuery  // nil before the first query
	editing     bool        // an edit of the user's is pending on the network
}

const (
	offerPace   = 100 * time.Millisecond // between two offers
	maxContacts = 10_000                 // limit: contacts of a user, and blocked peers | a further one is refused or ignored: resource-constraint
)

// contact returns the contact of a peer, and creates it if there is none.
func (ro *roster) contact(peer string) *contact {
	ct := ro.contacts[peer]
	if ct == nil {
		ct = &contact{
			Contact: registry.Contact{Network: ro.u.c.domain, User: ro.u.bare, Peer: peer},
			jid:     ro.u.c.peers.JID(peer),
		}
		ro.contacts[peer] = ct
	}
	return ct
}

// save stores contacts. An error costs no more than a repeated offer after a restart, so
// that it is only logged.
func (ro *roster) save(cts ...*contact) {
	if len(cts) == 0 || !ro.u.account.exists() {
		return
	}
	rows := make([]registry.Contact, len(cts))
	for i, ct := range cts {
		rows[i] = ct.Contact
	}
	ctx, cancel := ro.u.storing()
	defer cancel()
	if err := ro.u.c.cfg.Registry.PutContacts(ctx, rows); err != nil {
		ro.u.log.Error().Err(err).Msg("cannot store contacts")
	}
}

// forget deletes a contact.
func (ro *roster) forget(ct *contact) {
	delete(ro.contacts, ct.Peer)
	ctx, cancel := ro.u.storing()
	defer cancel()
	if err := ro.u.c.cfg.Registry.DeleteContact(ctx, ro.u.c.domain, ro.u.bare, ct.Peer); err != nil && !isNotFound(err) {
		ro.u.log.Error().Err(err).Msg("cannot remove a contact")
	}
}

// onSubscription handles the four subscription stanzas. (RFC 6121 §3, XEP-0100 §4.6,
// §4.7)
func (ro *roster) onSubscription(st *stanza.Inbound) {
	guest := !ro.u.account.isRegistered() && ro.u.c.info.Guests
	if guest && st.To.Local == "" {
		ro.onGuestSubscription(st)
		return
	}
	if !ro.u.account.exists() && !guest {
		if st.Type == "subscribe" {
			ro.u.c.refuseSubscription(st)
			return
		}
		st.Refuse(stanza.ErrRegisterFirst)
		return
	}
	peer, err := legacy.Peer{}, error(nil)
	if st.To.Local != "" {
		peer, err = ro.u.c.peers.Contact(st.To)
	}
	if err == nil && len(ro.contacts) > maxContacts && ro.contacts[peer.ID] == nil {
		err = legacy.Errorf(legacy.RateLimited, "You have too many contacts.")
	}
	if err != nil {
		if st.Type == "subscribe" { // XEP-0100 §4.6: there is nobody to add
			ro.u.c.sendPresence(st.To.Bare().String(), ro.u.bare, "unsubscribed", "")
			st.Refuse(stanza.Translate(err))
		}
		return
	}
	if guest { // a contact needs a registration to be stored in
		if st.Type != "subscribe" {
			return
		}
		if why := ro.u.account.keepAccount(); why != nil {
			st.Refuse(*why)
			return
		}
	}
	ct := ro.contacts[peer.ID]
	if ct == nil {
		if st.Type == "unsubscribe" || st.Type == "unsubscribed" {
			return
		}
		ct = ro.contact(peer.ID)
	}
	if st.Type == "subscribe" || st.Type == "subscribed" {
		ct.Subscription &^= registry.Removed
	}
	reason := body.Clean(st.ChildText(stanza.NS, "status"))
	switch st.Type {
	case "subscribe":
		ro.onSubscribe(ct, reason, st.ID)
	case "subscribed":
		ro.onSubscribed(ct)
	case "unsubscribe":
		ro.onUnsubscribe(ct)
	case "unsubscribed":
		ro.onUnsubscribed(ct, reason)
	}
}

// onGuestSubscription handles a guest's subscription to the gateway. Nothing is stored,
// since the gateway is always available.
func (ro *roster) onGuestSubscription(st *stanza.Inbound) {
	switch st.Type {
	case "subscribe":
		ro.u.c.sendPresence(ro.u.c.domain, ro.u.bare, "subscribed", st.ID)
		ro.sendGatewayPresence(ro.u.bare)
		ro.enterGateway()
	case "unsubscribe":
		ro.u.c.sendGone(ro.u.c.domain, ro.u.bare)
		ro.u.c.sendPresence(ro.u.c.domain, ro.u.bare, "unsubscribed", st.ID)
		ro.u.c.sendPresence(ro.u.c.domain, ro.u.bare, "unsubscribe", "")
	}
}

// onSubscribe handles the user's subscription request to a contact.
func (ro *roster) onSubscribe(ct *contact, reason, id string) {
	ro.keepItem(ct.jid)
	_, edits := ro.u.login.legacySession().(legacy.RosterEditor)
	switch {
	case ct.Peer == "", ct.Subscription.Has(registry.To | registry.From):
		ro.approveSubscription(ct, id)
		return
	case ct.Subscription.Has(registry.To), !ro.u.c.info.Features.Has(legacy.FeatureRoster):
		ro.readRoster(func() {
			if ro.contacts[ct.Peer] == ct {
				ro.approveSubscription(ct, id)
			}
		})
		return
	}
	ct.Subscription |= registry.AskTo
	ro.save(ct)
	if edits {
		ro.readRoster(func() { // the user may have named the contact, and chosen a group
			if ro.contacts[ct.Peer] == ct && ct.Subscription.Has(registry.AskTo) {
				ro.addContact(ct, reason)
			}
		})
	} // else it is added once the session is ready
}

// addContact adds a contact to the network's list.
func (ro *roster) addContact(ct *contact, reason string) {
	if _, ok := ro.u.login.legacySession().(legacy.RosterEditor); ok {
		ro.edit(ct.Peer, reason)
	}
}

// approveSubscription approves the user's subscription to a contact, and requests the
// subscription in the other direction. (XEP-0100 §4.6.1)
func (ro *roster) approveSubscription(ct *contact, id string) {
	ct.Subscription = ct.Subscription&^registry.AskTo | registry.To
	ro.save(ct)
	ro.watch(ct, true)
	ro.u.c.sendPresence(ct.jid, ro.u.bare, "subscribed", id)
	switch {
	case ct.Peer != "":
		ct.unsent = ro.sendContactPresence(ct, ro.u.bare, "") != nil
	case ro.u.login.legacySession() != nil:
		ro.sendGatewayPresence(ro.u.bare)
	}
	asked := ct.Subscription.Has(registry.AskFrom) && !ct.suggested || ct.Subscription.Has(registry.Refused)
	if ct.suggested = false; ct.Subscription.Has(registry.From) || asked {
		return
	}
	if ct.Peer != "" && ro.writesRoster() {
		ro.offer(ct)
		ro.save(ct)
		return
	}
	reason := ro.whyGateway()
	if ct.Peer != "" {
		reason = "You have added this contact on " + ro.u.c.cfg.Name + ". Allow this too, so that they see when you are online."
	}
	ro.askSubscription(ct, reason)
}

// askSubscription sends the user a contact's subscription request. (XEP-0100 §5.1)
func (ro *roster) askSubscription(ct *contact, reason string) {
	ct.Subscription |= registry.AskFrom
	ro.save(ct)
	ro.withNick(ct, func() {
		if ro.contacts[ct.Peer] == ct && ct.Subscription.Has(registry.AskFrom) {
			ro.sendSubscribe(ct, reason)
		}
	})
}

// sendSubscribe sends a subscription request with the contact's nick and a reason.
// (XEP-0172 §4.1)
func (ro *roster) sendSubscribe(ct *contact, reason string) {
	p := element.New(stanza.NS, "presence").Set("from", ct.jid).Set("to", ro.u.bare).Set("type", "subscribe")
	if reason != "" {
		p.Add(element.New(stanza.NS, "status").AddText(reason))
	}
	if name := ro.nameOf(ct); name != "" {
		p.Add(xep.Nick(name))
	}
	ro.u.c.send(p)
}

// watch subscribes to a contact's presence on networks that require it, or unsubscribes.
func (ro *roster) watch(ct *contact, on bool) {
	watcher, ok := ro.u.login.legacySession().(legacy.Watcher)
	if !ok || ct.Peer == "" {
		return
	}
	if p, err := ro.u.c.cfg.Network.ParsePeer(ct.Peer); err == nil && !p.Room {
		if err := watcher.Watch(ro.u.ctx, p, on); err != nil {
			ro.u.log.Debug().Err(err).Msg("cannot watch a contact")
		}
	}
}

// watchContacts subscribes to the presence of all contacts that the user is subscribed
// to.
func (ro *roster) watchContacts() {
	for _, ct := range ro.contacts {
		if ct.Subscription.Has(registry.To) {
			ro.watch(ct, true)
		}
	}
}

// onSubscribed handles the user's approval of a contact's subscription.
func (ro *roster) onSubscribed(ct *contact) {
	asked := ct.Subscription.Has(registry.AuthAsked)
	before := ct.Subscription
	ct.Subscription = ct.Subscription&^(registry.AskFrom|registry.AuthAsked|registry.Refused) | registry.From
	if ct.Subscription != before {
		ro.save(ct)
	}
	if asked {
		ro.authorize(ct, true, "")
	}
}

// onUnsubscribe handles the end of the user's subscription to a contact.
func (ro *roster) onUnsubscribe(ct *contact) {
	ct.Subscription &^= registry.To | registry.AskTo
	ro.watch(ct, false)
	ro.u.c.sendPresence(ct.jid, ro.u.bare, "unsubscribed", "")
	ro.u.c.sendGone(ct.jid, ro.u.bare)
	ro.endContact(ct)
}

// onUnsubscribed handles the denial or the end of a contact's subscription to the user.
func (ro *roster) onUnsubscribed(ct *contact, reason string) {
	asked, saw := ct.Subscription.Has(registry.AuthAsked), ct.Subscription.Has(registry.From)
	ct.Subscription &^= registry.From | registry.AskFrom | registry.AuthAsked
	if asked {
		ro.authorize(ct, false, reason)
	}
	if !saw {
		ct.Subscription |= registry.Refused // never asked again
	}
	if saw || ct.Subscription.Has(registry.To) {
		ro.endContact(ct)
		return
	}
	ro.save(ct)
}

// endContact stores what is left of a subscription. Without a subscription in either
// direction the contact is removed from the network's list. (XEP-0100 §4.7)
func (ro *roster) endContact(ct *contact) {
	if ct.Peer == "" || ct.Subscription.Has(registry.To) || ct.Subscription.Has(registry.From) || ct.Subscription.Has(registry.AskTo) {
		ro.save(ct)
		return
	}
	ct.Subscription = registry.Removed
	_, ok := ro.u.login.legacySession().(legacy.RosterEditor)
	switch {
	case ok:
		ro.edit(ct.Peer, "")
		if ro.contacts[ct.Peer] == ct { // it waits
			ro.save(ct)
		}
	case ct.Listed:
		ro.save(ct) // it leaves the network's list at the next sign-on
	default:
		ro.forget(ct)
	}
}
