package component

import (
	"strconv"
	"strings"

	"mellium.im/xmpp/stanza"

	"transport/component/address"
	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// onRoomIQ answers a question to a room or an occupant. (XEP-0045 §8.2, XEP-0410)
func (u *user) onRoomIQ(r *request, peer legacy.Peer) {
	room := u.rooms[peer.ID]
	inside := room != nil && room.joined && room.clients[r.from.String()] != nil
	is := func(space, name string) bool { return r.payload.Is(space, name) }
	switch {
	case is(xep.NSDiscoInfo, "query") && r.to.Resource == "" && r.typ == "get":
		u.onRoomInfo(r, peer, room)
	case is(xep.NSMAM, "") && r.to.Resource == "":
		u.onArchive(r, peer)
	case is(xep.NSPing, "ping") && inside && (r.to.Resource == "" || r.to.Resource == resourceOf(room.nick)):
		u.reply(r, nil)
	case is(xep.NSRegister, "query") && r.to.Resource == "": // XEP-0045 §7.10
		u.fail(r, errServiceUnavail)
	case is(xep.NSVCard, "vCard") && r.to.Resource == "" && r.typ == "get":
		u.reply(r, roomVCard(peer, room))
	case is(xep.NSDiscoInfo, "query") && !inside: // XEP-0045 §6.6
		u.fail(r, errBadRequest)
	case is(xep.NSMUCOwner, "query") && !inside && r.to.Resource == "" && (u.isRegistered() || u.c.info.Guests):
		u.onOwnConfig(r, peer)
	case !inside:
		u.fail(r, errNotInRoom)
	case r.to.Resource != "":
		u.onOccupantIQ(r, room)
	case is(xep.NSMUCAdmin, "query") && r.typ == "set":
		u.onModeration(r, room)
	case is(xep.NSModerate, "moderate") && r.typ == "set" && room.redacts:
		u.onModerateMessage(r, room)
	case is(xep.NSMUCAdmin, "query"):
		u.listOccupants(r, room)
	case is(xep.NSMUCOwner, "query"):
		u.onRoomConfig(r, room)
	default:
		u.fail(r, errServiceUnavail)
	}
}

// onOccupantIQ answers for somebody in a room what can be known of them.
// (XEP-0045 §17.4)
func (u *user) onOccupantIQ(r *request, room *room) {
	o := room.find(r.to.Resource)
	if o == nil {
		u.fail(r, errItemNotFound)
		return
	}
	peer, err := u.c.occupantPeer(room, o.Nick)
	route := iqRoutes[iqName{r.payload.Space, r.payload.Name}]
	switch {
	case err == nil && r.typ == "get" && route.contact != nil && route.contactActor == nil && !r.payload.Is(xep.NSPing, "ping"): // a ping would say that they are there (XEP-0410 §3)
		answer, why := route.contact(u.c, r.inbound, r.payload, peer)
		if why != nil {
			u.fail(r, *why)
			return
		}
		u.reply(r, answer)
	case err != nil || route.contactActor == nil || r.typ != "get":
		u.fail(r, errServiceUnavail)
	default:
		route.contactActor(u, r, peer)
	}
}

// listOccupants says who has a role or an affiliation; of those who are kept out,
// the network has a list. (XEP-0045 §9.2, §9.5, §10.6)
func (u *user) listOccupants(r *request, room *room) {
	q, item := element.New(xep.NSMUCAdmin, "query"), r.payload.Child(xep.NSMUCAdmin, "item")
	keeper, ok := u.legacySession().(legacy.RoomConfigurer)
	if ok && item.Attr("affiliation") == "outcast" {
		u.look(r, func(u *user, r *request, ev legacy.Event) {
			got := ev.(legacy.BansReceived)
			if got.Err != nil {
				u.fail(r, roomError(got.Err))
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
			u.reply(r, q)
		}, func(ref string) error { return keeper.RequestBans(u.ctx, ref, room.peer) })
		return
	}
	for _, o := range room.occupants {
		level := min(int(o.Level), len(roles)-1)
		role := roleOf(o.Level, room.moderated)
		if item != nil && (item.Attr("role") == role || item.Attr("affiliation") == affiliations[level]) {
			listed := element.New(xep.NSMUCAdmin, "item").Set("affiliation", affiliations[level]).
				Set("nick", resourceOf(o.Nick)).Set("jid", u.listedJID(room, o.Nick))
			// A list of an affiliation may leave the roles out (§9.5), and Converse 12 takes
			// the nick for the role there: it then forbids its user every command.
			if item.Attr("affiliation") == "" {
				listed.Set("role", role)
			}
			q.Add(listed)
		}
	}
	u.reply(r, q)
}

// What a client may ask to be made of somebody, beside being thrown out.
// (XEP-0045 §8.4, §8.5, §9.3, §9.6, §10.3)
var (
	levelsOfRoles = map[string]legacy.Level{
		"none": legacy.LevelNone, "visitor": legacy.LevelNone, "participant": legacy.LevelVoice, "moderator": legacy.LevelOperator,
	}
	levelsOfAffiliations = map[string]legacy.Level{
		"none": legacy.LevelNone, "outcast": legacy.LevelNone, "member": legacy.LevelVoice, "admin": legacy.LevelHelper, "owner": legacy.LevelOperator,
	}
)

// levelFor is the level that a role or an affiliation asks for somebody who has one
// already. An affiliation that they have leaves it as it is, so that a founder who is made
// an owner stays a founder. unmoderated is true where everybody is known to be allowed to
// speak. (XEP-0045 §5.1, §5.2)
func levelFor(role, affiliation string, has legacy.Level, unmoderated bool) legacy.Level {
	switch {
	case affiliation != "" && affiliation == affiliations[has]:
		return has
	case affiliation != "":
		return levelsOfAffiliations[affiliation]
	case role == "moderator":
		return max(has, levelsOfRoles[role])
	case role == "participant" && has > legacy.LevelVoice && unmoderated: // they need no voice
		return legacy.LevelNone
	}
	return levelsOfRoles[role]
}

// maxModerations is how many occupants are dealt with by one IQ.
const maxModerations = 50

// onModeration handles changes of roles and affiliations. The IQ is answered when all
// are made, or with the first that is refused. (XEP-0045 §8.2 to §9.7)
func (u *user) onModeration(r *request, room *room) {
	roomer, ok := u.legacySession().(legacy.Roomer)
	var steps []func(ref string) error
	for item := range r.payload.Children(xep.NSMUCAdmin, "item") {
		step, why := u.moderation(roomer, room, item)
		if why != nil {
			u.fail(r, *why)
			return
		}
		steps = append(steps, step)
	}
	if !ok || len(steps) == 0 || len(steps) > maxModerations {
		u.fail(r, errBadRequest)
		return
	}
	u.moderate(r, steps...)
}

// moderation is what one item asks for.
func (u *user) moderation(roomer legacy.Roomer, room *room, item *element.Element) (func(ref string) error, *stanzaError) {
	role, affiliation, jid := item.Attr("role"), item.Attr("affiliation"), item.Attr("jid")
	_, known := levelsOfRoles[role]
	both := role != "" && affiliation != ""
	if affiliation != "" { // a mode goes with it, and that is the role
		_, known = levelsOfAffiliations[affiliation]
	}
	if !known || both && (role == "none" || affiliation == "outcast") || item.Attr("nick") == "" && jid == "" {
		return nil, &errBadRequest
	}
	m := legacy.Moderation{Kick: role == "none", Ban: affiliation == "outcast", Reason: cleanText(item.ChildText(xep.NSMUCAdmin, "reason"))}
	o := room.find(item.Attr("nick"))
	if o == nil {
		o = room.occupants[u.nickIn(room, jid)] // affiliations name a JID: of the person, or of the occupant
	}
	if o != nil {
		unmoderated := room.config != nil && !room.moderated
		if role == "visitor" && affiliation == "" && unmoderated {
			why := errNotAllowed.with("Everybody may speak in this room, since it is not moderated. Set it to moderated first.")
			return nil, &why
		}
		m.Nick, m.Level = o.Nick, levelFor(role, affiliation, min(o.Level, legacy.LevelOwner), unmoderated)
		if m.Kick || m.Ban {
			m.Level = legacy.LevelNone
		}
		return func(ref string) error { return roomer.Moderate(u.ctx, ref, room.peer, m) }, nil
	}
	keeper, keeps := roomer.(legacy.RoomConfigurer)
	mask := u.banMask(room, jid)
	if keeps && mask != "" && (affiliation == "outcast" || affiliation == "none") {
		return func(ref string) error { return keeper.SetBan(u.ctx, ref, room.peer, mask, m.Ban) }, nil
	}
	why := errItemNotFound.with("Nobody of that name is in the room. " + u.c.info.Name + " gives ranks only to those who are there.")
	if role == "none" || affiliation == "outcast" {
		why.Text = "Nobody of that name is in the room."
	}
	return nil, &why
}

// banMask is the mask, or the nick of somebody who is not in the room, that a JID of
// ours stands for in its ban list; "" for another JID.
func (u *user) banMask(room *room, s string) string {
	jid, err := address.Parse(s)
	if err != nil || jid.Domain != u.c.domain {
		return ""
	}
	if _, isRoom := u.c.roomAt(jid); isRoom {
		return jid.Resource
	}
	name := nameOf(jid.Local)
	person, err := u.c.cfg.Network.ParsePeer(name)
	if err != nil {
		return name
	}
	for i := range name { // the nick is the beginning of the name
		if p, err := u.c.occupantPeer(room, name[:i]); err == nil && p == person {
			return name[:i]
		}
	}
	return name
}

// moderate has the network do something in a room, one after the other, and answers
// the IQ once all is done.
func (u *user) moderate(r *request, steps ...func(ref string) error) {
	u.look(r, func(u *user, r *request, ev legacy.Event) {
		switch done := ev.(legacy.Done); {
		case done.Err != nil:
			u.fail(r, roomError(done.Err))
		case len(steps) > 1:
			u.moderate(r, steps[1:]...)
		default:
			u.reply(r, nil)
		}
	}, steps[0])
}

// peerNameOf is the name that a JID of ours stands for, "" for another.
func (u *user) peerNameOf(s string) string {
	jid, err := address.Parse(s)
	if err != nil || jid.Domain != u.c.domain {
		return ""
	}
	if room, isRoom := u.c.roomAt(jid); isRoom {
		if o := u.rooms[room.ID].find(jid.Resource); o != nil {
			if p, err := u.c.occupantPeer(u.rooms[room.ID], o.Nick); err == nil {
				return p.ID
			}
		}
		return ""
	}
	return nameOf(jid.Local)
}

// listedJID is an occupant's address in lists: bare, as in presence.
func (u *user) listedJID(room *room, nick string) string {
	if nick == room.nick {
		return u.bare
	}
	return u.c.personJID(room, nick)
}

// nickIn is the nick in a room of whom a JID stands for, "" if they are not there: the
// user's own, or one of ours.
func (u *user) nickIn(room *room, s string) string {
	jid, err := address.Parse(s)
	if err != nil {
		return ""
	}
	if jid.Bare().String() == u.bare {
		return room.nick
	}
	if in, isRoom := u.c.roomAt(jid); isRoom {
		if in == room.peer {
			if o := room.find(jid.Resource); o != nil {
				return o.Nick
			}
		}
		return ""
	}
	if jid.Domain != u.c.domain || jid.Local == "" {
		return ""
	}
	person, err := u.c.parsePeer(jid.Local)
	for nick := range room.occupants {
		if u.c.personJID(room, nick) == jid.Bare().String() {
			return nick
		}
		if p, bad := u.c.occupantPeer(room, nick); err == nil && bad == nil && p == person { // in another spelling
			return nick
		}
	}
	return ""
}

// onRoomConfig shows or changes the settings of a room: those of the network, and
// those that the user has here. (XEP-0045 §10.2, §10.9)
func (u *user) onRoomConfig(r *request, room *room) {
	form := r.payload.Child(xep.NSDataForm, "x")
	switch {
	case r.typ == "get":
		u.withConfig(r, room, func(config legacy.RoomConfig, known bool) {
			u.reply(r, element.New(xep.NSMUCOwner, "query").Add(u.configForm(room.peer, config, known)))
		})
	case r.payload.Child(xep.NSMUCOwner, "destroy") != nil:
		reason := cleanText(r.payload.Child(xep.NSMUCOwner, "destroy").ChildText(xep.NSMUCOwner, "reason"))
		u.forgetStay(room)
		u.reply(r, nil)
		for full := range room.clients {
			u.sendOccupant(room, full, room.self(), occupantStanza{gone: true, codes: []string{"110"}, destroyed: true})
		}
		clear(room.clients)
		u.quitRoom(room, reason)
	case form == nil || form.Attr("type") == "cancel":
		u.reply(r, nil)
	default:
		u.setRoomConfig(r, room, xep.Values(form))
	}
}

// onOwnConfig shows or changes what the user has set here for a room that they are not
// in.
func (u *user) onOwnConfig(r *request, peer legacy.Peer) {
	form := r.payload.Child(xep.NSDataForm, "x")
	switch {
	case r.typ == "get":
		u.reply(r, element.New(xep.NSMUCOwner, "query").Add(u.configForm(peer, legacy.RoomConfig{}, false)))
	case r.payload.Child(xep.NSMUCOwner, "destroy") != nil:
		u.fail(r, errNotInRoom)
	case form == nil || form.Attr("type") == "cancel":
		u.reply(r, nil)
	default:
		if why := u.takeSettings(peer, xep.Values(form)); why != nil {
			u.fail(r, *why)
			return
		}
		u.reply(r, nil)
	}
}

// withConfig calls f with the network's settings of a room, if it has any.
func (u *user) withConfig(r *request, room *room, f func(config legacy.RoomConfig, known bool)) {
	keeper, ok := u.legacySession().(legacy.RoomConfigurer)
	if !ok {
		f(legacy.RoomConfig{}, false)
		return
	}
	u.look(r, func(u *user, r *request, ev legacy.Event) {
		got := ev.(legacy.RoomConfigReceived)
		if got.Err != nil {
			u.fail(r, roomError(got.Err))
			return
		}
		u.learnConfig(room, &got.Config)
		f(got.Config, true)
	}, func(ref string) error { return keeper.RequestRoomConfig(u.ctx, ref, room.peer) })
}

// configBool are the settings of rooms that are true or false.
var configBool = []struct {
	name, label string
	get         func(*legacy.RoomConfig) *bool
	negated     bool
}{
	{"muc#roomconfig_changesubject", "Everybody may change the subject", func(c *legacy.RoomConfig) *bool { return &c.TopicLocked }, true},
	{"muc#roomconfig_moderatedroom", "Only those with a voice may speak", func(c *legacy.RoomConfig) *bool { return &c.Moderated }, false},
	{"muc#roomconfig_membersonly", "Only for those who are invited", func(c *legacy.RoomConfig) *bool { return &c.InviteOnly }, false},
	{"muc#roomconfig_publicroom", "Listed for everybody", func(c *legacy.RoomConfig) *bool { return &c.Hidden }, true},
}

func (u *user) configForm(peer legacy.Peer, config legacy.RoomConfig, known bool) *element.Element {
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
		form.Add(xep.NewField("muc#roomconfig_passwordprotectedroom", "boolean", "A password is needed", locked),
			xep.NewField("muc#roomconfig_roomsecret", "text-private", "The password", config.Password),
			xep.NewField("muc#roomconfig_maxusers", "text-single", "At most this many people (0 for any number)", strconv.Itoa(config.Limit)))
	}
	for _, f := range u.settingFields(peer) {
		form.Add(f)
	}
	return form
}

// setRoomConfig stores the user's own settings, and changes those of the network that
// are different.
func (u *user) setRoomConfig(r *request, room *room, values map[string][]string) {
	keeper, ok := u.legacySession().(legacy.RoomConfigurer)
	touched := false
	for name := range values {
		touched = touched || strings.HasPrefix(name, "muc#roomconfig_")
	}
	if !ok || !touched {
		if why := u.takeSettings(room.peer, values); why != nil {
			u.fail(r, *why)
			return
		}
		u.reply(r, nil)
		return
	}
	u.withConfig(r, room, func(have legacy.RoomConfig, _ bool) {
		want, why := changedConfig(have, values)
		if why == nil {
			why = u.takeSettings(room.peer, values)
		}
		switch {
		case why != nil:
			u.fail(r, *why)
		case want == have:
			u.reply(r, nil)
		default:
			u.moderate(r, func(ref string) error { return keeper.SetRoomConfig(u.ctx, ref, room.peer, want) })
		}
	})
}

// changedConfig are the settings of a room with the answers to configForm. What was
// left out stays as it is. (XEP-0045 §10.2)
func changedConfig(c legacy.RoomConfig, values map[string][]string) (legacy.RoomConfig, *stanzaError) {
	answer := func(name string) (string, bool) {
		v := values["muc#roomconfig_"+name]
		if len(v) == 0 {
			return "", false
		}
		return cleanText(strings.TrimSpace(v[0])), true
	}
	wrong := func(text string) (legacy.RoomConfig, *stanzaError) {
		return c, &stanzaError{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: text}
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
		return wrong("Enter the password that is to be needed.")
	case given && !said:
		c.Password = ""
	}
	if v, given := answer("maxusers"); given {
		if v == "" || v == "none" {
			v = "0"
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return wrong(strconv.Quote(v) + " is no number of people.")
		}
		c.Limit = n
	}
	return c, nil
}
