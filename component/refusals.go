package component

import (
	"cmp"
	"errors"
	"io"
	"sync"
	"time"

	"transport/component/stanza"
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

// maxRefusedUsers is for how many senders refused messages are counted. The refusals of
// further ones are only logged if their errors are lost.
const maxRefusedUsers = 1000

// readerBouncer is the stanza.Bouncer of the stream reader. It does not block.
type readerBouncer Component

// Bounce implements stanza.Bouncer.
func (b *readerBouncer) Bounce(st *stanza.Inbound, why stanza.Error) {
	c := (*Component)(b)
	err := c.trySend(st.ErrorStanza(why))
	now := c.clock.Now()
	c.refusals.add(c.conn.Load(), err == nil, st.User, refused{1, now, now, cmp.Or(why.Text, string(why.Condition))})
}

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

// lostRefusals returns messages to the senders of refused messages whose errors may be lost
// with a connection. Handler.Lost calls it.
func (c *Component) lostRefusals(conn *stream.Conn) (all []stream.Message) {
	c.mu.Lock()
	clean := c.stopping && errors.Is(conn.Err(), io.EOF)
	c.mu.Unlock()
	batch := c.refusals.take(clean)
	for user, of := range batch.users {
		what, sent, were := "A message", "at "+clockTime(of.first), "was"
		if of.count > 1 {
			what, sent, were = count(of.count, "message"), "from "+clockTime(of.first)+" to "+clockTime(of.last), "were"
		}
		all = append(all, c.report(user, what+" that you sent "+sent+" UTC "+were+" not delivered, and the connection to your XMPP server broke before you got the answer: "+of.why))
	}
	if batch.more > 0 {
		c.log.Error().Int("messages", batch.more).Msg("the connection broke before more senders got the errors of refused messages than can be told")
	}
	return all
}

// clockTime returns a time for a text to a user, who sees the date of the message.
func clockTime(t time.Time) string { return t.UTC().Format(time.TimeOnly) }
