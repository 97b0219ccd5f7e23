package irc

import (
	"strings"
	"unicode/utf8"

	"transport/legacy/irc/ircwire"
)

const flushSize = 16 << 10

// write appends lines to the output buffer.
func (c *client) write(lines ...string) {
	for _, line := range lines {
		c.written = append(append(c.written, fitting(line)...), "\r\n"...)
	}
	if len(c.written) >= flushSize {
		c.flush()
	}
}

// fitting truncates a line to the length that servers accept, at a character boundary.
// Servers would cut it inside of a character.
func fitting(line string) string {
	limit := ircwire.MaxLine
	if strings.HasPrefix(line, "@") {
		limit += strings.IndexByte(line, ' ') + 1
	}
	if len(line) <= limit {
		return line
	}
	for back := 1; back < utf8.UTFMax && !utf8.RuneStart(line[limit]); back++ {
		limit--
	}
	return line[:limit]
}

// flush writes the output buffer to the connection.
func (c *client) flush() {
	c.pending.fence()
	if c.err == nil && len(c.written) > 0 {
		if _, err := c.conn.Write(c.written); err != nil {
			c.err = c.lost(err)
		}
	}
	c.written = c.written[:0]
}

// send queues a line for the throttle. It returns false if the queue is full: the caller
// fails the user's request, or tries again later.
func (c *client) send(line string) bool {
	if !c.out.put(queued{line: line}) {
		return false
	}
	c.drain()
	return true
}

func (c *client) drain() {
	for c.err == nil {
		q, ok := c.out.take(c.now())
		if !ok {
			return
		}
		c.write(q.line)
		if q.sent != nil {
			q.sent(nil)
		}
	}
}
