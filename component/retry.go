package component

import (
	"math/rand/v2"
	"time"
)

// The back-off between sign-ons.
const (
	backoffFloor  = 2 * time.Second
	backoffCeil   = 5 * time.Minute
	backoffRecent = 30 * time.Second // instead, for a network that was available within recentSuccess
	hastenPause   = 2 * time.Second  // between two sign-ons that the user causes
	backSpread    = 2 * time.Second  // over which all users try again after an outage
)

// retry schedules the next sign-on after the session has ended with lastError. wasReady
// reports whether the network had signed the account on.
func (lg *login) retry(wasReady bool) {
	if !wasReady {
		lg.u.c.outage.fail()
	}
	most := backoffCeil
	if lg.u.c.outage.recent(lg.lastErrorAt) {
		most = backoffRecent
	}
	lg.retryAt = lg.lastErrorAt.Add(signOnBackoff(lg.attempt, most, lg.lastError))
	lg.attempt++
}

// signOnBackoff returns the back-off after some failures in a row, with full jitter. It
// is never less than the network's own retry-after.
func signOnBackoff(attempt int, most time.Duration, err error) time.Duration {
	ceiling := min(backoffFloor<<min(attempt, 10), most)
	return max(rand.N(ceiling)+time.Second/2, retryAfter(err))
}

// hasten brings the next sign-on forward: the user wants something of the network.
func (lg *login) hasten() { lg.retryBefore(lg.lastErrorAt.Add(hastenPause)) }

// retryBefore brings the next sign-on forward to a time, but not before the end of the
// network's own retry-after.
func (lg *login) retryBefore(at time.Time) {
	if allowed := lg.lastErrorAt.Add(retryAfter(lg.lastError)); at.Before(allowed) {
		at = allowed
	}
	if at.Before(lg.retryAt) {
		lg.retryAt = at
	}
}
