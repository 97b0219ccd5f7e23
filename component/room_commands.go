package component

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"transport/component/adhoc"
	"transport/component/body"
	"transport/component/muc"
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
			When: func(u *user) bool { return u.rooms.Nick() != "" }, Start: func(u *user, x *execution) { u.rooms.nickForm(x) }},
	}
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
		rs.Invite(x.From, peer, rs.u.c.domain, "")
		x.Finish("info", "The gateway has invited your client to "+jid+". If your client shows no invitation, open "+muc.JoinURI(jid),
			xep.NewForm("result", "", "Join a room", "").Add(xep.NewField("room", "jid-single", "Address of the room", jid)))
	})
}

var roomColumns = [][2]string{{"jid", "Address"}, {"people", "People"}, {"topic", "Topic"}}

// maxRoomsShown limits the rooms in the answer of the command; the largest are shown.
const maxRoomsShown = 200 // limit: rooms in a list that is sent as text | "… and N more"

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
			err := rs.RequestList(x.Request, service, func(rooms []legacy.ListedRoom, err error) {
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
	before := rs.Nick()
	if before == "" {
		x.Finish("error", "You are not in a room. You choose your nick when you join one.", nil)
		return
	}
	asked := xep.NewForm("form", "", "Change my nick", "").
		Add(xep.Required(xep.NewField("nick", "text-single", "New nick", muc.Resource(before))))
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
		rs.changeNick(x, nick)
	})
}

// changeNick requests a nick change in all rooms, and answers the command with its result.
func (rs *rooms) changeNick(x *execution, nick string) {
	signedOn := rs.SetNick(nick, func(err error) {
		switch {
		case x.Request.Answered():
		case err != nil:
			x.FailField(err, "nick")
		default:
			x.Finish("info", "Your nick is now "+nick+".", nil)
		}
	})
	if !signedOn {
		x.Finish("error", rs.u.login.stateText(), nil)
	}
}
