package muc

import (
	"strconv"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// roomFeatures are the features of every room.
var roomFeatures = []string{
	xep.NSDiscoInfo, xep.NSDiscoItems, xep.NSMUC, xep.NSPing, xep.NSStableID, xep.NSSelfPing, xep.NSOccupantID, xep.NSStanzaID,
	xep.NSCommands, xep.NSVersion, xep.NSVCard, "muc_persistent",
}

// Info returns the disco#info of a room for a user without rooms. (XEP-0045 §6.4)
func (s *Shared) Info(peer legacy.Peer) *element.Element {
	return roomInfo(peer, nil, nil, s.Archive.Enabled())
}

// roomInfo returns a room's disco#info. r is nil if the user is not in the room, listed is
// nil if the room is not in the network's last list. archived reports whether the gateway
// archives the room. (XEP-0045 §6.4)
func roomInfo(peer legacy.Peer, r *Room, listed *legacy.ListedRoom, archived bool) *element.Element {
	q := element.New(xep.NSDiscoInfo, "query")
	name := peer.ID
	q.Add(xep.ConferenceIdentity(name))
	feature := func(name string) { q.Add(element.New(xep.NSDiscoInfo, "feature").Set("var", name)) }
	for _, f := range roomFeatures {
		feature(f)
	}
	if archived {
		feature(xep.NSMAM)
		feature(xep.NSMAMExtended)
	}
	if r != nil && r.messageTags {
		feature(xep.NSChatStates)
		feature(xep.NSReactions)
		feature(xep.NSReply)
	}
	if r != nil && r.rs.shared.Peers.Info.Features.Has(legacy.FeatureReadMarkers) {
		feature(xep.NSChatMarkers)
	}
	if r != nil && r.redaction {
		feature(xep.NSRetract)
		feature(xep.NSModerate)
	}
	feature("muc_semianonymous") // occupants see the network's addresses, but no JIDs of other XMPP users
	switch {
	case r != nil && r.config != nil:
		for _, f := range configFeatures(*r.config) {
			feature(f)
		}
	case listed != nil:
		feature("muc_public")
	}
	form := xep.NewForm("result", xep.NSMUCInfo, "", "").Add(
		xep.NewField("muc#roomconfig_roomname", "", "", name), xep.NewField("muc#maxhistoryfetch", "", "", strconv.Itoa(MaxHistory)))
	now := listed
	if r.isJoined() {
		now = &legacy.ListedRoom{Topic: r.topic.Text, Occupants: len(r.occupants)}
	}
	if now != nil {
		form.Add(xep.NewField("muc#roominfo_occupants", "", "", strconv.Itoa(now.Occupants)),
			xep.NewField("muc#roominfo_subject", "", "", now.Topic), xep.NewField("muc#roominfo_description", "", "", now.Topic))
	}
	// The second field is that of Prosody and ejabberd: without it Converse sends /topic as
	// a message. The network refuses the change of a user without permission.
	mayChange := r == nil || r.config == nil || !r.config.TopicLocked
	if r != nil && r.config != nil {
		form.Add(xep.NewField("muc#roominfo_subjectmod", "", "", strconv.FormatBool(mayChange)))
	}
	form.Add(xep.NewField("muc#roominfo_changesubject", "", "", strconv.FormatBool(mayChange)))
	return q.Add(form)
}

// configFeatures returns the features that a room's configuration implies.
// (XEP-0045 §6.4)
func configFeatures(config legacy.RoomConfig) []string {
	choose := func(is bool, yes, no string) string {
		if is {
			return yes
		}
		return no
	}
	return []string{
		choose(config.Hidden, "muc_hidden", "muc_public"), choose(config.InviteOnly, "muc_membersonly", "muc_open"),
		choose(config.Moderated, "muc_moderated", "muc_unmoderated"),
		choose(config.Password != "", "muc_passwordprotected", "muc_unsecured"),
	}
}

// roomTraffic returns the extensions of messages and presence that pass through a room.
// (XEP-0045 §6.3, "Querying for allowable traffic")
func (s *Shared) roomTraffic(tags bool) *element.Element {
	q := element.New(xep.NSDiscoInfo, "query").Set("node", xep.NSMUCTraffic)
	features := []string{xep.NSOccupantID, xep.NSStanzaID}
	if s.Peers.Info.Features.Has(legacy.FeatureMarkup) {
		features = append(features, xep.NSXHTMLIM)
	}
	if tags {
		features = append(features, xep.NSChatStates, xep.NSReactions, xep.NSReply)
	}
	for _, f := range features {
		q.Add(element.New(xep.NSDiscoInfo, "feature").Set("var", f))
	}
	return q
}

// onRoomInfo answers a disco#info query to a room. It first requests the room's
// configuration from the network if that is unknown. (XEP-0045 §6.4)
func (rs *Rooms) onRoomInfo(req *stanza.Request, peer legacy.Peer, r *Room) {
	switch node := req.Payload.Attr("node"); node {
	case "":
	case xep.NSMUCTraffic:
		req.Reply(rs.shared.roomTraffic(r != nil && r.messageTags))
		return
	case "x-roomuser-item": // XEP-0045 §7.12
		req.Reply(rs.nickInfo(peer, node))
		return
	default:
		req.Fail(stanza.ErrItemNotFound)
		return
	}
	keeper, ok := rs.session().(legacy.RoomConfigurer)
	if !ok || !r.isJoined() || r.config != nil {
		req.Reply(roomInfo(peer, r, rs.listedRoom(peer), rs.Archives(peer)))
		return
	}
	rs.query(req, func(ev legacy.Event) {
		if got := ev.(legacy.RoomConfigReceived); got.Err == nil {
			r.setConfig(&got.Config)
		}
		req.Reply(roomInfo(peer, r, rs.listedRoom(peer), rs.Archives(peer)))
	}, func(ref string) error { return keeper.RequestRoomConfig(rs.ctx, ref, peer) })
}

// roomVCard returns a room's vCard: its name and its subject. (XEP-0054 §3.1)
func roomVCard(peer legacy.Peer, r *Room) *element.Element {
	card := element.New(xep.NSVCard, "vCard").Add(element.New(xep.NSVCard, "FN").AddText(peer.ID))
	if r != nil && r.topic.Text != "" {
		card.Add(element.New(xep.NSVCard, "DESC").AddText(r.topic.Text))
	}
	return card
}
