package muc

import (
	"transport/component/xep"
	"transport/legacy"
)

// OnEvent handles an event of a room. It returns false for any other event.
func (rs *Rooms) OnEvent(ev legacy.Event) bool {
	switch ev := ev.(type) {
	case legacy.RoomJoined:
		rs.onRoomJoined(ev)
	case legacy.RoomFailed:
		rs.onRoomFailed(ev)
	case legacy.RoomInterrupted:
		rs.withRoom(ev.Room, func(r *Room) { interrupt(r, ev.Err) })
	case legacy.RoomLeft:
		rs.onRoomLeft(ev)
	case legacy.OccupantJoined:
		rs.withRoom(ev.Room, func(r *Room) {
			if ev.Occupant.Nick != r.nick {
				delete(r.occupants, ev.Occupant.Nick) // the previous occupant of that nick has left
			}
			r.updateOccupant(ev.Occupant)
		})
	case legacy.OccupantChanged:
		rs.withRoom(ev.Room, func(r *Room) { r.updateOccupant(ev.Occupant) })
	case legacy.OccupantLeft:
		rs.withRoom(ev.Room, func(r *Room) { r.onOccupantLeft(ev) })
	case legacy.OccupantRenamed:
		rs.withRoom(ev.Room, func(r *Room) { r.onOccupantRenamed(ev) })
	case legacy.TopicChanged:
		rs.withRoom(ev.Room, func(r *Room) {
			r.topic, r.pendingSubject = ev.Topic, nil
			r.eachClient(func(full string) { r.sendSubject(full, false) })
		})
	case legacy.RoomMessage:
		rs.withRoom(ev.Room, func(r *Room) { r.onRoomMessage(ev) })
	case legacy.RoomReaction:
		rs.withRoom(ev.Room, func(r *Room) { r.onRoomReaction(ev, xep.NewID()) })
	case legacy.RoomRedaction:
		rs.withRoom(ev.Room, func(r *Room) { r.onRoomRedaction(ev) })
	case legacy.RoomTyping:
		rs.withRoom(ev.Room, func(r *Room) { r.onRoomTyping(ev) })
	case legacy.RoomConfigChanged:
		rs.withRoom(ev.Room, func(r *Room) {
			if r.setConfig(ev.Config); ev.Config == nil && ev.Moderated != nil {
				setModerated(r, *ev.Moderated)
			}
			r.sendRoomText(ev.Text, "104") // XEP-0045 §10.2.1
		})
	case legacy.Invited:
		rs.onInvited(ev)
	default:
		return false
	}
	return true
}

// withRoom calls f for a room that the user is in.
func (rs *Rooms) withRoom(p legacy.Peer, f func(*Room)) {
	if r := rs.all[p.ID]; r.isJoined() {
		f(r)
	}
}
