package irc

import (
	"slices"
	"time"
)

// throttle is a token bucket that keeps the user below the server's flood limit: burst
// lines without delay, then rate lines a second.
type throttle struct {
	burst, rate float64 // a rate of 0 is no limit
	left        float64
	seen        time.Time
	queue       []queued
}

// queued is a line with a callback.
type queued struct {
	line string
	sent func(error) // called with nil once the line is sent, or with the reason why it never will be
}

// maxQueued is the limit of queued lines.
const maxQueued = 2000

func newThrottle(burst int, rate float64, now time.Time) throttle {
	return throttle{burst: float64(burst), rate: rate, left: float64(burst), seen: now}
}

// put queues a line. It returns false if the queue is full.
func (t *throttle) put(q queued) bool {
	if len(t.queue) >= maxQueued {
		return false
	}
	t.queue = append(t.queue, q)
	return true
}

// putFirst queues a line before all others. The caller limits their number.
func (t *throttle) putFirst(q queued) { t.queue = slices.Insert(t.queue, 0, q) }

// take removes the next line, if it may be sent now.
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

// next returns when the next line may be sent, zero if none is queued.
func (t *throttle) next(now time.Time) time.Time {
	if len(t.queue) == 0 || t.rate == 0 {
		return time.Time{}
	}
	t.fill(now)
	return now.Add(time.Duration(max(0, (1-t.left)/t.rate) * float64(time.Second)))
}
