package component

import "time"

// part is one of the nine parts of a user. The user's loop calls these four methods and
// knows no other state of a part. A part calls methods of other parts; it never reads or
// writes their fields.
type part interface {
	// due runs the timers that have expired by now.
	due(now time.Time)
	// next returns the time at which due must be called again, zero for never.
	next() time.Time
	// busy reports whether the part needs the actor to keep running.
	busy() bool
	// reset drops the state that an event has invalidated.
	reset(why resetReason)
}

// resetReason is an event that invalidates state.
type resetReason uint8

const (
	linkChanged  resetReason = iota // the link was lost or restored: the server sends the clients' presence anew
	sessionEnded                    // the network answers no pending query any more
	unregistered
	stopped // the actor ends
)

// earliest returns the earliest of some times. Zero times are ignored.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// isDue reports whether a timer has expired. A zero time never expires.
func isDue(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }
