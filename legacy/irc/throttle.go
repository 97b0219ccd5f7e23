package irc

import (
	"slices"
	"strings"
	"time"
)

// throttle is a token bucket that keeps the user below the server's flood limit: burst
// lines without delay, then rate lines a second. Lines that wait are sent in fair turns:
// control lines first, then one of each lane in turn, so that a paste to one channel
// delays no other target.
type throttle struct {
	burst, rate float64 // a rate of 0 is no limit
	left        float64
	seen        time.Time
	control     []queued
	lanes       []*lane // none is empty; the first one is next
	speech      int     // lines in lanes
}

// lane is the queue of the lines for one target.
type lane struct {
	target string // folded, "" for lines that are no messages
	queue  []queued
	told   bool // the user knows that lines wait
}

// queued is a line with a callback.
type queued struct {
	line string
	sent func(error) // called with nil once the line is sent, or with the reason why it never will be
}

const (
	maxQueued  = 2000 // limit: lines that wait for a server's rate limit | a message is refused: resource-constraint
	maxControl = 500  // limit: lines without text that wait for it | the request is refused: resource-constraint
)

func newThrottle(burst int, rate float64, now time.Time) throttle {
	return throttle{burst: float64(burst), rate: rate, left: float64(burst), seen: now}
}

// waiting returns the number of queued lines.
func (t *throttle) waiting() int { return len(t.control) + t.speech }

// lane returns the lane of a target, nil if it is empty.
func (t *throttle) lane(target string) *lane {
	if i := slices.IndexFunc(t.lanes, func(l *lane) bool { return l.target == target }); i >= 0 {
		return t.lanes[i]
	}
	return nil
}

// put queues a line for a target. It returns false if the queue is full.
func (t *throttle) put(target string, q queued) bool {
	if t.speech >= maxQueued {
		return false
	}
	t.mustPut(target, q)
	return true
}

// mustPut queues a line for a target. The caller limits the number of such lines.
func (t *throttle) mustPut(target string, q queued) {
	l := t.lane(target)
	if l == nil {
		l = &lane{target: target}
		t.lanes = append(t.lanes, l)
	}
	l.queue = append(l.queue, q)
	t.speech++
}

// putControl queues a control line. It returns false if there are too many.
func (t *throttle) putControl(q queued) bool {
	if len(t.control) >= maxControl {
		return false
	}
	t.control = append(t.control, q)
	return true
}

// replace replaces a control line that waits, of a command of which only the last one
// matters. It returns false if there is none.
func (t *throttle) replace(verb, line string) bool {
	for i := range t.control {
		if word, _, _ := strings.Cut(t.control[i].line, " "); word == verb {
			t.control[i].line = line
			return true
		}
	}
	return false
}

// take removes the next line, if it may be sent now.
func (t *throttle) take(now time.Time) (q queued, ok bool) {
	t.fill(now)
	if t.waiting() == 0 || t.rate > 0 && t.left < 1 {
		return queued{}, false
	}
	t.left--
	if len(t.control) > 0 {
		q, t.control = pop(t.control)
		return q, true
	}
	l := t.lanes[0]
	q, l.queue = pop(l.queue)
	t.speech--
	copy(t.lanes, t.lanes[1:])
	if t.lanes[len(t.lanes)-1] = l; len(l.queue) == 0 {
		t.lanes[len(t.lanes)-1] = nil
		t.lanes = t.lanes[:len(t.lanes)-1]
	}
	return q, true
}

// pop removes the first line of a queue. An empty queue uses no memory.
func pop(queue []queued) (queued, []queued) {
	q := queue[0]
	queue[0] = queued{}
	if len(queue) == 1 {
		return q, nil
	}
	return q, queue[1:]
}

// drop removes the lines for a target and returns them.
func (t *throttle) drop(target string) []queued {
	l := t.lane(target)
	if l == nil {
		return nil
	}
	t.lanes = slices.DeleteFunc(t.lanes, func(other *lane) bool { return other == l })
	t.speech -= len(l.queue)
	return l.queue
}

// dropAll removes all lines and returns them.
func (t *throttle) dropAll() []queued {
	all := t.control
	for _, l := range t.lanes {
		all = append(all, l.queue...)
	}
	t.control, t.lanes, t.speech = nil, nil, 0
	return all
}

func (t *throttle) fill(now time.Time) {
	t.left = min(t.burst, t.left+max(0, now.Sub(t.seen).Seconds())*t.rate)
	t.seen = now
}

// next returns when the next line may be sent, zero if none is queued.
func (t *throttle) next(now time.Time) time.Time {
	if t.waiting() == 0 || t.rate == 0 {
		return time.Time{}
	}
	return now.Add(t.after(now, 1))
}

// after returns the time until n more lines may be sent.
func (t *throttle) after(now time.Time, n int) time.Duration {
	if t.rate == 0 {
		return 0
	}
	t.fill(now)
	return time.Duration(max(0, (float64(n)-t.left)/t.rate) * float64(time.Second))
}

// delay returns the expected time until all lines for a target are sent, if no others
// follow.
func (t *throttle) delay(now time.Time, target string) time.Duration {
	own := t.lane(target)
	if own == nil {
		return 0
	}
	n := len(t.control)
	for _, l := range t.lanes {
		n += min(len(l.queue), len(own.queue))
	}
	return t.after(now, n)
}
