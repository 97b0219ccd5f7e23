package muc

import "time"

// stay is when and by whom a room is left.
type stay struct {
	kept       bool      // RoomJoined.Kept: only the user leaves it
	leftBy     string    // the last client, a full JID, if it has left; "" if it went offline
	leaveAt    time.Time // when the user leaves; zero unless a leave is delayed
	partReason string    // the reason of the delayed leave
}

// delayLeave schedules the leave of a room without clients. It returns false if the user is to
// leave at once.
func (r *Room) delayLeave(reason string) bool {
	if !r.isShown() || r.rs.shared.Linger == 0 {
		return false
	}
	r.leaveAt, r.partReason = r.rs.shared.Clock.Now().Add(r.rs.shared.Linger), reason
	return true
}

// cancelLeave cancels a delayed leave when a client joins. If the client asks for another
// nick than the user's, it completes the leave instead and returns false.
func (r *Room) cancelLeave(resource string, nick string) bool {
	r.leftBy = ""
	if r.leaveAt.IsZero() {
		return true
	}
	r.leaveAt = time.Time{}
	if resource == Resource(r.nick) || nick == r.nick || r.kept || r.desiredNick == "" { // no client has been in the last one
		return true
	}
	r.leave(r.partReason)
	return false
}

// leaveExpired leaves the rooms whose delayed leave is due.
func (rs *Rooms) leaveExpired(now time.Time) {
	for _, r := range rs.all {
		if !r.leaveAt.IsZero() && !r.leaveAt.After(now) {
			r.leaveAt = time.Time{}
			r.leave(r.partReason)
		}
	}
}

// needsSession reports whether a room has a client, is persistent, or is to be left later.
func (r *Room) needsSession() bool {
	return r.persistent || len(r.clients) > 0 || !r.leaveAt.IsZero()
}

// awaitsClients reports whether a room has lost its clients with the link, and is left
// unless one returns.
func (r *Room) awaitsClients() bool {
	return len(r.clients) == 0 && !r.autojoin && !r.persistent && !r.kept && r.leaveAt.IsZero()
}
