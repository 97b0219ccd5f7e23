package component

import (
	"math/rand/v2"
	"time"
)

// The back-off between sign-ons.
const (
	backoffFloor = 2 * time.Second
	backoffCeil  = 5 * time.Minute
)

// signOnBackoff returns the back-off after some failures in a row, with full jitter. It
// is never less than the network's own retry-after.
func signOnBackoff(attempt int, err error) time.Duration {
	ceiling := min(backoffFloor<<min(attempt, 10), backoffCeil)
	return max(rand.N(ceiling)+time.Second/2, retryAfter(err))
}
