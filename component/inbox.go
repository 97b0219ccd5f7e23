package component

import "sync"

// inbox holds the stanzas of one user that wait for the actor. The reader puts
// them in and never waits.
type inbox struct {
	wake chan struct{} // something is there; capacity 1

	mu      sync.Mutex
	waiting []*inbound
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

// put adds a stanza. It is false when there are too many.
func (b *inbox) put(st *inbound) bool {
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
func (b *inbox) take(spare []*inbound) []*inbound {
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
