package muc

import (
	"strconv"
	"strings"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// onRoomConfig answers with the configuration of a room, or changes it: the network's
// settings, and the user's settings in the gateway. (XEP-0045 §10.2, §10.9)
func (r *Room) onRoomConfig(req *stanza.Request) {
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
		r.leave(reason)
	case form == nil || form.Attr("type") == "cancel":
		req.Reply(nil)
	default:
		r.setRoomConfig(req, xep.Values(form))
	}
}

// onOwnConfig answers with the user's settings for a room that the user is not in, or
// changes them.
func (u *user) onOwnConfig(req *stanza.Request, peer legacy.Peer) {
	form := req.Payload.Child(xep.NSDataForm, "x")
	switch {
	case req.Type == "get":
		req.Reply(element.New(xep.NSMUCOwner, "query").Add(u.configForm(peer, legacy.RoomConfig{}, false)))
	case req.Payload.Child(xep.NSMUCOwner, "destroy") != nil:
		req.Fail(errNotInRoom)
	case form == nil || form.Attr("type") == "cancel":
		req.Reply(nil)
	default:
		_, store := u.host.Settings(peer)
		if why := store(xep.Values(form)); why != nil {
			req.Fail(*why)
			return
		}
		req.Reply(nil)
	}
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
		form.Add(xep.NewField("muc#roomconfig_passwordprotectedroom", "boolean", "A password is required to join", locked),
			xep.NewField("muc#roomconfig_roomsecret", "text-private", "Password", config.Password),
			xep.NewField("muc#roomconfig_maxusers", "text-single", "Maximum number of occupants (0 for no limit)", strconv.Itoa(config.Limit)))
	}
	fields, _ := u.host.Settings(peer)
	return form.Add(fields...)
}

// withConfig calls f with the network's configuration of a room. known is false if the
// network has none.
func (r *Room) withConfig(req *stanza.Request, f func(config legacy.RoomConfig, known bool)) {
	keeper, ok := r.rs.session().(legacy.RoomConfigurer)
	if !ok {
		f(legacy.RoomConfig{}, false)
		return
	}
	r.rs.query(req, func(ev legacy.Event) {
		got := ev.(legacy.RoomConfigReceived)
		if got.Err != nil {
			req.Fail(Translate(got.Err))
			return
		}
		r.setConfig(&got.Config)
		f(got.Config, true)
	}, func(ref string) error { return keeper.RequestRoomConfig(r.rs.ctx, ref, r.peer) })
}

// setRoomConfig stores the user's settings, and sends the changed settings of the network
// to the network.
func (r *Room) setRoomConfig(req *stanza.Request, values map[string][]string) {
	keeper, ok := r.rs.session().(legacy.RoomConfigurer)
	_, store := r.rs.host.Settings(r.peer)
	touched := false
	for name := range values {
		touched = touched || strings.HasPrefix(name, "muc#roomconfig_")
	}
	if !ok || !touched {
		if why := store(values); why != nil {
			req.Fail(*why)
			return
		}
		req.Reply(nil)
		return
	}
	r.withConfig(req, func(have legacy.RoomConfig, _ bool) {
		want, why := changedConfig(have, values)
		if why == nil {
			why = store(values)
		}
		switch {
		case why != nil:
			req.Fail(*why)
		case want == have:
			req.Reply(nil)
		default:
			r.rs.moderate(req, func(ref string) error { return keeper.SetRoomConfig(r.rs.ctx, ref, r.peer, want) })
		}
	})
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

// maxRoleChanges is the number of occupants up to which their new roles are sent when a
// room becomes moderated or unmoderated. In larger rooms only the user's own role is sent,
// which clients depend on: otherwise an owner could flood every client by changing the
// configuration.
const maxRoleChanges = 100 // limit: occupants whose new roles are shown when a room is moderated | the roles are shown with their next presence

// setConfig stores a room's configuration, nil if it is unknown. In a moderated room an
// occupant without voice is a visitor. (XEP-0045 §5.1, §8.6)
func (r *Room) setConfig(c *legacy.RoomConfig) {
	if r.config = c; c != nil {
		setModerated(r, c.Moderated)
	}
}

// setModerated stores whether a room is moderated, and sends the roles that this changes.
func setModerated(r *Room, moderated bool) {
	changed := r.moderated != moderated
	if r.moderated = moderated; !changed || r.state != Joined {
		return
	}
	r.eachClient(func(full string) {
		for _, o := range r.occupants {
			if o.Level == legacy.LevelNone && o.Nick != r.nick && len(r.occupants) <= maxRoleChanges {
				r.sendOccupant(full, o, occupantStanza{})
			}
		}
		if r.self().Level == legacy.LevelNone {
			r.sendSelf(full)
		}
	})
}
