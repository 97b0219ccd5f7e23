package component

import (
	"sync"
	"time"

	"transport/component/stanza"
)

// queued is a stanza for an actor. handle, for an IQ, answers it.
type queued struct {
	*stanza.Inbound
	handle func(*user, *stanza.Request)
}

// inbox holds the stanzas of one user that wait for the actor. The reader puts
// them in and never waits.
type inbox struct {
	wake chan struct{} // something is there; capacity 1

	batch []queued // taken and not yet handled; this and the next are the actor's
	stall stall    // of the messages that wait for the network

	mu      sync.Mutex
	waiting []queued
	size    int // bytes, about
}

const (
	// inboxSize is how many stanzas of a user may wait: a server sends a client's
	// presence and a probe to every contact at once, and a client may send faster
	// than the network takes.
	inboxSize = 16 << 10
	// inboxBytes is how large they may be together.
	inboxBytes = 16 << 20
)

func newInbox() inbox { return inbox{wake: make(chan struct{}, 1)} }

// add adds a stanza. It is false when there are too many.
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

// take returns all that waits, with spare to be reused for what comes next.
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
	stallTime = 5 * time.Second  // that a message waits for a network that says nothing
	stallMost = 25 * time.Second // that it waits for one that does, less than requestTime
)

// stall is the time for which messages wait until the network has taken those before
// them. A network that says something at all is there, and has yet to come to them:
// perhaps it is the XMPP server that is slow, and holds up what the network says.
type stall struct {
	end  time.Time // zero while nothing waits
	most time.Time
}

// extend puts off the end: the network has said something.
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

// over reports whether the wait, which begins with the first call, is over.
func (s *stall) over(now time.Time) bool {
	if s.end.IsZero() {
		s.end, s.most = now.Add(stallTime), now.Add(stallMost)
	}
	return !s.end.After(now)
}

// handleBatch handles the stanzas that wait, up to a message for which the network
// has no room now.
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
