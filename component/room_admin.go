package component

import (
	"strconv"
	"strings"

	"transport/component/address"
	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// onRoomIQ handles an IQ to a room or an occupant. (XEP-0045 §8.2, XEP-0410)
func (rs *rooms) onRoomIQ(req *stanza.Request, peer legacy.Peer) {
	r := rs.all[peer.ID]
	inside := r != nil && r.joined && r.clients[req.From.String()] != nil
	is := func(space, name string) bool { return req.Payload.Is(space, name) }
	switch {
	case is(xep.NSDiscoInfo, "query") && req.To.Resource == "" && req.Type == "get":
		rs.onRoomInfo(req, peer, r)
	case is(xep.NSMAM, "") && req.To.Resource == "":
		rs.onArchive(req, peer)
	case is(xep.NSPing, "ping") && inside && (req.To.Resource == "" || req.To.Resource == resourceOf(r.nick)):
		req.Reply(nil)
	case is(xep.NSRegister, "query") && req.To.Resource == "": // XEP-0045 §7.10
		req.Fail(stanza.ErrServiceUnavail)
	case is(xep.NSVCard, "vCard") && req.To.Resource == "" && req.Type == "get":
		req.Reply(roomVCard(peer, r))
	case is(xep.NSDiscoInfo, "query") && !inside: // XEP-0045 §6.6
		req.Fail(stanza.ErrBadRequest)
	case is(xep.NSMUCOwner, "query") && !inside && req.To.Resource == "" && (rs.u.account.isRegistered() || rs.u.c.info.Guests):
		rs.onOwnConfig(req, peer)
	case !inside:
		req.Fail(errNotInRoom)
	case req.To.Resource != "":
		r.onOccupantIQ(req)
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
}

// onOccupantIQ answers an IQ to an occupant, on the occupant's behalf.
// (XEP-0045 §17.4)
func (r *room) onOccupantIQ(req *stanza.Request) {
	o := r.find(req.To.Resource)
	if o == nil {
		req.Fail(stanza.ErrItemNotFound)
		return
	}
	peer, err := r.rs.u.c.occupantPeer(r, o.Nick)
	route := iqRoutes[iqName{req.Payload.Space, req.Payload.Name}]
	switch {
	case err == nil && req.Type == "get" && route.contact != nil && route.contactActor == nil &&
		!req.Payload.Is(xep.NSPing, "ping"): // an answered ping means that the user is joined (XEP-0410 §3)
		answer, why := route.contact(r.rs.u.c, req.Inbound, req.Payload, peer)
		if why != nil {
			req.Fail(*why)
			return
		}
		req.Reply(answer)
	case err != nil || route.contactActor == nil || req.Type != "get":
		req.Fail(stanza.ErrServiceUnavail)
	default:
		route.contactActor(r.rs.u, req, peer)
	}
}

// listOccupants answers with the occupants that have a role or an affiliation. The ban
// list (affiliation outcast) comes from the network. (XEP-0045 §9.2, §9.5, §10.6)
func (r *room) listOccupants(req *stanza.Request) {
	q, item := element.New(xep.NSMUCAdmin, "query"), req.Payload.Child(xep.NSMUCAdmin, "item")
	keeper, ok := r.rs.u.login.legacySession().(legacy.RoomConfigurer)
	if ok && item.Attr("affiliation") == "outcast" {
		r.rs.u.calls.query(req, func(u *user, req *stanza.Request, ev legacy.Event) {
			got := ev.(legacy.BansReceived)
			if got.Err != nil {
				req.Fail(roomError(got.Err))
				return
			}
			for _, b := range got.Bans {
				i := element.New(xep.NSMUCAdmin, "item").Set("affiliation", "outcast").Set("jid", u.c.contactJID(b.Mask))
				var why []string
				if b.By != "" {
					why = append(why, "by "+b.By)
				}
				if !b.Time.IsZero() {
					why = append(why, "on "+timeText(b.Time))
				}
				if why != nil {
					i.Add(element.New(xep.NSMUCAdmin, "reason").AddText(strings.Join(why, " ")))
				}
				q.Add(i)
			}
			req.Reply(q)
		}, func(ref string) error { return keeper.RequestBans(r.rs.u.ctx, ref, r.peer) })
		return
	}
	for _, o := range r.occupants {
		level := min(int(o.Level), len(roles)-1)
		role := roleOf(o.Level, r.moderated)
		if item != nil && (item.Attr("role") == role || item.Attr("affiliation") == affiliations[level]) {
			listed := element.New(xep.NSMUCAdmin, "item").Set("affiliation", affiliations[level]).
				Set("nick", resourceOf(o.Nick)).Set("jid", r.listedJID(o.Nick))
			// A list of an affiliation may omit the roles (§9.5). With a role, Converse 12
			// reads the nick as the role, and then refuses its user every command.
			if item.Attr("affiliation") == "" {
				listed.Set("role", role)
			}
			q.Add(listed)
		}
	}
	req.Reply(q)
}

// Roles and affiliations that a client may set, and the levels of the network that they
// become. Kicks and bans are handled separately.
// (XEP-0045 §8.4, §8.5, §9.3, §9.6, §10.3)
var (
	levelsOfRoles = map[string]legacy.Level{
		"none": legacy.LevelNone, "visitor": legacy.LevelNone, "participant": legacy.LevelVoice, "moderator": legacy.LevelOperator,
	}
	levelsOfAffiliations = map[string]legacy.Level{
		"none": legacy.LevelNone, "outcast": legacy.LevelNone, "member": legacy.LevelVoice,
		"admin": legacy.LevelHelper, "owner": legacy.LevelOperator,
	}
)

// levelFor returns the level for a requested role or affiliation; has is the occupant's
// present level. An affiliation that the occupant has already does not change the level:
// a founder who is made an owner stays a founder. unmoderated is true if the room is known
// to let every occupant speak. (XEP-0045 §5.1, §5.2)
func levelFor(role, affiliation string, has legacy.Level, unmoderated bool) legacy.Level {
	switch {
	case affiliation != "" && affiliation == affiliations[has]:
		return has
	case affiliation != "":
		return levelsOfAffiliations[affiliation]
	case role == "moderator":
		return max(has, levelsOfRoles[role])
	case role == "participant" && has > legacy.LevelVoice && unmoderated: // a participant needs no voice there
		return legacy.LevelNone
	}
	return levelsOfRoles[role]
}

// maxModerations limits the items of one muc#admin IQ.
const maxModerations = 50

// onModeration handles changes of roles and affiliations. The answer follows the last
// change, or is the first error. (XEP-0045 §8.2 to §9.7)
func (r *room) onModeration(req *stanza.Request) {
	roomer, ok := r.rs.u.login.legacySession().(legacy.Roomer)
	var steps []func(ref string) error
	for item := range req.Payload.Children(xep.NSMUCAdmin, "item") {
		step, why := r.moderation(roomer, item)
		if why != nil {
			req.Fail(*why)
			return
		}
		steps = append(steps, step)
	}
	if !ok || len(steps) == 0 || len(steps) > maxModerations {
		req.Fail(stanza.ErrBadRequest)
		return
	}
	r.rs.moderate(req, steps...)
}

// moderation returns the function that requests the change of one item from the network.
func (r *room) moderation(roomer legacy.Roomer, item *element.Element) (func(ref string) error, *stanza.Error) {
	role, affiliation, jid := item.Attr("role"), item.Attr("affiliation"), item.Attr("jid")
	_, known := levelsOfRoles[role]
	both := role != "" && affiliation != ""
	if affiliation != "" { // the channel mode of an affiliation determines the role, too
		_, known = levelsOfAffiliations[affiliation]
	}
	if !known || both && (role == "none" || affiliation == "outcast") || item.Attr("nick") == "" && jid == "" {
		return nil, &stanza.ErrBadRequest
	}
	m := legacy.Moderation{Kick: role == "none", Ban: affiliation == "outcast",
		Reason: body.Clean(item.ChildText(xep.NSMUCAdmin, "reason"))}
	o := r.find(item.Attr("nick"))
	if o == nil {
		o = r.occupants[r.nickIn(jid)] // affiliations name a JID: the contact's, or the occupant's
	}
	if o != nil {
		unmoderated := r.config != nil && !r.moderated
		if role == "visitor" && affiliation == "" && unmoderated {
			why := stanza.ErrNotAllowed.With("This room is not moderated, so everybody in it may speak. Make it moderated first.")
			return nil, &why
		}
		m.Nick, m.Level = o.Nick, levelFor(role, affiliation, min(o.Level, legacy.LevelOwner), unmoderated)
		if m.Kick || m.Ban {
			m.Level = legacy.LevelNone
		}
		return func(ref string) error { return roomer.Moderate(r.rs.u.ctx, ref, r.peer, m) }, nil
	}
	keeper, keeps := roomer.(legacy.RoomConfigurer)
	mask := r.banMask(jid)
	if keeps && mask != "" && (affiliation == "outcast" || affiliation == "none") {
		return func(ref string) error { return keeper.SetBan(r.rs.u.ctx, ref, r.peer, mask, m.Ban) }, nil
	}
	why := stanza.ErrItemNotFound.With("Nobody of that name is in the room. " + r.rs.u.c.info.Name + " gives roles only to people in the room.")
	if role == "none" || affiliation == "outcast" {
		why.Text = "Nobody of that name is in the room."
	}
	return nil, &why
}

// banMask returns the ban mask for a JID of the gateway's domain, or the nick if the
// person is not in the room. It is "" for a JID of another domain.
func (r *room) banMask(s string) string {
	jid, err := address.Parse(s)
	if err != nil || jid.Domain != r.rs.u.c.domain {
		return ""
	}
	if _, isRoom := r.rs.u.c.roomAt(jid); isRoom {
		return jid.Resource
	}
	name := nameOf(jid.Local)
	person, err := r.rs.u.c.cfg.Network.ParsePeer(name)
	if err != nil {
		return name
	}
	for i := range name { // the name of an occupant begins with the nick
		if p, err := r.rs.u.c.occupantPeer(r, name[:i]); err == nil && p == person {
			return name[:i]
		}
	}
	return name
}

// moderate sends changes of a room to the network, each when the one before is confirmed.
// It answers the IQ after the last one, or with the first error.
func (rs *rooms) moderate(req *stanza.Request, steps ...func(ref string) error) {
	rs.u.calls.query(req, func(u *user, req *stanza.Request, ev legacy.Event) {
		switch done := ev.(legacy.Done); {
		case done.Err != nil:
			req.Fail(roomError(done.Err))
		case len(steps) > 1:
			u.rooms.moderate(req, steps[1:]...)
		default:
			req.Reply(nil)
		}
	}, steps[0])
}

// peerNameOf returns the network's name for a JID of the gateway's domain, "" for another
// JID.
func (rs *rooms) peerNameOf(s string) string {
	jid, err := address.Parse(s)
	if err != nil || jid.Domain != rs.u.c.domain {
		return ""
	}
	if room, isRoom := rs.u.c.roomAt(jid); isRoom {
		if o := rs.all[room.ID].find(jid.Resource); o != nil {
			if p, err := rs.u.c.occupantPeer(rs.all[room.ID], o.Nick); err == nil {
				return p.ID
			}
		}
		return ""
	}
	return nameOf(jid.Local)
}

// listedJID returns the JID of an occupant for lists: a bare JID, as in presence.
func (r *room) listedJID(nick string) string {
	if nick == r.nick {
		return r.rs.u.bare
	}
	return r.personJID(nick)
}

// nickIn returns the nick of the occupant with a JID: the user's own JID, or one of the
// gateway's domain. It is "" if that person is not in the room.
func (r *room) nickIn(s string) string {
	jid, err := address.Parse(s)
	if err != nil {
		return ""
	}
	if jid.Bare().String() == r.rs.u.bare {
		return r.nick
	}
	if in, isRoom := r.rs.u.c.roomAt(jid); isRoom {
		if in == r.peer {
			if o := r.find(jid.Resource); o != nil {
				return o.Nick
			}
		}
		return ""
	}
	if jid.Domain != r.rs.u.c.domain || jid.Local == "" {
		return ""
	}
	person, err := r.rs.u.c.parsePeer(jid.Local)
	for nick := range r.occupants {
		if r.personJID(nick) == jid.Bare().String() {
			return nick
		}
		if p, bad := r.rs.u.c.occupantPeer(r, nick); err == nil && bad == nil && p == person { // the JID spells the name differently
			return nick
		}
	}
	return ""
}

// onRoomConfig answers with the configuration of a room, or changes it: the network's
// settings, and the user's settings in the gateway. (XEP-0045 §10.2, §10.9)
func (r *room) onRoomConfig(req *stanza.Request) {
	form := req.Payload.Child(xep.NSDataForm, "x")
	switch {
	case req.Type == "get":
		r.withConfig(req, func(config legacy.RoomConfig, known bool) {
			req.Reply(element.New(xep.NSMUCOwner, "query").Add(r.rs.configForm(r.peer, config, known)))
		})
	case req.Payload.Child(xep.NSMUCOwner, "destroy") != nil:
		reason := body.Clean(req.Payload.Child(xep.NSMUCOwner, "destroy").ChildText(xep.NSMUCOwner, "reason"))
		r.forgetPersistent()
		req.Reply(nil)
		for full := range r.clients {
			r.sendOccupant(full, r.self(), occupantStanza{gone: true, codes: []string{"110"}, destroyed: true})
		}
		clear(r.clients)
		r.leaveOnNetwork(reason)
	case form == nil || form.Attr("type") == "cancel":
		req.Reply(nil)
	default:
		r.setRoomConfig(req, xep.Values(form))
	}
}

// onOwnConfig answers with the user's settings for a room that the user is not in, or
// changes them.
func (rs *rooms) onOwnConfig(req *stanza.Request, peer legacy.Peer) {
	form := req.Payload.Child(xep.NSDataForm, "x")
	switch {
	case req.Type == "get":
		req.Reply(element.New(xep.NSMUCOwner, "query").Add(rs.configForm(peer, legacy.RoomConfig{}, false)))
	case req.Payload.Child(xep.NSMUCOwner, "destroy") != nil:
		req.Fail(errNotInRoom)
	case form == nil || form.Attr("type") == "cancel":
		req.Reply(nil)
	default:
		if why := rs.u.account.takeSettings(peer, xep.Values(form)); why != nil {
			req.Fail(*why)
			return
		}
		req.Reply(nil)
	}
}

// withConfig calls f with the network's configuration of a room. known is false if the
// network has none.
func (r *room) withConfig(req *stanza.Request, f func(config legacy.RoomConfig, known bool)) {
	keeper, ok := r.rs.u.login.legacySession().(legacy.RoomConfigurer)
	if !ok {
		f(legacy.RoomConfig{}, false)
		return
	}
	r.rs.u.calls.query(req, func(u *user, req *stanza.Request, ev legacy.Event) {
		got := ev.(legacy.RoomConfigReceived)
		if got.Err != nil {
			req.Fail(roomError(got.Err))
			return
		}
		r.setConfig(&got.Config)
		f(got.Config, true)
	}, func(ref string) error { return keeper.RequestRoomConfig(r.rs.u.ctx, ref, r.peer) })
}

// configBool are the boolean fields of the configuration form.
var configBool = []struct {
	name, label string
	get         func(*legacy.RoomConfig) *bool
	negated     bool
}{
	{"muc#roomconfig_changesubject", "Everybody may change the subject", func(c *legacy.RoomConfig) *bool { return &c.TopicLocked }, true},
	{"muc#roomconfig_moderatedroom", "Only occupants with voice may speak", func(c *legacy.RoomConfig) *bool { return &c.Moderated }, false},
	{"muc#roomconfig_membersonly", "Only invited people may join", func(c *legacy.RoomConfig) *bool { return &c.InviteOnly }, false},
	{"muc#roomconfig_publicroom", "Listed in the public room list", func(c *legacy.RoomConfig) *bool { return &c.Hidden }, true},
}

func (rs *rooms) configForm(peer legacy.Peer, config legacy.RoomConfig, known bool) *element.Element {
	form := xep.NewForm("form", xep.NSMUCConfig, "Settings of "+peer.ID, "")
	if known {
		for _, b := range configBool {
			value := "0"
			if *b.get(&config) != b.negated {
				value = "1"
			}
			form.Add(xep.NewField(b.name, "boolean", b.label, value))
		}
		locked := "0"
		if config.Password != "" {
			locked = "1"
		}
		form.Add(xep.NewField("muc#roomconfig_passwordprotectedroom", "boolean", "A password is required to join", locked),
			xep.NewField("muc#roomconfig_roomsecret", "text-private", "Password", config.Password),
			xep.NewField("muc#roomconfig_maxusers", "text-single", "Maximum number of occupants (0 for no limit)", strconv.Itoa(config.Limit)))
	}
	for _, f := range rs.u.account.settingFields(peer) {
		form.Add(f)
	}
	return form
}

// setRoomConfig stores the user's settings, and sends the changed settings of the network
// to the network.
func (r *room) setRoomConfig(req *stanza.Request, values map[string][]string) {
	keeper, ok := r.rs.u.login.legacySession().(legacy.RoomConfigurer)
	touched := false
	for name := range values {
		touched = touched || strings.HasPrefix(name, "muc#roomconfig_")
	}
	if !ok || !touched {
		if why := r.rs.u.account.takeSettings(r.peer, values); why != nil {
			req.Fail(*why)
			return
		}
		req.Reply(nil)
		return
	}
	r.withConfig(req, func(have legacy.RoomConfig, _ bool) {
		want, why := changedConfig(have, values)
		if why == nil {
			why = r.rs.u.account.takeSettings(r.peer, values)
		}
		switch {
		case why != nil:
			req.Fail(*why)
		case want == have:
			req.Reply(nil)
		default:
			r.rs.moderate(req, func(ref string) error { return keeper.SetRoomConfig(r.rs.u.ctx, ref, r.peer, want) })
		}
	})
}

// changedConfig returns the configuration of a room with the values of a submitted form.
// Omitted fields keep their value. (XEP-0045 §10.2)
func changedConfig(c legacy.RoomConfig, values map[string][]string) (legacy.RoomConfig, *stanza.Error) {
	answer := func(name string) (string, bool) {
		v := values["muc#roomconfig_"+name]
		if len(v) == 0 {
			return "", false
		}
		return body.Clean(strings.TrimSpace(v[0])), true
	}
	wrong := func(text string) (legacy.RoomConfig, *stanza.Error) {
		return c, &stanza.Error{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: text}
	}
	for _, b := range configBool {
		if v := values[b.name]; len(v) > 0 {
			*b.get(&c) = xep.IsTrue(v[0]) != b.negated
		}
	}
	secret, given := answer("roomsecret")
	locked, said := answer("passwordprotectedroom")
	switch {
	case said && !xep.IsTrue(locked):
		c.Password = ""
	case secret != "":
		c.Password = secret
	case said && c.Password == "":
		return wrong("The password is missing. Enter one, or do not require a password.")
	case given && !said:
		c.Password = ""
	}
	if v, given := answer("maxusers"); given {
		if v == "" || v == "none" {
			v = "0"
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return wrong(strconv.Quote(v) + " is not a number of occupants. Enter 0 or a positive number.")
		}
		c.Limit = n
	}
	return c, nil
}
