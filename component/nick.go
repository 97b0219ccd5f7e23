package component

import (
	"strconv"
	"strings"
	"time"

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
func (u *user) nick(ct *contact) string {
	if ct.Nick != "" || ct.Peer == "" {
		return ct.Nick
	}
	if nicker, ok := u.c.cfg.Network.(legacy.Nicker); ok {
		if p, err := u.c.cfg.Network.ParsePeer(ct.Peer); err == nil {
			return nicker.Nick(p)
		}
	}
	return ""
}

// nameOf is what a contact is called: by the user, or else by the network.
func (u *user) nameOf(ct *contact) string {
	if ct.Peer == "" {
		return u.c.cfg.Name
	}
	return first(ct.Name, u.nick(ct))
}

// nameless reports whether it could help to ask the network what a contact is called.
func (u *user) nameless(ct *contact) bool {
	_, asks := u.legacySession().(legacy.Profiler)
	return asks && ct.Peer != "" && u.nameOf(ct) == "" && (ct.naming == nil || len(ct.naming.then) > 0)
}

// withNick calls then once it is known what the network calls a contact, or takes too
// long. At once if that is known, or cannot be.
func (u *user) withNick(ct *contact, then func()) {
	switch {
	case !u.nameless(ct):
		then()
		return
	case ct.naming != nil:
		ct.naming.then = append(ct.naming.then, then)
		return
	}
	ct.naming = &nickQuery{peer: ct.Peer}
	if len(u.nicks) >= maxNicks {
		then()
		return
	}
	u.refs++
	ref := strconv.FormatUint(u.refs, 36)
	if err := u.legacySession().(legacy.Profiler).RequestProfile(u.ctx, ref, legacy.Peer{ID: ct.Peer}); err != nil {
		then()
		return
	}
	ct.naming.deadline, ct.naming.then = u.c.clock.Now().Add(nickTime), []func(){then}
	put(&u.nicks, ref, ct.naming)
}

// goOn lets those go on who wait for a nick.
func (q *nickQuery) goOn() {
	then := q.then
	q.then, q.deadline = nil, time.Time{}
	for _, f := range then {
		f()
	}
}

// onNickFound takes the answer to a question of ours; it is false for another's.
func (u *user) onNickFound(ev legacy.ProfileReceived) bool {
	q, ours := u.nicks[ev.Ref]
	if !ours {
		return false
	}
	delete(u.nicks, ev.Ref)
	if ev.Err == nil {
		u.learnNick(q.peer, ev.Profile)
	}
	q.goOn()
	return true
}

// expireNicks lets those go on who have waited too long. The answer still counts.
func (u *user) expireNicks(now time.Time) {
	for _, q := range u.nicks {
		if len(q.then) > 0 && !q.deadline.After(now) {
			q.goOn()
		}
	}
}

// endNicks gives up all questions, as the session has ended.
func (u *user) endNicks() {
	for ref, q := range u.nicks {
		delete(u.nicks, ref)
		q.goOn()
		if ct := u.contacts[q.peer]; ct != nil {
			ct.naming = nil
		}
	}
}

// learnNick takes a nick out of somebody's profile.
func (u *user) learnNick(peer string, p legacy.Profile) {
	nick := p.Nick
	if nick == "" || nick == peer {
		nick = fullName(p)
	}
	if ct := u.contacts[peer]; ct != nil && peer != "" && nick != peer {
		u.setNick(ct, nick)
	}
}

// onPeerNamed: the network tells what it calls somebody.
func (u *user) onPeerNamed(ev legacy.PeerNamed) {
	if ct := u.contacts[ev.Peer.ID]; ct != nil && ct.Peer != "" && u.nick(ct) == "" {
		u.setNick(ct, ev.Nick)
	}
}

// setNick notes what the network calls a contact, and tells the user's roster if they have
// no other name there.
func (u *user) setNick(ct *contact, nick string) {
	before, nick := u.nameOf(ct), truncate(strings.TrimSpace(strings.ReplaceAll(cleanText(nick), "\n", " ")), maxNick)
	if nick == "" || nick == ct.Nick {
		return
	}
	ct.Nick = nick
	u.save(ct)
	if ct.inRoster.name == before {
		ct.inRoster.name = ""
	}
	if u.nameOf(ct) != before && ct.inRoster.name == "" && ct.Subscription.Has(registry.To) && !ct.Subscription.Has(registry.AskFrom) {
		u.tellRoster(ct)
	}
}

// seekNicks asks what those are called who are offered next, and reports whether the
// first few of them are worth waiting for.
func (u *user) seekNicks(few int) (wait bool) {
	under := 0
	for i, peer := range u.toAsk {
		if i >= max(few, nicksAhead) || under >= nicksAhead {
			break
		}
		ct := u.contacts[peer]
		if ct == nil || !u.nameless(ct) {
			continue
		}
		if ct.naming == nil {
			u.withNick(ct, func() {
				if u.askAwaits { // else the next offer has a time of its own
					u.askAwaits, u.askAt = false, u.c.clock.Now()
				}
			})
		}
		if u.nameless(ct) {
			under++
			wait = wait || i < few
		}
	}
	return wait
}
