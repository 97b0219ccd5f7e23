package component

import (
	"hash/maphash"
	"time"
)

// limiter is the rate limit of each user. It has a fixed number of token buckets, so that
// strangers cannot make it grow; two users may share one, which only makes both a little
// slower. Only the stream reader uses it.
type limiter struct {
	rate, burst float64 // stanzas a second, and at once; 0 for no limit
	seed        maphash.Seed
	buckets     []bucket
}

type bucket struct {
	left float64
	seen time.Time
}

const (
	limitBuckets = 1 << 13 // limit: buckets for the rate limit of users | two users share one, and its rate
	burstSeconds = 10      // limit: seconds of `network.rate` that a user may send at once | policy-violation
)

func newLimiter(rate int) limiter {
	l := limiter{rate: float64(rate), burst: float64(rate * burstSeconds), seed: maphash.MakeSeed()}
	if rate > 0 {
		l.buckets = make([]bucket, limitBuckets)
	}
	return l
}

// allow reports whether a user may send one more stanza now.
func (l *limiter) allow(user string, now time.Time) bool {
	if l.rate <= 0 {
		return true
	}
	b := &l.buckets[maphash.String(l.seed, user)%limitBuckets]
	if b.seen.IsZero() {
		b.left = l.burst
	} else {
		b.left = min(l.burst, b.left+max(0, now.Sub(b.seen).Seconds())*l.rate)
	}
	b.seen = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
