package component

import (
	"sync"
	"sync/atomic"
)

const (
	// The actor handles eventTurn events before it looks at anything else.
	eventTurn    = 16       // limit: events of the network that wait for a user's actor | the session stops reading (back-pressure)
	maxEvents    = 2 << 10  // limit: events of the network that wait for a user's actor while the XMPP server reads slowly | the session stops reading (back-pressure)
	maxAllEvents = 32 << 10 // limit: events that wait for the actors of all users together | a session with 16 waiting events stops reading (back-pressure)
)

// eventQueue queues the events (T) of one user's sessions for the actor. A full queue blocks the
// sessions (back-pressure on the network's connection). While the XMPP server reads slowly, the
// actor makes the queue longer and leaves the events there, so that the sessions go on reading
// and sending: what the user writes does not wait for what the user is to read. An empty queue
// uses a small buffer at most.
type eventQueue[T any] struct {
	wake chan struct{} // signals an event; capacity 1
	all  *atomic.Int64 // events in the queues of all users

	mu     sync.Mutex
	list   []T
	head   int           // index of the oldest event
	room   chan struct{} // closed when add may succeed, nil if nobody waits
	long   bool          // maxEvents are allowed; only the actor changes it
	closed bool
}

func newEventQueue[T any](all *atomic.Int64) eventQueue[T] {
	return eventQueue[T]{wake: make(chan struct{}, 1), all: all}
}

// add adds an event. It blocks while the queue is full, and returns false if the queue is
// closed, or giveUp is closed first. Any goroutine may call it; giveUp may be nil.
func (q *eventQueue[T]) add(ev T, giveUp <-chan struct{}) bool {
	for {
		full, ok := q.tryAdd(ev)
		if full == nil {
			return ok
		}
		select {
		case <-full:
		case <-giveUp:
			return false
		}
	}
}

// tryAdd adds an event. If the queue is full, it returns a channel that is closed when it may
// no longer be.
func (q *eventQueue[T]) tryAdd(ev T) (full <-chan struct{}, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch n := len(q.list) - q.head; {
	case q.closed:
		return nil, false
	case n >= maxEvents, n >= eventTurn && (!q.long || q.all.Load() >= maxAllEvents):
		if q.room == nil {
			q.room = make(chan struct{})
		}
		return q.room, false
	}
	q.list = append(q.list, ev)
	q.all.Add(1)
	q.signal()
	return nil, true
}

// lengthen allows maxEvents, or no longer. Only the actor calls it.
func (q *eventQueue[T]) lengthen(yes bool) {
	if q.long == yes {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.long = yes; yes {
		q.admit()
	}
}

// pop removes the oldest event. Only the actor calls it.
func (q *eventQueue[T]) pop() (ev T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.list) {
		return ev, false
	}
	var none T
	ev, q.list[q.head] = q.list[q.head], none
	q.all.Add(-1)
	switch q.head++; {
	case q.head < len(q.list):
		if q.head >= eventTurn && q.head > len(q.list)/2 { // compact
			n := copy(q.list, q.list[q.head:])
			clear(q.list[n:])
			q.list, q.head = q.list[:n], 0
		}
		q.signal()
	case cap(q.list) > eventTurn:
		q.list, q.head = nil, 0
	default:
		q.list, q.head = q.list[:0], 0
	}
	if q.long || len(q.list)-q.head < eventTurn {
		q.admit()
	}
	return ev, true
}

// signal signals an event.
func (q *eventQueue[T]) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// admit lets blocked calls of add try again. q.mu is held.
func (q *eventQueue[T]) admit() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// close drops the events. Further ones are not accepted.
func (q *eventQueue[T]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all.Add(int64(q.head - len(q.list)))
	q.list, q.head, q.closed = nil, 0, true
	q.admit()
}

func (q *eventQueue[T]) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.head == len(q.list)
}
