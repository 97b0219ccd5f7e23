package component

import (
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// onShown: a client that is in a room is away, or back. The user's clients there see
// it, and with SetPresence the network does. (XEP-0045 §7.7)
func (r *room) onAvailability(st *stanza.Inbound, client *roomClient) {
	r.readPresence(st, client)
	if r.joined && client.shown {
		client.id = st.ID
		r.eachClient(func(full string) { r.sendSelf(full) })
	}
}

// readShown takes in how available a client says that the user is.
func (r *room) readPresence(st *stanza.Inbound, client *roomClient) {
	client.presence = translateResource(st.Element, r.rs.u.c.clock.Now()).presence
	client.presence.Idle = time.Time{} // a client tells that to everybody, or to nobody
	r.show, r.status = showOf(client.presence.Show), client.presence.Status
	if me := r.occupants[r.nick]; me != nil {
		me.Away = false // the network will say so
	}
	r.rs.u.clients.showOwnPresence()
}

// staysAlone reports whether the user is in a room in which no client is.
func (rs *rooms) onlyPersistentRooms() bool {
	stays := false
	for _, r := range rs.all {
		if len(r.clients) > 0 || !r.leaveAt.IsZero() {
			return false
		}
		stays = stays || r.persistent
	}
	return stays
}

// keepNick tells the client that has asked for another nick that it is not to be had.
// (XEP-0045 §7.6)
func (r *room) refuseNickChange(err error) {
	if r.pendingNick == nil {
		return
	}
	why := stanza.Translate(err)
	switch legacy.KindOf(err) {
	case legacy.Forbidden, legacy.NotFound, legacy.Unsupported, legacy.MembersOnly:
		why.Type, why.Condition = stanza.Cancel, stanza.NotAcceptable
	}
	if client := r.clients[r.pendingNick.From.String()]; client != nil {
		client.id = ""
	}
	r.pendingNick.Refuse(why)
	r.pendingNick = nil
}

// maxRoleChanges is how many people's roles are told anew when a room becomes
// moderated or is so no longer. In larger rooms only the user's own is, which is what
// clients go by: whoever may change the settings could flood everybody otherwise.
const maxRoleChanges = 100

// learnConfig takes in the settings of a room, nil if they are unknown. Without a voice
// one is a visitor in a moderated room. (XEP-0045 §5.1, §8.6)
func (r *room) setConfig(c *legacy.RoomConfig) {
	r.config = c
	if c == nil || c.Moderated == r.moderated {
		return
	}
	r.moderated = c.Moderated
	if !r.joined {
		return
	}
	r.eachClient(func(full string) {
		for _, o := range r.occupants {
			if o.Level == legacy.LevelNone && o.Nick != r.nick && len(r.occupants) <= maxRoleChanges {
				r.sendOccupant(full, o, occupantStanza{})
			}
		}
		if r.self().Level == legacy.LevelNone {
			r.sendSelf(full)
		}
	})
}

// roleOf is the role that goes with a level. (XEP-0045 §5.1)
func roleOf(l legacy.Level, moderated bool) string {
	if l == legacy.LevelNone && moderated {
		return "visitor"
	}
	return roles[min(int(l), len(roles)-1)]
}

// idOf is the occupant-id of somebody in a room, nil for somebody else.
// (XEP-0421 §3)
func (r *room) idOf(nick string) *element.Element {
	o := r.occupants[nick]
	if o == nil {
		return nil
	}
	r.identify(o)
	return element.New(xep.NSOccupantID, "occupant-id").Set("id", o.id)
}
