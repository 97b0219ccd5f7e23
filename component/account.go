package component

import (
	"cmp"
	"time"

	"transport/component/muc"
	"transport/registry"
)

// account is the user's registration, with its options and settings.
type account struct {
	u *user

	row            *registry.Account // nil without an account
	guest          bool              // the account ends with the last room
	fault          error             // the stored fields cannot be read, nil if they can
	arriving       bool              // a guest who has not joined a room yet, counted in actors.arrivals
	leavingGateway bool              // it is being removed
	settling       *settling         // an operation that waits for pending roster edits, nil if none does
}

func (ac *account) due(now time.Time) {
	if ac.settling != nil && isDue(ac.settling.deadline, now) {
		ac.endSettling()
	}
	if ac.arriving && (!ac.guest || ac.u.rooms.HasJoined()) {
		ac.arrived()
	}
}

func (ac *account) next() time.Time {
	if ac.settling == nil {
		return time.Time{}
	}
	return ac.settling.deadline
}

func (ac *account) busy() bool { return false }

func (ac *account) reset(why resetReason) {
	switch why {
	case sessionEnded:
		ac.endSettling()
	case unregistered:
		ac.row, ac.fault = nil, nil
	case stopped:
		ac.arrived()
	}
}

// arrived stops counting a guest as one who has not joined a room yet.
func (ac *account) arrived() {
	if ac.arriving {
		ac.arriving = false
		ac.u.c.arrivals.leave()
	}
}

// exists reports whether the user has an account, a guest's included.
func (ac *account) exists() bool { return ac.row != nil }

// isGuest reports whether the account ends with the user's last room.
func (ac *account) isGuest() bool { return ac.guest }

// stored returns a copy of the account, the zero value if there is none.
func (ac *account) stored() registry.Account {
	if ac.row == nil {
		return registry.Account{}
	}
	return *ac.row
}

// name returns the account's name on the network.
func (ac *account) name() string {
	row := ac.stored()
	return cmp.Or(row.Login, row.Fields["username"])
}

// forRooms returns the account for the rooms.
func (ac *account) forRooms() muc.Account { return muc.Account{Account: ac.row, Guest: ac.guest} }

// value returns the stored value of an option, "" if it is not set.
func (ac *account) value(name string) string { return ac.stored().Options[name] }

// take replaces the user's account.
func (ac *account) take(row *registry.Account) { ac.row, ac.guest, ac.fault = row, false, nil }

// unreadable returns the error of an account whose fields cannot be read, nil if they can.
func (ac *account) unreadable() error { return ac.fault }

// beGuest creates a guest's account, which ends with the user's last room. It returns false
// if too many guests are arriving.
func (ac *account) beGuest(fields map[string]string) bool {
	if !ac.arriving && !ac.u.c.arrivals.enter() {
		return false
	}
	ac.arriving = true
	ac.row = &registry.Account{Network: ac.u.c.domain, User: ac.u.bare, Fields: fields}
	ac.guest = true
	return true
}

// renameGuest changes the nick for a guest's next sign-on.
func (ac *account) renameGuest(nick string) { ac.row.Fields["username"] = nick }

// endGuest ends the account of a guest who is in no room and makes no query, once the session
// has ended.
func (ac *account) endGuest() {
	if ac.guest && !ac.u.login.hasSession() && !ac.u.login.visiting() && !ac.u.rooms.busy() {
		ac.row, ac.guest = nil, false
		ac.arrived()
		ac.u.login.clearSignOnError()
	}
}
