package component

import (
	"time"

	"transport/component/element"
	"transport/component/muc"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// rooms is the part of a user that holds the rooms the user is in, joins or leaves. Package
// muc does all of that; this part connects it to the other parts.
type rooms struct {
	muc.Rooms

	u *user
}

func newRooms(u *user) rooms {
	return rooms{u: u, Rooms: muc.NewRooms(u.ctx, &u.c.rooms, (*roomHost)(u), &u.markers, u.bare, &u.log)}
}

func (rs *rooms) due(now time.Time) { rs.Due(now) }

func (rs *rooms) next() time.Time { return rs.Next() }

func (rs *rooms) busy() bool { return rs.Busy() }

func (rs *rooms) reset(why resetReason) {
	switch why {
	case linkChanged:
		rs.LinkChanged()
	case sessionEnded:
		rs.SessionEnded()
	case unregistered:
		rs.Unregistered()
	}
}

// onRoomPresence handles a presence to a room.
func (rs *rooms) onRoomPresence(st *stanza.Inbound, peer legacy.Peer) {
	rs.OnPresence(st, peer)
	if st.Type == "error" {
		rs.u.clients.onPresenceError(st)
	}
}

// onRoomIQ handles an IQ to a room or an occupant. One to an occupant is answered like one to
// that person. (XEP-0045 §17.4)
func (rs *rooms) onRoomIQ(req *stanza.Request, peer legacy.Peer) {
	person, toPerson := rs.OnIQ(req, peer)
	if !toPerson {
		return
	}
	if req.Payload.Is(xep.NSDiscoInfo, "query") && req.Type == "get" && req.Payload.Attr("node") == "" && !rs.IsOwn(peer, req.To.Resource) {
		req.Reply(rs.u.c.disco.Load().occupant.query)
		return
	}
	route := iqRoutes[iqName{req.Payload.Space, req.Payload.Name}]
	switch {
	case req.Type == "get" && route.contact != nil && route.contactActor == nil &&
		!req.Payload.Is(xep.NSPing, "ping"): // an answered ping means that the user is joined (XEP-0410 §3)
		answer, why := route.contact(rs.u.c, req.Inbound, req.Payload, person)
		if why != nil {
			req.Fail(*why)
			return
		}
		req.Reply(answer)
	case route.contactActor == nil || req.Type != "get":
		req.Fail(stanza.ErrServiceUnavail)
	default:
		route.contactActor(rs.u, req, person)
	}
}

// onRoomList answers a disco#items query with the rooms of a service. It signs the user on
// for that. (XEP-0045 §6.3, XEP-0059)
func (rs *rooms) onRoomList(req *stanza.Request, service legacy.Peer) {
	if !rs.ListCached(req, service) {
		rs.u.login.visit(func() { rs.List(req, service) }, req.Fail)
	}
}

// notARoom returns the error for a join whose address cannot be that of a room, and nil
// for any other presence.
func (c *Component) notARoom(st *stanza.Inbound) *stanza.Error {
	if st.Name != "presence" || st.Type != "" || st.Child(xep.NSMUC, "x") == nil || !c.info.Features.Has(legacy.FeatureRooms) {
		return nil
	}
	peer, err := c.peers.At(st.To.Bare())
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

// serviceInfo returns the disco#info of a service of the network, such as a server.
func (c *Component) serviceInfo(peer legacy.Peer) *element.Element {
	q := element.New(xep.NSDiscoInfo, "query").
		Add(xep.ConferenceIdentity(peer.ID))
	for _, f := range []string{xep.NSDiscoInfo, xep.NSDiscoItems, xep.NSMUC, xep.NSRSM, xep.NSCommands, xep.NSPing, xep.NSVersion} {
		q.Add(element.New(xep.NSDiscoInfo, "feature").Set("var", f))
	}
	return q
}

// roomHost is a user as the host of the rooms.
type roomHost user

// Login implements muc.Host.
func (h *roomHost) Login() muc.Login {
	lg := &h.login
	state := muc.Login{Session: lg.legacySession(), Online: h.clients.busy()}
	if state.Session == nil {
		why := lg.notOnline()
		state.Offline = &why
	}
	switch err := lg.signOnError(); {
	case h.account.option(optLoggedOut):
		why := lg.notOnline()
		state.Refused = &why
	case err != nil:
		why := muc.TranslateSignOn(err)
		state.Refused = &why
	}
	return state
}

// Account implements muc.Host.
func (h *roomHost) Account() muc.Account { return h.account.forRooms() }

// SetOption implements muc.Host.
func (h *roomHost) SetOption(name, value string) *stanza.Error {
	return h.account.setOption(name, value)
}

// Settings implements muc.Host.
func (h *roomHost) Settings(room legacy.Peer) ([]*element.Element, func(map[string][]string) *stanza.Error) {
	return h.account.settingFields(room), func(values map[string][]string) *stanza.Error {
		return h.account.takeSettings(room, values)
	}
}

// Admit implements muc.Host.
func (h *roomHost) Admit(nick string) (renames bool, why *stanza.Error) {
	if !h.account.exists() {
		if why := h.login.signOnAsGuest(nick); why != nil {
			return false, why
		}
	} else if h.login.isNewcomer() && h.c.cfg.Memory.short(memoryNewcomers) {
		return false, &errMemory
	}
	return h.login.nameGuest(nick), nil
}

// Query implements muc.Host.
func (h *roomHost) Query(r *stanza.Request, answer func(legacy.Event), ask func(ref string) error) error {
	if r.Deadline.IsZero() {
		r.Deadline = h.c.clock.Now().Add(requestTime)
		h.calls.await(r)
	}
	return h.calls.tryQuery(r, func(_ *user, _ *stanza.Request, ev legacy.Event) { answer(ev) }, ask)
}

// Send implements muc.Host.
func (h *roomHost) Send(st *stanza.Inbound, to legacy.Peer, text string) bool {
	if to.Room {
		return h.outbox.sendTo(st, to, text)
	}
	return h.outbox.sendToOccupant(st, to, text)
}

// ShowPresence implements muc.Host.
func (h *roomHost) ShowPresence() { h.clients.showOwnPresence() }

// Notify implements muc.Host.
func (h *roomHost) Notify(text string) { (*user)(h).notify(text) }

// roomLink is the link of the rooms to the XMPP server.
type roomLink struct{ c *Component }

// Write implements muc.Link.
func (l roomLink) Write(b []byte) error {
	return l.c.write(func(dst []byte) []byte { return append(dst, b...) })
}

// Send implements muc.Link.
func (l roomLink) Send(e *element.Element) { l.c.send(e) }

// refuseRooms returns the error of a join of a further room, nil if there is memory for it.
func (c *Component) refuseRooms() *stanza.Error {
	if !c.cfg.Memory.short(memoryRooms) {
		return nil
	}
	return &errMemory
}
