package irc

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"
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
	if !c.pending.put(queued{line: line}) {
		return false
	}
	c.drain()
	return true
}

// controls are the commands that are sent before all others: what they change matters more
// than what is said, and there are few of them.
var controls = map[string]bool{"AWAY": true, "INVITE": true, "KICK": true, "MODE": true, "NICK": true, "PART": true, "REDACT": true, "TOPIC": true}

// put queues a line in its lane: messages by target, control lines, and others. It
// returns false if there is no place.
func (pe *pending) put(q queued) bool {
	c := pe.c
	line := q.line
	if strings.HasPrefix(line, "@") {
		_, line, _ = strings.Cut(line, " ")
	}
	verb, rest, _ := strings.Cut(line, " ")
	target, _, _ := strings.Cut(rest, " ")
	switch target = c.fold(target); verb {
	case "PRIVMSG", "NOTICE", "TAGMSG":
		return c.out.put(target, q)
	}
	if ch := c.channels.byName[target]; controls[verb] && (ch == nil || ch.entered) {
		return c.out.putControl(q)
	}
	return c.out.put("", q) // of a channel whose JOIN may be in this lane
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

// longDelay is the delay of a message from which the user is told about it.
const longDelay = 10 * time.Second

// announceDelay tells the user, once, that the messages to a target wait for longer than
// longDelay.
func (l *link) announceDelay(c *client, target string) {
	lane := c.out.lane(c.fold(target))
	wait := c.out.delay(c.now(), c.fold(target))
	if lane == nil || lane.told || wait <= longDelay {
		return
	}
	lane.told = true
	c.notice(fmt.Sprintf("Your text to %s waits, because %s limits how fast you may write. The last of %d lines will be sent in about %d seconds. Your other conversations do not wait for it.",
		ircwire.Plain(target), l.name(), len(lane.queue), int(wait.Round(time.Second).Seconds())))
}

// backlog is the number of lines of a link that wait, for other goroutines.
type backlog struct {
	lines atomic.Int64
	until atomic.Int64 // Unix time in nanoseconds when the last one is sent
}

// publish updates the backlog.
func (b *backlog) publish(t *throttle, now time.Time) {
	n := t.waiting()
	if int64(n) == b.lines.Load() { // the usual case: nothing waits
		return
	}
	b.lines.Store(int64(n))
	b.until.Store(now.Add(t.after(now, n)).UnixNano())
}

// Backlog implements legacy.Backlogger: the lines for all servers.
func (s *session) Backlog() (lines int, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.links {
		if n := int(l.backlog.lines.Load()); n > 0 {
			lines += n
			wait = max(wait, time.Unix(0, l.backlog.until.Load()).Sub(s.env.Now()))
		}
	}
	return lines, wait
}
