package muc

import "time"

// stay is when and by whom a room is left.
type stay struct {
	kept       bool      // RoomJoined.Kept: only the user leaves it
	leftBy     string    // the online client that left last, a full JID, "" if there is none
	leaveAt    time.Time // when the user leaves; zero unless a leave is delayed
	partReason string    // the reason of the delayed leave
}

// userLeft reports whether a room without clients is to be left on the network. A room that
// the network keeps is left only if its last client left it and did not just go offline.
func (s *stay) userLeft() bool { return !s.kept || s.leftBy != "" }

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
	if r.leaveAt.IsZero() {
		return true
	}
	r.leaveAt = time.Time{}
	if resource == Resource(r.nick) || nick == r.nick {
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
			if len(r.clients) == 0 && r.userLeft() {
				r.leave(r.partReason)
			}
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
