package component

import (
	"strconv"
	"strings"
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// resource is one available client of the user.
type resource struct {
	presence   legacy.Presence
	priority   int
	features   map[string]bool // its capabilities, nil if unknown
	queriedVer string          // the caps hash of the last query
	awaiting   bool            // the query is pending
}

// maxResources is the most clients of a user that are tracked.
const maxResources = 64 // limit: clients of a user, and clients that only send messages | presence of a further one is refused: resource-constraint

// onPresence handles a presence stanza from the user. (RFC 6121 §3, §4)
func (u *user) onPresence(st *stanza.Inbound) {
	if peer, ok := u.c.peers.Room(st.To); ok {
		u.rooms.onRoomPresence(st, peer)
		return
	}
	switch st.Type {
	case "":
		if why := u.c.notARoom(st); why != nil {
			st.Refuse(*why)
			return
		}
		u.clients.onAvailable(st)
	case "unavailable":
		u.clients.onUnavailable(st)
	case "probe":
		u.roster.onProbe(st)
	case "error":
		u.clients.onPresenceError(st)
	case "subscribe", "subscribed", "unsubscribe", "unsubscribed":
		u.roster.onSubscription(st)
	default:
		st.Refuse(stanza.ErrBadRequest)
	}
}

// onAvailable handles available presence. The first client signs the user on. (XEP-0100
// §4.4)
func (cl *clients) onAvailable(st *stanza.Inbound) {
	if !cl.u.account.exists() {
		if !cl.u.c.info.Guests { // guests may subscribe to the gateway without sending it presence
			st.Refuse(stanza.ErrRegisterFirst)
		}
		return
	}
	full := st.From.String()
	if _, known := cl.resources[full]; !known && len(cl.resources) >= maxResources {
		st.Refuse(stanza.ErrBusy)
		return
	}
	came := len(cl.resources) == 0
	r, before := translateResource(st.Element, cl.u.c.clock.Now()), cl.resources[full]
	r.features, r.queriedVer, r.awaiting = before.features, before.queriedVer, before.awaiting
	cl.resources[full] = r
	cl.u.rooms.SetClientOffline(full, false)
	cl.queryCaps(full, st.Element)
	cl.onAvatarHash(st.Element)
	if came && legacy.KindOf(cl.u.login.signOnError()) == legacy.Replaced {
		cl.u.login.clearSignOnError() // the user came back on purpose
	}
	if cl.u.login.signOnError() != nil && st.To.Local == "" { // XEP-0100 §4.4.2
		cl.u.roster.sendPresenceError(full, stanza.Translate(cl.u.login.signOnError()))
	}
	if cl.u.login.isReady() {
		cl.showOwnPresence()
		cl.u.roster.sendUnsent()
		if before.presence.Show == legacy.ShowOffline { // it has just come
			cl.u.roster.readRosterAgain()
		}
	}
}

// onUnavailable handles unavailable presence. After the last client the user is signed
// off. (XEP-0100 §4.5)
func (cl *clients) onUnavailable(st *stanza.Inbound) {
	if st.To.Local != "" && cl.u.roster.gatewaySees() {
		return // hidden from one contact only; the gateway's own would have come too
	}
	if st.From.Resource == "" {
		// Prosody sends one just before "subscribed": it is about resources that
		// were never named.
		return
	}
	full := st.From.String()
	cl.u.rooms.SetClientOffline(full, true)
	if _, known := cl.resources[full]; !known {
		return
	}
	if delete(cl.resources, full); len(cl.resources) == 0 {
		cl.active = time.Time{}
	}
	switch {
	case len(cl.resources) > 0, cl.u.account.option(optStay):
		cl.u.login.endGrace()
		cl.showOwnPresence()
	default:
		cl.u.login.startGrace()
	}
}

// onPresenceError handles a presence error: the client that our presence was sent to is
// gone. (RFC 6121 §4.3.2, §4.4.2)
func (cl *clients) onPresenceError(st *stanza.Inbound) {
	x := st.Child(stanza.NS, "error")
	if x == nil || st.From.Resource == "" {
		return
	}
	for _, gone := range []stanza.Condition{stanza.Gone, stanza.ItemNotFound, stanza.RecipientUnavailable,
		stanza.RemoteServerNotFound, stanza.ServiceUnavailable} {
		if x.Child(stanza.NSErrors, string(gone)) != nil {
			delete(cl.resources, st.From.String())
			cl.u.rooms.RemoveClient(st.From.String())
			cl.showOwnPresence()
			return
		}
	}
}

// gatewaySees reports whether the gateway is subscribed to the user's presence.
func (ro *roster) gatewaySees() bool {
	gw := ro.contacts[""]
	return gw != nil && gw.Subscription.Has(registry.From)
}

// online reports whether a client with a non-negative priority is available. Others
// receive no messages. (RFC 6121 §4.7.2.3)
func (cl *clients) online() bool {
	for _, r := range cl.resources {
		if r.priority >= 0 {
			return true
		}
	}
	return false
}

// ownPresence returns the presence that the network gets: that of the client with the
// highest priority, and of equals the most available one.
func (cl *clients) ownPresence() legacy.Presence {
	best := resource{priority: -1}
	for _, r := range cl.resources {
		if r.priority > best.priority || r.priority == best.priority && r.presence.Show > best.presence.Show {
			best = r
		}
	}
	if len(cl.resources) == 0 { // they may show themselves to rooms only
		best.presence = cl.u.rooms.OwnPresence()
	}
	switch {
	case best.presence.Show != legacy.ShowOffline:
	case len(cl.resources) == 0 && (cl.u.account.option(optStay) || cl.u.rooms.OnlyPersistent()):
		best.presence.Show = legacy.ShowXA
	default:
		best.presence.Show = legacy.ShowOnline // just registered; the client has sent no presence yet
	}
	if cl.u.account.option(optInvisible) && cl.u.c.info.Features.Has(legacy.FeatureInvisible) {
		return legacy.Presence{Show: legacy.ShowInvisible}
	}
	if cl.u.account.option(optHideStatus) {
		best.presence.Status = ""
	}
	for _, r := range cl.resources { // the user is idle only if all clients are
		if r.priority >= 0 && r.presence.Idle.IsZero() {
			best.presence.Idle = time.Time{}
		}
	}
	return best.presence
}

// showOwnPresence sends the user's presence to the network if it has changed.
func (cl *clients) showOwnPresence() {
	if err := cl.sendPresence(); err != nil {
		cl.u.log.Warn().Err(err).Msg("cannot show the user's presence")
	}
}

// sendPresence is showOwnPresence with the session's error.
func (cl *clients) sendPresence() error {
	p, ok := cl.u.login.legacySession().(legacy.Presencer)
	now := cl.ownPresence()
	if !ok || now == cl.sentPresence {
		return nil
	}
	if err := p.SetPresence(cl.u.ctx, now); err != nil {
		return err
	}
	cl.sentPresence = now
	return nil
}

// onProbe answers a presence probe. It always answers, since servers do not cache the
// presence of remote contacts. (RFC 6121 §4.3.2)
func (ro *roster) onProbe(st *stanza.Inbound) {
	to, bare := st.From.String(), st.To.Bare().String()
	up := ro.u.login.legacySession() != nil
	if st.To.Local == "" {
		switch {
		case !ro.u.account.isRegistered() && ro.u.c.info.Guests:
			ro.sendGatewayPresence(to)
		case !ro.u.account.exists():
			ro.u.c.sendPresence(bare, to, "unsubscribed", st.ID)
		case up:
			ro.sendGatewayPresence(to)
		default:
			ro.u.c.sendPresence(ro.u.c.peers.Full(bare), to, "unavailable", st.ID)
		}
		return
	}
	ct := ro.contactAt(st)
	switch {
	case !ro.u.account.exists(), up && (ct == nil || !ct.Subscription.Has(registry.To) && !ct.Listed):
		ro.u.c.sendPresence(bare, to, "unsubscribed", st.ID)
	case !up || ct == nil:
		ro.u.c.sendPresence(ro.u.c.peers.Full(bare), to, "unavailable", st.ID)
	default:
		if !ct.Subscription.Has(registry.To) { // the server knows better than a new database
			ct.Subscription |= registry.To
			ro.save(ct)
		}
		if ct.presence.Show <= legacy.ShowInvisible && !ct.LastSeen.IsZero() {
			ro.sendLastSeen(ct, to, st.ID)
			return
		}
		_ = ro.sendContactPresence(ct, to, st.ID) // without a link nobody asks
	}
}

// sendLastSeen sends unavailable presence with the time since which a contact is offline.
// (RFC 6121 §4.3.2.1, XEP-0203 §4)
func (ro *roster) sendLastSeen(ct *contact, to, id string) {
	p := element.New(stanza.NS, "presence").Set("from", ro.u.c.peers.Full(ct.jid)).Set("to", to).Set("type", "unavailable")
	if id != "" {
		p.Set("id", id)
	}
	ro.u.c.send(p.Add(xep.Delay(ct.jid, ct.LastSeen)))
}

// contactAt returns the contact that a stanza is addressed to, nil if there is none.
func (ro *roster) contactAt(st *stanza.Inbound) *contact {
	peer, err := ro.u.c.peers.Contact(st.To)
	if err != nil {
		return nil
	}
	return ro.contacts[peer.ID]
}

// onPresenceChanged handles the presence of a contact on the network.
func (ro *roster) onPresenceChanged(from legacy.Peer, p legacy.Presence) {
	ct := ro.contacts[from.ID]
	if ct == nil || from.ID == "" || ct.presence == p {
		return
	}
	if ct.presence.Show > legacy.ShowInvisible && p.Show <= legacy.ShowInvisible {
		ct.LastSeen = ro.u.c.clock.Now()
		ro.save(ct)
	}
	ct.presence = p
	switch {
	case !ct.Subscription.Has(registry.To), ro.blocked[from.ID]:
	case !ct.flaps.allow(ro.u.c.clock.Now()):
		ct.unsent = true
		if ro.unsentAt.IsZero() {
			ro.unsentAt = ro.u.c.clock.Now().Add(flapPause)
		}
	default:
		ct.unsent = ro.sendContactPresence(ct, ro.u.bare, "") != nil
	}
}

// Debouncing of flapping presence: after flapBurst changes only the latest presence is
// sent, at the end of flapPause.
const (
	flapPause = 5 * time.Second
	flapBurst = 6 // changes in a flapPause that are sent at once
)

// flaps counts the recent presence changes of a contact.
type flaps struct {
	recent int
	since  time.Time
}

// allow reports whether another change may be sent now.
func (f *flaps) allow(now time.Time) bool {
	if now.Sub(f.since) >= flapPause {
		f.recent, f.since = 0, now
	}
	f.recent++
	return f.recent <= flapBurst
}

// sendContactPresence sends a contact's presence.
func (ro *roster) sendContactPresence(ct *contact, to, id string) error {
	p := ct.presence
	if ro.blocked[ct.Peer] {
		p = legacy.Presence{} // XEP-0191 §3.2
	}
	return ro.u.c.write(func(dst []byte) []byte {
		return appendContactPresence(dst, ro.u.c.peers.Full(ct.jid), to, id, p, ct.avatarUpdate(ro.u.c), ro.u.c.disco.Load().of(p).caps)
	})
}

// sendUnsent sends the presence that could not be sent without a link, or was debounced.
func (ro *roster) sendUnsent() {
	for _, ct := range ro.contacts {
		if ct.unsent {
			ct.unsent = ro.sendContactPresence(ct, ro.u.bare, "") != nil
		}
	}
}

// sendGatewayPresence sends available presence of the gateway: the account is signed on.
// (XEP-0100 §4.4.1, XEP-0115 §6.1)
func (ro *roster) sendGatewayPresence(to string) {
	for _, from := range ro.u.c.peers.GatewayJIDs() {
		ro.u.c.send(element.New(stanza.NS, "presence").Set("from", from).Set("to", to).
			Add(ro.u.c.disco.Load().gateway.caps...))
	}
}

// sendPresenceError reports a failed sign-on. (XEP-0100 §4.4.2)
func (ro *roster) sendPresenceError(to string, why stanza.Error) {
	ro.u.c.send(element.New(stanza.NS, "presence").Set("from", ro.u.c.domain).Set("to", to).
		Set("type", "error").Add(why.Element()))
}

// hideAll sends unavailable presence of all contacts and then of the gateway, with a
// reason as its status.
func (ro *roster) hideAll(why string) {
	ro.hideContacts()
	if !ro.u.account.exists() || ro.u.account.isGuest() {
		return
	}
	for _, from := range ro.u.c.peers.GatewayJIDs() {
		p := element.New(stanza.NS, "presence").Set("from", from).Set("to", ro.u.bare).Set("type", "unavailable")
		if why != "" {
			p.Add(element.New(stanza.NS, "status").AddText(why))
		}
		ro.u.c.send(p)
	}
}

// hideContacts sends unavailable presence of each contact that was available. (XEP-0100
// §4.5.1)
func (ro *roster) hideContacts() {
	stale := ro.u.c.takeStale(ro.u.bare) && ro.u.account.exists()
	if stale {
		ro.hideBare()
	}
	for _, ct := range ro.contacts {
		if ct.Peer == "" || !ct.Subscription.Has(registry.To) || ct.presence.Show == legacy.ShowOffline && !stale {
			continue
		}
		ct.presence = legacy.Presence{}
		ct.unsent = ro.sendContactPresence(ct, ro.u.bare, "") != nil
	}
}

// translateResource translates a client's presence. (RFC 6121 §4.7)
func translateResource(e *element.Element, now time.Time) resource {
	r := resource{presence: body.Presence(e, now)}
	if n, err := strconv.Atoi(strings.TrimSpace(e.ChildText(stanza.NS, "priority"))); err == nil && n >= -128 && n <= 127 {
		r.priority = n
	}
	return r
}

// appendContactPresence appends a contact's presence stanza. Invisible contacts appear
// offline.
func appendContactPresence(dst []byte, from, to, id string, p legacy.Presence, picture *element.Element, caps []*element.Element) []byte {
	typ, show := "", body.Show(p.Show)
	if p.Show <= legacy.ShowInvisible {
		typ = "unavailable"
	}
	if typ != "" && p.Status == "" {
		return stanza.AppendPresence(dst, from, to, typ, id)
	}
	dst = append(dst, "<presence"...)
	dst = stanza.AppendAttr(dst, "from", from)
	dst = stanza.AppendAttr(dst, "to", to)
	dst = stanza.AppendAttr(dst, "type", typ)
	dst = stanza.AppendAttr(dst, "id", id)
	dst = append(dst, '>')
	dst = stanza.AppendChild(dst, "show", show)
	dst = stanza.AppendChild(dst, "status", p.Status)
	if typ == "" {
		if !p.Idle.IsZero() { // XEP-0319 §2
			dst = element.New(xep.NSIdle, "idle").Set("since", xep.Stamp(p.Idle)).Append(dst, stanza.NS)
		}
		if picture != nil {
			dst = picture.Append(dst, stanza.NS)
		}
		for _, c := range caps {
			dst = c.Append(dst, stanza.NS)
		}
	}
	return append(dst, "</presence>"...)
}
