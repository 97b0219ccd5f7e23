package component

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// roomCommands returns the ad-hoc commands that find and join rooms and change the nick.
func (c *Component) roomCommands() []*command {
	list := &command{node: "list-rooms", name: "List rooms", word: "list", argument: "[PATTERN]", args: []string{"name"},
		about: "list the rooms, or those with a pattern in their name or topic",
		who:   members, needs: legacy.FeatureRoomList, start: func(u *user, x *execution) { u.rooms.listRoomsForm(x) }}
	if c.services {
		list.args, list.argument = []string{"server", "name"}, "SERVER [PATTERN]"
	}
	return []*command{
		{node: "join-room", name: "Join a room", word: "join",
			argument: strings.ToUpper(cmp.Or(c.info.RoomName, "room")), args: []string{"room"},
			about: "have the gateway invite your client to a room", who: members, needs: legacy.FeatureRooms,
			start: func(u *user, x *execution) { u.rooms.joinForm(x) }},
		list,
		{node: "change-nick", name: "Change my nick", word: "nick", argument: "NEW", args: []string{"nick"},
			about: "change your nick in the rooms that you are in", needs: legacy.FeatureNicks,
			when: func(u *user) bool { return len(u.rooms.joinedRooms()) > 0 }, start: func(u *user, x *execution) { u.rooms.nickForm(x) }},
	}
}

// joinedRooms returns the rooms that the user is in, oldest first.
func (rs *rooms) joinedRooms() []*room {
	var all []*room
	for _, r := range rs.u.rooms.all {
		if r.joined {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *room) int { return cmp.Compare(a.order, b.order) })
	return all
}

// joinForm asks for a room and invites the user's client: only a client can join.
func (rs *rooms) joinForm(x *execution) {
	asked := xep.NewForm("form", "", "Join a room", "The gateway then sends your client an invitation.").
		Add(xep.Required(xep.NewField("room", "text-single", "Name of the room, as "+cmp.Or(rs.u.c.info.RoomName, "room"))))
	x.ask(asked, true, func(u *user, x *execution, values map[string][]string) {
		peer, err := u.roster.anyPeerByText(firstOf(values["room"]))
		if err == nil && !peer.Room {
			err = legacy.Errorf(legacy.NotFound, "That is not a room. The name of a room looks like %s.", cmp.Or(rs.u.c.info.RoomName, "room"))
		}
		if err != nil {
			x.failField(err, "room")
			return
		}
		jid := u.c.contactJID(peer.ID)
		u.rooms.invite(x.from, peer, u.c.domain, "")
		x.finish("info", "The gateway has invited your client to "+jid+". If your client shows no invitation, open "+joinURI(jid),
			xep.NewForm("result", "", "Join a room", "").Add(xep.NewField("room", "jid-single", "Address of the room", jid)))
	})
}

// joinURI returns a link that makes a client join a room. (XEP-0147 §8.1)
func joinURI(jid string) string {
	local, domain, _ := strings.Cut(jid, "@")
	return "xmpp:" + url.PathEscape(local) + "@" + domain + "?join"
}

var roomColumns = [][2]string{{"jid", "Address"}, {"people", "People"}, {"topic", "Topic"}}

// maxRoomsShown limits the rooms in the answer of the command; the largest are shown.
const maxRoomsShown = 200

// listRoomsForm asks which rooms to list.
func (rs *rooms) listRoomsForm(x *execution) {
	asked := xep.NewForm("form", "", "List rooms", "")
	if rs.u.c.services {
		asked.Add(xep.Required(xep.NewField("server", "text-single", "Server")))
	}
	asked.Add(xep.NewField("name", "text-single", "Part of the name or the topic, empty for all"))
	x.ask(asked, true, func(u *user, x *execution, values map[string][]string) {
		service := legacy.Peer{}
		if u.c.services {
			var err error
			service, err = u.roster.anyPeerByText(firstOf(values["server"]))
			if err == nil && !service.Service {
				err = legacy.Errorf(legacy.NotFound, "This address is not a server.")
			}
			if err != nil {
				x.failField(err, "server")
				return
			}
		}
		u.login.visit(func() {
			err := u.rooms.roomsAt(x.request, service, func(rooms []legacy.ListedRoom, err error) {
				if err != nil {
					x.fail(stanza.Translate(err))
					return
				}
				u.rooms.showRooms(x, rooms, firstOf(values["name"]))
			})
			if err != nil {
				x.fail(stanza.Translate(err))
			}
		}, func(why stanza.Error) { x.fail(why) })
	})
}

// showRooms answers the command with the rooms whose name or topic contains the pattern.
func (rs *rooms) showRooms(x *execution, rooms []legacy.ListedRoom, pattern string) {
	pattern = strings.ToLower(strings.Trim(strings.TrimSpace(pattern), "*"))
	fits := slices.DeleteFunc(slices.Clone(rooms), func(l legacy.ListedRoom) bool {
		return !strings.Contains(strings.ToLower(l.Room.ID), pattern) && !strings.Contains(strings.ToLower(l.Topic), pattern)
	})
	slices.SortStableFunc(fits, func(a, b legacy.ListedRoom) int { return cmp.Compare(b.Occupants, a.Occupants) })
	text := "Found " + count(len(fits), "room") + "."
	if len(fits) > maxRoomsShown {
		text += " Only the " + strconv.Itoa(maxRoomsShown) + " with the most people are shown. Use a longer pattern to find fewer."
		fits = fits[:maxRoomsShown]
	}
	table := xep.NewForm("result", "", "Rooms", "").Add(xep.Reported(roomColumns...))
	for _, l := range fits {
		people := ""
		if l.Occupants > 0 {
			people = strconv.Itoa(l.Occupants)
		}
		table.Add(xep.Item(roomColumns, rs.u.c.contactJID(l.Room.ID), people, body.Truncate(l.Topic, 200)))
	}
	x.finish("info", text, table)
}

// nickForm asks for the new nick.
func (rs *rooms) nickForm(x *execution) {
	rooms := rs.joinedRooms()
	if len(rooms) == 0 {
		x.finish("error", "You are not in a room. You choose your nick when you join one.", nil)
		return
	}
	asked := xep.NewForm("form", "", "Change my nick", "").
		Add(xep.Required(xep.NewField("nick", "text-single", "New nick", resourceOf(rooms[0].nick))))
	x.ask(asked, true, func(u *user, x *execution, values map[string][]string) {
		nick := body.Clean(strings.TrimSpace(firstOf(values["nick"])))
		if nick == "" {
			x.askAgain("The nick is missing.", "nick")
			return
		}
		nick, why := u.c.legalNick(nick)
		if why != nil {
			why.Field = "nick"
			x.fail(*why)
			return
		}
		u.rooms.renameAll(x, nick)
	})
}

// nickChange is a nick change in several rooms, requested by a command.
type nickChange struct {
	pending map[string]bool // rooms that have not yet answered, by Peer.ID
	done    func(error)     // called once, with the first error
}

// renameAll requests a nick change in all rooms: once for each group of rooms in which the
// network has one nick for the user.
func (rs *rooms) renameAll(x *execution, nick string) {
	roomer, ok := rs.u.login.legacySession().(legacy.Roomer)
	if !ok {
		x.finish("error", rs.u.login.stateText(), nil)
		return
	}
	change := &nickChange{pending: make(map[string]bool)}
	change.done = func(err error) {
		if rs.pendingNick == change {
			rs.pendingNick = nil
		}
		switch {
		case x.request.Answered():
		case err != nil:
			x.failField(err, "nick")
		default:
			x.finish("info", "Your nick is now "+nick+".", nil)
		}
	}
	rs.pendingNick = change
	namer, _ := rs.u.c.cfg.Network.(legacy.OccupantNamer)
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
		if err := roomer.SetNick(rs.u.ctx, r.peer, nick); err != nil {
			change.done(err)
			return
		}
	}
	if len(change.pending) == 0 {
		change.done(nil)
	}
}

// onNickChanged handles the network's answer to a nick change in a room; err is nil if the
// nick was changed.
func (rs *rooms) onNickChanged(r *room, err error) {
	c := rs.pendingNick
	if c == nil || !c.pending[r.peer.ID] {
		return
	}
	delete(c.pending, r.peer.ID)
	if err != nil || len(c.pending) == 0 {
		c.done(err)
	}
}
