package muc

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// Room is the state of a room for one user. Each user joins it over a network
// connection of their own. Only the user's actor may call its methods.
type Room struct {
	rs *Rooms

	peer           legacy.Peer
	jid            string
	state          State
	persistent     bool // the user stays in the room without a client
	autojoin       bool // the registration form names the room
	messageTags    bool // the network relays reactions, replies and typing
	redaction      bool // the network can retract messages
	password       string
	nick           string          // the user's nick in the room
	desiredNick    string          // the nick to join with
	pendingNick    *stanza.Inbound // the unanswered request for a nick change, or nil
	show           string          // <show/> and
	status         string          // <status/> of the last presence that a client sent to the room
	moderated      bool            // only occupants with voice may speak
	pendingSubject *stanza.Inbound // the unanswered request for a subject change, or nil
	occupants      map[string]*occupant
	topic          legacy.Topic
	config         *legacy.RoomConfig // nil if unknown
	history        []line
	newestStamp    time.Time                  // stamp of the newest line
	newestReplay   time.Time                  // stamp of the last line of the network's history
	retracted      map[string]*stanza.Inbound // the user's retractions that the network has not confirmed, by message ID
	lastRendition  map[string]uint64          // number of the last rendition, by nick
	archiveRead    bool                       // history includes the archive's last lines
	renamed        bool                       // an occupant has changed its nick since the join
	clients        map[string]*roomClient     // the user's clients in the room, by full JID
	order          uint64                     // the rooms' order of creation
	leaveAt        time.Time                  // when the user leaves; zero unless a leave is delayed
	partReason     string                     // the reason of the delayed leave
}

// roomClient is one of the user's clients (full JIDs) in a room.
type roomClient struct {
	id           string           // of the presence to answer, "" if it was answered
	nick         string           // requested or current nick, as a resource
	joinDeadline time.Time        // when an unconfirmed join fails
	shown        bool             // it has received the room's occupants
	lang         bool             // its stanzas have an xml:lang
	offline      bool             // it is offline, and the room has not yet received its unavailable presence
	presence     legacy.Presence  // the last one that it sent to the room
	history      *element.Element // the <history/> of its join, nil for none
}

const (
	maxRooms   = 250
	maxClients = 64               // of the user in a room
	joinTime   = 60 * time.Second // the deadline of a join
)

// newRoom adds a room that the user has not joined yet. It returns nil if the user has
// maxRooms already.
func (rs *Rooms) newRoom(peer legacy.Peer) *Room {
	if len(rs.all) >= maxRooms {
		return nil
	}
	r := &Room{rs: rs, peer: peer, jid: rs.shared.Peers.JID(peer.ID),
		occupants: make(map[string]*occupant), clients: make(map[string]*roomClient)}
	r.persistent = rs.isPersistent(peer)
	rs.created++
	r.order = rs.created
	rs.all[peer.ID] = r
	return r
}

// isJoined reports whether the user is in the room. r may be nil.
func (r *Room) isJoined() bool { return r != nil && r.state == Joined }

// OnPresence handles a presence to a room. (XEP-0045 §7.1, §7.2)
func (rs *Rooms) OnPresence(st *stanza.Inbound, peer legacy.Peer) {
	full, r := st.From.String(), rs.all[peer.ID]
	var client *roomClient
	if r != nil {
		client = r.clients[full]
	}
	switch {
	case st.Type == "unavailable":
		r.leaveRoom(st)
	case st.Type == "error":
		if client != nil && isErrorOf(st, clientGoneErrors) {
			r.dropClient(full, "")
		}
	case st.Type != "":
		if st.Type != "probe" {
			st.Refuse(stanza.ErrBadRequest)
		}
	case st.To.Resource == "": // XEP-0045 §7.2.1
		st.Refuse(stanza.ErrJIDMalformed.With("A nickname is missing: room@server/nickname."))
	case st.Child(xep.NSMUC, "x") != nil:
		rs.joinRoom(st, peer)
	case client == nil && r.isJoined() && st.To.Resource == Resource(r.nick):
		// A web client repeats its presence after a page reload, before it joins again. It is
		// treated as a join: an unavailable presence would be shown as a kick.
		rs.joinRoom(st, peer)
	case client == nil: // XEP-0045 §7.2.18
		gone := &Room{rs: rs, peer: peer, jid: rs.shared.Peers.JID(peer.ID)}
		gone.sendOccupant(full, &occupant{Occupant: legacy.Occupant{Nick: st.To.Resource}},
			occupantStanza{gone: true, codes: []string{"110", "307", "333"}})
	case st.To.Resource != Resource(r.nick) && client.shown:
		r.changeNick(st, client)
	default:
		r.onAvailability(st, client)
	}
}

// joinRoom handles a client's join: it joins the room on the network, or shows the room
// to the client if the user is in it already. (XEP-0045 §7.2)
func (rs *Rooms) joinRoom(st *stanza.Inbound, peer legacy.Peer) {
	nick, why := rs.shared.Peers.LegalNick(st.To.Resource)
	renames := false
	if why == nil {
		renames, why = rs.host.Admit(nick)
	}
	if why != nil {
		rs.refuseNewJoin(st, *why)
		return
	}
	if renames {
		rs.guestNick = nick
	}
	r := rs.all[peer.ID]
	if r != nil && !r.cancelLeave(st.To.Resource, nick) {
		r = nil
	}
	if r == nil {
		if r = rs.newRoom(peer); r == nil {
			rs.refuseNewJoin(st, stanza.ErrBusy.With("You are in too many rooms."))
			return
		}
	}
	full := st.From.String()
	if _, known := r.clients[full]; !known && len(r.clients) >= maxClients {
		rs.refuseNewJoin(st, stanza.ErrBusy)
		return
	}
	x := st.Child(xep.NSMUC, "x")
	client := &roomClient{joinDeadline: rs.shared.Clock.Now().Add(joinTime), id: st.ID, lang: st.Lang() != "",
		nick: st.To.Resource, history: x.Child(xep.NSMUC, "history")}
	r.clients[full] = client
	r.readPresence(st, client)
	if x.Child(xep.NSMUC, "password") != nil {
		r.password = x.ChildText(xep.NSMUC, "password")
	}
	if r.desiredNick == "" {
		r.desiredNick = nick
	}
	if r.isJoined() {
		r.showRoom(full)
		return
	}
	if why := rs.host.Login().Refused; why != nil {
		rs.refuseNewJoin(st, *why)
		r.dropClient(full, "")
		return
	}
	r.requestJoin()
}

// requestJoin sends the join to the network. Without a session it does nothing; rejoin
// calls it again.
func (r *Room) requestJoin() {
	roomer, ok := r.rs.session().(legacy.Roomer)
	if !ok || r.state != Waiting {
		return
	}
	r.state = Joining
	r.rs.renameGuest(roomer, r.peer)
	if err := roomer.JoinRoom(r.rs.ctx, r.peer, r.desiredNick, r.password); err != nil {
		r.rs.onRoomFailed(legacy.RoomFailed{Room: r.peer, Err: err})
	}
}

// renameGuest sends a guest's new nick to the network, before a join.
func (rs *Rooms) renameGuest(roomer legacy.Roomer, room legacy.Peer) {
	if rs.guestNick == "" {
		return
	}
	err := roomer.SetNick(rs.ctx, room, rs.guestNick)
	if err != nil && legacy.KindOf(err) != legacy.Offline { // a later connection begins with that nick
		rs.log.Debug().Err(err).Msg("cannot change the nick of a guest")
	}
	rs.guestNick = ""
}

// Rejoin joins every room on the network. It is called whenever a session is ready.
func (rs *Rooms) Rejoin() {
	rs.autojoin()
	for _, r := range slices.SortedFunc(maps.Values(rs.all), func(a, b *Room) int { return cmp.Compare(a.order, b.order) }) {
		r.state = Waiting // in order: on some networks the first nick applies to all rooms
		r.requestJoin()
	}
}

// leaveRoom handles a client's leave. When the last client leaves, the user leaves the
// room on the network, unless it is persistent. r may be nil. (XEP-0045 §7.14)
func (r *Room) leaveRoom(st *stanza.Inbound) {
	full := st.From.String()
	if r == nil || r.clients[full] == nil {
		return
	}
	self := r.self()
	if r.nick == "" { // the join is not complete
		self = &occupant{Occupant: legacy.Occupant{Nick: r.clients[full].nick}}
	}
	if client := r.clients[full]; !client.offline && !client.wasDropped(st) {
		r.sendOccupant(full, self, occupantStanza{gone: true, codes: []string{"110"}})
	}
	r.dropClient(full, body.Clean(st.ChildText(stanza.NS, "status")))
}

// wasDropped reports whether the user's server, not the client, sent an unavailable
// presence because the connection was lost. Another client may have the same full JID by
// now. For guests there is no other sign of a lost connection. Prosody sets replacedStatus
// when a new connection takes the JID. ejabberd's own presence has no child, no ID and no
// xml:lang, which it adds to every stanza of a client.
func (rc *roomClient) wasDropped(st *stanza.Inbound) bool {
	return strings.HasSuffix(st.ChildText(stanza.NS, "status"), replacedStatus) ||
		rc.lang && st.Lang() == "" && st.ID == "" && st.Count() == 0
}

// dropClient removes a client from a room. When it was the last one, the user leaves the
// room on the network, unless it is persistent or the leave is delayed.
func (r *Room) dropClient(full string, reason string) {
	delete(r.clients, full)
	r.rs.host.ShowPresence()
	if len(r.clients) > 0 || r.persistent && r.state != Leaving || r.delayLeave(reason) {
		return
	}
	r.leave(reason)
}

// leave leaves a room on the network, and removes it.
func (r *Room) leave(reason string) {
	if roomer, ok := r.rs.session().(legacy.Roomer); ok && r.state.isSent() {
		if err := roomer.LeaveRoom(r.rs.ctx, r.peer, reason); err != nil {
			r.rs.log.Debug().Err(err).Msg("cannot leave a room")
		} else if len(r.rs.leaving) < maxRooms {
			if r.rs.leaving == nil {
				r.rs.leaving = make(map[string]bool)
			}
			r.rs.leaving[r.peer.ID] = true
		}
	}
	r.remove()
}

// remove removes a room that the user is not in on the network any more.
func (r *Room) remove() {
	r.state = Leaving
	delete(r.rs.all, r.peer.ID)
}

// replacedStatus is the end of the status that Prosody sends for a client whose resource
// was taken by a new connection.
const replacedStatus = "Replaced by new connection"

// SetClientOffline records in the client's rooms that it went offline or returned. The
// leave of an offline client is not reflected to it: another client may have the same full
// JID by now, and would take an unavailable presence as its own leave.
func (s *roomSet) SetClientOffline(full string, gone bool) {
	for _, r := range s.all {
		if client := r.clients[full]; client != nil {
			client.offline = gone
		}
	}
}

// RemoveClient removes a client that is offline from all rooms. (XEP-0045 §18.1.2)
func (rs *Rooms) RemoveClient(full string) {
	for _, r := range rs.all {
		if r.clients[full] != nil {
			r.dropClient(full, "")
		}
	}
}

// LeaveEmpty leaves the rooms to which no client has returned.
func (rs *Rooms) LeaveEmpty() {
	for _, r := range rs.all {
		if r.awaitsClients() {
			r.leave("")
		}
	}
}

// awaitsClients reports whether a room has lost its clients with the link, and is left
// unless one returns.
func (r *Room) awaitsClients() bool {
	return len(r.clients) == 0 && !r.autojoin && !r.persistent && r.leaveAt.IsZero()
}

// expireJoins refuses the joins whose deadline has passed. (XEP-0045 §7.1)
func (rs *Rooms) expireJoins(now time.Time) {
	for _, r := range rs.all {
		for full, client := range r.clients {
			if !client.shown && !client.joinDeadline.After(now) {
				r.refuseJoin(full, stanza.ErrTimeout)
				r.dropClient(full, "")
			}
		}
	}
}

// refuseJoin answers a client's join with an error, from the occupant JID that the join
// was sent to.
func (r *Room) refuseJoin(full string, why stanza.Error) {
	client := r.clients[full]
	r.rs.shared.writeElement(joinError(r.jid, client.nick, full, client.id, why))
}

// refuseNewJoin answers a join with an error before the client is added to a room.
func (u *roomUser) refuseNewJoin(st *stanza.Inbound, why stanza.Error) {
	u.shared.writeElement(joinError(st.To.Bare().String(), st.To.Resource, st.From.String(), st.ID, why))
}

// joinError builds the error presence that answers a join. id may be "".
// (XEP-0045 §7.2)
func joinError(room, nick, to, id string, why stanza.Error) *element.Element {
	p := element.New(stanza.NS, "presence").Set("from", room+"/"+nick).Set("to", to).Set("type", "error").
		Add(element.New(xep.NSMUC, "x"), why.Element().Set("by", room))
	if id != "" {
		p.Set("id", id)
	}
	return p
}

// showRoom sends a client the occupants' presence, its own presence last, then the history
// and the subject. (XEP-0045 §7.2.2, §7.2.15)
func (r *Room) showRoom(full string) {
	client := r.clients[full]
	again := client.shown // it was in the room before the network connection was lost
	client.shown = true
	for _, o := range slices.SortedFunc(maps.Values(r.occupants), func(a, b *occupant) int { return cmp.Compare(a.Nick, b.Nick) }) {
		if o.Nick != r.nick {
			r.sendOccupant(full, o, occupantStanza{})
		}
	}
	r.sendSelf(full)
	if !again {
		r.loadHistory()
		r.sendHistory(full, r.historyFor(r.rs.HistoryLength(r.peer), client.history))
	}
	r.sendSubject(full, true)
}

// sendSelf sends a client the user's own presence in the room, with status code 110, and
// 210 if the nick differs from the one that the client asked for.
func (r *Room) sendSelf(full string) {
	client, codes := r.clients[full], []string{"110"}
	if client.nick != "" && client.nick != Resource(r.nick) { // XEP-0045 §7.2.2
		codes = append(codes, "210")
	}
	client.nick = Resource(r.nick)
	r.sendOccupant(full, r.self(), occupantStanza{codes: codes, id: client.id})
	client.id = ""
}

// sendSubject sends the room's subject from the occupant that set it. At the end of a
// join it carries the time of the change. (XEP-0045 §7.2.15, §8.1)
func (r *Room) sendSubject(full string, joining bool) {
	from, topic := r.jid, r.topic
	if joining && topic.Text == "" { // the room has no subject
		topic = legacy.Topic{}
	}
	if topic.By != "" { // an occupant that may have left since
		from = r.occupantJID(topic.By)
	}
	m := element.New(stanza.NS, "message").Set("from", from).Set("to", full).Set("type", "groupchat").Set("id", xep.NewID()).
		Add(element.New(stanza.NS, "subject").AddText(topic.Text), r.idOf(topic.By))
	if joining && !topic.Time.IsZero() {
		m.Add(xep.Delay(r.jid, topic.Time))
	}
	r.rs.shared.writeElement(m)
}

// sendRoomText sends the user's clients a message from the room itself, with status codes.
// The text may be "".
func (r *Room) sendRoomText(text string, codes ...string) {
	r.eachClient(func(full string) {
		m := element.New(stanza.NS, "message").Set("from", r.jid).Set("to", full).Set("type", "groupchat").Set("id", xep.NewID())
		if text != "" {
			m.Add(element.New(stanza.NS, "body").AddText(text))
		}
		if len(codes) > 0 {
			x := element.New(xep.NSMUCUser, "x")
			for _, code := range codes {
				x.Add(element.New(xep.NSMUCUser, "status").Set("code", code))
			}
			m.Add(x)
		}
		r.rs.shared.writeElement(m)
	})
}
