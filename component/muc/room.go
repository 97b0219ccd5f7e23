package muc

import (
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// Room is the state of a room for one user. Each user joins it over a network
// connection of their own. Only the user's actor may call its methods.
type Room struct {
	rs *Rooms

	peer   legacy.Peer
	jid    string
	order  uint64 // of the rooms' creation
	topic  legacy.Topic
	config *legacy.RoomConfig // nil if unknown

	state       State
	persistent  bool // the user stays in the room without a client
	autojoin    bool // the registration form names the room
	messageTags bool // the network relays reactions, replies and typing
	redaction   bool // the network can retract messages
	moderated   bool // only occupants with voice may speak
	renamed     bool // an occupant has changed its nick since the join
	archiveRead bool // history includes the archive's last lines

	occupants map[string]*occupant   // by nick
	clients   map[string]*roomClient // the user's clients in the room, by full JID

	password    string
	nick        string // the user's nick in the room
	desiredNick string // the nick to join with
	show        string // <show/> and
	status      string // <status/> of the last presence that a client sent to the room

	pendingNick    *stanza.Inbound            // the unanswered request for a nick change, or nil
	pendingSubject *stanza.Inbound            // the unanswered request for a subject change, or nil
	retracted      map[string]*stanza.Inbound // the user's retractions that the network has not confirmed, by message ID

	history       history
	lastRendition map[string]uint64 // number of the last rendition, by nick

	loss loss
	stay
}

// roomClient is one of the user's clients (full JIDs) in a room.
type roomClient struct {
	id           string           // of the presence to answer, "" if it was answered
	nick         string           // requested or current nick, as a resource
	joinDeadline time.Time        // when an unconfirmed join fails
	shown        bool             // it has received the room's occupants
	lang         bool             // its stanzas have an xml:lang
	offline      bool             // it is offline, and the room has not yet received its unavailable presence
	asked        string           // the nick, as a resource, that the client has asked for last
	presence     legacy.Presence  // the last one that it sent to the room
	presenceAt   uint64           // Rooms.presences when it sent that
	history      *element.Element // the <history/> of its join, nil for none
}

const (
	maxRooms   = 250              // limit: rooms of a user, and rooms being left | the join is refused: resource-constraint
	maxClients = 64               // limit: clients of a user in a room | the join is refused: resource-constraint
	joinTime   = 60 * time.Second // the deadline of a join
)

// newRoom adds a room that the user has not joined yet. It returns nil if the user has
// maxRooms already.
func (rs *Rooms) newRoom(peer legacy.Peer) *Room {
	if len(rs.all) >= maxRooms {
		return nil
	}
	r := &Room{rs: rs, peer: peer, jid: rs.shared.Peers.JID(peer.ID),
		occupants: make(map[string]*occupant), clients: make(map[string]*roomClient)}
	r.persistent = rs.isPersistent(peer)
	rs.created++
	r.order = rs.created
	rs.all[peer.ID] = r
	return r
}

// isJoined reports whether the user is in the room. r may be nil.
func (r *Room) isJoined() bool { return r != nil && r.state == Joined }

// eachClient calls f for each of the user's clients that has received the room's occupants.
func (r *Room) eachClient(f func(full string)) {
	for full, client := range r.clients {
		if client.shown {
			f(full)
		}
	}
}

// sendRoomText sends the user's clients a message from the room itself, with status codes.
// The text may be "".
func (r *Room) sendRoomText(text string, codes ...string) {
	r.eachClient(func(full string) {
		m := roomText(r.jid, full, text)
		if len(codes) > 0 {
			x := element.New(xep.NSMUCUser, "x")
			for _, code := range codes {
				x.Add(element.New(xep.NSMUCUser, "status").Set("code", code))
			}
			m.Add(x)
		}
		r.rs.shared.writeElement(m)
	})
}

// roomText returns a message from the room itself to a client. The text may be "".
func roomText(room, full, text string) *element.Element {
	m := element.New(stanza.NS, "message").Set("from", room).Set("to", full).Set("type", "groupchat").Set("id", xep.NewID())
	if text != "" {
		m.Add(element.New(stanza.NS, "body").AddText(text))
	}
	return m
}
