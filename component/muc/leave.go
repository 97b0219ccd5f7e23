package muc

import (
	"strings"
	"time"

	"transport/component/body"
	"transport/component/stanza"
	"transport/legacy"
)

// leaveRoom handles a client's leave. When the last client leaves, the user leaves the
// room on the network, unless it is persistent. r may be nil. (XEP-0045 §7.14)
func (r *Room) leaveRoom(st *stanza.Inbound) {
	full := st.From.String()
	if r == nil || r.clients[full] == nil {
		return
	}
	self := r.self()
	if r.nick == "" { // the join is not complete
		self = &occupant{Occupant: legacy.Occupant{Nick: r.clients[full].nick}}
	}
	if client := r.clients[full]; !client.offline && !client.wasDropped(st) {
		r.sendOccupant(full, self, occupantStanza{gone: true, codes: []string{"110"}})
		r.leftBy = full
	}
	r.dropClient(full, body.Clean(st.ChildText(stanza.NS, "status")))
}

// wasDropped reports whether the user's server, not the client, sent an unavailable
// presence because the connection was lost. Another client may have the same full JID by
// now. For guests there is no other sign of a lost connection. Prosody sets replacedStatus
// when a new connection takes the JID. ejabberd's own presence has no child, no ID and no
// xml:lang, which it adds to every stanza of a client.
func (rc *roomClient) wasDropped(st *stanza.Inbound) bool {
	return strings.HasSuffix(st.ChildText(stanza.NS, "status"), replacedStatus) ||
		rc.lang && st.Lang() == "" && st.ID == "" && st.Count() == 0
}

// replacedStatus is the end of the status that Prosody sends for a client whose resource
// was taken by a new connection.
const replacedStatus = "Replaced by new connection"

// dropClient removes a client from a room. When it was the last one, the user leaves the
// room on the network, unless it is persistent, the network keeps it, or the leave is delayed.
func (r *Room) dropClient(full string, reason string) {
	delete(r.clients, full)
	r.rs.host.ShowPresence()
	if r.leftBy != full {
		r.leftBy = ""
	}
	if len(r.clients) > 0 || r.persistent && r.state != Leaving || keepRoom(r, reason) || r.delayLeave(reason) {
		return
	}
	r.leave(reason)
}

// leave leaves a room on the network, and removes it.
func (r *Room) leave(reason string) {
	roomer, ok := r.rs.session().(legacy.Roomer)
	sent := false
	if ok && r.state.isSent() {
		err := roomer.LeaveRoom(r.rs.ctx, r.peer, reason)
		if sent = err == nil; err != nil {
			r.rs.log.Debug().Err(err).Msg("cannot leave a room")
		}
	}
	if (sent || !ok && r.kept) && len(r.rs.leaving) < maxRooms { // a kept one is left in the next session
		if r.rs.leaving == nil {
			r.rs.leaving = make(map[string]bool)
		}
		r.rs.leaving[r.peer.ID] = true
	}
	r.remove()
}

// remove removes a room that the user is not in on the network any more.
func (r *Room) remove() {
	r.state = Leaving
	delete(r.rs.all, r.peer.ID)
}

// onRoomLeft handles the user's leave, kick or ban.
func (rs *Rooms) onRoomLeft(ev legacy.RoomLeft) {
	r, left := rs.all[ev.Room.ID], rs.leaving[ev.Room.ID]
	delete(rs.leaving, ev.Room.ID)
	rs.forgetOffer(ev.Room.ID)
	if r == nil || left && r.state != Joined { // a new join is already under way
		return
	}
	r.forgetPersistent()
	s := occupantStanza{codes: append(leaveCodes(ev.Kind), "110"), actor: ev.By, reason: ev.Reason}
	r.closeRoom(s, errNotInRoom.With("You are no longer in the room. "+ev.Reason))
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

// SessionLost handles the end of the session. ours is true if the gateway ended it. The
// rooms remain and are joined again, unless the network's error is permanent. If the user
// has signed off, Close is called instead.
func (rs *Rooms) SessionLost(ours bool, err error) {
	final := false
	switch legacy.KindOf(err) {
	case legacy.Auth, legacy.Replaced, legacy.Forbidden, legacy.BadNick:
		final = !ours
	}
	if ours {
		err = errSignsOnAgain
	}
	rs.forgetKept()
	for _, r := range rs.all {
		switch {
		case final:
		case r.isJoined():
			interrupt(r, err)
		case isRestoring(r):
			r.loss.reason = lossReason(err)
		}
		r.state = r.state.afterSession()
	}
	if final {
		rs.Fail(err)
	}
}

// Fail reports an error of the network, after which no sign-on is tried, to every room.
func (rs *Rooms) Fail(err error) {
	for _, r := range rs.all {
		r.failRoom(TranslateSignOn(err))
	}
}

// SetClientOffline records in the client's rooms that it went offline or returned. The
// leave of an offline client is not reflected to it: another client may have the same full
// JID by now, and would take an unavailable presence as its own leave.
func (s *set) SetClientOffline(full string, gone bool) {
	for _, r := range s.all {
		if client := r.clients[full]; client != nil {
			client.offline = gone
		}
		if gone && r.kept && r.leftBy == full {
			r.leaveAt, r.leftBy = time.Time{}, ""
		}
	}
}

// RemoveClient removes a client that is offline from all rooms. (XEP-0045 §18.1.2)
func (rs *Rooms) RemoveClient(full string) {
	for _, r := range rs.all {
		if r.clients[full] != nil {
			r.dropClient(full, "")
		}
	}
}

// LeaveEmpty leaves the rooms to which no client has returned.
func (rs *Rooms) LeaveEmpty() {
	for _, r := range rs.all {
		if r.awaitsClients() {
			r.leave("")
		}
	}
}

// clientGoneErrors are the error conditions by which a server reports that it could not deliver a
// stanza to a client. The client is removed without a leave presence: another client with
// the same full JID may be about to join. (XEP-0045 §18.1.2)
var clientGoneErrors = []stanza.Condition{stanza.Gone, stanza.ItemNotFound, stanza.RecipientUnavailable,
	stanza.Redirect, stanza.JIDMalformed, stanza.RemoteServerNotFound, stanza.RemoteServerTimeout,
	stanza.ServiceUnavailable, stanza.InternalServerError}
