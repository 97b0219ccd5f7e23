package component

import (
	"strings"
	"time"

	"transport/component/peers"
	"transport/component/stanza"
	"transport/legacy"
)

// visit is a query that waits for a session, such as one for the list of rooms.
type visit struct {
	do   func()
	fail func(stanza.Error)
}

// visits holds the queries of a user who is not signed on. The gateway signs the user on
// for them, and off again after visitTime.
type visits struct {
	u *user

	waiting   []visit   // queries until the session is ready
	visitEnd  time.Time // until then the session stays without client and room
	nickUnset bool      // the guest has not chosen a nick yet
	newNick   string    // the nick that the guest has chosen since, "" if the network has it
}

const (
	visitTime = 5 * time.Minute // how long the user stays signed on after a query
	maxVisits = 16
)

// visit calls do as soon as the user is signed on, or fail. It signs on a user who is
// offline, or a guest who is not in a room, for visitTime: a query is often followed by
// more, and by a join.
func (vi *visits) visit(do func(), fail func(stanza.Error)) {
	switch vi.u.login.state() {
	case stateSignedOn:
		vi.visitEnd = vi.u.c.clock.Now().Add(visitTime)
		do()
		return
	case stateSignedOff, stateRefused, stateUnreachable:
		fail(vi.u.login.notOnline())
		return
	case stateStranger:
		if vi.u.login.registering() {
			fail(stanza.ErrBusy.With("Your registration is under way. Try again when it is complete."))
			return
		}
		if why := vi.signOnToVisit(); why != nil {
			fail(*why)
			return
		}
	}
	if len(vi.waiting) >= maxVisits {
		fail(stanza.ErrBusy)
		return
	}
	vi.visitEnd = vi.u.c.clock.Now().Add(visitTime)
	vi.waiting = append(vi.waiting, visit{do, fail})
}

// signOnToVisit signs on a guest who has not chosen a nick. The nick is the localpart of
// the user's JID until the user joins a room.
func (vi *visits) signOnToVisit() *stanza.Error {
	name, _, _ := strings.Cut(vi.u.bare, "@")
	nick, why := vi.u.c.peers.LegalNick(peers.NameOf(name))
	if why == nil {
		why = vi.u.rooms.signOnAsGuest(nick)
	}
	vi.nickUnset = why == nil
	return why
}

// nameGuest gives a guest without a chosen nick the nick of the first room that the guest
// joins.
func (vi *visits) nameGuest(nick string) {
	if vi.nickUnset {
		vi.nickUnset = false
		vi.u.account.renameGuest(nick)
		vi.newNick = nick
	}
}

// applyNick sends the nick from nameGuest to the network, before the join.
func (vi *visits) applyNick(roomer legacy.Roomer, room legacy.Peer) {
	if vi.newNick == "" {
		return
	}
	err := roomer.SetNick(vi.u.ctx, room, vi.newNick)
	if err != nil && legacy.KindOf(err) != legacy.Offline { // a later connection begins with that nick
		vi.u.log.Debug().Err(err).Msg("cannot change the nick of a guest")
	}
	vi.newNick = ""
}

// runVisits runs the queries that waited for the session.
func (vi *visits) runVisits() {
	waiting := vi.waiting
	vi.waiting = nil
	for _, v := range waiting {
		v.do()
	}
}

// failVisits fails the queries that wait for a session, and ends the visit.
func (vi *visits) failVisits(why stanza.Error) {
	waiting := vi.waiting
	vi.waiting = nil
	vi.endVisit()
	for _, v := range waiting {
		v.fail(why)
	}
}

// endVisit ends the visit. A guest who is not in a room is signed off.
func (vi *visits) endVisit() {
	if vi.visitEnd.IsZero() {
		return
	}
	vi.visitEnd, vi.nickUnset, vi.newNick = time.Time{}, false, ""
	if vi.u.account.isGuest() && !vi.u.rooms.busy() {
		vi.u.account.leaveGuest()
	}
}
