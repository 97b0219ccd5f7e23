package bench

import (
	"bytes"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Counter checks that every message arrives once and in order. Every message contains a
// mark, q[stream.number.]; the numbers of a stream increase by one. The counter checks the
// streams of each receiver separately.
type Counter struct {
	every    int
	mu       sync.Mutex     // guards the fields below
	last     map[[2]int]int // by receiver and stream
	arrived  int
	repeated int
	disorder int
	sent     map[[2]int]time.Time // times of the timed messages, by stream and number
	ways     []time.Duration
	changed  chan struct{} // capacity 1
}

// NewCounter returns a counter that measures the latency of every 64th message.
func NewCounter() *Counter { return NewTimer(64) }

// NewTimer returns a counter that measures the latency of every every-th message.
func NewTimer(every int) *Counter {
	return &Counter{every: every, last: make(map[[2]int]int), sent: make(map[[2]int]time.Time), changed: make(chan struct{}, 1)}
}

// Mark appends the text of a message, with its mark.
func (c *Counter) Mark(dst []byte, stream, number int) []byte {
	if number%c.every == 0 {
		c.mu.Lock()
		c.sent[[2]int{stream, number}] = time.Now()
		c.mu.Unlock()
	}
	dst = append(dst, "a line as people write them, of some length q["...)
	dst = strconv.AppendInt(dst, int64(stream), 10)
	dst = append(dst, '.')
	dst = strconv.AppendInt(dst, int64(number), 10)
	return append(dst, ".]"...)
}

var markStart = []byte("q[")

// Take counts the marks in the data of a receiver, and returns a possible incomplete mark
// at its end.
func (c *Counter) Take(receiver int, data []byte) (rest []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := false
	for {
		i := bytes.Index(data, markStart)
		if i < 0 {
			break
		}
		end := bytes.IndexByte(data[i:], ']')
		if end < 0 {
			data = data[i:]
			break
		}
		stream, tail := number(data[i+2:])
		n, _ := number(tail)
		data = data[i+end+1:]
		c.one(receiver, stream, n)
		found = true
	}
	if found {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	}
	if len(data) > 64 && !bytes.HasPrefix(data, markStart) {
		data = data[len(data)-1:]
	}
	return data
}

// number reads digits up to a dot.
func number(b []byte) (n int, rest []byte) {
	for i, d := range b {
		if d < '0' || d > '9' {
			return n, b[i+1:]
		}
		n = n*10 + int(d-'0')
	}
	return n, nil
}

func (c *Counter) one(receiver, stream, n int) {
	key := [2]int{receiver, stream}
	before, known := c.last[key]
	switch {
	case known && n <= before:
		c.repeated++
		return
	case known && n != before+1:
		c.disorder++
	}
	c.last[key] = n
	c.arrived++
	if n%c.every == 0 {
		if at, ok := c.sent[[2]int{stream, n}]; ok {
			c.ways = append(c.ways, time.Since(at))
		}
	}
}

// Got returns the number of received messages.
func (c *Counter) Got() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.arrived
}

// Wait waits until want messages have arrived. It returns false if none arrives for
// timeout.
func (c *Counter) Wait(want int, timeout time.Duration) bool {
	for before := -1; ; {
		now := c.Got()
		if now >= want {
			return true
		}
		if now == before {
			return false
		}
		before = now
		for deadline := time.After(timeout); ; {
			select {
			case <-c.changed:
				if now = c.Got(); now >= want {
					return true
				}
				continue
			case <-deadline:
			}
			break
		}
	}
}

// Percentile returns a percentile of the latencies.
func (c *Counter) Percentile(p float64) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ways) == 0 {
		return 0
	}
	slices.Sort(c.ways)
	return c.ways[int(float64(len(c.ways)-1)*p)]
}

// Faults returns the numbers of messages that arrived twice, and out of order.
func (c *Counter) Faults() (repeated, disorder int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.repeated, c.disorder
}
