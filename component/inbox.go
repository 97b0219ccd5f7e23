package component

import (
	"sync"
	"time"

	"transport/component/stanza"
)

// queued is a stanza in an inbox. handle answers it if it is an IQ.
type queued struct {
	*stanza.Inbound
	handle func(*user, *stanza.Request)
}

// inbox queues the stanzas of one user for the actor. The stream reader adds them and
// never blocks.
type inbox struct {
	wake chan struct{} // signals a stanza; capacity 1

	batch []queued // taken and not yet handled; batch and stall belong to the actor
	stall stall    // back-pressure of the network

	mu      sync.Mutex
	waiting []queued
	size    int // bytes, about
}

const (
	// inboxSize is the most stanzas that are queued for a user. A server sends a
	// client's presence and a probe to every contact at once, and a client may send
	// faster than the network accepts.
	inboxSize = 16 << 10 // limit: stanzas in a user's queue | a further one is refused: resource-constraint
	// inboxBytes is their total size in bytes.
	inboxBytes = 16 << 20 // limit: bytes of the stanzas in a user's queue | a further one is refused: resource-constraint
)

func newInbox() inbox { return inbox{wake: make(chan struct{}, 1)} }

// add queues a stanza. It returns false if the inbox is full. Any goroutine may call it.
func (b *inbox) add(st queued) bool {
	size := st.Size()
	b.mu.Lock()
	ok := len(b.waiting) < inboxSize && b.size+size < inboxBytes
	if ok {
		b.waiting = append(b.waiting, st)
		b.size += size
	}
	b.mu.Unlock()
	if ok {
		poke(b.wake)
	}
	return ok
}

// take empties the queue and returns it. spare is reused for the next stanzas.
func (b *inbox) take(spare []queued) []queued {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.waiting
	b.waiting, b.size = spare[:0], 0
	return taken
}

func (b *inbox) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) == 0
}

const (
	stallTime = 5 * time.Second  // longest wait of a message while the network sends no events
	stallMost = 25 * time.Second // longest wait while it does, less than requestTime
)

// stall is the back-pressure deadline: messages wait until the network has accepted the
// ones before them. Events from the network extend the deadline, since a session that
// sends events is alive; it may be blocked because the XMPP server reads slowly.
type stall struct {
	end  time.Time // zero while nothing waits
	most time.Time
}

// extend extends the deadline after an event from the network.
func (s *stall) extend(c Clock) {
	if s.end.IsZero() {
		return
	}
	if end := c.Now().Add(stallTime); end.Before(s.most) {
		s.end = end
	} else {
		s.end = s.most
	}
}

// over reports whether the deadline has passed. The first call starts the wait.
func (s *stall) over(now time.Time) bool {
	if s.end.IsZero() {
		s.end, s.most = now.Add(stallTime), now.Add(stallMost)
	}
	return !s.end.After(now)
}

// handleBatch handles the queued stanzas, up to a message for which the session has no
// capacity at the moment.
func (u *user) handleBatch() {
	for len(u.inbox.batch) > 0 {
		st := u.inbox.batch[0]
		if !u.outbox.full() {
			u.inbox.stall = stall{}
		} else if st.Name == "message" && !u.inbox.stall.over(u.c.clock.Now()) {
			return
		}
		u.inbox.batch[0] = queued{}
		u.inbox.batch = u.inbox.batch[1:]
		u.onStanza(st)
	}
}

// poke signals on a channel of capacity 1.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
