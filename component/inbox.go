package component

import "sync"

// inbox holds the stanzas of one user that wait for the actor. The reader puts
// them in and never waits.
type inbox struct {
	wake chan struct{} // something is there; capacity 1

	mu      sync.Mutex
	waiting []*inbound
}

const (
	// inboxSize is how many messages and questions of a user may wait.
	inboxSize = 256
	// inboxPresence is how many stanzas may wait if more is all presence: a server
	// sends a client's presence and a probe to every contact at once.
	inboxPresence = 16 << 10
)

func newInbox() inbox { return inbox{wake: make(chan struct{}, 1)} }

// put adds a stanza. It is false when there are too many.
func (b *inbox) put(st *inbound) bool {
	limit := inboxSize
	if st.Name == "presence" {
		limit = inboxPresence
	}
	b.mu.Lock()
	ok := len(b.waiting) < limit
	if ok {
		b.waiting = append(b.waiting, st)
	}
	b.mu.Unlock()
	if ok {
		poke(b.wake)
	}
	return ok
}

// take returns all that waits, with spare to be reused for what comes next.
func (b *inbox) take(spare []*inbound) []*inbound {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.waiting
	b.waiting = spare[:0]
	return taken
}

func (b *inbox) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) == 0
}
