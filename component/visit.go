package component

import (
	"strings"
	"time"

	"transport/component/peers"
	"transport/component/stanza"
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
}

const (
	visitTime = 5 * time.Minute // how long the user stays signed on after a query
	maxVisits = 16              // limit: requests of a user that wait for a sign-on | a further one is refused: resource-constraint
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
	case stateUnreachable:
		vi.u.login.hasten()
	case stateSignedOff, stateRefused:
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
		why = vi.signOnAsGuest(nick)
	}
	vi.nickUnset = why == nil
	return why
}

// signOnAsGuest creates a temporary registration: it ends when the user leaves the last
// room.
func (vi *visits) signOnAsGuest(nick string) *stanza.Error {
	fields := map[string]string{"username": nick}
	if !vi.u.c.info.Guests {
		return &stanza.ErrRegisterFirst
	}
	if err := vi.u.c.cfg.Network.Validate(fields); err != nil {
		why := vi.u.c.peers.BadNick(nick)
		return &why
	}
	switch {
	case vi.u.c.cfg.Memory.short(memoryNewcomers):
		return &errMemory
	case !vi.u.account.beGuest(fields):
		why := stanza.ErrBusy.With("Too many guests are joining at once. Try again in a minute.")
		return &why
	}
	return nil
}

// nameGuest gives a guest without a chosen nick the nick of the first room that the guest
// joins. It returns true if the session has another one.
func (vi *visits) nameGuest(nick string) bool {
	if !vi.nickUnset {
		return false
	}
	vi.nickUnset = false
	vi.u.account.renameGuest(nick)
	return true
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
	vi.visitEnd, vi.nickUnset = time.Time{}, false
	vi.u.rooms.ForgetGuestNick()
}

// visiting reports whether the user is signed on, or is to be, for queries.
func (vi *visits) visiting() bool { return !vi.visitEnd.IsZero() }
