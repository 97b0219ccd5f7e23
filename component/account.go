package component

import (
	"cmp"
	"time"

	"transport/legacy"
	"transport/registry"
)

// account is the user's registration, with its options and settings.
type account struct {
	u *user

	row            *registry.Account // nil for somebody who has none
	guest          bool              // it lasts as long as the user is in a room
	guestLeft      bool              // the guest has left the last room
	leavingGateway bool              // it is being removed
	settling       *settling         // waits for changes that are on their way to the network
}

func (ac *account) due(now time.Time) {
	if ac.settling != nil && isDue(ac.settling.deadline, now) {
		ac.endSettling()
	}
	ac.endGuest()
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
		ac.row = nil
	}
}

// exists reports whether the user has an account, be it a guest's.
func (ac *account) exists() bool { return ac.row != nil }

// isGuest reports whether the account ends with the user's last room.
func (ac *account) isGuest() bool { return ac.guest }

// stored is a copy of the account, the zero value for somebody without.
func (ac *account) stored() registry.Account {
	if ac.row == nil {
		return registry.Account{}
	}
	return *ac.row
}

// legacy is the account as adapters take it.
func (ac *account) legacy() legacy.Account {
	row := ac.stored()
	return legacy.Account{Fields: row.Fields, Settings: allSettings(&row), State: row.State}
}

// name is what the account is called on the network.
func (ac *account) name() string {
	row := ac.stored()
	return cmp.Or(row.Login, row.Fields["username"])
}

// field is an answer of the registration form, "" if there is none.
func (ac *account) field(name string) string { return ac.stored().Fields[name] }

// value is an option as it is stored, "" if it is not.
func (ac *account) value(name string) string { return ac.stored().Options[name] }

// take makes an account the user's.
func (ac *account) take(row *registry.Account) { ac.row, ac.guest, ac.guestLeft = row, false, false }

// beGuest makes an account for as long as the user is in a room.
func (ac *account) beGuest(fields map[string]string) {
	ac.row = &registry.Account{Network: ac.u.c.domain, User: ac.u.bare, Fields: fields}
	ac.guest = true
}

// renameGuest changes the nick that a guest's sign-ons begin with.
func (ac *account) renameGuest(nick string) { ac.row.Fields["username"] = nick }

// leaveGuest ends a guest's account, once the session has ended.
func (ac *account) leaveGuest() { ac.guestLeft = true }

func (ac *account) endGuest() {
	if ac.guest && ac.guestLeft && !ac.u.login.hasSession() && !ac.u.rooms.busy() {
		ac.row, ac.guest, ac.guestLeft = nil, false, false
		ac.u.login.clearSignOnError()
	}
}
