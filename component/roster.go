package component

import (
	"time"

	"transport/legacy"
	"transport/registry"
)

// roster are the user's contacts: their presence and subscriptions, of which the gateway is
// the server, and how the network's list and the user's roster are kept alike.
type roster struct {
	u *user

	blocklist
	nicknames
	rosterWriter
	listEdits

	contacts map[string]*contact    // by peer ID; the gateway itself is ""
	adding   map[string]func(error) // called when a contact was added, or refused, by peer ID
	unsentAt time.Time              // when contacts whose presence flaps are shown
}

// blocklist is the network's list of blocked peers.
type blocklist struct {
	ro *roster

	blocked map[string]bool          // by peer ID
	pending map[string][]blockWaiter // requests that wait for a change, by peer ID
}

// nicknames looks up the nicks of contacts that have no name.
type nicknames struct {
	ro *roster

	nicks map[string]*nickQuery // under way, by ref
}

// rosterWriter brings contacts into the user's roster, and takes them off it, one at a
// time: with the roster privilege, as a proposal, or by requests for subscription.
type rosterWriter struct {
	ro *roster

	rosterFails     bool      // the server refuses to let us write the roster, whatever it says
	offers          []string  // peers to be brought in
	removals        []string  // JIDs to be taken off
	offerAt         time.Time // when the next of toAsk is brought in
	offerAwaitsNick bool      // that waits for a nick
	removeAt        time.Time // when the next of toRemove is taken off, zero without a link
	readAt          time.Time // when the roster was read last
	reading         bool      // a reading of it is under way
	readers         []func()  // wait for the reading after it
}

func newRoster(u *user) roster { return roster{u: u, contacts: make(map[string]*contact)} }

// init points the roster's parts back at it, once it is where it stays.
func (ro *roster) init() {
	ro.blocklist.ro, ro.nicknames.ro, ro.rosterWriter.ro, ro.listEdits.ro = ro, ro, ro, ro
}

// load takes over the contacts that the registry has.
func (ro *roster) load(rows []registry.Contact) {
	for _, row := range rows {
		ro.contacts[row.Peer] = &contact{Contact: row, jid: ro.u.c.contactJID(row.Peer)}
	}
}

func (ro *roster) due(now time.Time) {
	ro.expireNicks(now)
	if isDue(ro.editRetryAt, now) {
		ro.editRetryAt = time.Time{}
		ro.editNext()
	}
	if isDue(ro.unsentAt, now) {
		ro.unsentAt = time.Time{}
		ro.sendUnsent()
	}
	switch {
	case len(ro.removals) > 0: // of a registration before this one
		if isDue(ro.removeAt, now) {
			ro.removeNext(now)
		}
	case len(ro.offers) > 0 && !ro.offerAt.After(now):
		ro.offerNext(now)
	}
}

func (ro *roster) next() time.Time {
	next := earliest(ro.unsentAt, ro.editRetryAt)
	for _, q := range ro.nicks {
		next = earliest(next, q.deadline)
	}
	switch {
	case len(ro.removals) > 0:
		next = earliest(next, ro.removeAt)
	case len(ro.offers) > 0:
		next = earliest(next, ro.offerAt)
	}
	return next
}

func (ro *roster) busy() bool { return len(ro.offers) > 0 || len(ro.removals) > 0 }

func (ro *roster) reset(why resetReason) {
	switch why {
	case linkChanged:
		if ro.u.conn == nil {
			return
		}
		if len(ro.removals) > 0 {
			ro.removeAt = ro.u.c.clock.Now()
		}
		if ro.u.login.legacySession() != nil {
			ro.sendGatewayPresence(ro.u.bare)
		}
	case sessionEnded:
		ro.failPendingBlocks()
		ro.endNicks()
		ro.dropEdits()
		ro.failAdding()
	case unregistered:
		ro.offers = nil
	}
}

// known is a contact of the user's, nil for anybody else.
func (ro *roster) known(peer string) *contact { return ro.contacts[peer] }

// online is how many contacts are available.
func (ro *roster) online() int {
	n := 0
	for _, ct := range ro.contacts {
		if ct.Peer != "" && ct.presence.Show > legacy.ShowInvisible {
			n++
		}
	}
	return n
}

// editing reports whether changes of contacts are on their way to the network.
func (ro *roster) editing() bool {
	for _, ct := range ro.contacts {
		if ct.editing {
			return true
		}
	}
	return false
}

// edited notes that the network has taken a change of a contact, or has not.
func (ro *roster) edited(p legacy.Peer) {
	if ct := ro.contacts[p.ID]; ct != nil {
		ct.editing = false
	}
}

// isBlocked reports whether the network's block list has a peer.
func (bl *blocklist) isBlocked(peer string) bool { return bl.blocked[peer] }

// hasBlocked reports whether the block list is not empty.
func (bl *blocklist) hasBlocked() bool { return len(bl.blocked) > 0 }

// canSee reports whether the user is let to know of a contact: whether it is on the
// user's list. Unknown and unauthorised look the same. (RFC 6120 §13.10.2)
func (ro *roster) canSee(peer legacy.Peer) (*contact, bool) {
	ct := ro.contacts[peer.ID]
	if !ro.u.account.exists() || ct == nil || peer.ID == "" {
		return nil, false
	}
	return ct, ct.Listed || ct.Subscription.Has(registry.To)
}
