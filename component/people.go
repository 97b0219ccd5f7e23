package component

import (
	"encoding/base64"
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

// pendingQuery is a question to the network that an IQ waits for.
type pendingQuery struct {
	request *stanza.Request
	answer  func(*user, *stanza.Request, legacy.Event)
}

const maxQueries = 16

// query remembers a question, and has ask put it to the session. What the session
// says of it answers the IQ.
func (ca *calls) query(r *stanza.Request, answer func(*user, *stanza.Request, legacy.Event), ask func(ref string) error) {
	if err := ca.tryQuery(r, answer, ask); err != nil {
		r.Fail(stanza.Translate(err))
	}
}

// tryQuery is look, with the error of a question that could not be put.
func (ca *calls) tryQuery(r *stanza.Request, answer func(*user, *stanza.Request, legacy.Event), ask func(ref string) error) error {
	if len(ca.queries) >= maxQueries {
		return legacy.Errorf(legacy.RateLimited, "%s", stanza.ErrBusy.Text)
	}
	ca.refs++
	ref := strconv.FormatUint(ca.refs, 36)
	if err := ask(ref); err != nil {
		return err
	}
	lazySet(&ca.queries, ref, pendingQuery{r, answer})
	return nil
}

// onQueryResult answers the IQ that waits for an event.
func (ca *calls) onQueryResult(ref string, ev legacy.Event) {
	l, ok := ca.queries[ref]
	if !ok {
		return
	}
	delete(ca.queries, ref)
	l.answer(ca.u, l.request, ev)
	ca.sweep()
}

// dropAnsweredQueries forgets those whose IQ was answered for them, by a time-out.
func (ca *calls) dropAnsweredQueries() {
	for ref, l := range ca.queries {
		if l.request.Answered() {
			delete(ca.queries, ref)
		}
	}
}

// canSee reports whether the user is let to know of a contact: whether it is on the
// user's list. Unknown and unauthorised look the same. (RFC 6120 §13.10.2)
func (ro *roster) canSee(peer legacy.Peer) (*contact, bool) {
	ct := ro.contacts[peer.ID]
	if !ro.u.account.exists() || ct == nil || peer.ID == "" {
		return nil, false
	}
	return ct, ct.Listed || ct.Subscription.Has(registry.To)
}

// onContactVCard answers who a contact is: vcard-temp or vCard4. Everybody whom
// the network tells of can be asked for, since people look before they add.
// (XEP-0054 §3.1, XEP-0292 §4)
func (ca *calls) onContactVCard(r *stanza.Request, peer legacy.Peer) {
	profiler, ok := ca.u.login.legacySession().(legacy.Profiler)
	if !ok {
		ct, known := ca.u.roster.canSee(peer)
		if !known {
			r.Fail(stanza.ErrServiceUnavail) // XEP-0054 §3.3
			return
		}
		ca.replyVCard(r, peer, legacy.Profile{Nick: ca.u.roster.nameOf(ct)})
		return
	}
	ca.query(r, func(u *user, r *stanza.Request, ev legacy.Event) {
		got := ev.(legacy.ProfileReceived)
		switch {
		case legacy.KindOf(got.Err) == legacy.NotFound && got.Err != nil:
			r.Fail(stanza.ErrServiceUnavail)
		case got.Err != nil:
			r.Fail(stanza.Translate(got.Err))
		default:
			u.roster.setNickFromProfile(peer.ID, got.Profile)
			u.calls.replyVCard(r, peer, got.Profile)
		}
	}, func(ref string) error { return profiler.RequestProfile(ca.u.ctx, ref, peer) })
}

// onContactVersion answers what a contact's client is, where the network lets it be
// asked. (XEP-0092 §2)
func (ca *calls) onContactVersion(r *stanza.Request, peer legacy.Peer) {
	versioner, ok := ca.u.login.legacySession().(legacy.Versioner)
	if !ok {
		r.Fail(stanza.ErrServiceUnavail)
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
	if ct, ok := ca.u.roster.canSee(peer); ok {
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

// fullName is how a person is called.
func fullName(p legacy.Profile) string {
	if p.FullName != "" {
		return p.FullName
	}
	if name := strings.TrimSpace(p.First + " " + p.Last); name != "" {
		return name
	}
	return p.Nick
}

// vCardTemp is a profile as vcard-temp has it. (XEP-0054 §3)
func vCardTemp(p legacy.Profile, picture *avatar) *element.Element {
	card := element.New(xep.NSVCard, "vCard")
	put := func(parent *element.Element, name, value string) {
		if value != "" {
			parent.Add(element.New(xep.NSVCard, name).AddText(value))
		}
	}
	group := func(name string, pairs ...string) {
		g := element.New(xep.NSVCard, name)
		for i := 0; i < len(pairs); i += 2 {
			put(g, pairs[i], pairs[i+1])
		}
		if g.Count() > 0 {
			card.Add(g)
		}
	}
	put(card, "FN", fullName(p))
	group("N", "FAMILY", p.Last, "GIVEN", p.First)
	put(card, "NICKNAME", p.Nick)
	put(card, "BDAY", p.Birthday)
	for _, mail := range p.Emails {
		card.Add(element.New(xep.NSVCard, "EMAIL").Add(element.New(xep.NSVCard, "INTERNET")).
			Add(element.New(xep.NSVCard, "USERID").AddText(mail)))
	}
	for _, tel := range [][2]string{{"HOME", p.Phone}, {"CELL", p.Mobile}} {
		if tel[1] != "" {
			card.Add(element.New(xep.NSVCard, "TEL").Add(element.New(xep.NSVCard, tel[0])).
				Add(element.New(xep.NSVCard, "NUMBER").AddText(tel[1])))
		}
	}
	group("ADR", "STREET", p.Street, "LOCALITY", p.City, "REGION", p.State, "PCODE", p.PostalCode, "CTRY", p.Country)
	put(card, "URL", p.Homepage)
	group("ORG", "ORGNAME", p.Organization, "ORGUNIT", p.Department)
	put(card, "TITLE", p.Title)
	put(card, "DESC", p.About)
	if picture != nil {
		card.Add(element.New(xep.NSVCard, "PHOTO").
			Add(element.New(xep.NSVCard, "TYPE").AddText(picture.kind)).
			Add(element.New(xep.NSVCard, "BINVAL").AddText(base64.StdEncoding.EncodeToString(picture.image))))
	}
	return card
}

// vCard4 is a profile as vCard 4.0 has it. (XEP-0292 §3, RFC 6351)
func vCard4(p legacy.Profile, picture *avatar) *element.Element {
	const ns = xep.NSVCard4
	card := element.New(ns, "vcard")
	put := func(name, kind, value string) {
		if value != "" {
			card.Add(element.New(ns, name).Add(element.New(ns, kind).AddText(value)))
		}
	}
	put("kind", "text", "individual")
	put("fn", "text", fullName(p))
	if p.First != "" || p.Last != "" {
		card.Add(element.New(ns, "n").Add(element.New(ns, "surname").AddText(p.Last)).
			Add(element.New(ns, "given").AddText(p.First)))
	}
	put("nickname", "text", p.Nick)
	put("bday", "date", p.Birthday)
	for _, mail := range p.Emails {
		put("email", "text", mail)
	}
	put("tel", "text", p.Phone)
	put("tel", "text", p.Mobile)
	put("url", "uri", p.Homepage)
	if p.Street+p.City+p.State+p.PostalCode+p.Country != "" { // RFC 6350 §6.3.1 wants them all
		adr := element.New(ns, "adr").Add(element.New(ns, "pobox"), element.New(ns, "ext"))
		for _, part := range [][2]string{{"street", p.Street}, {"locality", p.City}, {"region", p.State}, {"code", p.PostalCode}, {"country", p.Country}} {
			adr.Add(element.New(ns, part[0]).AddText(part[1]))
		}
		card.Add(adr)
	}
	if p.Gender != "" {
		card.Add(element.New(ns, "gender").Add(element.New(ns, "sex").AddText(p.Gender)))
	}
	if p.Organization != "" || p.Department != "" {
		org := element.New(ns, "org").Add(element.New(ns, "text").AddText(p.Organization))
		if p.Department != "" {
			org.Add(element.New(ns, "text").AddText(p.Department))
		}
		card.Add(org)
	}
	if picture != nil {
		put("photo", "uri", "data:"+picture.kind+";base64,"+base64.StdEncoding.EncodeToString(picture.image))
	}
	put("title", "text", p.Title)
	put("note", "text", p.About)
	return card
}

// onContactLast answers since when a contact is idle or gone, to those who see
// them. (XEP-0012 §3, §8)
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
		r.Fail(stanza.ErrServiceUnavail)
		return
	}
	r.Reply(element.New(xep.NSLast, "query").Set("seconds", strconv.FormatInt(int64(max(0, now.Sub(since))/time.Second), 10)))
}
