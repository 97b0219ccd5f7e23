package component

import (
	"cmp"
	"strings"
	"time"

	"transport/component/body"
	"transport/legacy"
	"transport/registry"
)

// A contact without a name of the user's gets its nick on the network: from its address
// or else from its profile, which is queried before the contact is offered to the user. A
// nick that becomes known later updates the user's roster.

const (
	nickTime   = 5 * time.Second // longest wait of an offer or a request for a nick
	nicksAhead = 8               // pending queries for contacts in the offer queue
	maxNicks   = 64              // limit: queries for names of contacts of a user | the contact has the name of its address
	maxNick    = 128             // limit: characters of a contact's name | it is cut
)

// nickQuery is a query for a contact's nick.
type nickQuery struct {
	peer     string
	deadline time.Time // of the waiting functions, zero once they were called
	then     []func()  // waiting functions
}

// nick returns a contact's nick on the network, "" if it is unknown.
func (ni *nicknames) nick(ct *contact) string {
	if ct.Nick != "" || ct.Peer == "" {
		return ct.Nick
	}
	if nicker, ok := ni.ro.u.c.cfg.Network.(legacy.Nicker); ok {
		if p, err := ni.ro.u.c.cfg.Network.ParsePeer(ct.Peer); err == nil {
			return nicker.Nick(p)
		}
	}
	return ""
}

// nameOf returns the user's name for a contact, or else its nick.
func (ni *nicknames) nameOf(ct *contact) string {
	if ct.Peer == "" {
		return ni.ro.u.c.cfg.Name
	}
	return cmp.Or(ct.Name, ni.nick(ct))
}

// lacksNick reports whether a query for the contact's nick makes sense.
func (ni *nicknames) lacksNick(ct *contact) bool {
	_, asks := ni.ro.u.login.legacySession().(legacy.Profiler)
	return asks && ct.Peer != "" && ni.nameOf(ct) == "" && (ct.nickQuery == nil || len(ct.nickQuery.then) > 0)
}

// withNick calls then once a contact's nick is known or its query has timed out, or at
// once if no query makes sense.
func (ni *nicknames) withNick(ct *contact, then func()) {
	switch {
	case !ni.lacksNick(ct):
		then()
		return
	case ct.nickQuery != nil:
		ct.nickQuery.then = append(ct.nickQuery.then, then)
		return
	}
	if len(ni.nicks) >= maxNicks {
		then()
		return
	}
	ref := ni.ro.u.calls.newRef()
	if err := ni.ro.u.login.legacySession().(legacy.Profiler).RequestProfile(ni.ro.u.ctx, ref, legacy.Peer{ID: ct.Peer}); err != nil {
		then()
		return
	}
	ct.nickQuery = &nickQuery{peer: ct.Peer, deadline: ni.ro.u.c.clock.Now().Add(nickTime), then: []func(){then}}
	lazySet(&ni.nicks, ref, ct.nickQuery)
}

// resume calls the waiting functions.
func (q *nickQuery) resume() {
	then := q.then
	q.then, q.deadline = nil, time.Time{}
	for _, f := range then {
		f()
	}
}

// onNickFound handles the result of a nick query. It returns false if the query is not
// one of these.
func (ni *nicknames) onNickFound(ev legacy.ProfileReceived) bool {
	q, ours := ni.nicks[ev.Ref]
	if !ours {
		return false
	}
	delete(ni.nicks, ev.Ref)
	if ev.Err == nil {
		ni.setNickFromProfile(q.peer, ev.Profile)
	}
	q.resume()
	return true
}

// expireNicks calls the functions that have waited too long. A late answer is still used.
func (ni *nicknames) expireNicks(now time.Time) {
	for _, q := range ni.nicks {
		if len(q.then) > 0 && !q.deadline.After(now) {
			q.resume()
		}
	}
}

// endNicks ends all queries after the session has ended.
func (ni *nicknames) endNicks() {
	for ref, q := range ni.nicks {
		delete(ni.nicks, ref)
		q.resume()
	}
	for _, ct := range ni.ro.contacts { // the next session asks again for nicks that are unknown
		ct.nickQuery = nil
	}
}

// setNickFromProfile takes a contact's nick from its profile.
func (ni *nicknames) setNickFromProfile(peer string, p legacy.Profile) {
	nick := p.Nick
	if nick == "" || nick == peer {
		nick = fullName(p)
	}
	if ct := ni.ro.contacts[peer]; ct != nil && peer != "" && nick != peer {
		ni.setNick(ct, nick)
	}
}

// onPeerNamed handles a nick from the network.
func (ni *nicknames) onPeerNamed(ev legacy.PeerNamed) {
	if ct := ni.ro.contacts[ev.Peer.ID]; ct != nil && ct.Peer != "" && ni.nick(ct) == "" {
		ni.setNick(ct, ev.Nick)
	}
}

// setNick stores a contact's nick and updates the roster item if it has no other name.
func (ni *nicknames) setNick(ct *contact, nick string) {
	before, nick := ni.nameOf(ct), body.Truncate(strings.TrimSpace(strings.ReplaceAll(body.Clean(nick), "\n", " ")), maxNick)
	if nick == "" || nick == ct.Nick {
		return
	}
	ct.Nick = nick
	ni.ro.save(ct)
	if ct.inRoster.name == before {
		ct.inRoster.name = ""
	}
	if ni.nameOf(ct) != before && ct.inRoster.name == "" && ct.Subscription.Has(registry.To) && !ct.Subscription.Has(registry.AskFrom) {
		ni.ro.updateRosterItem(ct)
	}
}

// queryNicks queries the nicks of the next offers, and reports whether the first few
// offers should wait for them.
func (ni *nicknames) queryNicks(few int) (wait bool) {
	under := 0
	for i, peer := range ni.ro.offers {
		if i >= max(few, nicksAhead) || under >= nicksAhead {
			break
		}
		ct := ni.ro.contacts[peer]
		if ct == nil || !ni.lacksNick(ct) {
			continue
		}
		if ct.nickQuery == nil {
			ni.withNick(ct, func() {
				if ni.ro.offerAwaitsNick { // else the next offer has a time of its own
					ni.ro.offerAwaitsNick, ni.ro.offerAt = false, ni.ro.u.c.clock.Now()
				}
			})
		}
		if ni.lacksNick(ct) {
			under++
			wait = wait || i < few
		}
	}
	return wait
}
