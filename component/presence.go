package component

import (
	"strconv"
	"strings"
	"time"

	"mellium.im/xmpp/stanza"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// resource is one of the user's clients that is online.
type resource struct {
	presence legacy.Presence
	priority int
	features map[string]bool // what it can do, nil if unknown
	asked    string          // the hash that it was asked about
	asking   bool            // it has not answered yet
}

// maxResources bounds what a user can make us remember.
const maxResources = 64

// onPresence handles a presence stanza from the user. (RFC 6121 §3, §4)
func (u *user) onPresence(st *inbound) {
	if peer, ok := u.c.roomAt(st.to); ok {
		u.onRoomPresence(st, peer)
		return
	}
	switch st.typ {
	case "":
		if why := u.c.noRoom(st); why != nil {
			u.c.refuse(st, *why)
			return
		}
		u.onAvailable(st)
	case "unavailable":
		u.onUnavailable(st)
	case "probe":
		u.onProbe(st)
	case "error":
		u.onPresenceError(st)
	case "subscribe", "subscribed", "unsubscribe", "unsubscribed":
		u.onSubscription(st)
	default:
		u.c.refuse(st, errBadRequest)
	}
}

// onAvailable: one of the user's clients is online; the first one signs on.
// (XEP-0100 §4.4)
func (u *user) onAvailable(st *inbound) {
	if u.account == nil {
		if !u.c.info.Guests { // those may see the gateway without its seeing them
			u.c.refuse(st, errRegisterFirst)
		}
		return
	}
	full := st.from.String()
	if _, known := u.resources[full]; !known && len(u.resources) >= maxResources {
		u.c.refuse(st, errBusy)
		return
	}
	came := len(u.resources) == 0
	r, before := translateResource(st.Element, u.c.clock.Now()), u.resources[full]
	r.features, r.asked, r.asking = before.features, before.asked, before.asking
	u.resources[full] = r
	u.noteGone(full, false)
	u.learn(full, st.Element)
	u.noticePhoto(st.Element)
	if came && legacy.KindOf(u.block) == legacy.Replaced {
		u.block = nil // the user came back on purpose
	}
	if u.block != nil && st.to.Local == "" { // XEP-0100 §4.4.2
		u.sendPresenceError(full, translateError(u.block))
	}
	if u.session != nil && u.session.ready {
		u.showOwnPresence()
		u.showUnshown()
		if before.presence.Show == legacy.ShowOffline { // it has just come
			u.readRosterAgain()
		}
	}
}

// onUnavailable: one of the user's clients went offline; the last one signs off.
// (XEP-0100 §4.5)
func (u *user) onUnavailable(st *inbound) {
	if st.to.Local != "" && u.gatewaySees() {
		return // hidden from one contact only; the gateway's own would have come too
	}
	if st.from.Resource == "" {
		// Prosody sends one just before "subscribed": it is about resources that
		// were never named.
		return
	}
	full := st.from.String()
	u.noteGone(full, true)
	if _, known := u.resources[full]; !known {
		return
	}
	if delete(u.resources, full); len(u.resources) == 0 {
		u.active = time.Time{}
	}
	switch {
	case len(u.resources) > 0, u.option(optStay):
		u.graceEnd = time.Time{}
		u.showOwnPresence()
	default:
		u.graceEnd = u.lingerEnd()
	}
}

// onPresenceError: a client that our presence was for is gone. (RFC 6121 §4.3.2,
// §4.4.2)
func (u *user) onPresenceError(st *inbound) {
	x := st.Child(nsComponent, "error")
	if x == nil || st.from.Resource == "" {
		return
	}
	for _, gone := range []stanza.Condition{stanza.Gone, stanza.ItemNotFound, stanza.RecipientUnavailable,
		stanza.RemoteServerNotFound, stanza.ServiceUnavailable} {
		if x.Child(nsStanzaErrors, string(gone)) != nil {
			delete(u.resources, st.from.String())
			u.dropFromRooms(st.from.String())
			u.showOwnPresence()
			return
		}
	}
}

// gatewaySees reports whether the user lets the gateway itself see presence.
func (u *user) gatewaySees() bool {
	gw := u.contacts[""]
	return gw != nil && gw.Subscription.Has(registry.From)
}

// online reports whether one of the user's clients is there to be served. One
// with a negative priority wants no messages. (RFC 6121 §4.7.2.3)
func (u *user) online() bool {
	for _, r := range u.resources {
		if r.priority >= 0 {
			return true
		}
	}
	return false
}

// ownPresence is what the network is to see of the user: the client with the
// highest priority, the most available one among equals.
func (u *user) ownPresence() legacy.Presence {
	best := resource{priority: -1}
	for _, r := range u.resources {
		if r.priority > best.priority || r.priority == best.priority && r.presence.Show > best.presence.Show {
			best = r
		}
	}
	if len(u.resources) == 0 { // they may show themselves to rooms only
		for _, r := range u.rooms {
			for _, client := range r.clients {
				if client.shown.Show > best.presence.Show {
					best.presence = client.shown
				}
			}
		}
	}
	switch {
	case best.presence.Show != legacy.ShowOffline:
	case len(u.resources) == 0 && (u.option(optStay) || u.staysAlone()):
		best.presence.Show = legacy.ShowXA
	default:
		best.presence.Show = legacy.ShowOnline // just registered; the client has not told us yet
	}
	if u.option(optInvisible) && u.c.info.Features.Has(legacy.FeatureInvisible) {
		return legacy.Presence{Show: legacy.ShowInvisible}
	}
	if u.option(optHideStatus) {
		best.presence.Status = ""
	}
	for _, r := range u.resources { // who is active with one client is not idle
		if r.priority >= 0 && r.presence.Idle.IsZero() {
			best.presence.Idle = time.Time{}
		}
	}
	return best.presence
}

// showOwnPresence tells the network, if it changed, how available the user is.
func (u *user) showOwnPresence() {
	if err := u.tellPresence(); err != nil {
		u.log.Warn().Err(err).Msg("cannot show the user's presence")
	}
}

// tellPresence is showOwnPresence, with the error of a session that does not take it.
func (u *user) tellPresence() error {
	p, ok := u.legacySession().(legacy.Presencer)
	now := u.ownPresence()
	if !ok || now == u.shown {
		return nil
	}
	if err := p.SetPresence(u.ctx, now); err != nil {
		return err
	}
	u.shown = now
	return nil
}

// onProbe answers who is online, always, since servers do not remember it for
// us. (RFC 6121 §4.3.2)
func (u *user) onProbe(st *inbound) {
	to, bare := st.from.String(), st.to.Bare().String()
	up := u.session != nil && u.session.ready && !u.session.ending
	if st.to.Local == "" {
		switch {
		case !u.isRegistered() && u.c.info.Guests:
			u.sendGatewayPresence(to)
		case u.account == nil:
			u.c.sendPresence(bare, to, "unsubscribed", st.id)
		case up:
			u.sendGatewayPresence(to)
		default:
			u.c.sendPresence(u.c.full(bare), to, "unavailable", st.id)
		}
		return
	}
	ct := u.contactAt(st)
	switch {
	case u.account == nil, up && (ct == nil || !ct.Subscription.Has(registry.To) && !ct.Listed):
		u.c.sendPresence(bare, to, "unsubscribed", st.id)
	case !up || ct == nil:
		u.c.sendPresence(u.c.full(bare), to, "unavailable", st.id)
	default:
		if !ct.Subscription.Has(registry.To) { // the server knows better than a new database
			ct.Subscription |= registry.To
			u.save(ct)
		}
		if ct.presence.Show <= legacy.ShowInvisible && !ct.LastSeen.IsZero() {
			u.sendLastSeen(ct, to, st.id)
			return
		}
		_ = u.sendContactPresence(ct, to, st.id) // without a link nobody asks
	}
}

// sendLastSeen says that a contact is offline, and since when. (RFC 6121 §4.3.2.1,
// XEP-0203 §4)
func (u *user) sendLastSeen(ct *contact, to, id string) {
	p := element.New(nsStanza, "presence").Set("from", u.c.full(ct.jid)).Set("to", to).Set("type", "unavailable")
	if id != "" {
		p.Set("id", id)
	}
	u.c.send(p.Add(xep.Delay(ct.jid, ct.LastSeen)))
}

// contactAt is the contact that a stanza is addressed to, nil if there is none.
func (u *user) contactAt(st *inbound) *contact {
	peer, err := u.c.peer(st.to)
	if err != nil {
		return nil
	}
	return u.contacts[peer.ID]
}

// onPresenceChanged: a contact's presence changed.
func (u *user) onPresenceChanged(from legacy.Peer, p legacy.Presence) {
	ct := u.contacts[from.ID]
	if ct == nil || from.ID == "" || ct.presence == p {
		return
	}
	if ct.presence.Show > legacy.ShowInvisible && p.Show <= legacy.ShowInvisible {
		ct.LastSeen = u.c.clock.Now()
		u.save(ct)
	}
	ct.presence = p
	switch {
	case !ct.Subscription.Has(registry.To), u.blocked[from.ID]:
	case !ct.flaps.allow(u.c.clock.Now()):
		ct.unshown = true
		if u.showAt.IsZero() {
			u.showAt = u.c.clock.Now().Add(flapPause)
		}
	default:
		ct.unshown = u.sendContactPresence(ct, u.bare, "") != nil
	}
}

// A contact whose presence flaps is shown as it is every few seconds only.
const (
	flapPause = 5 * time.Second
	flapBurst = 6 // changes that are shown at once
)

// flaps counts the changes of a contact's presence.
type flaps struct {
	recent int
	since  time.Time
}

// allow reports whether another change may be shown now.
func (f *flaps) allow(now time.Time) bool {
	if now.Sub(f.since) >= flapPause {
		f.recent, f.since = 0, now
	}
	f.recent++
	return f.recent <= flapBurst
}

// sendContactPresence sends the presence of a contact.
func (u *user) sendContactPresence(ct *contact, to, id string) error {
	p := ct.presence
	if u.blocked[ct.Peer] {
		p = legacy.Presence{} // XEP-0191 §3.2
	}
	return u.c.write(func(dst []byte) []byte {
		return appendContactPresence(dst, u.c.full(ct.jid), to, id, p, ct.picture(u.c), u.c.disco.Load().of(p).caps)
	})
}

// showUnshown sends what changed while there was no link.
func (u *user) showUnshown() {
	for _, ct := range u.contacts {
		if ct.unshown {
			ct.unshown = u.sendContactPresence(ct, u.bare, "") != nil
		}
	}
}

// sendGatewayPresence says that the gateway, and with it the account, is online.
// (XEP-0100 §4.4.1, XEP-0115 §6.1)
func (u *user) sendGatewayPresence(to string) {
	u.c.send(element.New(nsStanza, "presence").Set("from", u.c.full(u.c.domain)).Set("to", to).
		Add(u.c.disco.Load().gateway.caps...))
}

// sendPresenceError tells that signing on failed. (XEP-0100 §4.4.2)
func (u *user) sendPresenceError(to string, why stanzaError) {
	u.c.send(element.New(nsStanza, "presence").Set("from", u.c.domain).Set("to", to).
		Set("type", "error").Add(why.element()))
}

// hideAll tells that everybody is offline, the gateway itself last, and why.
func (u *user) hideAll(why string) {
	u.hideContacts()
	if u.account == nil || u.guest {
		return
	}
	p := element.New(nsStanza, "presence").Set("from", u.c.full(u.c.domain)).Set("to", u.bare).Set("type", "unavailable")
	if why != "" {
		p.Add(element.New(nsStanza, "status").AddText(why))
	}
	u.c.send(p)
}

// hideContacts tells that every contact who was online is not. (XEP-0100 §4.5.1)
func (u *user) hideContacts() {
	stale := u.c.takeStale(u.bare) && u.account != nil
	if stale {
		u.hideBare()
	}
	for _, ct := range u.contacts {
		if ct.Peer == "" || !ct.Subscription.Has(registry.To) || ct.presence.Show == legacy.ShowOffline && !stale {
			continue
		}
		ct.presence = legacy.Presence{}
		ct.unshown = u.sendContactPresence(ct, u.bare, "") != nil
	}
}

// translateResource reads the presence of one of the user's clients.
// (RFC 6121 §4.7)
func translateResource(e *element.Element, now time.Time) resource {
	r := resource{presence: legacy.Presence{Show: legacy.ShowOnline}}
	switch e.ChildText(nsComponent, "show") {
	case "away":
		r.presence.Show = legacy.ShowAway
	case "chat":
		r.presence.Show = legacy.ShowChat
	case "dnd":
		r.presence.Show = legacy.ShowDND
	case "xa":
		r.presence.Show = legacy.ShowXA
	}
	r.presence.Status = cleanText(e.ChildText(nsComponent, "status"))
	r.presence.Idle = idleSince(e, now)
	if n, err := strconv.Atoi(strings.TrimSpace(e.ChildText(nsComponent, "priority"))); err == nil && n >= -128 && n <= 127 {
		r.priority = n
	}
	return r
}

// idleSince is since when a client says that its user is idle, zero for not at all.
// (XEP-0319 §2, XEP-0256 §3)
func idleSince(presence *element.Element, now time.Time) time.Time {
	since := time.Time{}
	if idle := presence.Child(xep.NSIdle, "idle"); idle != nil {
		if t, err := time.Parse(time.RFC3339, idle.Attr("since")); err == nil {
			since = t
		}
	} else if last := presence.Child(xep.NSLast, "query"); last != nil {
		if n, err := strconv.ParseUint(last.Attr("seconds"), 10, 31); err == nil && n > 0 {
			since = now.Add(-time.Duration(n) * time.Second)
		}
	}
	if since.After(now) { // a clock that is fast
		since = now
	}
	return since.UTC().Round(0) // presences are compared
}

// appendContactPresence appends the presence of a contact as XMPP shows it. An
// invisible contact looks offline.
func appendContactPresence(dst []byte, from, to, id string, p legacy.Presence, picture *element.Element, caps []*element.Element) []byte {
	typ, show := "", showOf(p.Show)
	if p.Show <= legacy.ShowInvisible {
		typ = "unavailable"
	}
	if typ != "" && p.Status == "" {
		return appendPresence(dst, from, to, typ, id)
	}
	dst = append(dst, "<presence"...)
	dst = appendAttr(dst, "from", from)
	dst = appendAttr(dst, "to", to)
	dst = appendAttr(dst, "type", typ)
	dst = appendAttr(dst, "id", id)
	dst = append(dst, '>')
	dst = appendChild(dst, "show", show)
	dst = appendChild(dst, "status", p.Status)
	if typ == "" {
		if !p.Idle.IsZero() { // XEP-0319 §2
			dst = element.New(xep.NSIdle, "idle").Set("since", xep.Stamp(p.Idle)).Append(dst, nsComponent)
		}
		if picture != nil {
			dst = picture.Append(dst, nsComponent)
		}
		for _, c := range caps {
			dst = c.Append(dst, nsComponent)
		}
	}
	return append(dst, "</presence>"...)
}

// appendChild appends a child with text, unless the text is empty.
func appendChild(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	dst = append(append(append(dst, '<'), name...), '>')
	dst = element.AppendText(dst, text)
	return append(append(append(dst, "</"...), name...), '>')
}
