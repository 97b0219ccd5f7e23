package component

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"transport/component/address"
	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// room is a room of the network as one user sees it: each user is in it by a
// connection of their own.
type room struct {
	peer      legacy.Peer
	jid       string
	joined    bool // the network has let the user in
	asked     bool // it was asked to
	stays     bool // the user stays in it while no client does
	own       bool // it is one of the registration form's
	tags      bool // reactions and typing pass
	redacts   bool // messages can be taken back
	password  string
	nick      string   // what the user is called there
	wanted    string   // what the user wants to be called
	renaming  *inbound // asks for another nick, and was not yet answered
	show      string   // how available the user is there, and what they say of it:
	status    string   // as the client has it that told it last
	moderated bool     // who has no voice may not speak
	retopic   *inbound // asks for another topic, and was not yet answered
	occupants map[string]*occupant
	topic     legacy.Topic
	config    *legacy.RoomConfig // nil if unknown
	history   []line
	newest    time.Time              // stamp of the newest line
	repeated  time.Time              // stamp of the last line that the network has repeated
	rendered  map[string]uint64      // number of the last rendition that was shown, by nick
	recalled  bool                   // the archive was looked into
	renamed   bool                   // somebody has another nick than the one by which they are known
	clients   map[string]*roomClient // the user's clients in the room, by full JID
	order     uint64                 // how many rooms the user had entered before
	leaveAt   time.Time              // when the user leaves, zero unless the last client has gone
	goodbye   string                 // and what is said then
}

// roomClient is one of the user's clients in a room.
type roomClient struct {
	id    string           // of the presence by which it joined
	nick  string           // that it asked for, or has: as in JIDs
	until time.Time        // for the network to let it in
	in    bool             // it has been told who is there
	gone  bool             // it is offline, and its server has yet to say so to the room
	shown legacy.Presence  // how available the user is by it
	wish  *element.Element // how much history it wants, nil if it did not say
}

const (
	maxRooms = 250
	joinTime = 60 * time.Second // for a client to be let in
)

// roomAt is the room that a JID stands for; ok is false for anything else.
func (c *Component) roomAt(to address.JID) (legacy.Peer, bool) {
	if to.Local == "" || !c.info.Features.Has(legacy.FeatureRooms) {
		return legacy.Peer{}, false
	}
	p, err := c.parsePeer(to.Local)
	return p, err == nil && p.Room
}

// noRoom is why somebody who wants to enter a room cannot, since none can have that
// address; nil for any other presence.
func (c *Component) noRoom(st *inbound) *stanzaError {
	if st.Name != "presence" || st.typ != "" || st.Child(xep.NSMUC, "x") == nil || !c.info.Features.Has(legacy.FeatureRooms) {
		return nil
	}
	peer, err := c.addressed(st.to.Bare())
	switch {
	case err != nil:
		why := translateError(err)
		return &why
	case peer.Room:
		return nil
	}
	why := errItemNotFound.with("This address is not a room.")
	return &why
}

// newRoom makes a room that the user is not yet in, nil if there are too many.
func (u *user) newRoom(peer legacy.Peer) *room {
	if len(u.rooms) >= maxRooms {
		return nil
	}
	r := &room{peer: peer, jid: u.c.contactJID(peer.ID), occupants: make(map[string]*occupant), clients: make(map[string]*roomClient)}
	r.stays = u.staysIn(peer)
	u.entered++
	r.order = u.entered
	u.rooms[peer.ID] = r
	return r
}

// onRoomPresence handles a presence to a room. (XEP-0045 §7.1, §7.2)
func (u *user) onRoomPresence(st *inbound, peer legacy.Peer) {
	full, r := st.from.String(), u.rooms[peer.ID]
	var client *roomClient
	if r != nil {
		client = r.clients[full]
	}
	switch {
	case st.typ == "unavailable":
		u.leaveRoom(r, full, cleanText(st.ChildText(nsComponent, "status")))
	case st.typ == "error":
		if client != nil && isErrorOf(st, ghosts) {
			u.dropClient(r, full, "")
		}
		u.onPresenceError(st)
	case st.typ != "":
		if st.typ != "probe" {
			u.c.refuse(st, errBadRequest)
		}
	case st.to.Resource == "": // XEP-0045 §7.2.1
		u.c.refuse(st, errJIDMalformed.with("A nickname is missing: room@server/nickname."))
	case st.Child(xep.NSMUC, "x") != nil:
		u.joinRoom(st, peer)
	case client == nil: // XEP-0045 §7.2.18
		gone := &room{peer: peer, jid: u.c.contactJID(peer.ID)}
		u.sendOccupant(gone, full, &occupant{Occupant: legacy.Occupant{Nick: st.to.Resource}}, occupantStanza{gone: true, codes: []string{"110", "307", "333"}})
	case r.joined && st.to.Resource != resourceOf(r.nick):
		u.changeNick(st, r, client)
	default:
		u.onShown(st, r, client)
	}
}

// joinRoom brings one of the user's clients into a room. (XEP-0045 §7.2)
func (u *user) joinRoom(st *inbound, peer legacy.Peer) {
	nick, why := u.c.legalNick(st.to.Resource)
	if why == nil && u.account == nil {
		why = u.signOnAsGuest(nick)
	}
	if why != nil {
		u.refuseEntry(st, *why)
		return
	}
	u.nameGuest(nick)
	r := u.rooms[peer.ID]
	if r != nil && !u.backIn(r, st.to.Resource, nick) {
		r = nil
	}
	if r == nil {
		if r = u.newRoom(peer); r == nil {
			u.refuseEntry(st, errBusy.with("You are in too many rooms."))
			return
		}
	}
	full := st.from.String()
	if _, known := r.clients[full]; !known && len(r.clients) >= maxResources {
		u.refuseEntry(st, errBusy)
		return
	}
	x := st.Child(xep.NSMUC, "x")
	client := &roomClient{until: u.c.clock.Now().Add(joinTime), id: st.id, nick: st.to.Resource, wish: x.Child(xep.NSMUC, "history")}
	r.clients[full] = client
	u.readShown(st, r, client)
	if x.Child(xep.NSMUC, "password") != nil {
		r.password = x.ChildText(xep.NSMUC, "password")
	}
	if r.wanted == "" {
		r.wanted = nick
	}
	switch {
	case r.joined:
		u.showRoom(r, full)
	case u.option(optLoggedOut):
		u.refuseEntry(st, u.notOnline())
		u.dropClient(r, full, "")
	case u.block != nil:
		u.refuseEntry(st, translateError(u.block))
		u.dropClient(r, full, "")
	default:
		u.askRoom(r)
	}
}

// signOnAsGuest makes a registration that lasts as long as the user is in a room.
func (u *user) signOnAsGuest(nick string) *stanzaError {
	fields := map[string]string{"username": nick}
	if !u.c.info.Guests {
		return &errRegisterFirst
	}
	if err := u.c.cfg.Network.Validate(fields); err != nil {
		why := u.c.badNick(nick)
		return &why
	}
	u.guest = true
	u.account = &registry.Account{Network: u.c.domain, User: u.bare, Fields: fields}
	return nil
}

// askRoom asks the network to let the user in, once there is a session.
func (u *user) askRoom(r *room) {
	roomer, ok := u.legacySession().(legacy.Roomer)
	if !ok || r.asked {
		return
	}
	r.asked = true
	u.renameAt(roomer, r.peer)
	if err := roomer.JoinRoom(u.ctx, r.peer, r.wanted, r.password); err != nil {
		u.onRoomFailed(legacy.RoomFailed{Room: r.peer, Err: err})
	}
}

// rejoin asks for every room once the session is up, again or for the first time.
func (u *user) rejoin() {
	u.enterOwnRooms()
	for _, r := range slices.SortedFunc(maps.Values(u.rooms), func(a, b *room) int { return cmp.Compare(a.order, b.order) }) {
		r.asked = false // in order: the first nick may be the one for all
		u.askRoom(r)
	}
}

// leaveRoom takes a client out of a room; the last one leaves it on the network,
// unless the user is to stay. (XEP-0045 §7.14)
func (u *user) leaveRoom(r *room, full, reason string) {
	if r == nil || r.clients[full] == nil {
		return
	}
	self := r.self()
	if r.nick == "" { // it was not let in yet
		self = &occupant{Occupant: legacy.Occupant{Nick: r.clients[full].nick}}
	}
	if !r.clients[full].gone && !strings.HasSuffix(reason, replacedText) {
		u.sendOccupant(r, full, self, occupantStanza{gone: true, codes: []string{"110"}})
	}
	u.dropClient(r, full, reason)
}

// dropClient forgets a client that is no longer in a room.
func (u *user) dropClient(r *room, full, reason string) {
	delete(r.clients, full)
	u.showOwnPresence()
	if len(r.clients) > 0 || r.stays && u.rooms[r.peer.ID] == r || u.lingers(r, reason) {
		return
	}
	u.quitRoom(r, reason)
}

// quitRoom leaves a room on the network.
func (u *user) quitRoom(r *room, reason string) {
	delete(u.rooms, r.peer.ID)
	if roomer, ok := u.legacySession().(legacy.Roomer); ok && r.asked {
		if err := roomer.LeaveRoom(u.ctx, r.peer, reason); err != nil {
			u.log.Debug().Err(err).Msg("cannot leave a room")
		} else if len(u.leaving) < maxRooms {
			put(&u.leaving, r.peer.ID, true)
		}
	}
	if u.guest && len(u.rooms) == 0 {
		u.guestLeft = true
	}
}

// endGuest forgets a guest who is in no room any more, once the session is over.
func (u *user) endGuest() {
	if u.guest && u.guestLeft && u.session == nil && len(u.rooms) == 0 {
		u.account, u.block, u.guest, u.guestLeft = nil, nil, false, false
	}
}

// replacedText is what Prosody says for a client whose address another one has taken. Of
// guests nothing else tells that it has not left by itself.
const replacedText = "Replaced by new connection"

// noteGone notes that a client has gone offline, or come back, in the rooms that it is in.
// Nothing more is sent to its address: another client may have that already, and would take
// an unavailable for the end of its own stay.
func (u *user) noteGone(full string, gone bool) {
	for _, r := range u.rooms {
		if client := r.clients[full]; client != nil {
			client.gone = gone
		}
	}
}

// dropFromRooms takes a client that is gone out of all rooms. (XEP-0045 §18.1.2)
func (u *user) dropFromRooms(full string) {
	for _, r := range u.rooms {
		if r.clients[full] != nil {
			u.dropClient(r, full, "")
		}
	}
}

// dropEmptyRooms leaves the rooms that no client has come back to.
func (u *user) dropEmptyRooms() {
	for _, r := range u.rooms {
		if len(r.clients) == 0 && !r.own && !r.stays {
			u.quitRoom(r, "")
		}
	}
}

// expireJoins tells clients that the network has not let them in in time.
// (XEP-0045 §7.1)
func (u *user) expireJoins(now time.Time) {
	for _, r := range u.rooms {
		for full, client := range r.clients {
			if !client.in && !client.until.After(now) {
				u.refuseJoin(r, full, errTimeout)
				u.dropClient(r, full, "")
			}
		}
	}
}

// refuseJoin tells a client that it is not let in, from the occupant that it
// wanted to be.
func (u *user) refuseJoin(r *room, full string, why stanzaError) {
	client := r.clients[full]
	u.put(notEntered(r.jid, client.nick, full, client.id, why))
}

// refuseEntry answers a presence that would enter a room.
func (u *user) refuseEntry(st *inbound, why stanzaError) {
	u.put(notEntered(st.to.Bare().String(), st.to.Resource, st.from.String(), st.id, why))
}

// notEntered is an error of somebody who has not entered a room. (XEP-0045 §7.2)
func notEntered(room, nick, to, id string, why stanzaError) *element.Element {
	p := element.New(nsStanza, "presence").Set("from", room+"/"+nick).Set("to", to).Set("type", "error").
		Add(element.New(xep.NSMUC, "x"), why.element().Set("by", room))
	if id != "" {
		p.Set("id", id)
	}
	return p
}

// showRoom tells a client who is in the room, itself last, and the subject.
// (XEP-0045 §7.2.2, §7.2.15)
func (u *user) showRoom(r *room, full string) {
	client := r.clients[full]
	again := client.in // it was there before the network was lost
	client.in = true
	for _, o := range slices.SortedFunc(maps.Values(r.occupants), func(a, b *occupant) int { return cmp.Compare(a.Nick, b.Nick) }) {
		if o.Nick != r.nick {
			u.sendOccupant(r, full, o, occupantStanza{})
		}
	}
	u.sendSelf(r, full)
	if !again {
		u.recall(r)
		u.sendHistory(r, full, u.c.historyFor(r, u.historyLength(r.peer), client.wish))
	}
	u.sendSubject(r, full, true)
}

// sendSelf sends the presence that says what the client itself is called.
func (u *user) sendSelf(r *room, full string) {
	client, codes := r.clients[full], []string{"110"}
	if client.nick != "" && client.nick != resourceOf(r.nick) { // XEP-0045 §7.2.2
		codes = append(codes, "210")
	}
	client.nick = resourceOf(r.nick)
	u.sendOccupant(r, full, r.self(), occupantStanza{codes: codes, id: client.id})
	client.id = ""
}

// put writes a stanza from a room, and may wait for the server to read.
func (u *user) put(e *element.Element) {
	_ = u.c.write(func(dst []byte) []byte { return e.Append(dst, nsComponent) }) // a new link starts anew
}

// sendSubject tells the subject, from whoever has set it: at the end of a join also
// when that was. (XEP-0045 §7.2.15, §8.1)
func (u *user) sendSubject(r *room, full string, joining bool) {
	from, topic := r.jid, r.topic
	if joining && topic.Text == "" { // nobody has set it
		topic = legacy.Topic{}
	}
	if topic.By != "" { // who may have gone since
		from = r.occupantJID(topic.By)
	}
	m := element.New(nsStanza, "message").Set("from", from).Set("to", full).Set("type", "groupchat").Set("id", newID()).
		Add(element.New(nsStanza, "subject").AddText(topic.Text), u.c.idOf(r, topic.By))
	if joining && !topic.Time.IsZero() {
		m.Add(xep.Delay(r.jid, topic.Time))
	}
	u.put(m)
}

// say sends the user's clients in a room a text of the room itself.
func (u *user) roomSays(r *room, text string, codes ...string) {
	u.toClients(r, func(full string) {
		m := element.New(nsStanza, "message").Set("from", r.jid).Set("to", full).Set("type", "groupchat").Set("id", newID())
		if text != "" {
			m.Add(element.New(nsStanza, "body").AddText(text))
		}
		if len(codes) > 0 {
			x := element.New(xep.NSMUCUser, "x")
			for _, code := range codes {
				x.Add(element.New(xep.NSMUCUser, "status").Set("code", code))
			}
			m.Add(x)
		}
		u.put(m)
	})
}
