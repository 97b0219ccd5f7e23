package irc

import "sync"

// queue holds the commands that wait for a link. One that is not used takes up no
// room: most of the people who are online say nothing for hours.
type queue struct {
	ready chan struct{} // says that there is something in it

	mu   sync.Mutex
	list []command
	head int // of those that were not yet taken
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// push adds a command, and reports whether there was room for it. Any goroutine may
// call it.
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

// pop takes the oldest command out.
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
		if q.head >= queueLen { // those who add are as fast as the one who takes
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

func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// waiting is how many commands wait.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list) - q.head
}
