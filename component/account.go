package component

import (
	"time"

	"transport/registry"
)

// account is the user's registration, with its options and settings.
type account struct {
	u *user

	row            *registry.Account // nil for somebody who has none
	guest          bool              // it lasts as long as the user is in a room
	leavingGateway bool              // it is being removed
	settling       *settling         // waits for changes that are on their way to the network
}

func (ac *account) due(now time.Time) {
	if ac.settling != nil && isDue(ac.settling.deadline, now) {
		ac.endSettling()
	}
	ac.u.rooms.endGuest()
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
