package component

import (
	"strconv"
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// onContactVCard answers a query for a contact's profile, as vcard-temp or vCard4. It
// works for all users of the network, since people look at a profile before they add a
// contact. (XEP-0054 §3.1, XEP-0292 §4)
func (ca *calls) onContactVCard(r *stanza.Request, peer legacy.Peer) {
	profiler, ok := ca.u.login.legacySession().(legacy.Profiler)
	if !ok {
		ct, known := ca.u.roster.canSee(peer)
		if !known { // XEP-0054 §3.3
			r.Fail(ca.unasked(legacy.FeatureProfile, stanza.ErrItemNotFound))
			return
		}
		ca.replyVCard(r, peer, legacy.Profile{Nick: ca.u.roster.nameOf(ct)})
		return
	}
	ca.query(r, func(u *user, r *stanza.Request, ev legacy.Event) {
		got := ev.(legacy.ProfileReceived)
		switch {
		case legacy.KindOf(got.Err) == legacy.NotFound && got.Err != nil:
			r.Fail(stanza.ErrItemNotFound)
		case got.Err != nil:
			r.Fail(stanza.Translate(got.Err))
		default:
			u.roster.setNickFromProfile(peer.ID, got.Profile)
			u.calls.replyVCard(r, peer, got.Profile)
		}
	}, func(ref string) error { return profiler.RequestProfile(ca.u.ctx, ref, peer) })
}

// unasked returns the error of a query that the session cannot answer: why there is no
// session, on a network with that feature, or else the other error.
func (ca *calls) unasked(feature legacy.Features, other stanza.Error) stanza.Error {
	if ca.u.c.info.Features.Has(feature) {
		return ca.u.login.notOnline()
	}
	return other
}

// onContactVersion answers a query for the software of a contact's client, on networks
// that support it. (XEP-0092 §2)
func (ca *calls) onContactVersion(r *stanza.Request, peer legacy.Peer) {
	versioner, ok := ca.u.login.legacySession().(legacy.Versioner)
	if !ok {
		r.Fail(ca.unasked(legacy.FeatureVersion, stanza.ErrServiceUnavail))
		return
	}
	ca.query(r, func(u *user, r *stanza.Request, ev legacy.Event) {
		got := ev.(legacy.VersionReceived)
		if got.Err != nil {
			r.Fail(stanza.Translate(got.Err))
			return
		}
		r.Reply(element.New(xep.NSVersion, "query").
			Add(element.New(xep.NSVersion, "name").AddText(body.Clean(got.Version))))
	}, func(ref string) error { return versioner.RequestVersion(ca.u.ctx, ref, peer) })
}

func (ca *calls) replyVCard(r *stanza.Request, peer legacy.Peer, p legacy.Profile) {
	var picture *avatar
	if ct, ok := ca.u.roster.canSee(peer); ok && ct.avatar != nil && ct.avatar.image != nil {
		picture = ct.avatar
	}
	if p.Nick == "" {
		p.Nick = peer.ID
	}
	if r.Payload.Space == xep.NSVCard4 {
		r.Reply(vCard4(p, picture))
		return
	}
	r.Reply(vCardTemp(p, picture))
}

// onContactLast answers since when a contact is idle or offline, to subscribers.
// (XEP-0012 §3, §8)
func (ca *calls) onContactLast(r *stanza.Request, peer legacy.Peer) {
	ct, ok := ca.u.roster.canSee(peer)
	if !ok || !ct.Subscription.Has(registry.To) {
		r.Fail(stanza.ErrForbidden.With(""))
		return
	}
	var since time.Time
	now := ca.u.c.clock.Now()
	switch {
	case ct.presence.Show > legacy.ShowInvisible && !ct.presence.Idle.IsZero():
		since = ct.presence.Idle
	case ct.presence.Show > legacy.ShowInvisible:
		since = now
	default:
		since = ct.LastSeen
	}
	if since.IsZero() {
		r.Fail(stanza.ErrItemNotFound.With("It is not known since when this contact is offline."))
		return
	}
	r.Reply(element.New(xep.NSLast, "query").Set("seconds", strconv.FormatInt(int64(max(0, now.Sub(since))/time.Second), 10)))
}
