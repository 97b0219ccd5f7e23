package component

import (
	"sync"
	"time"

	"transport/component/stream"
)

// refusals counts the messages that the stream reader has refused and whose errors the XMPP
// server has not acknowledged. In a flood that are too many to keep a copy of each: if the
// link breaks first, each sender gets one message with their number. Any goroutine may call
// its methods.
type refusals struct {
	mu     sync.Mutex
	unsent refusedBatch  // not written, because the connection has ended
	open   *refusedBatch // written; nil if there are none
	asked  *refusedBatch // covered by the acknowledgement under way, nil without one
}

// refusedBatch are refused messages, by sender.
type refusedBatch struct {
	users map[string]*refused
	more  int // messages of further senders
}

type refused struct {
	count       int
	first, last time.Time
	why         string // of the last
}

const maxRefusedUsers = 1000 // limit: senders whose refused messages are counted until the server has the errors | those of further senders are logged if the link ends

// add counts a refused message, whose error was written before or could not be.
func (r *refusals) add(conn *stream.Conn, written bool, user string, one refused) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !written {
		r.unsent.add(user, one)
		return
	}
	if r.open == nil {
		r.open = &refusedBatch{}
	}
	r.open.add(user, one)
	r.ask(conn)
}

func (b *refusedBatch) add(user string, more refused) {
	of := b.users[user]
	switch {
	case of != nil:
		of.count, of.last, of.why = of.count+more.count, more.last, more.why
	case len(b.users) < maxRefusedUsers:
		lazySet(&b.users, user, &more)
	default:
		b.more += more.count
	}
}

// merge adds the refusals of a newer batch, which may be nil.
func (b *refusedBatch) merge(newer *refusedBatch) {
	if newer == nil {
		return
	}
	for user, of := range newer.users {
		b.add(user, *of)
	}
	b.more += newer.more
}

// ask asks for an acknowledgement, unless one is under way. r.mu is held.
func (r *refusals) ask(conn *stream.Conn) {
	if r.asked != nil || r.open == nil || conn == nil {
		return
	}
	batch := r.open
	r.open, r.asked = nil, batch
	conn.WhenAcked(func(ok bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !ok || r.asked != batch { // lost has it
			return
		}
		r.asked = nil
		r.ask(conn)
	})
}

// take returns the refusals whose errors may be lost, and forgets all. clean: the server has
// read everything that was written.
func (r *refusals) take(clean bool) *refusedBatch {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all refusedBatch
	if !clean {
		all.merge(r.asked)
		all.merge(r.open)
	}
	all.merge(&r.unsent)
	r.asked, r.open, r.unsent = nil, nil, refusedBatch{}
	return &all
}
