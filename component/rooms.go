package component

import "time"

// rooms are the rooms that the user is in, or about to enter or leave.
type rooms struct {
	u *user

	all       map[string]*room    // by peer ID
	entered   uint64              // rooms so far
	leaving   map[string]bool     // rooms that the network has yet to say that the user has left, by peer ID
	private   map[string]string   // rooms in which the user talks to somebody alone, by peer ID of that person
	lists     map[string]roomList // of public rooms, by service
	guestLeft bool                // a guest has left the last room
}

func (rs *rooms) due(now time.Time) {
	rs.expireJoins(now)
	rs.leaveLeft(now)
}

func (rs *rooms) next() (next time.Time) {
	for _, r := range rs.all {
		next = earliest(next, r.leaveAt)
		for _, client := range r.clients {
			if !client.in {
				next = earliest(next, client.until)
			}
		}
	}
	return next
}

func (rs *rooms) busy() bool { return len(rs.all) > 0 }

func (rs *rooms) reset(why resetReason) {
	switch why {
	case linkChanged: // clients find out by themselves, and join again (XEP-0410)
		for _, r := range rs.all {
			clear(r.clients)
			r.leaveAt = time.Time{}
		}
	case sessionEnded:
		clear(rs.leaving)
	}
}
