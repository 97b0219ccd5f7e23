package component

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"transport/legacy"
)

// The back-off between sign-ons.
const (
	backoffFloor  = 2 * time.Second
	backoffCeil   = 5 * time.Minute
	backoffRecent = 30 * time.Second       // instead, for a network that was available within recentSuccess
	hastenPause   = 2 * time.Second        // between two sign-ons that the user causes
	backSpread    = 500 * time.Millisecond // over which all users try again after an outage; the adapters' gates spread them further
)

// signOnBackoff returns the back-off after some failures in a row, with full jitter. It
// is never less than the network's own retry-after.
func signOnBackoff(attempt int, most time.Duration, err error) time.Duration {
	ceiling := min(backoffFloor<<min(attempt, 10), most)
	return max(rand.N(ceiling)+time.Second/2, retryAfter(err))
}

// outage is what the users of a component know of the network's availability from each
// other's sign-ons. Any goroutine may use it.
type outage struct {
	failed    atomic.Bool  // a sign-on has failed for a temporary reason since the last success
	succeeded atomic.Int64 // the last success, in Unix nanoseconds, 0 for none
	ended     atomic.Int64 // the last success after a failure
	probe     legacy.Probe
}

// recentSuccess is how long after a sign-on the network counts as merely interrupted.
const recentSuccess = time.Hour

// fail records a sign-on that failed for a temporary reason.
func (o *outage) fail() { o.failed.Store(true) }

// succeed records a sign-on. It reports whether it ends an outage.
func (o *outage) succeed(now time.Time) bool {
	o.succeeded.Store(now.UnixNano())
	o.probe.Back()
	if !o.failed.Swap(false) {
		return false
	}
	o.ended.Store(now.UnixNano())
	return true
}

// endedSince reports whether an outage has ended after a time.
func (o *outage) endedSince(t time.Time) bool { return o.ended.Load() > t.UnixNano() }

// recent reports whether a sign-on has succeeded within recentSuccess.
func (o *outage) recent(now time.Time) bool {
	at := o.succeeded.Load()
	return at != 0 && now.Sub(time.Unix(0, at)) < recentSuccess
}
