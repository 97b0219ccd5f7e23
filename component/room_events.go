package component

import (
	"mellium.im/xmpp/stanza"

	"transport/component/address"
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
	case legacy.RoomLeft:
		u.onRoomLeft(ev)
	case legacy.OccupantJoined:
		u.withRoom(ev.Room, func(r *room) {
			r.occupants[ev.Occupant.Nick] = ev.Occupant
			u.toClients(r, func(full string) { u.sendOccupant(r, full, ev.Occupant, occupantStanza{}) })
		})
	case legacy.OccupantChanged:
		u.withRoom(ev.Room, func(r *room) {
			r.occupants[ev.Occupant.Nick] = ev.Occupant
			u.toClients(r, func(full string) {
				if ev.Occupant.Nick == r.nick {
					u.sendSelf(r, full)
					return
				}
				u.sendOccupant(r, full, ev.Occupant, occupantStanza{})
			})
		})
	case legacy.OccupantLeft:
		u.withRoom(ev.Room, func(r *room) { u.onOccupantLeft(r, ev) })
	case legacy.OccupantRenamed:
		u.withRoom(ev.Room, func(r *room) { u.onOccupantRenamed(r, ev) })
	case legacy.TopicChanged:
		u.withRoom(ev.Room, func(r *room) {
			r.topic = ev.Topic
			u.toClients(r, func(full string) { u.sendSubject(r, full) })
		})
	case legacy.RoomMessage:
		u.withRoom(ev.Room, func(r *room) { u.onRoomMessage(r, ev) })
	case legacy.Invited:
		u.onInvited(ev)
	case legacy.ModerationDone:
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

// onRoomJoined: the network has let the user in, or back in after the connection
// was lost: then clients are told what is different.
func (u *user) onRoomJoined(ev legacy.RoomJoined) {
	r := u.rooms[ev.Room.ID]
	if r == nil { // left meanwhile, or put there by the network
		if roomer, ok := u.legacySession().(legacy.Roomer); ok && ev.Room.ID != "" {
			_ = roomer.LeaveRoom(u.ctx, ev.Room, "") // it can be asked for again
		}
		return
	}
	before, self := r.occupants, r.nick
	r.joined, r.asked, r.nick, r.topic = true, true, ev.Nick, ev.Topic
	r.occupants = make(map[string]legacy.Occupant, len(ev.Occupants))
	for _, o := range ev.Occupants {
		r.occupants[o.Nick] = o
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
			u.sendOccupant(r, full, legacy.Occupant{Nick: self}, occupantStanza{gone: true, codes: []string{"303", "110"}, newNick: r.nick})
		}
		u.showRoom(r, full)
	}
}

// onRoomFailed: a room could not be entered, or something in it was not done.
// (XEP-0045 §7.2.5 to §7.2.10, §7.6)
func (u *user) onRoomFailed(ev legacy.RoomFailed) {
	r := u.rooms[ev.Room.ID]
	if r == nil {
		return
	}
	u.failRoom(r, ev.Err)
}

func (u *user) failRoom(r *room, err error) {
	why := roomError(err)
	for full, client := range r.clients {
		switch {
		case !r.joined && client.in: // it was lost, and does not come back
			u.sendOccupant(r, full, r.self(), occupantStanza{gone: true, codes: []string{"110", "333"}, reason: why.Text})
		case !r.joined:
			u.refuseJoin(r, full, why)
		case client.in:
			u.put(element.New(nsStanza, "message").Set("from", r.jid).Set("to", full).Set("type", "groupchat").Set("id", newID()).
				Add(element.New(nsStanza, "body").AddText(why.Text)))
		}
	}
	if !r.joined {
		r.asked = false
		for full := range r.clients {
			u.dropClient(r, full)
		}
	}
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

// onRoomLeft: the user is in the room no longer. (XEP-0045 §7.14, §8.2)
func (u *user) onRoomLeft(ev legacy.RoomLeft) {
	r := u.rooms[ev.Room.ID]
	if r == nil {
		return
	}
	u.closeRoom(r, occupantStanza{codes: append(leaveCodes(ev.Kind), "110"), actor: ev.By, reason: ev.Reason})
}

// closeRoom tells every client that the user is no longer in a room.
func (u *user) closeRoom(r *room, s occupantStanza) {
	s.gone = true
	r.asked = false
	for full := range r.clients {
		u.sendOccupant(r, full, r.self(), s)
		u.dropClient(r, full)
	}
}

// closeRooms does so for all rooms.
func (u *user) closeRooms(code, why string) {
	for _, r := range u.rooms {
		u.closeRoom(r, occupantStanza{codes: []string{code, "110"}, reason: why})
	}
}

// roomsLost: the session is over. Rooms stay, to be entered again, unless the
// user or the network has ended it for good.
func (u *user) roomsLost(ours bool, err error) {
	if ours && u.trial == nil && !u.wanted() { // signed off, or no longer registered
		u.closeRooms("333", "You are signed off.")
		return
	}
	for _, r := range u.rooms {
		if r.joined && !ours {
			u.toClients(r, func(full string) {
				u.put(element.New(nsStanza, "message").Set("from", r.jid).Set("to", full).Set("type", "groupchat").Set("id", newID()).
					Add(element.New(nsStanza, "body").AddText("You were disconnected: " + userText(err) + " The gateway connects again.")))
			})
		}
		r.joined, r.asked = false, false
	}
	switch legacy.KindOf(err) {
	case legacy.Auth, legacy.Replaced, legacy.Forbidden:
		if !ours {
			for _, r := range u.rooms {
				if !r.joined {
					u.failRoom(r, err)
				}
			}
		}
	}
}

func (u *user) onOccupantLeft(r *room, ev legacy.OccupantLeft) {
	o, here := r.occupants[ev.Nick]
	if !here {
		return
	}
	delete(r.occupants, ev.Nick)
	u.toClients(r, func(full string) {
		u.sendOccupant(r, full, o, occupantStanza{gone: true, codes: leaveCodes(ev.Kind), actor: ev.By, reason: ev.Reason})
	})
}

// onOccupantRenamed: somebody has another nick. (XEP-0045 §7.6)
func (u *user) onOccupantRenamed(r *room, ev legacy.OccupantRenamed) {
	o, here := r.occupants[ev.Old]
	if !here {
		return
	}
	delete(r.occupants, ev.Old)
	renamed := o
	renamed.Nick = ev.New
	r.occupants[ev.New] = renamed
	me := ev.Old == r.nick
	if me {
		r.nick = ev.New
	}
	u.toClients(r, func(full string) {
		codes := []string{"303"}
		if me {
			codes = append(codes, "110")
			r.clients[full].nick = ev.New
		}
		u.sendOccupant(r, full, o, occupantStanza{gone: true, codes: codes, newNick: ev.New})
		if me {
			u.sendSelf(r, full)
			return
		}
		u.sendOccupant(r, full, renamed, occupantStanza{})
	})
}

// onRoomMessage: somebody has spoken. (XEP-0045 §7.4)
func (u *user) onRoomMessage(r *room, ev legacy.RoomMessage) {
	from := r.jid
	if ev.Nick != "" {
		from = r.occupantJID(ev.Nick)
	}
	u.c.counters.fromNetwork.Add(1)
	id, at := newID(), ev.Time
	if at.IsZero() {
		at = u.c.clock.Now()
	}
	r.remember(line{ev.Nick, ev.Text, id, at})
	u.toClients(r, func(full string) {
		_ = u.c.write(func(dst []byte) []byte {
			dst = append(dst, "<message type='groupchat'"...)
			dst = appendAttr(dst, "from", from)
			dst = appendAttr(dst, "to", full)
			dst = appendAttr(dst, "id", id)
			dst = appendChild(append(dst, '>'), "body", ev.Text)
			if !ev.Time.IsZero() {
				dst = xep.Delay(r.jid, ev.Time).Append(dst, nsComponent)
			}
			return append(dst, "</message>"...)
		})
	})
}

// onRoomText handles a message to a room. (XEP-0045 §7.4, §8.1)
func (u *user) onRoomText(st *inbound, peer legacy.Peer) {
	r := u.rooms[peer.ID]
	if r == nil || r.clients[st.from.String()] == nil || !r.joined {
		if plainText(st.Element) != "" || st.Child(nsComponent, "subject") != nil || st.Child(xep.NSMUCUser, "x") != nil {
			u.c.refuse(st, stanzaError{Type: stanza.Cancel, Condition: stanza.NotAcceptable, Text: "You are not in this room."})
		}
		return
	}
	text, subject := plainText(st.Element), st.Child(nsComponent, "subject")
	roomer, ok := u.legacySession().(legacy.Roomer)
	switch {
	case !ok:
		u.c.refuse(st, errNotOnline)
	case u.inviteTo(st, roomer, peer):
	case st.to.Resource != "" && st.typ == "groupchat":
		u.c.refuse(st, errBadRequest)
	case st.to.Resource != "":
		u.onPrivateText(st, r, text)
	case st.typ != "groupchat":
		u.c.refuse(st, errBadRequest)
	case subject != nil && text == "":
		if err := roomer.SetTopic(u.ctx, peer, cleanText(subject.Text())); err != nil {
			u.c.refuse(st, translateError(err))
		}
	case text != "":
		u.sendTo(st, peer, cleanText(text))
	}
}

// onInvited: somebody asks the user into a room. (XEP-0249 §2)
func (u *user) onInvited(ev legacy.Invited) {
	room := u.c.contactJID(ev.Room.ID)
	u.c.send(element.New(nsStanza, "message").Set("from", u.c.contactJID(ev.By.ID)).Set("to", u.bare).Set("id", newID()).
		Add(element.New(nsStanza, "body").AddText(ev.By.ID+" invites you to "+room+"."),
			element.New(xep.NSConference, "x").Set("jid", room)))
}

// inviteTo passes an invitation on. It is false for any other message.
// (XEP-0045 §7.8.2)
func (u *user) inviteTo(st *inbound, roomer legacy.Roomer, room legacy.Peer) bool {
	x := st.Child(xep.NSMUCUser, "x")
	if x == nil || x.Child(xep.NSMUCUser, "invite") == nil {
		return false
	}
	who, err := u.c.cfg.Network.ParsePeer(u.nickOf(x.Child(xep.NSMUCUser, "invite").Attr("to")))
	if err == nil && !who.Room {
		err = roomer.Invite(u.ctx, room, who)
	} else if err == nil {
		err = legacy.Errorf(legacy.NotFound, "Only people of %s can be invited.", u.c.info.Name)
	}
	if err != nil {
		u.c.refuse(st, translateError(err))
	}
	return true
}

// onPrivateText sends what a client says to one occupant. (XEP-0045 §7.5)
func (u *user) onPrivateText(st *inbound, r *room, text string) {
	if _, here := r.occupants[st.to.Resource]; !here {
		u.c.refuse(st, errItemNotFound)
		return
	}
	peer, err := u.c.cfg.Network.ParsePeer(st.to.Resource)
	if err != nil || peer.Room {
		u.c.refuse(st, errItemNotFound)
		return
	}
	if text = cleanText(text); text != "" {
		u.sendTo(st, peer, text)
	}
}

// reflect shows a message of the user's to every client of the user's in the room,
// the one that sent it too. (XEP-0045 §7.4)
func (u *user) reflect(st *inbound) {
	peer, ok := u.c.roomAt(st.to)
	if !ok || st.typ != "groupchat" {
		return
	}
	u.withRoom(peer, func(r *room) {
		r.remember(line{r.nick, plainText(st.Element), st.id, u.c.clock.Now()})
		u.toClients(r, func(full string) {
			m := element.New(nsStanza, "message").Set("from", r.occupantJID(r.nick)).Set("to", full).Set("type", "groupchat")
			if st.id != "" {
				m.Set("id", st.id)
			}
			u.put(m.Add(element.New(nsStanza, "body").AddText(plainText(st.Element))))
		})
	})
}

// onRoomIQ answers a question to a room or an occupant. (XEP-0045 §8.2, XEP-0410)
func (u *user) onRoomIQ(r *request, peer legacy.Peer) {
	room := u.rooms[peer.ID]
	inside := room != nil && room.joined && room.clients[r.from.String()] != nil
	switch {
	case r.payload.Is(xep.NSPing, "ping") && inside && (r.to.Resource == room.nick || r.to.Resource == ""):
		u.reply(r, nil)
	case !inside:
		u.fail(r, stanzaError{Type: stanza.Cancel, Condition: stanza.NotAcceptable, Text: "You are not in this room."})
	case r.payload.Is(xep.NSMUCAdmin, "query") && r.typ == "set":
		u.onModeration(r, room)
	case r.payload.Is(xep.NSMUCAdmin, "query"):
		u.reply(r, room.list(r.payload.Child(xep.NSMUCAdmin, "item")))
	default:
		u.fail(r, errServiceUnavail)
	}
}

// list is who has a role or an affiliation. (XEP-0045 §9.5, §10.6)
func (r *room) list(item *element.Element) *element.Element {
	q := element.New(xep.NSMUCAdmin, "query")
	if item == nil {
		return q
	}
	for _, o := range r.occupants {
		level := min(int(o.Level), len(roles)-1)
		if item.Attr("role") == roles[level] || item.Attr("affiliation") == affiliations[level] {
			q.Add(element.New(xep.NSMUCAdmin, "item").Set("affiliation", affiliations[level]).Set("role", roles[level]).
				Set("nick", o.Nick).Set("jid", r.occupantJID(o.Nick)))
		}
	}
	return q
}

// onModeration handles a change of somebody's role or affiliation.
// (XEP-0045 §8.2 to §9.7)
func (u *user) onModeration(r *request, room *room) {
	roomer, ok := u.legacySession().(legacy.Roomer)
	item := r.payload.Child(xep.NSMUCAdmin, "item")
	if !ok || item == nil {
		u.fail(r, errBadRequest)
		return
	}
	m := legacy.Moderation{Nick: item.Attr("nick"), Reason: cleanText(item.ChildText(xep.NSMUCAdmin, "reason"))}
	if m.Nick == "" { // affiliations name a JID: of the nick as a contact, or of the occupant
		m.Nick = u.nickOf(item.Attr("jid"))
	}
	switch role, affiliation := item.Attr("role"), item.Attr("affiliation"); {
	case m.Nick == "" || (role == "") == (affiliation == ""):
		u.fail(r, errBadRequest)
		return
	case role == "none":
		m.Kick = true
	case affiliation == "outcast":
		m.Ban = true
	case role == "participant" || affiliation == "member":
		m.Level = legacy.LevelVoice
	case role == "moderator" || affiliation == "admin":
		m.Level = legacy.LevelOperator
	case affiliation == "owner":
		m.Level = legacy.LevelOwner
	case role == "visitor" || affiliation == "none":
		m.Level = legacy.LevelNone
	default:
		u.fail(r, errBadRequest)
		return
	}
	u.look(r, func(u *user, r *request, ev legacy.Event) {
		if done := ev.(legacy.ModerationDone); done.Err != nil {
			u.fail(r, roomError(done.Err))
			return
		}
		u.reply(r, nil)
	}, func(ref string) error { return roomer.Moderate(u.ctx, ref, room.peer, m) })
}

// nickOf is the nick that a JID of ours stands for, "" for another.
func (u *user) nickOf(s string) string {
	jid, err := address.Parse(s)
	if err != nil || jid.Domain != u.c.domain {
		return ""
	}
	if _, isRoom := u.c.roomAt(jid); isRoom {
		return jid.Resource
	}
	return address.UnescapeLocal(jid.Local)
}
