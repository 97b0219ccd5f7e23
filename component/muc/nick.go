package muc

import (
	"cmp"
	"slices"
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// changeNick requests a nick change, to the legal nick that is closest to the requested
// one. (XEP-0045 §7.6)
func (r *Room) changeNick(st *stanza.Inbound, client *roomClient) {
	client.asked = st.To.Resource
	nick, why := r.rs.shared.Peers.LegalNick(st.To.Resource)
	roomer, ok := r.rs.session().(legacy.Roomer)
	switch {
	case why != nil:
		st.Refuse(*why)
	case !ok || r.state != Joined:
		st.Refuse(stanza.Error{Type: stanza.Wait, Condition: stanza.NotAcceptable, Text: "The gateway is reconnecting to the network. Try again in a moment."})
	case nick == r.nick: // the client receives its presence with the unchanged nick
		client.id, client.nick = st.ID, st.To.Resource
		r.sendSelf(st.From.String())
	default:
		r.refuseNickChange(errNewerNick)
		client.id, r.pendingNick = st.ID, st
		if err := roomer.SetNick(r.rs.ctx, r.peer, nick); err != nil {
			r.refuseNickChange(err)
		}
	}
}

var errNewerNick = legacy.Errorf(legacy.Conflict, "You have changed the nick again before the network confirmed this change.")

// repeatsNick reports whether a presence is a change of the status by a client that goes on
// using the nick it has asked for before and did not get. It is no new request for that nick.
func (rc *roomClient) repeatsNick(st *stanza.Inbound, now time.Time) bool {
	p := body.Presence(st.Element, now)
	return st.To.Resource == rc.asked && (p.Show != rc.presence.Show || p.Status != rc.presence.Status)
}

// refuseNickChange answers a client's nick change with an error. (XEP-0045 §7.6)
func (r *Room) refuseNickChange(err error) {
	if r.pendingNick == nil {
		return
	}
	why := stanza.Translate(err)
	switch legacy.KindOf(err) {
	case legacy.Forbidden, legacy.NotFound, legacy.Unsupported, legacy.MembersOnly:
		why.Type, why.Condition = stanza.Cancel, stanza.NotAcceptable
	}
	if client := r.clients[r.pendingNick.From.String()]; client != nil {
		client.id = ""
	}
	r.pendingNick.Refuse(why)
	r.pendingNick = nil
}

// onOccupantRenamed handles an occupant's nick change. (XEP-0045 §7.6)
func (r *Room) onOccupantRenamed(ev legacy.OccupantRenamed) {
	o := r.occupants[ev.Old]
	if o == nil {
		return
	}
	delete(r.occupants, ev.Old)
	r.identify(o)
	r.renamed = true
	renamed := *o
	renamed.Nick = ev.New
	r.occupants[ev.New] = &renamed
	me, asked := ev.Old == r.nick, r.pendingNick
	if me {
		if r.nick = ev.New; asked != nil {
			r.desiredNick, r.pendingNick = ev.New, nil
		}
		if r.persistent {
			r.savePersistent()
		}
		r.rs.onNickChanged(r, nil)
	}
	r.eachClient(func(full string) {
		codes := []string{"303"}
		if me {
			codes = append(codes, "110")
			r.clients[full].nick = Resource(ev.New)
			if asked != nil && asked.From.String() == full {
				r.clients[full].nick = asked.To.Resource
			}
		}
		r.sendOccupant(full, o, occupantStanza{gone: true, codes: codes, newNick: Resource(ev.New)})
		if me {
			r.sendSelf(full)
			return
		}
		r.sendOccupant(full, &renamed, occupantStanza{})
	})
}

// onNickChanged handles the network's answer to a nick change in a room; err is nil if the
// nick was changed.
func (rs *Rooms) onNickChanged(r *Room, err error) {
	c := rs.rename
	if c == nil || !c.pending[r.peer.ID] {
		return
	}
	delete(c.pending, r.peer.ID)
	if err != nil || len(c.pending) == 0 {
		c.done(err)
	}
}

// nickInfo returns the user's reserved nick in a room, which clients propose on a join. It
// has no identity if the nick is unknown. (XEP-0045 §7.12)
func (rs *Rooms) nickInfo(peer legacy.Peer, node string) *element.Element {
	q := element.New(xep.NSDiscoInfo, "query").Set("node", node)
	if nick := rs.nickAt(peer); nick != "" {
		q.Add(xep.ConferenceIdentity(Resource(nick)))
	}
	return q
}

// nickAt returns the user's nick for a room: the nick in it, in another room of the same
// server, or of the registration. It is "" if none is known.
func (rs *Rooms) nickAt(peer legacy.Peer) string {
	if r := rs.all[peer.ID]; r.isShown() {
		return r.nick
	}
	place := rs.shared.Peers.OccupantName(peer, "nick")
	for _, r := range rs.all {
		if r.isJoined() && rs.shared.Peers.OccupantName(r.peer, "nick") == place {
			return r.nick
		}
	}
	teller, ok := rs.shared.Peers.Network.(legacy.NickTeller)
	account := rs.account()
	if !ok || !account.Exists() {
		return ""
	}
	return teller.RoomNick(legacy.Account{Fields: account.Fields, Settings: account.AllSettings(), State: account.State}, peer)
}

// Nick returns the user's nick in the room that the user has been in for longest, "" if the
// user is in no room.
func (s *set) Nick() string {
	if all := s.joinedRooms(); len(all) > 0 {
		return all[0].nick
	}
	return ""
}

// joinedRooms returns the rooms that the user is in, oldest first.
func (s *set) joinedRooms() []*Room {
	var all []*Room
	for _, r := range s.all {
		if r.isJoined() {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *Room) int { return cmp.Compare(a.order, b.order) })
	return all
}

// nickChange is a nick change in several rooms.
type nickChange struct {
	pending map[string]bool // rooms that have not yet answered, by Peer.ID
	done    func(error)     // called once, with the first error
}

// SetNick requests a nick change in all rooms: once for each group of rooms in which the
// network has one nick for the user. done gets the first error, or nil once all rooms have
// the nick; a later SetNick may prevent that. SetNick returns false if the user is not signed
// on.
func (rs *Rooms) SetNick(nick string, done func(error)) bool {
	roomer, ok := rs.session().(legacy.Roomer)
	if !ok {
		return false
	}
	change := &nickChange{pending: make(map[string]bool)}
	change.done = func(err error) {
		if rs.rename == change {
			rs.rename = nil
		}
		done(err)
	}
	rs.rename = change
	namer, _ := rs.shared.Peers.Network.(legacy.OccupantNamer)
	seen := make(map[string]bool)
	for _, r := range rs.joinedRooms() {
		if r.nick == nick {
			continue
		}
		if namer != nil { // rooms with one name for the user share the nick
			name := namer.OccupantName(r.peer, nick)
			if seen[name] {
				continue
			}
			seen[name] = true
		}
		change.pending[r.peer.ID] = true
		if err := roomer.SetNick(rs.ctx, r.peer, nick); err != nil {
			change.done(err)
			return true
		}
	}
	if len(change.pending) == 0 {
		change.done(nil)
	}
	return true
}
