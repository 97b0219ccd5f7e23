package muc

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"transport/component/body"
	"transport/component/element"
	"transport/component/peers"
	"transport/component/stanza"
	"transport/legacy"
)

// Shared is what the rooms of all users of a gateway share. The exported fields are set
// before the first use.
type Shared struct {
	Peers    *peers.Map
	Clock    interface{ Now() time.Time }
	Link     Link
	Archive  *Archive
	Secret   string        // makes the occupant IDs
	Linger   time.Duration // how long a user stays in a room after the last client has gone
	Received *atomic.Int64 // counts the messages of rooms

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

// Rooms holds the rooms that one user is in, joins or leaves. Only the user's actor may
// call its methods.
type Rooms struct {
	roomUser
	roomSet

	created   uint64               // counter for Room.order
	leaving   map[string]bool      // rooms whose leave the network has not confirmed, by peer ID
	private   map[string]string    // rooms of private conversations, by peer ID of the contact
	lists     map[string]roomList  // cached lists of public rooms, by peer ID of the service
	typing    map[typist]time.Time // when a composing state expires
	reactions body.Reactions       // the user's, to messages of rooms
	guestNick string               // a guest's new nick, "" if the session has it
	rename    *nickChange          // a nick change that a command requested, or nil
}

// roomUser is the user of the rooms.
type roomUser struct {
	host   Host
	shared *Shared
	ctx    context.Context // ends with the actor
	log    *zerolog.Logger
	user   string // bare JID
}

// roomSet are the rooms of a user, without those that are left.
type roomSet struct {
	all map[string]*Room // by peer ID
}

// NewRooms returns the rooms of a user, given by the bare JID.
func NewRooms(ctx context.Context, shared *Shared, host Host, user string, log *zerolog.Logger) Rooms {
	return Rooms{roomUser: roomUser{host, shared, ctx, log, user}, roomSet: roomSet{make(map[string]*Room)}}
}

// session returns the session that accepts commands, nil if the user is not signed on.
func (u *roomUser) session() legacy.Session { return u.host.Login().Session }

// offline returns the error of an operation that needs a session which can do it.
func (u *roomUser) offline() stanza.Error {
	if why := u.host.Login().Offline; why != nil {
		return *why
	}
	return stanza.ErrNotImplemented
}

// account returns the user's registration.
func (u *roomUser) account() Account { return u.host.Account() }

// query sends a query to the session by ask, and calls answer with its result. It answers r
// with the error of a query that cannot be sent.
func (u *roomUser) query(r *stanza.Request, answer func(legacy.Event), ask func(ref string) error) {
	if err := u.host.Query(r, answer, ask); err != nil {
		r.Fail(stanza.Translate(err))
	}
}

// The methods below are for the actor's loop.

// Due runs the timers that have expired by now.
func (rs *Rooms) Due(now time.Time) {
	rs.expireTyping(now)
	rs.expireJoins(now)
	rs.leaveExpired(now)
}

// Next returns the time at which Due must be called again, zero for never.
func (rs *Rooms) Next() (next time.Time) {
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, r := range rs.all {
		sooner(r.leaveAt)
		for _, client := range r.clients {
			if !client.shown {
				sooner(client.joinDeadline)
			}
		}
	}
	for _, until := range rs.typing {
		sooner(until)
	}
	return next
}

// Busy reports whether the user is in a room or joins one.
func (s *roomSet) Busy() bool { return len(s.all) > 0 }

// LinkChanged removes the clients from the rooms: the link to the XMPP server was lost or
// restored. Clients detect it by a self-ping and join again. (XEP-0410)
func (rs *Rooms) LinkChanged() {
	for _, r := range rs.all {
		clear(r.clients)
		r.leaveAt = time.Time{}
	}
}

// SessionEnded drops what belongs to the session. SessionLost follows unless the session
// was one of a registration.
func (rs *Rooms) SessionEnded() {
	clear(rs.leaving)
	clear(rs.typing)
}

// Unregistered closes the rooms and forgets everything else.
func (rs *Rooms) Unregistered() {
	rs.Close("333", stanza.ErrRegisterFirst)
	clear(rs.private)
	clear(rs.lists)
	rs.rename = nil
}

// The methods below are for the other parts of the user.

// HasClients reports whether one of the user's clients is in a room.
func (s *roomSet) HasClients() bool {
	return s.some(func(r *Room) bool { return len(r.clients) > 0 })
}

// NeedsSession reports whether a room has a client, is persistent, or is to be left later.
func (s *roomSet) NeedsSession() bool { return s.some((*Room).needsSession) }

// AwaitsClients reports whether a room has lost its clients with the link, and is left
// unless one returns.
func (s *roomSet) AwaitsClients() bool { return s.some((*Room).awaitsClients) }

// some reports whether one of the rooms meets a condition.
func (s *roomSet) some(meets func(*Room) bool) bool {
	for _, r := range s.all {
		if meets(r) {
			return true
		}
	}
	return false
}

// OwnPresence returns the most available presence that a client has sent to a room.
func (s *roomSet) OwnPresence() (best legacy.Presence) {
	for _, r := range s.all {
		for _, client := range r.clients {
			if client.presence.Show > best.Show {
				best = client.presence
			}
		}
	}
	return best
}

// EndPrivateChat ends the private conversation with a contact: the user has written to the
// contact's own JID.
func (rs *Rooms) EndPrivateChat(p legacy.Peer) { delete(rs.private, p.ID) }

// HasMessageTags reports whether a peer is a room with reactions, replies and typing.
func (s *roomSet) HasMessageTags(p legacy.Peer) bool {
	r := s.all[p.ID]
	return r != nil && r.messageTags
}

// ForgetGuestNick drops a guest's new nick that the session has not got yet.
func (rs *Rooms) ForgetGuestNick() { rs.guestNick = "" }
