package muc

import (
	"slices"
	"strings"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
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
		rs.withRoom(ev.Room, func(r *Room) { r.onInterrupted(ev.Err) })
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
			r.setConfig(ev.Config)
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

// eachClient calls f for each of the user's clients that has received the room's occupants.
func (r *Room) eachClient(f func(full string)) {
	for full, client := range r.clients {
		if client.shown {
			f(full)
		}
	}
}

// updateOccupant stores a new or changed occupant and sends its presence to the clients.
func (r *Room) updateOccupant(o legacy.Occupant) {
	now, before := &occupant{Occupant: o}, r.occupants[o.Nick]
	if before != nil { // the ID stays, even if the network has sent the identity since
		r.identify(before)
		now.id = before.id
	}
	r.occupants[o.Nick] = now
	if o.Nick == r.nick && before != nil && before.Level == o.Level && (r.show != "" || before.Away == o.Away) {
		return // the clients have received their own presence already
	}
	r.eachClient(func(full string) {
		if o.Nick == r.nick {
			r.sendSelf(full)
			return
		}
		r.sendOccupant(full, now, occupantStanza{})
	})
}

// onRoomJoined handles a confirmed join. After a reconnect, clients that were in the room
// before receive the differences.
func (rs *Rooms) onRoomJoined(ev legacy.RoomJoined) {
	r := rs.all[ev.Room.ID]
	if r == nil {
		if r = rs.adoptRoom(ev.Room); r == nil {
			return
		}
	}
	delete(rs.leaving, ev.Room.ID)
	r.pendingNick, r.pendingSubject = nil, nil
	before, self := r.occupants, r.nick
	r.config, r.moderated = nil, false // the modes may have changed meanwhile
	r.state, r.nick, r.topic, r.messageTags, r.redaction = Joined, ev.Nick, ev.Topic, ev.MessageTags, ev.Redacts
	r.occupants = make(map[string]*occupant, len(ev.Occupants))
	for _, o := range ev.Occupants {
		r.occupants[o.Nick] = &occupant{Occupant: o}
	}
	if me := r.occupants[r.nick]; me != nil { // independent of the host that the user connects from
		me.id = r.occupantID("user\x00" + rs.user)
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
			r.sendOccupant(full, &occupant{Occupant: legacy.Occupant{Nick: self}},
				occupantStanza{gone: true, codes: []string{"303", "110"}, newNick: Resource(r.nick)})
		}
		r.showRoom(full)
	}
}

// adoptRoom adds a room that the user was joined to by the network, and invites the user's
// clients. It leaves a room that the user has left in the meantime, and returns nil then.
func (rs *Rooms) adoptRoom(peer legacy.Peer) *Room {
	if peer.ID != "" && !rs.leaving[peer.ID] && (rs.host.Login().Online || len(rs.all) > 0) {
		if r := rs.newRoom(peer); r != nil {
			rs.Invite(rs.user, peer, rs.shared.Peers.Domain, "The network has added you to this room.")
			return r
		}
	}
	if roomer, ok := rs.session().(legacy.Roomer); ok && peer.ID != "" {
		_ = roomer.LeaveRoom(rs.ctx, peer, "") // the user can join it again
	}
	return nil
}

// onRoomFailed handles a failed join, nick change or subject change, or another error of a
// room. (XEP-0045 §7.2.5 to §7.2.10, §7.6)
func (rs *Rooms) onRoomFailed(ev legacy.RoomFailed) {
	r, why := rs.all[ev.Room.ID], Translate(ev.Err)
	switch {
	case r == nil:
		delete(rs.leaving, ev.Room.ID)
	case r.state != Joined:
		if len(r.clients) == 0 {
			rs.host.Notify("You could not join " + r.jid + ": " + why.Text)
		}
		r.failRoom(why)
	case ev.Nick: // a nick change can concern several rooms
		r.refuseNickChange(ev.Err)
		rs.onNickChanged(r, ev.Err)
	case r.pendingSubject != nil: // XEP-0045 §8.1
		r.refuseSubject(why)
	default:
		r.sendRoomText(why.Text)
	}
}

// refuseSubject answers a change of the subject that the network will not confirm, if one
// is pending.
func (r *Room) refuseSubject(why stanza.Error) {
	if r.pendingSubject != nil {
		r.pendingSubject.Refuse(why)
		r.pendingSubject = nil
	}
}

// failRoom reports to every client that the join has failed, and removes the room.
func (r *Room) failRoom(why stanza.Error) {
	r.refuseSubject(why)
	for full, client := range r.clients {
		if client.shown { // the rejoin after a reconnect has failed
			r.sendOccupant(full, r.self(), occupantStanza{gone: true, codes: []string{"110", "333"}, reason: why.Text})
		} else {
			r.refuseJoin(full, why)
		}
	}
	clear(r.clients)
	r.remove()
}

// Translate translates a network's error about a room. (XEP-0045 §17.2)
func Translate(err error) stanza.Error {
	why := stanza.Translate(err)
	if legacy.KindOf(err) == legacy.Forbidden {
		why.Type, why.Condition = stanza.Auth, stanza.Forbidden
	}
	return why
}

// leaveCodes returns the status codes of a kick, a ban or a lost connection.
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

// onRoomLeft handles the user's leave, kick or ban.
func (rs *Rooms) onRoomLeft(ev legacy.RoomLeft) {
	r, left := rs.all[ev.Room.ID], rs.leaving[ev.Room.ID]
	delete(rs.leaving, ev.Room.ID)
	if r == nil || left && r.state != Joined { // a new join is already under way
		return
	}
	r.forgetPersistent()
	s := occupantStanza{codes: append(leaveCodes(ev.Kind), "110"), actor: ev.By, reason: ev.Reason}
	r.closeRoom(s, errNotInRoom.With("You are no longer in the room. "+ev.Reason))
}

// closeRoom sends every client in a room the user's unavailable presence, answers
// unconfirmed joins with why, and removes the room.
func (r *Room) closeRoom(s occupantStanza, why stanza.Error) {
	s.gone = true
	r.refuseSubject(why)
	for full, client := range r.clients {
		if client.shown {
			r.sendOccupant(full, r.self(), s)
		} else {
			r.refuseJoin(full, why)
		}
	}
	clear(r.clients)
	r.remove()
}

// Close closes all rooms with a status code.
func (rs *Rooms) Close(code string, why stanza.Error) {
	for _, r := range rs.all {
		r.closeRoom(occupantStanza{codes: []string{code, "110"}, reason: why.Text}, why)
	}
}

// onInterrupted handles a room whose network connection was lost. The adapter or rejoin
// joins it again.
func (r *Room) onInterrupted(err error) {
	r.sendRoomText("You were disconnected: " + stanza.Translate(err).Text + " The gateway is reconnecting.")
	r.refuseNickChange(err)
	r.refuseSubject(Translate(err))
	r.state = Interrupted
}

// SessionLost handles the end of the session. ours is true if the gateway ended it. The
// rooms remain and are joined again, unless the network's error is permanent. If the user
// has signed off, Close is called instead.
func (rs *Rooms) SessionLost(ours bool, err error) {
	for _, r := range rs.all {
		if r.state == Joined && !ours {
			r.onInterrupted(err)
		}
		r.state = r.state.afterSession()
	}
	switch legacy.KindOf(err) {
	case legacy.Auth, legacy.Replaced, legacy.Forbidden, legacy.BadNick:
		if !ours {
			rs.Fail(err)
		}
	}
}

// Fail reports an error of the network, after which no sign-on is tried, to every room.
func (rs *Rooms) Fail(err error) {
	for _, r := range rs.all {
		r.failRoom(Translate(err))
	}
}

func (r *Room) onOccupantLeft(ev legacy.OccupantLeft) {
	o := r.occupants[ev.Nick]
	if o == nil {
		return
	}
	delete(r.occupants, ev.Nick)
	r.eachClient(func(full string) {
		r.sendOccupant(full, o, occupantStanza{gone: true, codes: leaveCodes(ev.Kind), actor: ev.By, reason: ev.Reason})
	})
}

// onOccupantRenamed handles an occupant's nick change. (XEP-0045 §7.6)
func (r *Room) onOccupantRenamed(ev legacy.OccupantRenamed) {
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
		r.rs.onNickChanged(r, nil)
	}
	r.eachClient(func(full string) {
		codes := []string{"303"}
		if me {
			codes = append(codes, "110")
			r.clients[full].nick = Resource(ev.New)
			if asked != nil && asked.From.String() == full {
				r.clients[full].nick = asked.To.Resource
			}
		}
		r.sendOccupant(full, o, occupantStanza{gone: true, codes: codes, newNick: Resource(ev.New)})
		if me {
			r.sendSelf(full)
			return
		}
		r.sendOccupant(full, &renamed, occupantStanza{})
	})
}

// onRoomReaction sends an occupant's reactions to the clients. (XEP-0444 §4.2)
func (r *Room) onRoomReaction(ev legacy.RoomReaction, stanzaID string) {
	reactions := element.New(xep.NSReactions, "reactions").Set("id", ev.ID)
	for _, emoji := range ev.Emojis[:min(len(ev.Emojis), body.MaxReactions)] {
		reactions.Add(element.New(xep.NSReactions, "reaction").AddText(emoji))
	}
	id := r.idOf(ev.Nick)
	r.eachClient(func(full string) {
		r.rs.shared.writeElement(element.New(stanza.NS, "message").Set("from", r.occupantJID(ev.Nick)).Set("to", full).
			Set("type", "groupchat").Set("id", stanzaID).Add(reactions, id))
	})
}

// onInvited handles an invitation from a contact.
func (u *roomUser) onInvited(ev legacy.Invited) {
	u.Invite(u.user, ev.Room, u.shared.Peers.JID(ev.By.ID), "")
}

// Invite sends an invitation to a room from the room itself, which most clients support,
// with a body for the others. (XEP-0045 §7.8.2, XEP-0249 §4)
func (u *roomUser) Invite(to string, peer legacy.Peer, by, reason string) {
	room := u.shared.Peers.JID(peer.ID)
	inv := element.New(xep.NSMUCUser, "invite").Set("from", by)
	direct := element.New(xep.NSConference, "x").Set("jid", room)
	if reason != "" {
		inv.Add(element.New(xep.NSMUCUser, "reason").AddText(reason))
		direct.Set("reason", reason)
	}
	u.shared.Link.Send(element.New(stanza.NS, "message").Set("from", room).Set("to", to).Set("id", xep.NewID()).
		Add(element.New(stanza.NS, "body").AddText(strings.TrimSuffix(by, "@"+u.shared.Peers.Domain)+" invites you to "+room+"."),
			element.New(xep.NSMUCUser, "x").Add(inv), direct))
}

// isErrorOf reports whether an error stanza has one of the conditions.
func isErrorOf(st *stanza.Inbound, conditions []stanza.Condition) bool {
	x := st.Child(stanza.NS, "error")
	return x != nil && slices.ContainsFunc(conditions, func(c stanza.Condition) bool {
		return x.Child(stanza.NSErrors, string(c)) != nil
	})
}
