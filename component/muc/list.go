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

// roomList is a cached list of a service's public rooms, sorted by Peer.ID.
type roomList struct {
	rooms   []legacy.ListedRoom
	expires time.Time
}

const (
	listTime    = 5 * time.Minute // lifetime of a cached list
	maxListPage = 100             // limit: rooms in one answer | the client requests the next page
	maxLists    = 8               // limit: cached lists of rooms of a user | the cache starts anew
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

// IsOwn reports whether a resource of a room is the user's own occupant.
func (s *set) IsOwn(room legacy.Peer, resource string) bool {
	r := s.all[room.ID]
	return r.isShown() && resource == Resource(r.nick)
}

// ListOwn adds the rooms that the user is in to the gateway's disco#items.
// (XEP-0030 §6.2)
func (s *set) ListOwn(q *element.Element) {
	for _, r := range slices.SortedFunc(maps.Values(s.all), func(a, b *Room) int { return cmp.Compare(a.jid, b.jid) }) {
		if r.isShown() {
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
