package muc

import (
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// onAvailability handles a client's change of availability in a room. The user's clients
// in the room receive it, and the network by SetPresence. (XEP-0045 §7.7)
func (r *Room) onAvailability(st *stanza.Inbound, client *roomClient) {
	r.readPresence(st, client)
	if r.isJoined() && client.shown {
		client.id = st.ID
		r.eachClient(func(full string) { r.sendSelf(full) })
	}
}

// readPresence stores the availability that a client sent to the room.
func (r *Room) readPresence(st *stanza.Inbound, client *roomClient) {
	client.presence = body.Presence(st.Element, r.rs.shared.Clock.Now())
	client.presence.Idle = time.Time{} // clients that report idle time do so in their broadcast presence
	r.show, r.status = body.Show(client.presence.Show), client.presence.Status
	if me := r.occupants[r.nick]; me != nil {
		me.Away = false // the network reports it
	}
	r.rs.host.ShowPresence()
}

// OnlyPersistent reports whether the user is in persistent rooms, and no client is in any
// room.
func (s *roomSet) OnlyPersistent() bool {
	persistent := false
	for _, r := range s.all {
		if len(r.clients) > 0 || !r.leaveAt.IsZero() {
			return false
		}
		persistent = persistent || r.persistent
	}
	return persistent
}

// refuseNickChange answers a client's nick change with an error. (XEP-0045 §7.6)
func (r *Room) refuseNickChange(err error) {
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

// maxRoleChanges is the number of occupants up to which their new roles are sent when a
// room becomes moderated or unmoderated. In larger rooms only the user's own role is sent,
// which clients depend on: otherwise an owner could flood every client by changing the
// configuration.
const maxRoleChanges = 100

// setConfig stores a room's configuration, nil if it is unknown. In a moderated room an
// occupant without voice is a visitor. (XEP-0045 §5.1, §8.6)
func (r *Room) setConfig(c *legacy.RoomConfig) {
	r.config = c
	if c == nil || c.Moderated == r.moderated {
		return
	}
	r.moderated = c.Moderated
	if r.state != Joined {
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

// roleOf returns the role for a level. (XEP-0045 §5.1)
func roleOf(l legacy.Level, moderated bool) string {
	if l == legacy.LevelNone && moderated {
		return "visitor"
	}
	return roles[min(int(l), len(roles)-1)]
}

// idOf returns the <occupant-id/> of an occupant, nil if the nick is not in the room.
// (XEP-0421 §3)
func (r *Room) idOf(nick string) *element.Element {
	o := r.occupants[nick]
	if o == nil {
		return nil
	}
	r.identify(o)
	return element.New(xep.NSOccupantID, "occupant-id").Set("id", o.id)
}
