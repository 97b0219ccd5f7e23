package component

import (
	"strings"
	"time"

	"transport/legacy"
)

// visit is something that needs a session, such as a list of rooms, and waits for it.
type visit struct {
	do   func()
	fail func(stanzaError)
}

const (
	visitTime = 5 * time.Minute // for which a visitor stays signed on
	maxVisits = 16
)

// visit calls do as soon as the user is signed on, or fail. Somebody who is not online, or
// a guest who is in no room, is signed on for it as for a room, and stays so for a while:
// who looks around asks more, and then joins.
func (u *user) visit(do func(), fail func(stanzaError)) {
	switch u.state() {
	case stateSignedOn:
		u.visitEnd = u.c.clock.Now().Add(visitTime)
		do()
		return
	case stateSignedOff, stateRefused, stateUnreachable:
		fail(u.notOnline())
		return
	case stateStranger:
		if u.trial != nil {
			fail(errBusy.with("You are being registered. Try again when that is done."))
			return
		}
		if why := u.signOnToVisit(); why != nil {
			fail(*why)
			return
		}
	}
	if len(u.visits) >= maxVisits {
		fail(errBusy)
		return
	}
	u.visitEnd = u.c.clock.Now().Add(visitTime)
	u.visits = append(u.visits, visit{do, fail})
}

// signOnToVisit makes a guest of somebody who has not said what to be called: as in their
// address, until they join a room.
func (u *user) signOnToVisit() *stanzaError {
	name, _, _ := strings.Cut(u.bare, "@")
	nick, why := u.c.legalNick(nameOf(name))
	if why == nil {
		why = u.signOnAsGuest(nick)
	}
	u.unnamed = why == nil
	return why
}

// nameGuest gives a guest who has come for a visit the nick of the room that they join.
func (u *user) nameGuest(nick string) {
	if u.unnamed {
		u.unnamed = false
		u.account.Fields["username"], u.rename = nick, nick
	}
}

// renameAt tells the network of the nick that nameGuest has given, before a room is joined.
func (u *user) renameAt(roomer legacy.Roomer, room legacy.Peer) {
	if u.rename == "" {
		return
	}
	if err := roomer.SetNick(u.ctx, room, u.rename); err != nil && legacy.KindOf(err) != legacy.Offline { // where there is no connection yet, it begins with that nick
		u.log.Debug().Err(err).Msg("cannot change the nick of a guest")
	}
	u.rename = ""
}

// makeVisits does what has waited for the session.
func (u *user) makeVisits() {
	waiting := u.visits
	u.visits = nil
	for _, v := range waiting {
		v.do()
	}
}

// failVisits gives up what waits for a session, since there is none, and the visit.
func (u *user) failVisits(why stanzaError) {
	waiting := u.visits
	u.visits = nil
	u.endVisit()
	for _, v := range waiting {
		v.fail(why)
	}
}

// endVisit signs a visitor off, unless they are online or in a room by now.
func (u *user) endVisit() {
	if u.visitEnd.IsZero() {
		return
	}
	u.visitEnd, u.unnamed, u.rename = time.Time{}, false, ""
	if u.guest && len(u.rooms) == 0 {
		u.guestLeft = true
	}
}
