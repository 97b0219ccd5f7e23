package irc

import (
	"slices"
	"sync"
)

// queue is the bounded queue of commands for a link. An empty queue uses no buffer,
// because most users who are online are idle for hours.
type queue struct {
	ready chan struct{} // signals that the queue is not empty

	mu   sync.Mutex
	list []command
	head int // index of the oldest command
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// push adds a command. It returns false if the queue is full. Any goroutine may call
// it.
func (q *queue) push(c command) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list)-q.head >= queueLen {
		return false
	}
	q.list = append(q.list, c)
	q.signal()
	return true
}

// pop removes the oldest command.
func (q *queue) pop() (command, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.list) {
		return command{}, false
	}
	c := q.list[q.head]
	q.list[q.head] = command{}
	switch q.head++; {
	case q.head < len(q.list):
		if q.head >= queueLen { // the producers are as fast as the consumer: compact
			q.list, q.head = append(q.list[:0], q.list[q.head:]...), 0
		}
		q.signal()
	case cap(q.list) > queueLen/8:
		q.list, q.head = nil, 0
	default:
		q.list, q.head = q.list[:0], 0
	}
	return c, true
}

// wake signals again that the queue is not empty: a goroutine that waits for something else
// may have taken the signal.
func (q *queue) wake() {
	if q.waiting() > 0 {
		q.signal()
	}
}

// wishes reports whether one of the commands is a wish of the user.
func (q *queue) wishes() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(q.list[q.head:], func(c command) bool { return c.wish })
}

func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// waiting returns the number of queued commands.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list) - q.head
}
