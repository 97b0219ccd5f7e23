package muc

import (
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// OnIQ handles an IQ to a room or an occupant. If it is one to an occupant, OnIQ returns the
// occupant as a person of the network, and the caller answers. (XEP-0045 §8.2, §17.4,
// XEP-0410)
func (rs *Rooms) OnIQ(req *stanza.Request, peer legacy.Peer) (person legacy.Peer, toPerson bool) {
	r := rs.all[peer.ID]
	here := r != nil && r.clients[req.From.String()] != nil
	inside := here && r.isJoined()
	is := func(space, name string) bool { return req.Payload.Is(space, name) }
	switch {
	case is(xep.NSDiscoInfo, "query") && req.To.Resource == "" && req.Type == "get":
		rs.onRoomInfo(req, peer, r)
	case is(xep.NSMAM, "") && req.To.Resource == "":
		rs.onArchive(req, peer)
	case is(xep.NSPing, "ping") && r.isShown() && here && (req.To.Resource == "" || req.To.Resource == Resource(r.nick)):
		req.Reply(nil)
	case is(xep.NSRegister, "query") && req.To.Resource == "": // XEP-0045 §7.10
		req.Fail(stanza.ErrServiceUnavail)
	case is(xep.NSVCard, "vCard") && req.To.Resource == "" && req.Type == "get":
		req.Reply(roomVCard(peer, r))
	case is(xep.NSDiscoInfo, "query") && !here: // XEP-0045 §6.6
		req.Fail(stanza.ErrBadRequest)
	case is(xep.NSMUCOwner, "query") && !inside && req.To.Resource == "" && (rs.account().Registered() || rs.shared.Peers.Info.Guests):
		rs.onOwnConfig(req, peer)
	case !here:
		req.Fail(errNotInRoom)
	case !inside:
		req.Fail(errNotIn(r))
	case req.To.Resource != "":
		return r.onOccupantIQ(req)
	case is(xep.NSMUCAdmin, "query") && req.Type == "set":
		r.onModeration(req)
	case is(xep.NSModerate, "moderate") && req.Type == "set" && r.redaction:
		r.onModerateMessage(req)
	case is(xep.NSMUCAdmin, "query"):
		r.listOccupants(req)
	case is(xep.NSMUCOwner, "query"):
		r.onRoomConfig(req)
	default:
		req.Fail(stanza.ErrServiceUnavail)
	}
	return legacy.Peer{}, false
}

// onOccupantIQ returns the person to whom an IQ to an occupant is addressed. It answers the IQ
// and returns false if there is none.
func (r *Room) onOccupantIQ(req *stanza.Request) (person legacy.Peer, ok bool) {
	o := r.find(req.To.Resource)
	if o == nil {
		req.Fail(stanza.ErrItemNotFound)
		return person, false
	}
	person, err := r.rs.shared.Peers.Occupant(r.peer, o.Nick)
	if err != nil {
		req.Fail(stanza.ErrServiceUnavail)
	}
	return person, err == nil
}
