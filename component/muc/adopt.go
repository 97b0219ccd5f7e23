package muc

import (
	"time"

	"transport/legacy"
)

// offerTime is how long a room to which the network has redirected the user waits for a
// client.
const offerTime = 10 * time.Minute

// adoptRoom adds a room that the network has put the user into, and offers it to the user.
// It leaves a room that the user has left in the meantime, and returns nil then.
func (rs *Rooms) adoptRoom(ev legacy.RoomJoined) *Room {
	peer := ev.Room
	if peer.ID != "" && !rs.leaving[peer.ID] && (ev.Kept || rs.host.Login().Online || len(rs.all) > 0) {
		r := rs.newRoom(peer)
		if r == nil && ev.Kept {
			return nil // the user stays in it on the network
		}
		if r != nil {
			if r.kept = ev.Kept; !r.kept {
				r.leaveAt = rs.shared.Clock.Now().Add(offerTime)
			}
			offer(r)
			return r
		}
	}
	if roomer, ok := rs.session().(legacy.Roomer); ok && peer.ID != "" {
		_ = roomer.LeaveRoom(rs.ctx, peer, "") // the user can join it again
	}
	return nil
}

// offeredPrefix, before a Peer.ID, is the option that records that a room was offered.
const offeredPrefix = "offered "

// offer invites the user to a room that the network has put the user into. A room that the
// network keeps is offered once, not at every sign-on.
func offer(r *Room) {
	rs := r.rs
	if account := rs.account(); r.kept && account.Registered() {
		if account.Option(offeredPrefix+r.peer.ID) != "" {
			return
		}
		if why := rs.host.SetOption(offeredPrefix+r.peer.ID, "true"); why != nil {
			rs.log.Warn().Msg("cannot store that a room was offered: it will be offered again")
		}
	}
	rs.Invite(rs.bare, r.peer, rs.shared.Peers.Domain, "The network has added you to this room.")
}
