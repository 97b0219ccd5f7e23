package muc

import (
	"net/url"
	"strings"
	"time"

	"transport/component/stanza"
	"transport/legacy"
)

const (
	// offerTime is how long a room to which the network has redirected the user waits for a
	// client.
	offerTime = 10 * time.Minute
	// keptTime is the shortest time between the leave of the last client and that of the
	// user, in a room that the network keeps. A client that goes offline leaves its rooms
	// first, and the gateway last.
	keptTime = 5 * time.Second
)

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
			rs.offer(r)
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
func (rs *Rooms) offer(r *Room) {
	if account := rs.account(); r.kept && account.Registered() {
		if account.Option(offeredPrefix+r.peer.ID) != "" {
			return
		}
		rs.trimOffered(account)
		if why := rs.host.SetOption(offeredPrefix+r.peer.ID, "true"); why != nil {
			rs.log.Warn().Msg("cannot store that a room was offered: it will be offered again")
		}
	}
	rs.Invite(rs.bare, r.peer, rs.shared.Peers.Domain, "The network has added you to this room.")
}

// trimOffered forgets the offers of rooms that the user is not in, once there are as many as
// a user can have rooms.
func (rs *Rooms) trimOffered(account Account) {
	var old []string
	n := 0
	for name := range account.Options {
		if id, ok := strings.CutPrefix(name, offeredPrefix); ok {
			if n++; rs.all[id] == nil {
				old = append(old, id)
			}
		}
	}
	if n < maxRooms {
		return
	}
	for _, id := range old {
		rs.forgetOffer(id)
	}
}

// forgetOffer has a room offered again if the network puts the user into it again.
func (rs *Rooms) forgetOffer(id string) {
	if rs.account().Option(offeredPrefix+id) != "" {
		rs.host.SetOption(offeredPrefix+id, "")
	}
}

// keepRoom reports whether a room without clients is one that the network keeps. The user
// leaves it a little later if the last client left it, and did not just go offline.
func keepRoom(r *Room, reason string) bool {
	if r.kept && r.leftBy != "" {
		r.leaveAt, r.partReason = r.rs.shared.Clock.Now().Add(max(r.rs.shared.Linger, keptTime)), reason
	}
	return r.kept
}

// forgetKept removes the rooms without clients that the network keeps, at the end of a
// session: the next one reports them, if the user is still in them.
func (rs *Rooms) forgetKept() {
	for _, r := range rs.all {
		if r.kept && !r.needsSession() && !r.autojoin {
			r.remove()
		}
	}
}

// roomError translates the error of a room. A room that the network has replaced by another
// one is gone. (RFC 6120 §8.3.3.5)
func (rs *Rooms) roomError(ev legacy.RoomFailed) stanza.Error {
	why := Translate(ev.Err)
	if ev.MovedTo.ID != "" {
		jid := rs.shared.Peers.JID(ev.MovedTo.ID)
		why.Type, why.Condition, why.Address = stanza.Cancel, stanza.Gone, JoinURI(jid)
		why.Text += " The network has redirected you to " + jid + "."
	}
	return why
}

// JoinURI returns a link that makes a client join a room. (XEP-0147 §8.1)
func JoinURI(jid string) string {
	local, domain, _ := strings.Cut(jid, "@")
	return "xmpp:" + url.PathEscape(local) + "@" + domain + "?join"
}
