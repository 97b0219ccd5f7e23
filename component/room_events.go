package component

import (
	"slices"
	"strings"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// onRoomEvent handles what the network says of rooms. It is false for other
// events.
func (rs *rooms) onRoomEvent(ev legacy.Event) bool {
	switch ev := ev.(type) {
	case legacy.RoomJoined:
		rs.onRoomJoined(ev)
	case legacy.RoomFailed:
		rs.onRoomFailed(ev)
	case legacy.RoomInterrupted:
		rs.withRoom(ev.Room, func(r *room) { r.onInterrupted(ev.Err) })
	case legacy.RoomLeft:
		rs.onRoomLeft(ev)
	case legacy.OccupantJoined:
		rs.withRoom(ev.Room, func(r *room) {
			if ev.Occupant.Nick != r.nick {
				delete(r.occupants, ev.Occupant.Nick) // whoever had that nick has gone
			}
			r.updateOccupant(ev.Occupant)
		})
	case legacy.OccupantChanged:
		rs.withRoom(ev.Room, func(r *room) { r.updateOccupant(ev.Occupant) })
	case legacy.OccupantLeft:
		rs.withRoom(ev.Room, func(r *room) { r.onOccupantLeft(ev) })
	case legacy.OccupantRenamed:
		rs.withRoom(ev.Room, func(r *room) { r.onOccupantRenamed(ev) })
	case legacy.TopicChanged:
		rs.withRoom(ev.Room, func(r *room) {
			r.topic, r.pendingSubject = ev.Topic, nil
			r.eachClient(func(full string) { r.sendSubject(full, false) })
		})
	case legacy.RoomMessage:
		rs.withRoom(ev.Room, func(r *room) { r.onRoomMessage(ev) })
	case legacy.RoomReaction:
		rs.withRoom(ev.Room, func(r *room) { r.onRoomReaction(ev, newID()) })
	case legacy.RoomRedaction:
		rs.withRoom(ev.Room, func(r *room) { r.onRoomRedaction(ev) })
	case legacy.RoomTyping:
		rs.withRoom(ev.Room, func(r *room) { r.onRoomTyping(ev) })
	case legacy.RoomConfigChanged:
		rs.withRoom(ev.Room, func(r *room) {
			r.setConfig(ev.Config)
			r.sendRoomText(ev.Text, "104") // XEP-0045 §10.2.1
		})
	case legacy.Invited:
		rs.onInvited(ev)
	case legacy.RoomConfigReceived:
		rs.u.calls.onQueryResult(ev.Ref, ev)
	case legacy.BansReceived:
		rs.u.calls.onQueryResult(ev.Ref, ev)
	case legacy.RoomsListed:
		rs.u.calls.onQueryResult(ev.Ref, ev)
	case legacy.Done:
		rs.u.calls.onQueryResult(ev.Ref, ev)
	default:
		return false
	}
	return true
}

// withRoom calls f for a room that the user is in.
func (rs *rooms) withRoom(p legacy.Peer, f func(*room)) {
	if r := rs.all[p.ID]; r != nil && r.joined {
		f(r)
	}
}

// toClients calls f for each of the user's clients that has been shown the room.
func (r *room) eachClient(f func(full string)) {
	for full, client := range r.clients {
		if client.shown {
			f(full)
		}
	}
}

// showOccupant tells of somebody who came or changed.
func (r *room) updateOccupant(o legacy.Occupant) {
	now, before := &occupant{Occupant: o}, r.occupants[o.Nick]
	if before != nil { // whatever more is known of them by now
		r.identify(before)
		now.id = before.id
	}
	r.occupants[o.Nick] = now
	if o.Nick == r.nick && before != nil && before.Level == o.Level && (r.show != "" || before.Away == o.Away) { // the client has said so itself
		return
	}
	r.eachClient(func(full string) {
		if o.Nick == r.nick {
			r.sendSelf(full)
			return
		}
		r.sendOccupant(full, now, occupantStanza{})
	})
}

// onRoomJoined: the network has let the user in, or back in after the connection
// was lost: then clients are told what is different.
func (rs *rooms) onRoomJoined(ev legacy.RoomJoined) {
	r := rs.all[ev.Room.ID]
	if r == nil {
		if r = rs.adoptRoom(ev.Room); r == nil {
			return
		}
	}
	delete(rs.leaving, ev.Room.ID)
	r.pendingNick, r.pendingSubject = nil, nil
	before, self := r.occupants, r.nick
	r.joined, r.joinSent, r.nick, r.topic, r.messageTags, r.redaction = true, true, ev.Nick, ev.Topic, ev.MessageTags, ev.Redacts
	r.occupants = make(map[string]*occupant, len(ev.Occupants))
	for _, o := range ev.Occupants {
		r.occupants[o.Nick] = &occupant{Occupant: o}
	}
	if me := r.occupants[r.nick]; me != nil { // the same wherever the user connects from
		me.id = r.occupantID("user\x00" + rs.u.bare)
	}
	if r.persistent {
		r.savePersistent()
	}
	for full, client := range r.clients {
		if !client.shown {
			r.showRoom(full)
			continue
		}
		for nick, o := range before {
			if _, still := r.occupants[nick]; !still && nick != self {
				r.sendOccupant(full, o, occupantStanza{gone: true})
			}
		}
		if self != r.nick {
			r.sendOccupant(full, &occupant{Occupant: legacy.Occupant{Nick: self}}, occupantStanza{gone: true, codes: []string{"303", "110"}, newNick: resourceOf(r.nick)})
		}
		r.showRoom(full)
	}
}

// adoptRoom takes in a room that the network has put the user into; their clients
// are invited. A room that the user has left meanwhile is left for good.
func (rs *rooms) adoptRoom(peer legacy.Peer) *room {
	if peer.ID != "" && !rs.leaving[peer.ID] && (rs.u.clients.busy() || len(rs.all) > 0) {
		if r := rs.newRoom(peer); r != nil {
			rs.invite(rs.u.bare, peer, rs.u.c.domain, "You were put into this room.")
			return r
		}
	}
	if roomer, ok := rs.u.login.legacySession().(legacy.Roomer); ok && peer.ID != "" {
		_ = roomer.LeaveRoom(rs.u.ctx, peer, "") // it can be asked for again
	}
	return nil
}

// onRoomFailed: a room could not be entered, or something in it was not done.
// (XEP-0045 §7.2.5 to §7.2.10, §7.6)
func (rs *rooms) onRoomFailed(ev legacy.RoomFailed) {
	r, why := rs.all[ev.Room.ID], roomError(ev.Err)
	switch {
	case r == nil:
		delete(rs.leaving, ev.Room.ID)
	case !r.joined:
		if len(r.clients) == 0 {
			rs.u.notify("You could not enter " + r.jid + ": " + why.Text)
		}
		r.failRoom(why)
	case ev.Nick: // other rooms are told as well
		r.refuseNickChange(ev.Err)
		rs.u.rooms.onNickChanged(r, ev.Err)
	case r.pendingSubject != nil: // XEP-0045 §8.1
		r.pendingSubject.Refuse(why)
		r.pendingSubject = nil
	default:
		r.sendRoomText(why.Text)
	}
}

// failRoom tells every client that a room cannot be entered.
func (r *room) failRoom(why stanza.Error) {
	r.joinSent = false
	for full, client := range r.clients {
		if client.shown { // it was lost, and does not come back
			r.sendOccupant(full, r.self(), occupantStanza{gone: true, codes: []string{"110", "333"}, reason: why.Text})
		} else {
			r.refuseJoin(full, why)
		}
	}
	clear(r.clients)
	r.leaveOnNetwork("")
}

// roomError is what a client is told of a room. (XEP-0045 §17.2)
func roomError(err error) stanza.Error {
	why := stanza.Translate(err)
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
func (rs *rooms) onRoomLeft(ev legacy.RoomLeft) {
	r, left := rs.all[ev.Room.ID], rs.leaving[ev.Room.ID]
	delete(rs.leaving, ev.Room.ID)
	if r == nil || left && !r.joined { // it is asked for again already
		return
	}
	r.forgetPersistent()
	r.closeRoom(occupantStanza{codes: append(leaveCodes(ev.Kind), "110"), actor: ev.By, reason: ev.Reason}, errNotInRoom.With("You are no longer in the room. "+ev.Reason))
}

// closeRoom tells every client that the user is no longer in a room, and with why
// those that were yet to be let in.
func (r *room) closeRoom(s occupantStanza, why stanza.Error) {
	s.gone = true
	r.joinSent, r.joined = false, false
	for full, client := range r.clients {
		if client.shown {
			r.sendOccupant(full, r.self(), s)
		} else {
			r.refuseJoin(full, why)
		}
	}
	clear(r.clients)
	r.leaveOnNetwork("")
}

// closeRooms does so for all rooms.
func (rs *rooms) closeRooms(code string, why stanza.Error) {
	for _, r := range rs.all {
		r.closeRoom(occupantStanza{codes: []string{code, "110"}, reason: why.Text}, why)
	}
}

// interrupt: a room was lost, and is to be entered again.
func (r *room) onInterrupted(err error) {
	r.sendRoomText("You were disconnected: " + userText(err) + " The gateway connects again.")
	r.joined, r.pendingNick, r.pendingSubject = false, nil, nil
}

// roomsLost: the session is over. Rooms stay, to be entered again, unless the
// user or the network has ended it for good.
func (rs *rooms) onSessionLost(ours bool, err error) {
	if ours && !rs.u.login.registering() && !rs.u.login.wantsSession() { // signed off, or no longer registered
		rs.closeRooms("333", rs.u.login.notOnline())
		return
	}
	for _, r := range rs.all {
		if r.joined && !ours {
			r.onInterrupted(err)
		}
		r.joined, r.joinSent = false, false
	}
	switch legacy.KindOf(err) {
	case legacy.Auth, legacy.Replaced, legacy.Forbidden, legacy.BadNick:
		if !ours {
			for _, r := range rs.all {
				r.failRoom(roomError(err))
			}
		}
	}
}

func (r *room) onOccupantLeft(ev legacy.OccupantLeft) {
	o := r.occupants[ev.Nick]
	if o == nil {
		return
	}
	delete(r.occupants, ev.Nick)
	r.eachClient(func(full string) {
		r.sendOccupant(full, o, occupantStanza{gone: true, codes: leaveCodes(ev.Kind), actor: ev.By, reason: ev.Reason})
	})
}

// onOccupantRenamed: somebody has another nick. (XEP-0045 §7.6)
func (r *room) onOccupantRenamed(ev legacy.OccupantRenamed) {
	o := r.occupants[ev.Old]
	if o == nil {
		return
	}
	delete(r.occupants, ev.Old)
	r.identify(o)
	r.renamed = true
	renamed := *o
	renamed.Nick = ev.New
	r.occupants[ev.New] = &renamed
	me, asked := ev.Old == r.nick, r.pendingNick
	if me {
		if r.nick = ev.New; asked != nil {
			r.desiredNick, r.pendingNick = ev.New, nil
		}
		if r.persistent {
			r.savePersistent()
		}
		r.rs.u.rooms.onNickChanged(r, nil)
	}
	r.eachClient(func(full string) {
		codes := []string{"303"}
		if me {
			codes = append(codes, "110")
			r.clients[full].nick = resourceOf(ev.New)
			if asked != nil && asked.From.String() == full {
				r.clients[full].nick = asked.To.Resource
			}
		}
		r.sendOccupant(full, o, occupantStanza{gone: true, codes: codes, newNick: resourceOf(ev.New)})
		if me {
			r.sendSelf(full)
			return
		}
		r.sendOccupant(full, &renamed, occupantStanza{})
	})
}

// onRoomReaction: somebody has reacted to a message. (XEP-0444 §4.2)
func (r *room) onRoomReaction(ev legacy.RoomReaction, stanzaID string) {
	reactions := element.New(xep.NSReactions, "reactions").Set("id", ev.ID)
	for _, emoji := range ev.Emojis[:min(len(ev.Emojis), body.MaxReactions)] {
		reactions.Add(element.New(xep.NSReactions, "reaction").AddText(emoji))
	}
	id := r.idOf(ev.Nick)
	r.eachClient(func(full string) {
		r.rs.writeElement(element.New(stanza.NS, "message").Set("from", r.occupantJID(ev.Nick)).Set("to", full).Set("type", "groupchat").Set("id", stanzaID).
			Add(reactions, id))
	})
}

// onInvited: somebody asks the user into a room.
func (rs *rooms) onInvited(ev legacy.Invited) {
	rs.invite(rs.u.bare, ev.Room, rs.u.c.contactJID(ev.By.ID), "")
}

// invite asks the user's clients into a room: by the room, as most clients know it,
// and readable for the others. (XEP-0045 §7.8.2, XEP-0249 §4)
func (rs *rooms) invite(to string, peer legacy.Peer, by, reason string) {
	room := rs.u.c.contactJID(peer.ID)
	inv := element.New(xep.NSMUCUser, "invite").Set("from", by)
	direct := element.New(xep.NSConference, "x").Set("jid", room)
	if reason != "" {
		inv.Add(element.New(xep.NSMUCUser, "reason").AddText(reason))
		direct.Set("reason", reason)
	}
	rs.u.c.send(element.New(stanza.NS, "message").Set("from", room).Set("to", to).Set("id", newID()).
		Add(element.New(stanza.NS, "body").AddText(strings.TrimSuffix(by, "@"+rs.u.c.domain)+" invites you to "+room+"."),
			element.New(xep.NSMUCUser, "x").Add(inv), direct))
}

// isErrorOf reports whether an error stanza names one of some conditions.
func isErrorOf(st *stanza.Inbound, conditions []stanza.Condition) bool {
	x := st.Child(stanza.NS, "error")
	return x != nil && slices.ContainsFunc(conditions, func(c stanza.Condition) bool { return x.Child(stanza.NSErrors, string(c)) != nil })
}
