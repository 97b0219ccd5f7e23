package muc

import (
	"sync"
	"sync/atomic"
	"time"

	"transport/component/element"
	"transport/component/peers"
	"transport/component/stanza"
)

// Shared is what the rooms of all users of a gateway share. The exported fields are set
// before the first use.
type Shared struct {
	Peers    *peers.Map
	Clock    interface{ Now() time.Time }
	Link     Link
	Archive  *Archive
	Secret   string               // makes the occupant IDs
	Linger   time.Duration        // how long a user stays in a room after the last client has gone
	Full     func() *stanza.Error // the error of a join of a further room, nil for none; may be nil
	Received *atomic.Int64        // counts the messages of rooms

	renditions renditions
	macs       sync.Pool // of hash.Hash, for occupantID
	buffers    sync.Pool // of *[]byte, for write
}

// Link is the connection to the XMPP server.
type Link interface {
	// Write writes a stanza. It blocks while the server applies back-pressure, and does
	// not keep b.
	Write(b []byte) error
	// Send writes a stanza. It never blocks.
	Send(e *element.Element)
}

// full returns the error of a join of a further room, nil if there is memory for it.
func (s *Shared) full() *stanza.Error {
	if s.Full == nil {
		return nil
	}
	return s.Full()
}

// write writes a stanza that build appends. Without a connection the stanza is lost: clients
// join again on a new one. It blocks while the server applies back-pressure.
func (s *Shared) write(build func(dst []byte) []byte) {
	buf, ok := s.buffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	*buf = build((*buf)[:0])
	_ = s.Link.Write(*buf)
	s.buffers.Put(buf)
}

// writeElement is write for an element.
func (s *Shared) writeElement(e *element.Element) {
	s.write(func(dst []byte) []byte { return e.Append(dst, stanza.NS) })
}
