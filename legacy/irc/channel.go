package irc

import (
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// channel is one that the user is in, or is about to enter.
type channel struct {
	name    string // as the server writes it
	entered bool   // RoomJoined was emitted
	members map[string]*member
	topic   legacy.Topic
}

// member is somebody in a channel.
type member struct {
	nick    string
	modes   string // of ircwire.Prefixes, in no order
	away    bool
	address string
}

const (
	maxChannels = 100
	maxMembers  = 50_000 // of all channels that a server may tell of, each
)

func (c *client) room(ch *channel) legacy.Peer {
	return legacy.Peer{ID: ircwire.RFC1459.Fold(ch.name), Room: true}
}

// occupant is a member as the core knows it.
func (m *member) occupant() legacy.Occupant {
	o := legacy.Occupant{Nick: m.nick, Away: m.away, Address: m.address}
	for _, mode := range m.modes {
		o.Level = max(o.Level, levelOf(byte(mode)))
	}
	return o
}

func levelOf(mode byte) legacy.Level {
	switch mode {
	case 'v':
		return legacy.LevelVoice
	case 'h':
		return legacy.LevelHelper
	case 'o':
		return legacy.LevelOperator
	case 'a', 'q', 'y', 'Y':
		return legacy.LevelOwner
	}
	return legacy.LevelNone
}

// join enters a channel. (RFC 2812 §3.2.1)
func (c *client) join(name, key string) {
	if ch := c.channels[c.fold(name)]; ch != nil && ch.entered {
		c.enter(ch) // the core asks again what it has forgotten
		return
	}
	if len(c.channels) >= maxChannels {
		c.emit(legacy.RoomFailed{Room: legacy.Peer{ID: name, Room: true}, Err: legacy.Errorf(legacy.RateLimited, "You are in too many channels.")})
		return
	}
	c.channels[c.fold(name)] = &channel{name: name, members: make(map[string]*member)}
	params := []string{name}
	if key != "" {
		params = append(params, strings.ReplaceAll(key, " ", ""))
	}
	c.send(ircwire.Line("JOIN", params...), nil)
}

// enter tells the core that the user is in a channel, and who else is.
func (c *client) enter(ch *channel) {
	ch.entered = true
	joined := legacy.RoomJoined{Room: c.room(ch), Nick: c.nick, Topic: ch.topic}
	for _, m := range ch.members {
		joined.Occupants = append(joined.Occupants, m.occupant())
	}
	c.emit(joined)
}

func (c *client) part(name, reason string) {
	if ch := c.channels[c.fold(name)]; ch != nil {
		if reason == "" {
			c.send(ircwire.Line("PART", ch.name), nil)
		} else {
			c.send(ircwire.Line("PART", ch.name, reason), nil)
		}
	}
}

func (c *client) setTopic(name, topic string) {
	if ch := c.channels[c.fold(name)]; ch != nil {
		c.send(ircwire.Line("TOPIC", ch.name, topic), nil)
	}
}

func (c *client) invite(name, nick string) {
	if ch := c.channels[c.fold(name)]; ch != nil {
		c.send(ircwire.Line("INVITE", nick, ch.name), nil)
	}
}

// onInvite: somebody asks the user in. (RFC 2812 §3.2.7)
func (c *client) onInvite(m ircwire.Message) {
	if name := m.Param(1); c.isMe(m.Param(0)) && isChannel(name) && ircwire.IsNick(m.Nick()) {
		c.emit(legacy.Invited{Room: legacy.Peer{ID: ircwire.RFC1459.Fold(name), Room: true}, By: c.peer(m.Nick())})
	}
}

func (c *client) setNick(nick string) {
	if !ircwire.IsNick(nick) {
		c.nickFailed(legacy.Errorf(legacy.Forbidden, "IRC does not allow that nick."))
		return
	}
	c.send(ircwire.Line("NICK", nick), nil)
}

// nickFailed tells each room that the nick stays as it is.
func (c *client) nickFailed(err error) {
	for _, ch := range c.channels {
		if ch.entered {
			c.emit(legacy.RoomFailed{Room: c.room(ch), Err: err})
		}
	}
}

func (c *client) onJoin(m ircwire.Message) {
	name := m.Param(0)
	ch := c.channels[c.fold(name)]
	if c.isMe(m.Nick()) {
		c.address = m.Address()
		if ch == nil { // the server, or services, put us there
			ch = &channel{members: make(map[string]*member)}
			c.channels[c.fold(name)] = ch
		}
		ch.name = name
		return // the names follow
	}
	if ch == nil || len(ch.members) >= maxMembers {
		return
	}
	new := &member{nick: m.Nick(), address: m.Address()}
	ch.members[c.fold(new.nick)] = new
	if ch.entered {
		c.emit(legacy.OccupantJoined{Room: c.room(ch), Occupant: new.occupant()})
	}
}

// onLeave handles PART and KICK.
func (c *client) onLeave(m ircwire.Message) {
	ch := c.channels[c.fold(m.Param(0))]
	if ch == nil {
		return
	}
	nick, by, kind, reason := m.Nick(), "", legacy.LeftRoom, ircwire.Plain(m.Param(1))
	if m.Command == "KICK" {
		nick, by, kind, reason = m.Param(1), m.Nick(), legacy.LeftKicked, ircwire.Plain(m.Param(2))
		c.answer(func(a ask) bool { return a.kick && a.is(c, ch.name, nick) }, nil)
	}
	if c.isMe(nick) {
		delete(c.channels, c.fold(ch.name))
		c.emit(legacy.RoomLeft{Room: c.room(ch), Kind: kind, By: by, Reason: reason})
		return
	}
	c.leave(ch, nick, kind, by, reason)
}

func (c *client) leave(ch *channel, nick string, kind legacy.LeaveKind, by, reason string) {
	if old := ch.members[c.fold(nick)]; old != nil {
		delete(ch.members, c.fold(nick))
		if ch.entered {
			c.emit(legacy.OccupantLeft{Room: c.room(ch), Nick: old.nick, Kind: kind, By: by, Reason: reason})
		}
	}
}

func (c *client) onQuit(m ircwire.Message) {
	if c.isMe(m.Nick()) {
		return // the connection ends, which tells
	}
	for _, ch := range c.channels {
		c.leave(ch, m.Nick(), legacy.LeftRoom, "", ircwire.Plain(m.Param(0)))
	}
}

func (c *client) onNick(m ircwire.Message) {
	old, new := m.Nick(), m.Param(0)
	if new == "" {
		return
	}
	if c.isMe(old) {
		c.nick = new
	}
	for _, ch := range c.channels {
		who := ch.members[c.fold(old)]
		if who == nil {
			continue
		}
		delete(ch.members, c.fold(old))
		who.nick = new
		ch.members[c.fold(new)] = who
		if ch.entered {
			c.emit(legacy.OccupantRenamed{Room: c.room(ch), Old: old, New: new})
		}
	}
}

func (c *client) onTopic(m ircwire.Message) {
	if ch := c.channels[c.fold(m.Param(0))]; ch != nil {
		ch.topic = legacy.Topic{Text: ircwire.Plain(m.Param(1)), By: m.Nick(), Time: c.now()}
		c.emit(legacy.TopicChanged{Room: c.room(ch), Topic: ch.topic})
	}
}

func (c *client) onAway(m ircwire.Message) {
	for _, ch := range c.channels {
		if who := ch.members[c.fold(m.Nick())]; who != nil && who.away != (m.Param(0) != "") {
			who.away = !who.away
			if ch.entered {
				c.emit(legacy.OccupantChanged{Room: c.room(ch), Occupant: who.occupant()})
			}
		}
	}
}

// onMode handles changes of a channel's modes: those that are ranks.
// (RFC 2812 §3.2.3)
func (c *client) onMode(m ircwire.Message) {
	ch := c.channels[c.fold(m.Param(0))]
	if ch == nil {
		return
	}
	args, set := m.Params[min(2, len(m.Params)):], true
	for _, mode := range []byte(m.Param(1)) {
		switch {
		case mode == '+' || mode == '-':
			set = mode == '+'
			continue
		case strings.IndexByte(c.prefixes.Modes, mode) >= 0 && len(args) > 0:
			c.rank(ch, args[0], mode, set)
		case !takesArgument(mode, set):
			continue
		}
		args = args[min(1, len(args)):]
	}
}

// takesArgument reports whether a mode of a channel has a parameter, as most
// servers have it.
func takesArgument(mode byte, set bool) bool {
	return strings.IndexByte("beIkqaohvZ", mode) >= 0 || set && strings.IndexByte("lfjLHJF", mode) >= 0
}

// rank gives or takes a rank.
func (c *client) rank(ch *channel, nick string, mode byte, set bool) {
	who := ch.members[c.fold(nick)]
	if who == nil {
		return
	}
	before := who.occupant()
	who.modes = strings.ReplaceAll(who.modes, string(mode), "")
	if set {
		who.modes += string(mode)
	}
	if now := who.occupant(); now != before && ch.entered {
		c.emit(legacy.OccupantChanged{Room: c.room(ch), Occupant: now})
	}
	c.answer(func(a ask) bool { return !a.kick && a.is(c, ch.name, nick) }, nil)
}

// onChannelReply handles what the server tells of a channel, most of it at the
// start.
func (c *client) onChannelReply(m ircwire.Message) {
	at := 1
	if m.Command == "353" {
		at = 2
	}
	ch := c.channels[c.fold(m.Param(at))]
	if ch == nil {
		return
	}
	switch m.Command {
	case "332":
		ch.topic.Text = ircwire.Plain(m.Param(2))
	case "333":
		ch.topic.By, _, _ = strings.Cut(m.Param(2), "!")
		if sec, err := strconv.ParseInt(m.Param(3), 10, 64); err == nil {
			ch.topic.Time = time.Unix(sec, 0)
		}
	case "353":
		for entry := range strings.FieldsSeq(m.Param(3)) {
			nick, modes := c.prefixes.SplitNick(entry)
			nick, address, _ := strings.Cut(nick, "!")
			if nick != "" && !ch.entered && len(ch.members) < maxMembers {
				ch.members[c.fold(nick)] = &member{nick: nick, modes: modes, address: address}
			}
		}
	case "366":
		if !ch.entered {
			c.enter(ch)
		}
	}
}
