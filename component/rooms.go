package component

import (
	"time"

	"transport/legacy"
)

// rooms are the rooms that the user is in, or about to enter or leave.
type rooms struct {
	u *user

	all         map[string]*room    // by peer ID
	entered     uint64              // rooms so far
	leaving     map[string]bool     // rooms that the network has yet to say that the user has left, by peer ID
	private     map[string]string   // rooms in which the user talks to somebody alone, by peer ID of that person
	lists       map[string]roomList // of public rooms, by service
	pendingNick *nickChange         // by a command, nil for none
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
	case linkChanged: // clients find out by themselves, and join again (XEP-0410)
		for _, r := range rs.all {
			clear(r.clients)
			r.leaveAt = time.Time{}
		}
	case sessionEnded:
		clear(rs.leaving)
	}
}

// hasClients reports whether one of the user's clients is in a room.
func (rs *rooms) hasClients() bool {
	for _, r := range rs.all {
		if len(r.clients) > 0 {
			return true
		}
	}
	return false
}

// ownPresence is the most available presence that a client has shown to a room.
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

// endPrivate notes that the user talks to somebody outside of any room.
func (rs *rooms) endPrivateChat(p legacy.Peer) { delete(rs.private, p.ID) }

// hasTags reports whether a peer is a room with reactions, replies and typing.
func (rs *rooms) hasMessageTags(p legacy.Peer) bool {
	r := rs.all[p.ID]
	return r != nil && r.messageTags
}

// addressed is an answer with the nick of its addressee, where it is one in a room.
func (rs *rooms) prefixAddressee(p legacy.Peer, id, text string) string {
	return prefixAddressee(rs.all[p.ID], id, text)
}

// sendRoomState sends a chat state of an occupant, if the user still is in the room.
func (rs *rooms) sendRoomState(id, nick, state string) {
	if r := rs.all[id]; r != nil && r.joined {
		r.sendRoomState(nick, state)
	}
}
