package component

import (
	"slices"
	"strings"

	"mellium.im/xmpp/stanza"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// onRoomEvent handles what the network says of rooms. It is false for other
// events.
func (u *user) onRoomEvent(ev legacy.Event) bool {
	switch ev := ev.(type) {
	case legacy.RoomJoined:
		u.onRoomJoined(ev)
	case legacy.RoomFailed:
		u.onRoomFailed(ev)
	case legacy.RoomInterrupted:
		u.withRoom(ev.Room, func(r *room) { u.interrupt(r, ev.Err) })
	case legacy.RoomLeft:
		u.onRoomLeft(ev)
	case legacy.OccupantJoined:
		u.withRoom(ev.Room, func(r *room) {
			if ev.Occupant.Nick != r.nick {
				delete(r.occupants, ev.Occupant.Nick) // whoever had that nick has gone
			}
			u.showOccupant(r, ev.Occupant)
		})
	case legacy.OccupantChanged:
		u.withRoom(ev.Room, func(r *room) { u.showOccupant(r, ev.Occupant) })
	case legacy.OccupantLeft:
		u.withRoom(ev.Room, func(r *room) { u.onOccupantLeft(r, ev) })
	case legacy.OccupantRenamed:
		u.withRoom(ev.Room, func(r *room) { u.onOccupantRenamed(r, ev) })
	case legacy.TopicChanged:
		u.withRoom(ev.Room, func(r *room) {
			r.topic, r.retopic = ev.Topic, nil
			u.toClients(r, func(full string) { u.sendSubject(r, full, false) })
		})
	case legacy.RoomMessage:
		u.withRoom(ev.Room, func(r *room) { u.onRoomMessage(r, ev) })
	case legacy.RoomReaction:
		u.withRoom(ev.Room, func(r *room) { u.onRoomReaction(r, ev, newID()) })
	case legacy.RoomRedaction:
		u.withRoom(ev.Room, func(r *room) { u.onRoomRedaction(r, ev) })
	case legacy.RoomTyping:
		u.withRoom(ev.Room, func(r *room) { u.onRoomTyping(r, ev) })
	case legacy.RoomConfigChanged:
		u.withRoom(ev.Room, func(r *room) {
			u.learnConfig(r, ev.Config)
			u.roomSays(r, ev.Text, "104") // XEP-0045 §10.2.1
		})
	case legacy.Invited:
		u.onInvited(ev)
	case legacy.RoomConfigReceived:
		u.onLookup(ev.Ref, ev)
	case legacy.BansReceived:
		u.onLookup(ev.Ref, ev)
	case legacy.RoomsListed:
		u.onLookup(ev.Ref, ev)
	case legacy.Done:
		u.onLookup(ev.Ref, ev)
	default:
		return false
	}
	return true
}

// withRoom calls f for a room that the user is in.
func (u *user) withRoom(p legacy.Peer, f func(*room)) {
	if r := u.rooms[p.ID]; r != nil && r.joined {
		f(r)
	}
}

// toClients calls f for each of the user's clients that has been shown the room.
func (u *user) toClients(r *room, f func(full string)) {
	for full, client := range r.clients {
		if client.in {
			f(full)
		}
	}
}

// showOccupant tells of somebody who came or changed.
func (u *user) showOccupant(r *room, o legacy.Occupant) {
	now, before := &occupant{Occupant: o}, r.occupants[o.Nick]
	if before != nil { // whatever more is known of them by now
		u.c.identify(r, before)
		now.id = before.id
	}
	r.occupants[o.Nick] = now
	if o.Nick == r.nick && before != nil && before.Level == o.Level && (r.show != "" || before.Away == o.Away) { // the client has said so itself
		return
	}
	u.toClients(r, func(full string) {
		if o.Nick == r.nick {
			u.sendSelf(r, full)
			return
		}
		u.sendOccupant(r, full, now, occupantStanza{})
	})
}

// onRoomJoined: the network has let the user in, or back in after the connection
// was lost: then clients are told what is different.
func (u *user) onRoomJoined(ev legacy.RoomJoined) {
	r := u.rooms[ev.Room.ID]
	if r == nil {
		if r = u.adoptRoom(ev.Room); r == nil {
			return
		}
	}
	delete(u.leaving, ev.Room.ID)
	r.renaming, r.retopic = nil, nil
	before, self := r.occupants, r.nick
	r.joined, r.asked, r.nick, r.topic, r.tags, r.redacts = true, true, ev.Nick, ev.Topic, ev.MessageTags, ev.Redacts
	r.occupants = make(map[string]*occupant, len(ev.Occupants))
	for _, o := range ev.Occupants {
		r.occupants[o.Nick] = &occupant{Occupant: o}
	}
	if me := r.occupants[r.nick]; me != nil { // the same wherever the user connects from
		me.id = u.c.occupantID(r, "user\x00"+u.bare)
	}
	if r.stays {
		u.noteStay(r)
	}
	for full, client := range r.clients {
		if !client.in {
			u.showRoom(r, full)
			continue
		}
		for nick, o := range before {
			if _, still := r.occupants[nick]; !still && nick != self {
				u.sendOccupant(r, full, o, occupantStanza{gone: true})
			}
		}
		if self != r.nick {
			u.sendOccupant(r, full, &occupant{Occupant: legacy.Occupant{Nick: self}}, occupantStanza{gone: true, codes: []string{"303", "110"}, newNick: resourceOf(r.nick)})
		}
		u.showRoom(r, full)
	}
}

// adoptRoom takes in a room that the network has put the user into; their clients
// are invited. A room that the user has left meanwhile is left for good.
func (u *user) adoptRoom(peer legacy.Peer) *room {
	if peer.ID != "" && !u.leaving[peer.ID] && (len(u.resources) > 0 || len(u.rooms) > 0) {
		if r := u.newRoom(peer); r != nil {
			u.invite(u.bare, peer, u.c.domain, "You were put into this room.")
			return r
		}
	}
	if roomer, ok := u.legacySession().(legacy.Roomer); ok && peer.ID != "" {
		_ = roomer.LeaveRoom(u.ctx, peer, "") // it can be asked for again
	}
	return nil
}

// onRoomFailed: a room could not be entered, or something in it was not done.
// (XEP-0045 §7.2.5 to §7.2.10, §7.6)
func (u *user) onRoomFailed(ev legacy.RoomFailed) {
	r, why := u.rooms[ev.Room.ID], roomError(ev.Err)
	switch {
	case r == nil:
		delete(u.leaving, ev.Room.ID)
	case !r.joined:
		if len(r.clients) == 0 {
			u.notify("You could not enter " + r.jid + ": " + why.Text)
		}
		u.failRoom(r, why)
	case ev.Nick: // other rooms are told as well
		u.keepNick(r, ev.Err)
		u.onNickChanged(r, ev.Err)
	case r.retopic != nil: // XEP-0045 §8.1
		u.c.refuse(r.retopic, why)
		r.retopic = nil
	default:
		u.roomSays(r, why.Text)
	}
}

// failRoom tells every client that a room cannot be entered.
func (u *user) failRoom(r *room, why stanzaError) {
	r.asked = false
	for full, client := range r.clients {
		if client.in { // it was lost, and does not come back
			u.sendOccupant(r, full, r.self(), occupantStanza{gone: true, codes: []string{"110", "333"}, reason: why.Text})
		} else {
			u.refuseJoin(r, full, why)
		}
	}
	clear(r.clients)
	u.quitRoom(r, "")
}

// roomError is what a client is told of a room. (XEP-0045 §17.2)
func roomError(err error) stanzaError {
	why := translateError(err)
	if legacy.KindOf(err) == legacy.Forbidden {
		why.Type, why.Condition = stanza.Auth, stanza.Forbidden
	}
	return why
}

// leaveCodes are the status codes of those who did not leave by themselves.
// (XEP-0045 §15.6.2)
func leaveCodes(kind legacy.LeaveKind) []string {
	switch kind {
	case legacy.LeftKicked:
		return []string{"307"}
	case legacy.LeftBanned:
		return []string{"301"}
	case legacy.LeftLost:
		return []string{"333"}
	}
	return nil
}

// onRoomLeft: the user is no longer in a room.
func (u *user) onRoomLeft(ev legacy.RoomLeft) {
	r, left := u.rooms[ev.Room.ID], u.leaving[ev.Room.ID]
	delete(u.leaving, ev.Room.ID)
	if r == nil || left && !r.joined { // it is asked for again already
		return
	}
	u.forgetStay(r)
	u.closeRoom(r, occupantStanza{codes: append(leaveCodes(ev.Kind), "110"), actor: ev.By, reason: ev.Reason}, errNotInRoom.with("You are no longer in the room. "+ev.Reason))
}

// closeRoom tells every client that the user is no longer in a room, and with why
// those that were yet to be let in.
func (u *user) closeRoom(r *room, s occupantStanza, why stanzaError) {
	s.gone = true
	r.asked, r.joined = false, false
	for full, client := range r.clients {
		if client.in {
			u.sendOccupant(r, full, r.self(), s)
		} else {
			u.refuseJoin(r, full, why)
		}
	}
	clear(r.clients)
	u.quitRoom(r, "")
}

// closeRooms does so for all rooms.
func (u *user) closeRooms(code string, why stanzaError) {
	for _, r := range u.rooms {
		u.closeRoom(r, occupantStanza{codes: []string{code, "110"}, reason: why.Text}, why)
	}
}

// interrupt: a room was lost, and is to be entered again.
func (u *user) interrupt(r *room, err error) {
	u.roomSays(r, "You were disconnected: "+userText(err)+" The gateway connects again.")
	r.joined, r.renaming, r.retopic = false, nil, nil
}

// roomsLost: the session is over. Rooms stay, to be entered again, unless the
// user or the network has ended it for good.
func (u *user) roomsLost(ours bool, err error) {
	if ours && u.trial == nil && !u.wanted() { // signed off, or no longer registered
		u.closeRooms("333", u.notOnline())
		return
	}
	for _, r := range u.rooms {
		if r.joined && !ours {
			u.interrupt(r, err)
		}
		r.joined, r.asked = false, false
	}
	switch legacy.KindOf(err) {
	case legacy.Auth, legacy.Replaced, legacy.Forbidden, legacy.BadNick:
		if !ours {
			for _, r := range u.rooms {
				u.failRoom(r, roomError(err))
			}
		}
	}
}

func (u *user) onOccupantLeft(r *room, ev legacy.OccupantLeft) {
	o := r.occupants[ev.Nick]
	if o == nil {
		return
	}
	delete(r.occupants, ev.Nick)
	u.toClients(r, func(full string) {
		u.sendOccupant(r, full, o, occupantStanza{gone: true, codes: leaveCodes(ev.Kind), actor: ev.By, reason: ev.Reason})
	})
}

// onOccupantRenamed: somebody has another nick. (XEP-0045 §7.6)
func (u *user) onOccupantRenamed(r *room, ev legacy.OccupantRenamed) {
	o := r.occupants[ev.Old]
	if o == nil {
		return
	}
	delete(r.occupants, ev.Old)
	u.c.identify(r, o)
	r.renamed = true
	renamed := *o
	renamed.Nick = ev.New
	r.occupants[ev.New] = &renamed
	me, asked := ev.Old == r.nick, r.renaming
	if me {
		if r.nick = ev.New; asked != nil {
			r.wanted, r.renaming = ev.New, nil
		}
		if r.stays {
			u.noteStay(r)
		}
		u.onNickChanged(r, nil)
	}
	u.toClients(r, func(full string) {
		codes := []string{"303"}
		if me {
			codes = append(codes, "110")
			r.clients[full].nick = resourceOf(ev.New)
			if asked != nil && asked.from.String() == full {
				r.clients[full].nick = asked.to.Resource
			}
		}
		u.sendOccupant(r, full, o, occupantStanza{gone: true, codes: codes, newNick: resourceOf(ev.New)})
		if me {
			u.sendSelf(r, full)
			return
		}
		u.sendOccupant(r, full, &renamed, occupantStanza{})
	})
}

// onRoomReaction: somebody has reacted to a message. (XEP-0444 §4.2)
func (u *user) onRoomReaction(r *room, ev legacy.RoomReaction, stanzaID string) {
	reactions := element.New(xep.NSReactions, "reactions").Set("id", ev.ID)
	for _, emoji := range ev.Emojis[:min(len(ev.Emojis), maxReactions)] {
		reactions.Add(element.New(xep.NSReactions, "reaction").AddText(emoji))
	}
	id := u.c.idOf(r, ev.Nick)
	u.toClients(r, func(full string) {
		u.put(element.New(nsStanza, "message").Set("from", r.occupantJID(ev.Nick)).Set("to", full).Set("type", "groupchat").Set("id", stanzaID).
			Add(reactions, id))
	})
}

// onInvited: somebody asks the user into a room.
func (u *user) onInvited(ev legacy.Invited) {
	u.invite(u.bare, ev.Room, u.c.contactJID(ev.By.ID), "")
}

// invite asks the user's clients into a room: by the room, as most clients know it,
// and readable for the others. (XEP-0045 §7.8.2, XEP-0249 §4)
func (u *user) invite(to string, peer legacy.Peer, by, reason string) {
	room := u.c.contactJID(peer.ID)
	inv := element.New(xep.NSMUCUser, "invite").Set("from", by)
	direct := element.New(xep.NSConference, "x").Set("jid", room)
	if reason != "" {
		inv.Add(element.New(xep.NSMUCUser, "reason").AddText(reason))
		direct.Set("reason", reason)
	}
	u.c.send(element.New(nsStanza, "message").Set("from", room).Set("to", to).Set("id", newID()).
		Add(element.New(nsStanza, "body").AddText(strings.TrimSuffix(by, "@"+u.c.domain)+" invites you to "+room+"."),
			element.New(xep.NSMUCUser, "x").Add(inv), direct))
}

// isErrorOf reports whether an error stanza names one of some conditions.
func isErrorOf(st *inbound, conditions []stanza.Condition) bool {
	x := st.Child(nsComponent, "error")
	return x != nil && slices.ContainsFunc(conditions, func(c stanza.Condition) bool { return x.Child(nsStanzaErrors, string(c)) != nil })
}
