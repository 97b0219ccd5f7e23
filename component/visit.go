package component

import (
	"strings"
	"time"

	"transport/component/stanza"
	"transport/legacy"
)

// visit is something that needs a session, such as a list of rooms, and waits for it.
type visit struct {
	do   func()
	fail func(stanza.Error)
}

// visits are questions to the network of somebody who is not signed on, and is for them.
type visits struct {
	u *user

	waiting   []visit   // for the session
	visitEnd  time.Time // until then a session needs neither client nor room
	nickUnset bool      // the guest has not chosen a nick
	newNick   string    // the nick that a guest has chosen since, "" if the network has it
}

const (
	visitTime = 5 * time.Minute // for which a visitor stays signed on
	maxVisits = 16
)

// visit calls do as soon as the user is signed on, or fail. Somebody who is not online, or
// a guest who is in no room, is signed on for it as for a room, and stays so for a while:
// who looks around asks more, and then joins.
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
			fail(stanza.ErrBusy.With("You are being registered. Try again when that is done."))
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

// signOnToVisit makes a guest of somebody who has not said what to be called: as in their
// address, until they join a room.
func (vi *visits) signOnToVisit() *stanza.Error {
	name, _, _ := strings.Cut(vi.u.bare, "@")
	nick, why := vi.u.c.legalNick(nameOf(name))
	if why == nil {
		why = vi.u.rooms.signOnAsGuest(nick)
	}
	vi.nickUnset = why == nil
	return why
}

// nameGuest gives a guest who has come for a visit the nick of the room that they join.
func (vi *visits) nameGuest(nick string) {
	if vi.nickUnset {
		vi.nickUnset = false
		vi.u.account.renameGuest(nick)
		vi.newNick = nick
	}
}

// renameAt tells the network of the nick that nameGuest has given, before a room is joined.
func (vi *visits) applyNick(roomer legacy.Roomer, room legacy.Peer) {
	if vi.newNick == "" {
		return
	}
	if err := roomer.SetNick(vi.u.ctx, room, vi.newNick); err != nil && legacy.KindOf(err) != legacy.Offline { // where there is no connection yet, it begins with that nick
		vi.u.log.Debug().Err(err).Msg("cannot change the nick of a guest")
	}
	vi.newNick = ""
}

// makeVisits does what has waited for the session.
func (vi *visits) runVisits() {
	waiting := vi.waiting
	vi.waiting = nil
	for _, v := range waiting {
		v.do()
	}
}

// failVisits gives up what waits for a session, since there is none, and the visit.
func (vi *visits) failVisits(why stanza.Error) {
	waiting := vi.waiting
	vi.waiting = nil
	vi.endVisit()
	for _, v := range waiting {
		v.fail(why)
	}
}

// endVisit signs a visitor off, unless they are online or in a room by now.
func (vi *visits) endVisit() {
	if vi.visitEnd.IsZero() {
		return
	}
	vi.visitEnd, vi.nickUnset, vi.newNick = time.Time{}, false, ""
	if vi.u.account.isGuest() && !vi.u.rooms.busy() {
		vi.u.account.leaveGuest()
	}
}
