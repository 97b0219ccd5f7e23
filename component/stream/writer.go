package stream

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// ErrDown is the error of a write after the connection has ended.
var ErrDown = errors.New("component: no link to the XMPP server")

const (
	writeTimeout  = 20 * time.Second // one Write of the socket; then the connection ends
	maxWaiting    = 1 << 20          // limit: bytes that wait for the XMPP server at which actors wait | back-pressure
	muchWaiting   = maxWaiting / 2   // waiting bytes from which the connection is congested
	maxUnread     = 16 << 20         // limit: bytes of answers that wait for the XMPP server | the link ends, and is opened again
	maxUnacked    = 4096             // limit: messages that the XMPP server has not acknowledged | actors wait; with a server that routes no pings, the oldest half counts as acknowledged
	maxSpareBytes = 4 << 20          // limit: bytes of the writer's buffer that stay allocated | it is freed after use
)

// Message is a message that the XMPP server has yet to acknowledge.
type Message struct {
	User, Peer, ID string
	// Stanza is what is sent if the server does not acknowledge the message. Conn.Track sets
	// it to the message itself if it is nil.
	Stanza []byte
	Entry  uint64 // of the caller's journal: set by Config.Record, passed to Config.Acked
	seq    uint64
}

// waiter is a call of whenAcked.
type waiter struct {
	seq  uint64
	tell func(ok bool)
}

// writer is the outbound half of a connection. Any goroutine may call write; stanzas
// that are queued while the socket is busy are sent in one Write.
//
// XEP-0114 has no acknowledgements, so a message that was written may still be
// lost with the server. The writer keeps a copy of each message that matters
// until a ping that was sent behind it has come back (the server works in
// order); what is still unacknowledged when the connection ends is sent again later.
type writer struct {
	conn net.Conn

	mu       sync.Mutex
	notFull  sync.Cond     // signalled when waiting or unacked shrink, or on close
	waiting  []byte        // bytes for the next Write
	caughtUp chan struct{} // closed when waiting shrinks, or on close; nil if nobody waits for it
	unacked  []Message     // oldest first
	seq      uint64        // counts tracked messages and waiters
	pinged   uint64        // seq when the ping under way was sent
	err      error         // why the writer closed
	more     chan struct{} // something is waiting; capacity 1
	pingNow  chan struct{} // requests a ping at once; capacity 1
	done     chan struct{} // closed when closed
	acks     bool          // pings come back on this connection
	noAcks   bool          // they do not: acknowledgements are disabled
	polite   bool          // closed by finish
	waiters  []waiter      // for an acknowledgement, oldest first

	onAck  func(entries []uint64) // Config.Acked; may be nil
	record func(m Message) uint64 // Config.Record; may be nil
}

func newWriter(conn net.Conn) *writer {
	w := &writer{conn: conn, more: make(chan struct{}, 1), pingNow: make(chan struct{}, 1), done: make(chan struct{})}
	w.notFull.L = &w.mu
	return w
}

// write queues the stanza that build appends. It blocks while the buffer is full, at most
// until the write deadline.
func (w *writer) write(build func(dst []byte) []byte) error {
	return w.queue(build, nil)
}

// congested returns nil while waiting is short, otherwise a channel that is closed when it
// shrinks, or on close.
func (w *writer) congested() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || len(w.waiting) < muchWaiting {
		return nil
	}
	if w.caughtUp == nil {
		w.caughtUp = make(chan struct{})
	}
	return w.caughtUp
}

// makeRoom wakes those that wait for room in the buffer. w.mu is held.
func (w *writer) makeRoom() {
	w.notFull.Broadcast()
	if w.caughtUp != nil {
		close(w.caughtUp)
		w.caughtUp = nil
	}
}

// track is write for a message that must not be lost: a copy is kept until the server has
// acknowledged it.
func (w *writer) track(build func(dst []byte) []byte, msg Message) error {
	return w.queue(build, &msg)
}

// answer is write for the reader's goroutine, which must not block. A server that sends
// requests and never reads the answers loses the connection.
func (w *writer) answer(build func(dst []byte) []byte) error {
	w.mu.Lock()
	if w.err == nil && len(w.waiting) > maxUnread {
		w.closeLocked(errors.New("the server does not read"))
	}
	if w.err == nil {
		w.waiting = build(w.waiting)
	}
	err := w.err
	w.mu.Unlock()
	poke(w.more)
	return err
}

func (w *writer) queue(build func(dst []byte) []byte, msg *Message) error {
	w.mu.Lock()
	for w.err == nil && (len(w.waiting) > maxWaiting || msg != nil && w.acks && len(w.unacked) >= maxUnacked) {
		w.notFull.Wait()
	}
	if w.err != nil {
		w.mu.Unlock()
		return w.err
	}
	start := len(w.waiting)
	w.waiting = build(w.waiting)
	if msg != nil {
		if msg.Stanza == nil {
			msg.Stanza = append([]byte(nil), w.waiting[start:]...)
		}
		if w.record != nil {
			msg.Entry = w.record(*msg)
		}
		if len(w.unacked) >= maxUnacked { // a server that never acknowledges: forget the older half
			w.acknowledge(w.unacked[:maxUnacked/2])
			w.unacked = append([]Message(nil), w.unacked[maxUnacked/2:]...)
		}
		if w.noAcks {
			w.acknowledge([]Message{*msg})
		}
		w.seq++
		msg.seq = w.seq
		w.unacked = append(w.unacked, *msg)
	}
	halfFull := msg != nil && len(w.unacked) == maxUnacked/2
	w.mu.Unlock()
	poke(w.more)
	if halfFull {
		poke(w.pingNow)
	}
	return nil
}

// poke signals on a channel of capacity 1.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// waitsForAck reports whether something waits for its acknowledgement.
func (w *writer) waitsForAck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.unacked) > 0 || len(w.waiters) > 0
}

// whenAcked calls tell once the server has acknowledged everything that was written
// before, or with false when the connection ends first. tell runs on a goroutine of the
// connection and must not block.
func (w *writer) whenAcked(tell func(ok bool)) {
	w.mu.Lock()
	if w.err == nil && !w.noAcks {
		w.seq++
		w.waiters = append(w.waiters, waiter{w.seq, tell})
		w.mu.Unlock()
		return
	}
	ok := w.err == nil
	w.mu.Unlock()
	go tell(ok)
}

// ping queues a ping built by build, whose return acknowledges everything
// written before it.
func (w *writer) ping(build func(dst []byte) []byte) error {
	return w.answer(func(dst []byte) []byte {
		w.pinged = w.seq
		return build(dst)
	})
}

// pong is called when the ping under way has come back.
func (w *writer) pong() {
	w.mu.Lock()
	w.acks, w.noAcks = true, false
	n := 0
	for n < len(w.unacked) && w.unacked[n].seq <= w.pinged {
		n++
	}
	if n > 0 {
		w.acknowledge(w.unacked[:n])
		rest := copy(w.unacked, w.unacked[n:])
		clear(w.unacked[rest:])
		w.unacked = w.unacked[:rest]
		w.notFull.Broadcast()
	}
	told := w.waiters
	n = 0
	for n < len(told) && told[n].seq <= w.pinged {
		n++
	}
	w.waiters = append([]waiter(nil), told[n:]...)
	halfFull := len(w.unacked) >= maxUnacked/2
	w.mu.Unlock()
	if halfFull {
		poke(w.pingNow)
	}
	for _, t := range told[:n] {
		t.tell(true)
	}
}

// acknowledge reports the entries of messages as acknowledged.
func (w *writer) acknowledge(all []Message) {
	if w.onAck == nil {
		return
	}
	entries := make([]uint64, 0, len(all))
	for _, m := range all {
		if m.Entry != 0 {
			entries = append(entries, m.Entry)
		}
	}
	w.onAck(entries)
}

// disableAcks stops waiting for acknowledgements: this server does not route our pings back to us.
func (w *writer) disableAcks() {
	w.mu.Lock()
	w.noAcks = true
	w.acknowledge(w.unacked)
	told := w.waiters
	w.waiters = nil
	w.mu.Unlock()
	for _, t := range told {
		t.tell(true)
	}
}

// run writes the buffer to the socket until the writer is closed, and flushes it if the
// writer was closed by finish. serve starts it and waits for its end.
func (w *writer) run() {
	var batch []byte
	for open := true; open; {
		select {
		case <-w.more:
		case <-w.done:
			open = false
		}
		w.mu.Lock()
		batch, w.waiting = w.waiting, batch[:0]
		if !open && !w.polite {
			batch = nil
		}
		patience := writeTimeout
		if w.polite {
			patience = closeTimeout
		}
		err := w.conn.SetWriteDeadline(time.Now().Add(patience))
		w.makeRoom()
		w.mu.Unlock()
		if len(batch) == 0 {
			continue
		}
		// After an error the socket may have half a stanza, so that any error ends the
		// connection.
		if err == nil {
			_, err = w.conn.Write(batch)
		}
		if err != nil {
			w.close(err)
			return
		}
		if cap(batch) > maxSpareBytes {
			batch = nil
		}
	}
}

// close makes every write fail from now on. Only the first call has an effect.
func (w *writer) close(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closeLocked(err)
}

func (w *writer) closeLocked(err error) {
	if w.err != nil {
		return
	}
	w.err = fmt.Errorf("%w: %w", ErrDown, err)
	close(w.done)
	w.makeRoom()
	for _, t := range w.waiters {
		go t.tell(false)
	}
	w.waiters = nil
}

// finish closes the writer after it has flushed the buffer and last, or after
// closeTimeout.
func (w *writer) finish(last string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.waiting = append(w.waiting, last...)
		w.polite = true
		// The deadline also bounds the current Write.
		_ = w.conn.SetWriteDeadline(time.Now().Add(closeTimeout))
	}
	w.closeLocked(net.ErrClosed)
}

// acked reports whether a ping has come back on this connection.
func (w *writer) acked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acks
}

// acksDisabled reports whether pings do not come back on this connection.
func (w *writer) acksDisabled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.noAcks
}

// takeUnacked returns and drops the unacknowledged messages, oldest first. It is called
// after close.
func (w *writer) takeUnacked() []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.unacked
	w.unacked = nil
	return f
}
