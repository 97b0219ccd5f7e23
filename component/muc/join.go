package muc

import (
	"cmp"
	"maps"
	"slices"

	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// OnPresence handles a presence to a room. (XEP-0045 §7.1, §7.2)
func (rs *Rooms) OnPresence(st *stanza.Inbound, peer legacy.Peer) {
	full, r := st.From.String(), rs.all[peer.ID]
	var client *roomClient
	if r != nil {
		client = r.clients[full]
	}
	switch {
	case st.Type == "unavailable":
		r.leaveRoom(st)
	case st.Type == "error":
		if client != nil && stanza.HasCondition(st.Element, clientGoneErrors...) {
			r.dropClient(full, "")
		}
	case st.Type != "":
		if st.Type != "probe" {
			st.Refuse(stanza.ErrBadRequest)
		}
	case st.To.Resource == "": // XEP-0045 §7.2.1
		st.Refuse(stanza.ErrJIDMalformed.With("A nickname is missing: room@server/nickname."))
	case st.Child(xep.NSMUC, "x") != nil:
		rs.joinRoom(st, peer)
	case client == nil && r.isShown() && st.To.Resource == Resource(r.nick):
		// A web client repeats its presence after a page reload, before it joins again. It is
		// treated as a join: an unavailable presence would be shown as a kick.
		rs.joinRoom(st, peer)
	case client == nil: // XEP-0045 §7.2.18
		gone := &Room{rs: rs, peer: peer, jid: rs.shared.Peers.JID(peer.ID)}
		gone.sendOccupant(full, &occupant{Occupant: legacy.Occupant{Nick: st.To.Resource}},
			occupantStanza{gone: true, codes: []string{"110", "307", "333"}})
	case st.To.Resource != Resource(r.nick) && client.shown && !client.repeatsNick(st, rs.shared.Clock.Now()):
		r.changeNick(st, client)
	default:
		r.onAvailability(st, client)
	}
}

// joinRoom handles a client's join: it joins the room on the network, or shows the room
// to the client if the user is in it already. (XEP-0045 §7.2)
func (rs *Rooms) joinRoom(st *stanza.Inbound, peer legacy.Peer) {
	nick, why := rs.shared.Peers.LegalNick(st.To.Resource)
	renames := false
	if why == nil {
		renames, why = rs.host.Admit(nick)
	}
	if why != nil {
		rs.refuseNewJoin(st, *why)
		return
	}
	if renames {
		rs.guestNick = nick
	}
	r := rs.all[peer.ID]
	if r != nil && !r.cancelLeave(st.To.Resource, nick) {
		r = nil
	}
	if r == nil {
		if why := rs.shared.full(); why != nil {
			rs.refuseNewJoin(st, *why)
			return
		}
		if r = rs.newRoom(peer); r == nil {
			rs.refuseNewJoin(st, stanza.ErrBusy.With("You are in too many rooms."))
			return
		}
	}
	full := st.From.String()
	if _, known := r.clients[full]; !known && len(r.clients) >= maxClients {
		rs.refuseNewJoin(st, stanza.ErrBusy)
		return
	}
	x := st.Child(xep.NSMUC, "x")
	client := &roomClient{joinDeadline: rs.shared.Clock.Now().Add(joinTime), id: st.ID, lang: st.Lang() != "",
		nick: st.To.Resource, asked: st.To.Resource, history: x.Child(xep.NSMUC, "history")}
	r.clients[full] = client
	r.readPresence(st, client)
	if x.Child(xep.NSMUC, "password") != nil {
		r.password = x.ChildText(xep.NSMUC, "password")
	}
	if r.desiredNick == "" {
		r.desiredNick = nick
	}
	if r.isJoined() {
		r.showRoom(full)
		return
	}
	if why := rs.host.Login().Refused; why != nil {
		rs.refuseNewJoin(st, *why)
		r.dropClient(full, "")
		return
	}
	if isRestoring(r) {
		r.showRoom(full)
		r.loss.tellJoined(r, full)
	}
	r.requestJoin()
}

// requestJoin sends the join to the network. Without a session it does nothing; Rejoin
// calls it again.
func (r *Room) requestJoin() {
	roomer, ok := r.rs.session().(legacy.Roomer)
	if !ok || r.state != Waiting {
		return
	}
	r.state = Joining
	r.rs.renameGuest(roomer, r.peer)
	if err := roomer.JoinRoom(r.rs.ctx, r.peer, r.desiredNick, r.password); err != nil {
		r.rs.onRoomFailed(legacy.RoomFailed{Room: r.peer, Err: err})
	}
}

// renameGuest sends a guest's new nick to the network, before a join.
func (rs *Rooms) renameGuest(roomer legacy.Roomer, room legacy.Peer) {
	if rs.guestNick == "" {
		return
	}
	err := roomer.SetNick(rs.ctx, room, rs.guestNick)
	if err != nil && legacy.KindOf(err) != legacy.Offline { // a later connection begins with that nick
		rs.log.Debug().Err(err).Msg("cannot change the nick of a guest")
	}
	rs.guestNick = ""
}

// Rejoin joins every room on the network. It is called whenever a session is ready.
func (rs *Rooms) Rejoin() {
	rs.autojoin()
	for _, r := range slices.SortedFunc(maps.Values(rs.all), func(a, b *Room) int { return cmp.Compare(a.order, b.order) }) {
		r.state = Waiting // in order: on some networks the first nick applies to all rooms
		r.requestJoin()
	}
}

// onRoomJoined handles a confirmed join. After a reconnect, clients that were in the room
// before receive the differences.
func (rs *Rooms) onRoomJoined(ev legacy.RoomJoined) {
	r := rs.all[ev.Room.ID]
	if r == nil {
		if r = rs.adoptRoom(ev); r == nil {
			return
		}
	}
	delete(rs.leaving, ev.Room.ID)
	r.kept = ev.Kept
	before, self := r.occupants, r.nick
	refusePending(r, ev.Nick)
	r.config, r.moderated = nil, false // the modes may have changed meanwhile
	r.state, r.nick, r.topic, r.messageTags, r.redaction = Joined, ev.Nick, ev.Topic, ev.MessageTags, ev.Redacts
	r.occupants = make(map[string]*occupant, len(ev.Occupants))
	for _, o := range ev.Occupants {
		r.occupants[o.Nick] = &occupant{Occupant: o}
	}
	if me := r.occupants[r.nick]; me != nil { // independent of the host that the user connects from
		me.id = r.occupantID("user\x00" + rs.bare)
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
	r.loss.tellReturn(r)
}

// showRoom sends a client the occupants' presence, its own presence last, then the history
// and the subject. (XEP-0045 §7.2.2, §7.2.15)
func (r *Room) showRoom(full string) {
	client := r.clients[full]
	again := client.shown // it was in the room before the network connection was lost
	client.shown = true
	for _, o := range slices.SortedFunc(maps.Values(r.occupants), func(a, b *occupant) int { return cmp.Compare(a.Nick, b.Nick) }) {
		if o.Nick != r.nick {
			r.sendOccupant(full, o, occupantStanza{})
		}
	}
	r.sendSelf(full)
	if !again {
		r.loadHistory()
		r.sendHistory(full, r.history.requested(r.rs.HistoryLength(r.peer), client.history, r.jid, r.rs.shared.Clock.Now()))
	}
	r.sendSubject(full, true)
}

// sendSelf sends a client the user's own presence in the room, with status code 110, and
// 210 if the nick differs from the one that the client asked for.
func (r *Room) sendSelf(full string) {
	client, codes := r.clients[full], []string{"110"}
	if client.nick != "" && client.nick != Resource(r.nick) { // XEP-0045 §7.2.2
		codes = append(codes, "210")
	}
	client.nick = Resource(r.nick)
	r.sendOccupant(full, r.self(), occupantStanza{codes: codes, id: client.id})
	client.id = ""
}

// onRoomFailed handles a failed join, nick change or subject change, or another error of a
// room. (XEP-0045 §7.2.5 to §7.2.10, §7.6)
func (rs *Rooms) onRoomFailed(ev legacy.RoomFailed) {
	r, why := rs.all[ev.Room.ID], rs.roomError(ev)
	switch {
	case r == nil:
		if !ev.Nick { // else it is a change from before the leave
			delete(rs.leaving, ev.Room.ID)
		}
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
