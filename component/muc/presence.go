package muc

import (
	"time"

	"transport/component/body"
	"transport/component/stanza"
)

// onAvailability handles a client's change of availability in a room. The user's clients
// in the room receive it, and the network by SetPresence. (XEP-0045 §7.7)
func (r *Room) onAvailability(st *stanza.Inbound, client *roomClient) {
	r.readPresence(st, client)
	if client.shown {
		client.id = st.ID
		r.eachClient(func(full string) { r.sendSelf(full) })
	}
}

// readPresence stores the availability that a client sent to the room.
func (r *Room) readPresence(st *stanza.Inbound, client *roomClient) {
	client.presence = body.Presence(st.Element, r.rs.shared.Clock.Now())
	r.rs.presences++
	client.presenceAt = r.rs.presences
	client.presence.Idle = time.Time{} // clients that report idle time do so in their broadcast presence
	r.show, r.status = body.Show(client.presence.Show), client.presence.Status
	if me := r.occupants[r.nick]; me != nil {
		me.Away = false // the network reports it
	}
	r.rs.host.ShowPresence()
}
