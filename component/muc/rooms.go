package muc

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"transport/component/body"
	"transport/component/stanza"
	"transport/legacy"
)

// Rooms holds the rooms that one user is in, joins or leaves. Only the user's actor may
// call its methods.
type Rooms struct {
	user
	set

	created   uint64               // counter for Room.order
	presences uint64               // counter for roomClient.presenceAt
	leaving   map[string]bool      // rooms whose leave the network has not confirmed, by peer ID
	private   map[string]string    // rooms of private conversations, by peer ID of the contact
	lists     map[string]roomList  // cached lists of public rooms, by peer ID of the service
	typing    map[typist]time.Time // when a composing state expires
	reactions body.Reactions       // the user's, to messages of rooms
	guestNick string               // a guest's new nick, "" if the session has it
	rename    *nickChange          // a nick change that a command requested, or nil
}

// user is the user of the rooms.
type user struct {
	host   Host
	marks  Marks
	shared *Shared
	ctx    context.Context // ends with the actor
	log    *zerolog.Logger
	bare   string // JID
}

// set are the rooms of a user, without those that are left.
type set struct {
	all map[string]*Room // by peer ID
}

// NewRooms returns the rooms of a user, given by the bare JID.
func NewRooms(ctx context.Context, shared *Shared, host Host, marks Marks, bare string, log *zerolog.Logger) Rooms {
	return Rooms{user: user{host, marks, shared, ctx, log, bare}, set: set{make(map[string]*Room)}}
}

// session returns the session that accepts commands, nil if the user is not signed on.
func (u *user) session() legacy.Session { return u.host.Login().Session }

// offline returns the error of an operation that needs a session which can do it.
func (u *user) offline() stanza.Error {
	if why := u.host.Login().Offline; why != nil {
		return *why
	}
	return stanza.ErrNotImplemented
}

// account returns the user's registration.
func (u *user) account() Account { return u.host.Account() }

// query sends a query to the session by ask, and calls answer with its result. It answers r
// with the error of a query that cannot be sent.
func (u *user) query(r *stanza.Request, answer func(legacy.Event), ask func(ref string) error) {
	if err := u.host.Query(r, answer, ask); err != nil {
		r.Fail(stanza.Translate(err))
	}
}

// OnlyPersistent reports whether the user is in persistent rooms, and no client is in any
// room.
func (s *set) OnlyPersistent() bool {
	persistent := false
	for _, r := range s.all {
		if len(r.clients) > 0 || !r.leaveAt.IsZero() {
			return false
		}
		persistent = persistent || r.persistent
	}
	return persistent
}

// The methods below are for the actor's loop.

// Due runs the timers that have expired by now.
func (rs *Rooms) Due(now time.Time) {
	rs.expireTyping(now)
	rs.expireJoins(now)
	rs.leaveExpired(now)
	rs.tellLosses(now)
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
		sooner(r.loss.tellAt)
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
func (s *set) Busy() bool { return len(s.all) > 0 }

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
func (s *set) HasClients() bool {
	return s.some(func(r *Room) bool { return len(r.clients) > 0 })
}

// NeedsSession reports whether a room has a client, is persistent, or is to be left later.
func (s *set) NeedsSession() bool { return s.some((*Room).needsSession) }

// HasJoined reports whether the user is in a room on the network.
func (s *set) HasJoined() bool { return s.some((*Room).isJoined) }

// DropCaches forgets what can be asked for again, the lists of rooms, and the history for
// clients that join later, which the archive has if there is one.
func (rs *Rooms) DropCaches() {
	clear(rs.lists)
	for _, r := range rs.all {
		r.history.lines, r.archiveRead = nil, false
	}
}

// AwaitsClients reports whether a room has lost its clients with the link, and is left
// unless one returns.
func (s *set) AwaitsClients() bool { return s.some((*Room).awaitsClients) }

// some reports whether one of the rooms meets a condition.
func (s *set) some(meets func(*Room) bool) bool {
	for _, r := range s.all {
		if meets(r) {
			return true
		}
	}
	return false
}

// OwnPresence returns the most available presence that a client has sent to a room, of
// several the newest: a client that changes its status does so in one room after the other.
func (s *set) OwnPresence() (best legacy.Presence) {
	newest := uint64(0)
	for _, r := range s.all {
		for _, client := range r.clients {
			if p := client.presence; p.Show > best.Show || p.Show == best.Show && client.presenceAt > newest {
				best, newest = p, client.presenceAt
			}
		}
	}
	return best
}

// HasMessageTags reports whether a peer is a room with reactions, replies and typing.
func (s *set) HasMessageTags(p legacy.Peer) bool {
	r := s.all[p.ID]
	return r != nil && r.messageTags
}

// ForgetGuestNick drops a guest's new nick that the session has not got yet.
func (rs *Rooms) ForgetGuestNick() { rs.guestNick = "" }
