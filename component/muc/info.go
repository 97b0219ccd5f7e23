package muc

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"transport/component/body"
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

// roomList is a cached list of a service's public rooms, sorted by Peer.ID.
type roomList struct {
	rooms   []legacy.ListedRoom
	expires time.Time
}

const (
	listTime    = 5 * time.Minute // lifetime of a cached list
	maxListPage = 100             // rooms in one answer
	maxLists    = 8
)

// ListCached answers a disco#items query with the rooms of a service from the cached list,
// which the pages after the first one come from. It returns false without answering if there
// is none. (XEP-0045 §6.3, XEP-0059)
func (rs *Rooms) ListCached(req *stanza.Request, service legacy.Peer) bool {
	list, ok := rs.lists[service.ID]
	if !ok || !list.expires.After(rs.shared.Clock.Now()) || req.Payload.Child(xep.NSRSM, "set") == nil {
		return false
	}
	rs.replyList(req, list.rooms)
	return true
}

// List answers a disco#items query with the rooms of a service. The user is signed on.
// (XEP-0045 §6.3, XEP-0059)
func (rs *Rooms) List(req *stanza.Request, service legacy.Peer) {
	if _, ok := rs.session().(legacy.RoomLister); !ok {
		req.Reply(element.New(xep.NSDiscoItems, "query"))
		return
	}
	err := rs.RequestList(req, service, func(rooms []legacy.ListedRoom, err error) {
		if err != nil {
			req.Fail(stanza.Translate(err))
			return
		}
		rs.replyList(req, rooms)
	})
	if err != nil {
		req.Fail(stanza.Translate(err))
	}
}

// RequestList requests the list of a service's rooms from the network and calls then with it,
// sorted by Peer.ID. An error that it returns is not passed to then.
func (rs *Rooms) RequestList(req *stanza.Request, service legacy.Peer, then func([]legacy.ListedRoom, error)) error {
	lister, ok := rs.session().(legacy.RoomLister)
	if !ok {
		return legacy.Errorf(legacy.Offline, "%s", rs.offline().Text)
	}
	return rs.host.Query(req, func(ev legacy.Event) {
		got := ev.(legacy.RoomsListed)
		if got.Err != nil {
			then(nil, got.Err)
			return
		}
		slices.SortFunc(got.Rooms, func(a, b legacy.ListedRoom) int { return cmp.Compare(a.Room.ID, b.Room.ID) })
		if len(rs.lists) >= maxLists {
			clear(rs.lists)
		}
		if rs.lists == nil {
			rs.lists = make(map[string]roomList)
		}
		rs.lists[service.ID] = roomList{got.Rooms, rs.shared.Clock.Now().Add(listTime)}
		then(got.Rooms, nil)
	}, func(ref string) error { return lister.ListRooms(rs.ctx, ref, service) })
}

// listedRoom returns a room's entry in the cached lists, nil if there is none.
func (rs *Rooms) listedRoom(peer legacy.Peer) *legacy.ListedRoom {
	for _, list := range rs.lists {
		i, ok := slices.BinarySearchFunc(list.rooms, peer.ID, func(l legacy.ListedRoom, id string) int {
			return cmp.Compare(l.Room.ID, id)
		})
		if ok && list.expires.After(rs.shared.Clock.Now()) {
			return &list.rooms[i]
		}
	}
	return nil
}

// ListOwn adds the rooms that the user is in to the gateway's disco#items.
// (XEP-0030 §6.2)
func (s *roomSet) ListOwn(q *element.Element) {
	for _, r := range slices.SortedFunc(maps.Values(s.all), func(a, b *Room) int { return cmp.Compare(a.jid, b.jid) }) {
		if r.isJoined() {
			q.Add(element.New(xep.NSDiscoItems, "item").Set("jid", r.jid).Set("name", r.peer.ID))
		}
	}
}

// replyList answers with one page of a list. (XEP-0059 §2)
func (rs *Rooms) replyList(req *stanza.Request, rooms []legacy.ListedRoom) {
	jid := func(i int) string { return rs.shared.Peers.JID(rooms[i].Room.ID) }
	set, most := req.Payload.Child(xep.NSRSM, "set"), maxListPage
	if n, err := strconv.Atoi(set.ChildText(xep.NSRSM, "max")); err == nil && n >= 0 {
		most = min(n, maxListPage)
	}
	start := 0
	find := func(id string) (int, bool) {
		i := slices.IndexFunc(rooms, func(l legacy.ListedRoom) bool { return rs.shared.Peers.JID(l.Room.ID) == id })
		return i, i >= 0
	}
	if after := set.ChildText(xep.NSRSM, "after"); after != "" {
		i, ok := find(after)
		if !ok {
			req.Fail(stanza.ErrItemNotFound)
			return
		}
		start = i + 1
	} else if before := set.Child(xep.NSRSM, "before"); before != nil {
		end := len(rooms)
		if id := before.Text(); id != "" {
			i, ok := find(id)
			if !ok {
				req.Fail(stanza.ErrItemNotFound)
				return
			}
			end = i
		}
		start = max(0, end-most)
		most = end - start
	} else if i, err := strconv.Atoi(set.ChildText(xep.NSRSM, "index")); err == nil && i >= 0 {
		start = min(i, len(rooms))
	}
	end := min(start+most, len(rooms))
	q := element.New(xep.NSDiscoItems, "query")
	for _, l := range rooms[start:end] {
		name := l.Room.ID
		if l.Occupants > 0 {
			name = fmt.Sprintf("%s (%d)", name, l.Occupants)
		}
		if l.Topic != "" {
			name += " " + body.Truncate(l.Topic, 100)
		}
		q.Add(element.New(xep.NSDiscoItems, "item").Set("jid", rs.shared.Peers.JID(l.Room.ID)).Set("name", strings.TrimSpace(name)))
	}
	if set != nil || end < len(rooms) {
		page := element.New(xep.NSRSM, "set")
		if end > start {
			page.Add(element.New(xep.NSRSM, "first").Set("index", strconv.Itoa(start)).AddText(jid(start)),
				element.New(xep.NSRSM, "last").AddText(jid(end-1)))
		}
		q.Add(page.Add(element.New(xep.NSRSM, "count").AddText(strconv.Itoa(len(rooms)))))
	}
	req.Reply(q)
}
