package irc

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// channel is one that the user is in, or is about to enter.
type channel struct {
	peer    legacy.Peer // as the core knows it
	name    string      // as the server writes it
	key     string
	entered bool // RoomJoined was emitted
	members map[string]*member
	topic   legacy.Topic
	config  legacy.RoomConfig    // as the server told it last
	known   bool                 // config is all of it
	banned  ban                  // the last one, to know a ban from a kick
	configs []string             // refs of who waits for its modes
	bans    *banAsk              // a list of bans under way
	missed  time.Time            // since when the user was not there, zero if unknown
	early   []legacy.RoomMessage // that came before the end of the names
	renamed bool                 // somebody has another nick than they came with
	parting bool                 // the user has left it, which the server has yet to confirm
	again   bool                 // and is to come back then
}

const (
	maxChannels = 250
	maxMembers  = 100_000 // of all channels together
)

// join enters a channel. (RFC 2812 §3.2.1)
func (c *client) join(name, key string) {
	peer := legacy.Peer{ID: c.s.net.id(name, c.link.server), Room: true}
	ch := c.channels[c.fold(name)]
	switch {
	case ch != nil && ch.peer != peer: // the server folds more than the addresses of XMPP
		c.emit(legacy.RoomFailed{Room: peer, Err: legacy.Errorf(legacy.Conflict, "You are in that channel already, as %s.", ch.name)})
		return
	case ch != nil && ch.parting: // what comes until then is of the earlier stay
		ch.again, ch.key = true, key
		return
	case ch != nil && ch.entered:
		c.enter(ch) // the core asks again what it has forgotten
		return
	case ch == nil && len(c.channels) >= maxChannels:
		c.emit(legacy.RoomFailed{Room: peer, Err: legacy.Errorf(legacy.RateLimited, "You are in too many channels.")})
		return
	}
	if ch == nil {
		ch = &channel{peer: peer, name: name, members: make(map[string]*member), missed: c.link.lostAt}
		c.channels[c.fold(name)] = ch
	}
	key = strings.ReplaceAll(key, " ", "")
	ch.key = key
	if key == "" {
		c.send(ircwire.Line("JOIN", name))
	} else {
		c.send(ircwire.Line("JOIN", name, key))
	}
}

// wishes are the channels that are to be entered again after a loss.
func (c *client) wishes() []wish {
	var all []wish
	for _, ch := range c.channels {
		if !ch.parting || ch.again {
			all = append(all, wish{ch.peer, ch.name, ch.key})
		}
	}
	return all
}

// enter tells the core that the user is in a channel, and who else is.
func (c *client) enter(ch *channel) {
	first := !ch.entered
	ch.entered = true
	me := ch.members[c.fold(c.nick)]
	if me == nil { // the server has left them out
		me = &member{nick: c.nick, address: c.address}
		ch.members[c.fold(c.nick)] = me
	}
	joined := legacy.RoomJoined{Room: ch.peer, Nick: me.nick, Topic: ch.topic, Tags: c.caps["message-tags"], Redacts: c.caps["draft/message-redaction"],
		Occupants: make([]legacy.Occupant, 0, len(ch.members))}
	for _, m := range ch.members {
		joined.Occupants = append(joined.Occupants, m.occupant())
	}
	c.emit(joined)
	for _, said := range ch.early {
		c.emit(said)
	}
	if ch.early = nil; first {
		c.askMissed(ch)
	}
}

const missedLines = 50 // that are asked for

// askMissed asks what was said before the user came, where the server knows.
// (IRCv3 chathistory)
func (c *client) askMissed(ch *channel) {
	if !c.caps["draft/chathistory"] && !c.caps["chathistory"] {
		return
	}
	since := "*"
	if !ch.missed.IsZero() {
		since = "timestamp=" + ch.missed.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	c.send(ircwire.Line("CHATHISTORY", "LATEST", ch.name, since, strconv.Itoa(missedLines)))
}

func (c *client) part(name, reason string) {
	ch := c.channels[c.fold(name)]
	if ch == nil {
		return
	}
	if ch.again = false; ch.parting {
		return
	}
	line := ircwire.Line("PART", ch.name)
	if reason != "" {
		line = ircwire.Line("PART", ch.name, c.encodeFor(ch.peer, reason))
	}
	ch.parting = c.send(line)
}

// parted: the server has confirmed that the user has left a channel.
func (c *client) parted(ch *channel, how legacy.RoomLeft) {
	c.forget(ch)
	if ch.again {
		c.join(ch.name, ch.key)
		return
	}
	c.emit(how)
	if len(c.channels) == 0 {
		c.idleAt = c.now()
		if c.talked {
			c.idleAt = c.now().Add(idleLimit)
		}
	}
}

func (c *client) setTopic(name, topic string) {
	if ch := c.channels[c.fold(name)]; ch != nil {
		c.send("TOPIC " + ch.name + " :" + c.encodeFor(ch.peer, cleanLine(topic)))
	}
}

func (c *client) invite(name, nick string) {
	ch := c.channels[c.fold(name)]
	if ch == nil {
		return
	}
	if c.send(ircwire.Line("INVITE", nick, ch.name)) {
		if len(c.invites) >= maxInvites {
			c.invites = c.invites[1:]
		}
		c.invites = append(c.invites, invite{nick, ch.name})
	}
}

// invite is somebody who was asked in, which the server has yet to confirm.
type invite struct{ nick, channel string }

const maxInvites = 16 // that are remembered

// invited ends an invitation, and returns its channel, "" if there is none to that nick.
func (c *client) invited(nick string) (channel string) {
	i := slices.IndexFunc(c.invites, func(v invite) bool { return c.fold(v.nick) == c.fold(nick) })
	if i >= 0 {
		channel = c.invites[i].channel
		c.invites = slices.Delete(c.invites, i, i+1)
	}
	return channel
}

// onInvite: somebody asks the user in, or with invite-notify somebody else.
// (RFC 2812 §3.2.7)
func (c *client) onInvite(m ircwire.Message) {
	name := m.Param(1)
	switch ch := c.channels[c.fold(name)]; {
	case c.isMe(m.Param(0)) && isChannel(name) && ircwire.IsNick(m.Nick()):
		c.emit(legacy.Invited{Room: legacy.Peer{ID: c.s.net.id(name, c.link.server), Room: true}, By: c.peer(m.Nick())})
	case ch != nil && ch.entered:
		c.emit(legacy.RoomMessage{Room: ch.peer, Text: ircwire.Plain(m.Nick() + " has invited " + m.Param(0) + ".")})
	}
}

func (c *client) setNick(nick string) {
	if !ircwire.IsNick(nick) {
		c.nickFailed(legacy.Errorf(legacy.Forbidden, "IRC does not allow that nick."))
		return
	}
	c.send(ircwire.Line("NICK", nick))
}

// nickFailed tells each room that the nick stays as it is.
func (c *client) nickFailed(err error) {
	for _, ch := range c.channels {
		if ch.entered {
			c.emit(legacy.RoomFailed{Room: ch.peer, Nick: true, Err: err})
		}
	}
}

func (c *client) onJoin(m ircwire.Message) {
	name := m.Param(0)
	ch := c.channels[c.fold(name)]
	if c.isMe(m.Nick()) {
		c.address = m.Address()
		if ch == nil && c.closing {
			return
		}
		if ch == nil { // the server, or services, put us there
			if len(c.channels) >= maxChannels || !isChannel(name) {
				c.send(ircwire.Line("PART", name))
				return
			}
			ch = &channel{peer: legacy.Peer{ID: c.s.net.id(name, c.link.server), Room: true}, members: make(map[string]*member)}
			c.channels[c.fold(name)] = ch
		}
		ch.name = name
		return // the names follow
	}
	if ch == nil || !isName(m.Nick()) || c.crowded() {
		return
	}
	account := m.Tags["account"]
	if c.caps["extended-join"] {
		account = m.Param(1)
	}
	who := newMember(m.Nick(), m.Address(), account)
	ch.distinguish(who, c.now())
	ch.members[c.fold(who.nick)] = who
	if ch.entered {
		c.emit(legacy.OccupantJoined{Room: ch.peer, Occupant: who.occupant()})
	}
}

// crowded reports whether the server tells of more people than are remembered.
func (c *client) crowded() bool {
	n := 0
	for _, ch := range c.channels {
		n += len(ch.members)
	}
	return n >= maxMembers
}

// onLeave handles PART and KICK.
func (c *client) onLeave(m ircwire.Message) {
	ch := c.channels[c.fold(m.Param(0))]
	if ch == nil {
		return
	}
	nick, by, kind, reason := m.Nick(), "", legacy.LeftRoom, ircwire.Plain(m.Param(1))
	if m.Command == "KICK" {
		nick, by, kind, reason = m.Param(1), ircwire.Plain(m.Nick()), legacy.LeftKicked, ircwire.Plain(m.Param(2))
		if who := ch.members[c.fold(nick)]; who != nil && ch.banned.fits(who, c.now()) {
			kind = legacy.LeftBanned
		}
		c.answer(func(a *ask) bool { return a.kind == askKick && a.is(c, ch.name, nick) }, nil)
	}
	if !c.isMe(nick) {
		c.leave(ch, nick, kind, by, reason)
		return
	}
	if m.Command == "KICK" && ch.parting { // it crosses our PART, the answer to which is yet to come
		return
	}
	c.parted(ch, legacy.RoomLeft{Room: ch.peer, Kind: kind, By: by, Reason: reason})
}

// forget takes a channel out that the user is not in, and answers who asked about it.
func (c *client) forget(ch *channel) {
	delete(c.channels, c.fold(ch.name))
	c.refuseQuestions(ch, legacy.Errorf(legacy.Offline, "You are not in that channel."))
}

func (c *client) leave(ch *channel, nick string, kind legacy.LeaveKind, by, reason string) {
	if old := ch.members[c.fold(nick)]; old != nil {
		delete(ch.members, c.fold(nick))
		if ch.entered {
			c.emit(legacy.OccupantLeft{Room: ch.peer, Nick: old.nick, Kind: kind, By: by, Reason: reason})
		}
	}
}

func (c *client) onQuit(m ircwire.Message) {
	if c.isMe(m.Nick()) {
		return // the connection ends, which tells
	}
	kind := legacy.LeftRoom
	if c.batches[m.Tags["batch"]].Param(1) == "netsplit" {
		kind = legacy.LeftLost
	}
	for _, ch := range c.channels {
		c.leave(ch, m.Nick(), kind, "", ircwire.Plain(m.Param(0)))
	}
}

func (c *client) onNick(m ircwire.Message) {
	old, new := m.Nick(), m.Param(0)
	if !isName(new) {
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
		who.asCame()
		ch.renamed = true
		old := who.nick // as the core knows it
		who.nick = new
		ch.members[c.fold(new)] = who
		if ch.entered {
			c.emit(legacy.OccupantRenamed{Room: ch.peer, Old: old, New: new})
		}
	}
}

func (c *client) onTopic(m ircwire.Message) {
	if ch := c.channels[c.fold(m.Param(0))]; ch != nil {
		ch.topic = legacy.Topic{Text: ircwire.Plain(m.Param(1)), By: ircwire.Plain(m.Nick()), Time: c.now()}
		if ch.entered {
			c.emit(legacy.TopicChanged{Room: ch.peer, Topic: ch.topic})
		}
	}
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
	case "324":
		c.onConfig(ch, m)
	case "332":
		ch.topic.Text = ircwire.Plain(m.Param(2))
	case "333":
		ch.topic.By, _, _ = strings.Cut(ircwire.Plain(m.Param(2)), "!")
		if sec, err := strconv.ParseInt(m.Param(3), 10, 64); err == nil {
			ch.topic.Time = time.Unix(sec, 0)
		}
	case "353":
		if ch.entered || c.crowded() {
			return
		}
		for entry := range strings.SplitSeq(m.Param(3), " ") {
			nick, modes := c.support.prefixes.SplitNick(entry)
			nick, address, _ := strings.Cut(nick, "!")
			if isName(nick) {
				who := newMember(nick, address, "")
				who.modes = modes
				ch.members[c.fold(who.nick)] = who
			}
		}
	case "366":
		if !ch.entered && !ch.parting {
			c.enter(ch)
		}
	case "367", "368":
		c.onBans(ch, m)
	}
}
