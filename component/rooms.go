package component

import (
	"time"

	"transport/component/stanza"
	"transport/legacy"
)

// rooms is the part of a user that holds the rooms the user is in, joins or leaves.
type rooms struct {
	u *user

	all         map[string]*room    // by peer ID
	created     uint64              // counter for room.order
	leaving     map[string]bool     // rooms whose leave the network has not confirmed, by peer ID
	private     map[string]string   // rooms of private conversations, by peer ID of the contact
	lists       map[string]roomList // cached lists of public rooms, by peer ID of the service
	pendingNick *nickChange         // a nick change that a command requested, or nil
}

func (rs *rooms) due(now time.Time) {
	rs.expireJoins(now)
	rs.leaveExpired(now)
}

func (rs *rooms) next() (next time.Time) {
	for _, r := range rs.all {
		next = earliest(next, r.leaveAt)
		for _, client := range r.clients {
			if !client.shown {
				next = earliest(next, client.joinDeadline)
			}
		}
	}
	return next
}

func (rs *rooms) busy() bool { return len(rs.all) > 0 }

func (rs *rooms) reset(why resetReason) {
	switch why {
	case linkChanged: // clients detect it by a self-ping and join again (XEP-0410)
		for _, r := range rs.all {
			clear(r.clients)
			r.leaveAt = time.Time{}
		}
	case sessionEnded:
		clear(rs.leaving)
	case unregistered:
		rs.closeRooms("333", stanza.ErrRegisterFirst)
		clear(rs.private)
		clear(rs.lists)
		rs.pendingNick = nil
	}
}

// some reports whether one of the rooms meets a condition.
func (rs *rooms) some(meets func(*room) bool) bool {
	for _, r := range rs.all {
		if meets(r) {
			return true
		}
	}
	return false
}

// hasClients reports whether one of the user's clients is in a room.
func (rs *rooms) hasClients() bool {
	return rs.some(func(r *room) bool { return len(r.clients) > 0 })
}

// ownPresence returns the most available presence that a client has sent to a room.
func (rs *rooms) ownPresence() (best legacy.Presence) {
	for _, r := range rs.all {
		for _, client := range r.clients {
			if client.presence.Show > best.Show {
				best = client.presence
			}
		}
	}
	return best
}

// endPrivateChat ends the private conversation with a contact: the user has written to the
// contact's own JID.
func (rs *rooms) endPrivateChat(p legacy.Peer) { delete(rs.private, p.ID) }

// hasMessageTags reports whether a peer is a room with reactions, replies and typing.
func (rs *rooms) hasMessageTags(p legacy.Peer) bool {
	r := rs.all[p.ID]
	return r != nil && r.messageTags
}

// prefixAddressee is the function prefixAddressee for a peer that may be a room.
func (rs *rooms) prefixAddressee(p legacy.Peer, id, text string) string {
	return prefixAddressee(rs.all[p.ID], id, text)
}

// sendRoomState sends an occupant's chat state, if the user is still in the room.
func (rs *rooms) sendRoomState(id, nick, state string) {
	if r := rs.all[id]; r != nil && r.joined {
		r.sendRoomState(nick, state)
	}
}
