package oscar

import (
	"fmt"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

var _ legacy.Backlogger = (*session)(nil)

// longDelay is the delay of a message from which the user gets a notice about it.
const longDelay = 10 * time.Second

// pace is the state of a lane, from which any goroutine can compute how long n packets take.
type pace struct {
	class oscarwire.RateClass
	last  time.Time
	floor uint32
}

// after returns the time until n more packets are sent.
func (p pace) after(n int, now time.Time) (total time.Duration) {
	elapsed := now.Sub(p.last)
	for range n {
		wait := p.class.Wait(elapsed, p.floor)
		total += wait
		p.class.Current, elapsed = p.class.Next(elapsed+wait), 0
	}
	return total
}

func (l *lane) pace() pace { return pace{l.class, l.last, l.floor()} }

// publish makes the pace of messages known to Backlog, on the session's own connection.
func (ra *rates) publish() {
	if l := ra.laneOf(oscarwire.ICBMSend); l != nil && ra.publishes {
		p := l.pace()
		ra.c.s.pace.Store(&p)
	}
}

// Backlog implements legacy.Backlogger. Messages to rooms have connections of their own; it
// counts them as if they had not.
func (s *session) Backlog() (lines int, wait time.Duration) {
	n := int(s.backlog.Load())
	if p := s.pace.Load(); p != nil && n > 0 {
		wait = p.after(n, s.env.Now())
	}
	return n, wait
}

// announceDelay emits a notice, once until the lane is empty, if the messages to a peer wait
// for longer than longDelay.
func (ra *rates) announceDelay(l *lane, to string) {
	if l == nil || l.told[to] || len(l.told) >= maxLane || len(l.queue.queues[to]) == 0 {
		return
	}
	wait := l.pace().after(l.queue.ahead(to), ra.c.s.env.Now())
	if wait <= longDelay {
		return
	}
	if l.told == nil {
		l.told = make(map[string]bool)
	}
	l.told[to] = true
	waiting := "1 message waits"
	if n := len(l.queue.queues[to]); n > 1 {
		waiting = fmt.Sprintf("%d messages wait", n)
	}
	ra.c.emit(legacy.Notice{Text: fmt.Sprintf("%s limits how fast you may write: %s for %s, and the last one will be sent in about %d seconds. Your other conversations do not wait for it.",
		ra.c.s.net.name(), waiting, to, int(wait.Round(time.Second)/time.Second))})
}
