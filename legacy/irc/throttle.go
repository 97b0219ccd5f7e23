package irc

import "time"

// throttle holds lines back so that the server does not throw the user out: a
// number of them may follow each other at once, and then so many a second.
type throttle struct {
	burst, rate float64 // a rate of 0 is no limit
	left        float64
	seen        time.Time
	queue       []queued
}

// queued is a line, and what to do once it is sent.
type queued struct {
	line string
	sent func(error) // nil once it is sent, or why it never will be
}

// maxQueued is how many lines wait.
const maxQueued = 2000

func newThrottle(burst int, rate float64, now time.Time) throttle {
	return throttle{burst: float64(burst), rate: rate, left: float64(burst), seen: now}
}

// put adds a line. It is false when too many wait.
func (t *throttle) put(q queued) bool {
	if len(t.queue) >= maxQueued {
		return false
	}
	t.queue = append(t.queue, q)
	return true
}

// take returns the next line that may be sent now.
func (t *throttle) take(now time.Time) (queued, bool) {
	t.fill(now)
	if len(t.queue) == 0 || t.rate > 0 && t.left < 1 {
		return queued{}, false
	}
	q := t.queue[0]
	t.queue[0] = queued{}
	t.queue = t.queue[1:]
	t.left--
	return q, true
}

func (t *throttle) fill(now time.Time) {
	t.left = min(t.burst, t.left+max(0, now.Sub(t.seen).Seconds())*t.rate)
	t.seen = now
}

// next is when the next line may be sent, zero if none waits.
func (t *throttle) next(now time.Time) time.Time {
	if len(t.queue) == 0 || t.rate == 0 {
		return time.Time{}
	}
	t.fill(now)
	return now.Add(time.Duration(max(0, (1-t.left)/t.rate) * float64(time.Second)))
}
