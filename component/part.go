package component

import "time"

// part is one of the eight parts of a user. The user's loop calls these four methods of
// each and knows nothing else of their state; a part calls methods of other parts, and
// neither reads nor writes their fields.
type part interface {
	// due does what is due by now.
	due(now time.Time)
	// next is when due has to be called again, zero for never.
	next() time.Time
	// busy reports whether the part needs the user's actor to stay.
	busy() bool
	// reset drops what an event has made void.
	reset(why resetReason)
}

var _ = [...]part{(*calls)(nil), (*roster)(nil), (*clients)(nil), (*rooms)(nil), (*outbox)(nil), (*adhoc)(nil), (*login)(nil), (*account)(nil)}

// resetReason is an event that makes state void.
type resetReason uint8

const (
	linkChanged  resetReason = iota // the XMPP server is gone, or is there again: it tells anew who is online
	sessionEnded                    // the network will answer nothing that was asked before
	unregistered
	stopped // the actor ends
)

// earliest is the first of some times, of which zero ones do not count.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// isDue reports whether a time has come. A zero time never comes.
func isDue(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }
