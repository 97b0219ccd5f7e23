package component

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"transport/component/adhoc"
	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// roomCommands returns the ad-hoc commands that find and join rooms and change the nick.
func (c *Component) roomCommands() []*command {
	list := &command{Node: "list-rooms", Name: "List rooms", Word: "list", Argument: "[PATTERN]", Args: []string{"name"},
		About: "list the rooms, or those with a pattern in their name or topic",
		Who:   adhoc.Members, Needs: legacy.FeatureRoomList, Start: func(u *user, x *execution) { u.rooms.listRoomsForm(x) }}
	if c.info.Services {
		list.Args, list.Argument = []string{"server", "name"}, "SERVER [PATTERN]"
	}
	return []*command{
		{Node: "join-room", Name: "Join a room", Word: "join",
			Argument: strings.ToUpper(cmp.Or(c.info.RoomName, "room")), Args: []string{"room"},
			About: "have the gateway invite your client to a room", Who: adhoc.Members, Needs: legacy.FeatureRooms,
			Start: func(u *user, x *execution) { u.rooms.joinForm(x) }},
		list,
		{Node: "change-nick", Name: "Change my nick", Word: "nick", Argument: "NEW", Args: []string{"nick"},
			About: "change your nick in the rooms that you are in", Needs: legacy.FeatureNicks,
			When: func(u *user) bool { return len(u.rooms.joinedRooms()) > 0 }, Start: func(u *user, x *execution) { u.rooms.nickForm(x) }},
	}
}

// joinedRooms returns the rooms that the user is in, oldest first.
func (rs *rooms) joinedRooms() []*room {
	var all []*room
	for _, r := range rs.all {
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
	x.Ask(asked, true, func(values xep.Answers) {
		peer, err := rs.u.roster.anyPeerByText(values.First("room"))
		if err == nil && !peer.Room {
			err = legacy.Errorf(legacy.NotFound, "That is not a room. The name of a room looks like %s.", cmp.Or(rs.u.c.info.RoomName, "room"))
		}
		if err != nil {
			x.FailField(err, "room")
			return
		}
		jid := rs.u.c.peers.JID(peer.ID)
		rs.invite(x.From, peer, rs.u.c.domain, "")
		x.Finish("info", "The gateway has invited your client to "+jid+". If your client shows no invitation, open "+joinURI(jid),
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
	if rs.u.c.info.Services {
		asked.Add(xep.Required(xep.NewField("server", "text-single", "Server")))
	}
	asked.Add(xep.NewField("name", "text-single", "Part of the name or the topic, empty for all"))
	x.Ask(asked, true, func(values xep.Answers) {
		service := legacy.Peer{}
		if rs.u.c.info.Services {
			var err error
			service, err = rs.u.roster.anyPeerByText(values.First("server"))
			if err == nil && !service.Service {
				err = legacy.Errorf(legacy.NotFound, "This address is not a server.")
			}
			if err != nil {
				x.FailField(err, "server")
				return
			}
		}
		rs.u.login.visit(func() {
			err := rs.roomsAt(x.Request, service, func(rooms []legacy.ListedRoom, err error) {
				if err != nil {
					x.Fail(stanza.Translate(err))
					return
				}
				rs.showRooms(x, rooms, values.First("name"))
			})
			if err != nil {
				x.Fail(stanza.Translate(err))
			}
		}, func(why stanza.Error) { x.Fail(why) })
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
		table.Add(xep.Item(roomColumns, rs.u.c.peers.JID(l.Room.ID), people, body.Truncate(l.Topic, 200)))
	}
	x.Finish("info", text, table)
}

// nickForm asks for the new nick.
func (rs *rooms) nickForm(x *execution) {
	rooms := rs.joinedRooms()
	if len(rooms) == 0 {
		x.Finish("error", "You are not in a room. You choose your nick when you join one.", nil)
		return
	}
	asked := xep.NewForm("form", "", "Change my nick", "").
		Add(xep.Required(xep.NewField("nick", "text-single", "New nick", resourceOf(rooms[0].nick))))
	x.Ask(asked, true, func(values xep.Answers) {
		nick := body.Clean(strings.TrimSpace(values.First("nick")))
		if nick == "" {
			x.AskAgain("The nick is missing.", "nick")
			return
		}
		nick, why := rs.u.c.peers.LegalNick(nick)
		if why != nil {
			why.Field = "nick"
			x.Fail(*why)
			return
		}
		rs.renameAll(x, nick)
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
		x.Finish("error", rs.u.login.stateText(), nil)
		return
	}
	change := &nickChange{pending: make(map[string]bool)}
	change.done = func(err error) {
		if rs.pendingNick == change {
			rs.pendingNick = nil
		}
		switch {
		case x.Request.Answered():
		case err != nil:
			x.FailField(err, "nick")
		default:
			x.Finish("info", "Your nick is now "+nick+".", nil)
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
