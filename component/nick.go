package component

import (
	"cmp"
	"strings"
	"time"

	"transport/component/body"
	"transport/legacy"
	"transport/registry"
)

// Who has no name of the user's is called what the network calls them: by their address
// where that says it, or else by their profile, which is asked for before they are offered
// to the user. What becomes known later goes to the user's roster then.

const (
	nickTime   = 5 * time.Second // that an offer or a request waits for a nick
	nicksAhead = 8               // questions under way for contacts that are yet to be offered
	maxNicks   = 64              // and for all
	maxNick    = 128             // runes of a nick
)

// nickQuery is a question for what somebody is called.
type nickQuery struct {
	peer     string
	deadline time.Time // of those who wait, zero once they have gone on
	then     []func()  // what waits
}

// nick is what the network calls a contact, "" if that is not known.
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

// nameOf is what a contact is called: by the user, or else by the network.
func (ni *nicknames) nameOf(ct *contact) string {
	if ct.Peer == "" {
		return ni.ro.u.c.cfg.Name
	}
	return cmp.Or(ct.Name, ni.nick(ct))
}

// lacksNick reports whether it could help to ask the network what a contact is called.
func (ni *nicknames) lacksNick(ct *contact) bool {
	_, asks := ni.ro.u.login.legacySession().(legacy.Profiler)
	return asks && ct.Peer != "" && ni.nameOf(ct) == "" && (ct.nickQuery == nil || len(ct.nickQuery.then) > 0)
}

// withNick calls then once it is known what the network calls a contact, or takes too
// long. At once if that is known, or cannot be.
func (ni *nicknames) withNick(ct *contact, then func()) {
	switch {
	case !ni.lacksNick(ct):
		then()
		return
	case ct.nickQuery != nil:
		ct.nickQuery.then = append(ct.nickQuery.then, then)
		return
	}
	ct.nickQuery = &nickQuery{peer: ct.Peer}
	if len(ni.nicks) >= maxNicks {
		then()
		return
	}
	ref := ni.ro.u.calls.newRef()
	if err := ni.ro.u.login.legacySession().(legacy.Profiler).RequestProfile(ni.ro.u.ctx, ref, legacy.Peer{ID: ct.Peer}); err != nil {
		then()
		return
	}
	ct.nickQuery.deadline, ct.nickQuery.then = ni.ro.u.c.clock.Now().Add(nickTime), []func(){then}
	lazySet(&ni.nicks, ref, ct.nickQuery)
}

// resume lets those go on who wait for a nick.
func (q *nickQuery) resume() {
	then := q.then
	q.then, q.deadline = nil, time.Time{}
	for _, f := range then {
		f()
	}
}

// onNickFound takes the answer to a question of ours; it is false for another's.
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

// expireNicks lets those go on who have waited too long. The answer still counts.
func (ni *nicknames) expireNicks(now time.Time) {
	for _, q := range ni.nicks {
		if len(q.then) > 0 && !q.deadline.After(now) {
			q.resume()
		}
	}
}

// endNicks gives up all questions, as the session has ended.
func (ni *nicknames) endNicks() {
	for ref, q := range ni.nicks {
		delete(ni.nicks, ref)
		q.resume()
		if ct := ni.ro.contacts[q.peer]; ct != nil {
			ct.nickQuery = nil
		}
	}
}

// setNickFromProfile takes a nick out of somebody's profile.
func (ni *nicknames) setNickFromProfile(peer string, p legacy.Profile) {
	nick := p.Nick
	if nick == "" || nick == peer {
		nick = fullName(p)
	}
	if ct := ni.ro.contacts[peer]; ct != nil && peer != "" && nick != peer {
		ni.setNick(ct, nick)
	}
}

// onPeerNamed: the network tells what it calls somebody.
func (ni *nicknames) onPeerNamed(ev legacy.PeerNamed) {
	if ct := ni.ro.contacts[ev.Peer.ID]; ct != nil && ct.Peer != "" && ni.nick(ct) == "" {
		ni.setNick(ct, ev.Nick)
	}
}

// setNick notes what the network calls a contact, and tells the user's roster if they have
// no other name there.
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

// queryNicks asks what those are called who are offered next, and reports whether the
// first few of them are worth waiting for.
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
