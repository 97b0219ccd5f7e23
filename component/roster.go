package component

import (
	"time"

	"transport/legacy"
	"transport/registry"
)

// roster is the user's contacts: their presence and subscriptions, which the gateway
// serves, and the synchronisation of the network's contact list with the user's roster.
type roster struct {
	u *user

	blocklist
	nicknames
	rosterWriter
	listEdits
	avatars

	contacts map[string]*contact    // by peer ID; the gateway itself is ""
	adding   map[string]func(error) // called with the result of adding a contact, by peer ID
	unsentAt time.Time              // when debounced presence is sent
}

// blocklist is the network's list of blocked peers.
type blocklist struct {
	ro *roster

	blocked map[string]bool          // by peer ID
	pending map[string][]blockWaiter // changes that the network has not confirmed, by peer ID
}

// avatars limits the avatars of the contacts.
type avatars struct {
	ro *roster

	size int // bytes of all images together, or more
}

// nicknames queries the network for the nicks of contacts without a name.
type nicknames struct {
	ro *roster

	nicks map[string]*nickQuery // pending queries, by ref
}

// rosterWriter adds contacts to the user's roster and removes them, one at a time: by the
// roster privilege (XEP-0356), by roster item exchange (XEP-0144), or by subscription
// requests.
type rosterWriter struct {
	ro *roster

	rosterFails     bool      // the server has refused a write in spite of the privilege
	offers          []string  // peers to be added
	removals        []string  // JIDs to be removed
	offerAt         time.Time // when the next offer is made
	offerAwaitsNick bool      // the next offer waits for a nick
	removeAt        time.Time // when the next removal is sent, zero without a link
	readAt          time.Time // when the roster was read last
	reading         bool      // a roster query is pending
	readers         []func()  // called after the next roster query
}

func newRoster(u *user) roster { return roster{u: u, contacts: make(map[string]*contact)} }

// init sets the parts' pointers once the roster is at its final address.
func (ro *roster) init() {
	ro.blocklist.ro, ro.nicknames.ro, ro.rosterWriter.ro, ro.listEdits.ro, ro.avatars.ro = ro, ro, ro, ro, ro
}

// load takes the contacts of the registry.
func (ro *roster) load(rows []registry.Contact) {
	for _, row := range rows {
		ro.contacts[row.Peer] = &contact{Contact: row, jid: ro.u.c.peers.JID(row.Peer)}
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
		if ro.u.login.legacySession() != nil && !ro.u.account.isGuest() {
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

// known returns a contact of the user, nil for anybody else.
func (ro *roster) known(peer string) *contact { return ro.contacts[peer] }

// online returns the number of available contacts.
func (ro *roster) online() int {
	n := 0
	for _, ct := range ro.contacts {
		if ct.Peer != "" && ct.presence.Show > legacy.ShowInvisible {
			n++
		}
	}
	return n
}

// editing reports whether an edit of a contact is pending.
func (ro *roster) editing() bool {
	for _, ct := range ro.contacts {
		if ct.editing {
			return true
		}
	}
	return false
}

// edited notes the network's answer to the edit of a contact.
func (ro *roster) edited(p legacy.Peer) {
	if ct := ro.contacts[p.ID]; ct != nil {
		ct.editing = false
	}
}

// isBlocked reports whether the network's block list has a peer.
func (bl *blocklist) isBlocked(peer string) bool { return bl.blocked[peer] }

// hasBlocked reports whether the block list is not empty.
func (bl *blocklist) hasBlocked() bool { return len(bl.blocked) > 0 }

// canSee reports whether a contact is visible to the user: whether it is on the user's
// list. Unknown and unauthorised contacts look the same. (RFC 6120 §13.10.2)
func (ro *roster) canSee(peer legacy.Peer) (*contact, bool) {
	ct := ro.contacts[peer.ID]
	if !ro.u.account.exists() || ct == nil || peer.ID == "" {
		return nil, false
	}
	return ct, ct.Listed || ct.Subscription.Has(registry.To)
}
