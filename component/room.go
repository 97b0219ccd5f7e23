package component

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

// room is a room of the network as one user sees it: each user is in it by a
// connection of their own.
type room struct {
	rs *rooms

	peer           legacy.Peer
	jid            string
	joined         bool // the network has let the user in
	joinSent       bool // it was asked to
	persistent     bool // the user stays in it while no client does
	autojoin       bool // it is one of the registration form's
	messageTags    bool // reactions and typing pass
	redaction      bool // messages can be taken back
	password       string
	nick           string          // what the user is called there
	desiredNick    string          // what the user wants to be called
	pendingNick    *stanza.Inbound // asks for another nick, and was not yet answered
	show           string          // how available the user is there, and what they say of it:
	status         string          // as the client has it that told it last
	moderated      bool            // who has no voice may not speak
	pendingSubject *stanza.Inbound // asks for another topic, and was not yet answered
	occupants      map[string]*occupant
	topic          legacy.Topic
	config         *legacy.RoomConfig // nil if unknown
	history        []line
	newestStamp    time.Time                  // stamp of the newest line
	newestReplay   time.Time                  // stamp of the last line that the network has repeated
	retracted      map[string]*stanza.Inbound // by the user, of which the network has not told: by its ids of the messages
	rendered       map[string]uint64          // number of the last rendition that was shown, by nick
	archiveRead    bool                       // the archive was looked into
	renamed        bool                       // somebody has another nick than the one by which they are known
	clients        map[string]*roomClient     // the user's clients in the room, by full JID
	order          uint64                     // how many rooms the user had entered before
	leaveAt        time.Time                  // when the user leaves, zero unless the last client has gone
	partReason     string                     // and what is said then
}

// roomClient is one of the user's clients in a room.
type roomClient struct {
	id           string           // of the presence by which it joined
	nick         string           // that it asked for, or has: as in JIDs
	joinDeadline time.Time        // for the network to let it in
	shown        bool             // it has been told who is there
	lang         bool             // what it sends names a language
	offline      bool             // it is offline, and its server has yet to say so to the room
	presence     legacy.Presence  // how available the user is by it
	history      *element.Element // how much history it wants, nil if it did not say
}

const (
	maxRooms = 250
	joinTime = 60 * time.Second // for a client to be let in
)

// noRoom is why somebody who wants to enter a room cannot, since none can have that
// address; nil for any other presence.
func (c *Component) notARoom(st *stanza.Inbound) *stanza.Error {
	if st.Name != "presence" || st.Type != "" || st.Child(xep.NSMUC, "x") == nil || !c.info.Features.Has(legacy.FeatureRooms) {
		return nil
	}
	peer, err := c.addressed(st.To.Bare())
	switch {
	case err != nil:
		why := stanza.Translate(err)
		return &why
	case peer.Room:
		return nil
	}
	why := stanza.ErrItemNotFound.With("This address is not a room.")
	return &why
}

// newRoom makes a room that the user is not yet in, nil if there are too many.
func (rs *rooms) newRoom(peer legacy.Peer) *room {
	if len(rs.all) >= maxRooms {
		return nil
	}
	r := &room{rs: rs, peer: peer, jid: rs.u.c.contactJID(peer.ID), occupants: make(map[string]*occupant), clients: make(map[string]*roomClient)}
	r.persistent = rs.isPersistent(peer)
	rs.entered++
	r.order = rs.entered
	rs.all[peer.ID] = r
	return r
}

// onRoomPresence handles a presence to a room. (XEP-0045 §7.1, §7.2)
func (rs *rooms) onRoomPresence(st *stanza.Inbound, peer legacy.Peer) {
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
		rs.u.clients.onPresenceError(st)
	case st.Type != "":
		if st.Type != "probe" {
			st.Refuse(stanza.ErrBadRequest)
		}
	case st.To.Resource == "": // XEP-0045 §7.2.1
		st.Refuse(stanza.ErrJIDMalformed.With("A nickname is missing: room@server/nickname."))
	case st.Child(xep.NSMUC, "x") != nil:
		rs.joinRoom(st, peer)
	case client == nil && r != nil && r.joined && st.To.Resource == resourceOf(r.nick):
		// A page that was loaded again repeats its presence before it joins again: it is
		// brought up to date, since "you were removed" would be all that it shows.
		rs.joinRoom(st, peer)
	case client == nil: // XEP-0045 §7.2.18
		gone := &room{rs: rs, peer: peer, jid: rs.u.c.contactJID(peer.ID)}
		gone.sendOccupant(full, &occupant{Occupant: legacy.Occupant{Nick: st.To.Resource}}, occupantStanza{gone: true, codes: []string{"110", "307", "333"}})
	case r.joined && st.To.Resource != resourceOf(r.nick):
		r.changeNick(st, client)
	default:
		r.onAvailability(st, client)
	}
}

// joinRoom brings one of the user's clients into a room. (XEP-0045 §7.2)
func (rs *rooms) joinRoom(st *stanza.Inbound, peer legacy.Peer) {
	nick, why := rs.u.c.legalNick(st.To.Resource)
	if why == nil && !rs.u.account.exists() {
		why = rs.signOnAsGuest(nick)
	}
	if why != nil {
		rs.refuseEntry(st, *why)
		return
	}
	rs.u.login.nameGuest(nick)
	r := rs.all[peer.ID]
	if r != nil && !r.cancelLeave(st.To.Resource, nick) {
		r = nil
	}
	if r == nil {
		if r = rs.newRoom(peer); r == nil {
			rs.refuseEntry(st, stanza.ErrBusy.With("You are in too many rooms."))
			return
		}
	}
	full := st.From.String()
	if _, known := r.clients[full]; !known && len(r.clients) >= maxResources {
		rs.refuseEntry(st, stanza.ErrBusy)
		return
	}
	x := st.Child(xep.NSMUC, "x")
	client := &roomClient{joinDeadline: rs.u.c.clock.Now().Add(joinTime), id: st.ID, lang: st.Lang() != "", nick: st.To.Resource, history: x.Child(xep.NSMUC, "history")}
	r.clients[full] = client
	r.readPresence(st, client)
	if x.Child(xep.NSMUC, "password") != nil {
		r.password = x.ChildText(xep.NSMUC, "password")
	}
	if r.desiredNick == "" {
		r.desiredNick = nick
	}
	switch {
	case r.joined:
		r.showRoom(full)
	case rs.u.account.option(optLoggedOut):
		rs.refuseEntry(st, rs.u.login.notOnline())
		r.dropClient(full, "")
	case rs.u.login.signOnError() != nil:
		rs.refuseEntry(st, stanza.Translate(rs.u.login.signOnError()))
		r.dropClient(full, "")
	default:
		r.requestJoin()
	}
}

// signOnAsGuest makes a registration that lasts as long as the user is in a room.
func (rs *rooms) signOnAsGuest(nick string) *stanza.Error {
	fields := map[string]string{"username": nick}
	if !rs.u.c.info.Guests {
		return &stanza.ErrRegisterFirst
	}
	if err := rs.u.c.cfg.Network.Validate(fields); err != nil {
		why := rs.u.c.badNick(nick)
		return &why
	}
	rs.u.account.beGuest(fields)
	return nil
}

// askRoom asks the network to let the user in, once there is a session.
func (r *room) requestJoin() {
	roomer, ok := r.rs.u.login.legacySession().(legacy.Roomer)
	if !ok || r.joinSent {
		return
	}
	r.joinSent = true
	r.rs.u.login.applyNick(roomer, r.peer)
	if err := roomer.JoinRoom(r.rs.u.ctx, r.peer, r.desiredNick, r.password); err != nil {
		r.rs.onRoomFailed(legacy.RoomFailed{Room: r.peer, Err: err})
	}
}

// rejoin asks for every room once the session is up, again or for the first time.
func (rs *rooms) rejoin() {
	rs.autojoin()
	for _, r := range slices.SortedFunc(maps.Values(rs.all), func(a, b *room) int { return cmp.Compare(a.order, b.order) }) {
		r.joinSent = false // in order: the first nick may be the one for all
		r.requestJoin()
	}
}

// leaveRoom takes a client out of a room; the last one leaves it on the network,
// unless the user is to stay. (XEP-0045 §7.14)
func (r *room) leaveRoom(st *stanza.Inbound) {
	full := st.From.String()
	if r == nil || r.clients[full] == nil {
		return
	}
	self := r.self()
	if r.nick == "" { // it was not let in yet
		self = &occupant{Occupant: legacy.Occupant{Nick: r.clients[full].nick}}
	}
	if client := r.clients[full]; !client.offline && !client.wasDropped(st) {
		r.sendOccupant(full, self, occupantStanza{gone: true, codes: []string{"110"}})
	}
	r.dropClient(full, body.Clean(st.ChildText(stanza.NS, "status")))
}

// wasDropped reports whether the server itself has sent a client's unavailable, since the
// connection has gone: at that address there may be another client by now. Of guests
// nothing else tells. Prosody says so when the address was taken; ejabberd's own has
// neither the language that it puts to all that a client sends, nor anything else.
func (rc *roomClient) wasDropped(st *stanza.Inbound) bool {
	return strings.HasSuffix(st.ChildText(stanza.NS, "status"), replacedStatus) ||
		rc.lang && st.Lang() == "" && st.ID == "" && st.Count() == 0
}

// dropClient forgets a client that is no longer in a room.
func (r *room) dropClient(full string, reason string) {
	delete(r.clients, full)
	r.rs.u.clients.showOwnPresence()
	if len(r.clients) > 0 || r.persistent && r.rs.all[r.peer.ID] == r || r.delayLeave(reason) {
		return
	}
	r.leaveOnNetwork(reason)
}

// quitRoom leaves a room on the network.
func (r *room) leaveOnNetwork(reason string) {
	delete(r.rs.all, r.peer.ID)
	if roomer, ok := r.rs.u.login.legacySession().(legacy.Roomer); ok && r.joinSent {
		if err := roomer.LeaveRoom(r.rs.u.ctx, r.peer, reason); err != nil {
			r.rs.u.log.Debug().Err(err).Msg("cannot leave a room")
		} else if len(r.rs.leaving) < maxRooms {
			lazySet(&r.rs.leaving, r.peer.ID, true)
		}
	}
	if r.rs.u.account.isGuest() && len(r.rs.all) == 0 {
		r.rs.u.account.leaveGuest()
	}
}

// replacedText is what Prosody says for a client whose address another one has taken.
const replacedStatus = "Replaced by new connection"

// noteGone notes that a client has gone offline, or come back, in the rooms that it is in.
// Nothing more is sent to its address: another client may have that already, and would take
// an unavailable for the end of its own stay.
func (rs *rooms) setClientOffline(full string, gone bool) {
	for _, r := range rs.all {
		if client := r.clients[full]; client != nil {
			client.offline = gone
		}
	}
}

// dropFromRooms takes a client that is gone out of all rooms. (XEP-0045 §18.1.2)
func (rs *rooms) dropFromRooms(full string) {
	for _, r := range rs.all {
		if r.clients[full] != nil {
			r.dropClient(full, "")
		}
	}
}

// dropEmptyRooms leaves the rooms that no client has come back to.
func (rs *rooms) dropEmptyRooms() {
	for _, r := range rs.all {
		if len(r.clients) == 0 && !r.autojoin && !r.persistent {
			r.leaveOnNetwork("")
		}
	}
}

// expireJoins tells clients that the network has not let them in in time.
// (XEP-0045 §7.1)
func (rs *rooms) expireJoins(now time.Time) {
	for _, r := range rs.all {
		for full, client := range r.clients {
			if !client.shown && !client.joinDeadline.After(now) {
				r.refuseJoin(full, stanza.ErrTimeout)
				r.dropClient(full, "")
			}
		}
	}
}

// refuseJoin tells a client that it is not let in, from the occupant that it
// wanted to be.
func (r *room) refuseJoin(full string, why stanza.Error) {
	client := r.clients[full]
	r.rs.writeElement(notEntered(r.jid, client.nick, full, client.id, why))
}

// refuseEntry answers a presence that would enter a room.
func (rs *rooms) refuseEntry(st *stanza.Inbound, why stanza.Error) {
	rs.writeElement(notEntered(st.To.Bare().String(), st.To.Resource, st.From.String(), st.ID, why))
}

// notEntered is an error of somebody who has not entered a room. (XEP-0045 §7.2)
func notEntered(room, nick, to, id string, why stanza.Error) *element.Element {
	p := element.New(stanza.NS, "presence").Set("from", room+"/"+nick).Set("to", to).Set("type", "error").
		Add(element.New(xep.NSMUC, "x"), why.Element().Set("by", room))
	if id != "" {
		p.Set("id", id)
	}
	return p
}

// showRoom tells a client who is in the room, itself last, and the subject.
// (XEP-0045 §7.2.2, §7.2.15)
func (r *room) showRoom(full string) {
	client := r.clients[full]
	again := client.shown // it was there before the network was lost
	client.shown = true
	for _, o := range slices.SortedFunc(maps.Values(r.occupants), func(a, b *occupant) int { return cmp.Compare(a.Nick, b.Nick) }) {
		if o.Nick != r.nick {
			r.sendOccupant(full, o, occupantStanza{})
		}
	}
	r.sendSelf(full)
	if !again {
		r.loadHistory()
		r.sendHistory(full, r.historyFor(r.rs.historyLength(r.peer), client.history))
	}
	r.sendSubject(full, true)
}

// sendSelf sends the presence that says what the client itself is called.
func (r *room) sendSelf(full string) {
	client, codes := r.clients[full], []string{"110"}
	if client.nick != "" && client.nick != resourceOf(r.nick) { // XEP-0045 §7.2.2
		codes = append(codes, "210")
	}
	client.nick = resourceOf(r.nick)
	r.sendOccupant(full, r.self(), occupantStanza{codes: codes, id: client.id})
	client.id = ""
}

// put writes a stanza from a room, and may wait for the server to read.
func (rs *rooms) writeElement(e *element.Element) {
	_ = rs.u.c.write(func(dst []byte) []byte { return e.Append(dst, stanza.NS) }) // a new link starts anew
}

// sendSubject tells the subject, from whoever has set it: at the end of a join also
// when that was. (XEP-0045 §7.2.15, §8.1)
func (r *room) sendSubject(full string, joining bool) {
	from, topic := r.jid, r.topic
	if joining && topic.Text == "" { // nobody has set it
		topic = legacy.Topic{}
	}
	if topic.By != "" { // who may have gone since
		from = r.occupantJID(topic.By)
	}
	m := element.New(stanza.NS, "message").Set("from", from).Set("to", full).Set("type", "groupchat").Set("id", newID()).
		Add(element.New(stanza.NS, "subject").AddText(topic.Text), r.idOf(topic.By))
	if joining && !topic.Time.IsZero() {
		m.Add(xep.Delay(r.jid, topic.Time))
	}
	r.rs.writeElement(m)
}

// say sends the user's clients in a room a text of the room itself.
func (r *room) sendRoomText(text string, codes ...string) {
	r.eachClient(func(full string) {
		m := element.New(stanza.NS, "message").Set("from", r.jid).Set("to", full).Set("type", "groupchat").Set("id", newID())
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
		r.rs.writeElement(m)
	})
}
