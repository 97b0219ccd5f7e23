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
	c *client

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

// channels are the channels that the user is in, or about to enter.
type channels struct {
	c *client

	byName  map[string]*channel   // by folded name
	reacted map[reaction][]string // emojis that messages have
	invites []invite
}

// join enters a channel. (RFC 2812 §3.2.1)
func (cs *channels) join(name, key string) {
	peer := legacy.Peer{ID: cs.c.s.net.id(name, cs.c.link.server), Room: true}
	ch := cs.byName[cs.c.fold(name)]
	switch {
	case ch != nil && ch.peer != peer: // the server folds more than the addresses of XMPP
		cs.c.emit(legacy.RoomFailed{Room: peer, Err: legacy.Errorf(legacy.Conflict, "You are in that channel already, as %s.", ch.name)})
		return
	case ch != nil && ch.parting: // what comes until then is of the earlier stay
		ch.again, ch.key = true, key
		return
	case ch != nil && ch.entered:
		ch.enter() // the core asks again what it has forgotten
		return
	case ch == nil && len(cs.byName) >= maxChannels:
		cs.c.emit(legacy.RoomFailed{Room: peer, Err: legacy.Errorf(legacy.RateLimited, "You are in too many channels.")})
		return
	}
	if ch == nil {
		ch = &channel{c: cs.c, peer: peer, name: name, members: make(map[string]*member), missed: cs.c.link.lostAt}
		cs.byName[cs.c.fold(name)] = ch
	}
	key = strings.ReplaceAll(key, " ", "")
	ch.key = key
	if key == "" {
		cs.c.send(ircwire.Line("JOIN", name))
	} else {
		cs.c.send(ircwire.Line("JOIN", name, key))
	}
}

// wishes are the channels that are to be entered again after a loss.
func (cs *channels) wishes() []wish {
	var all []wish
	for _, ch := range cs.byName {
		if !ch.parting || ch.again {
			all = append(all, wish{ch.peer, ch.name, ch.key})
		}
	}
	return all
}

// enter tells the core that the user is in a channel, and who else is.
func (ch *channel) enter() {
	first := !ch.entered
	ch.entered = true
	me := ch.members[ch.c.fold(ch.c.nick)]
	if me == nil { // the server has left them out
		me = &member{nick: ch.c.nick, address: ch.c.address}
		ch.members[ch.c.fold(ch.c.nick)] = me
	}
	joined := legacy.RoomJoined{Room: ch.peer, Nick: me.nick, Topic: ch.topic, MessageTags: ch.c.caps["message-tags"], Redacts: ch.c.caps["draft/message-redaction"],
		Occupants: make([]legacy.Occupant, 0, len(ch.members))}
	for _, m := range ch.members {
		joined.Occupants = append(joined.Occupants, m.occupant())
	}
	ch.c.emit(joined)
	for _, said := range ch.early {
		ch.c.emit(said)
	}
	if ch.early = nil; first {
		ch.askMissed()
	}
}

const missedLines = 50 // that are asked for

// askMissed asks what was said before the user came, where the server knows.
// (IRCv3 chathistory)
func (ch *channel) askMissed() {
	if !ch.c.caps["draft/chathistory"] && !ch.c.caps["chathistory"] {
		return
	}
	since := "*"
	if !ch.missed.IsZero() {
		since = "timestamp=" + ch.missed.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	ch.c.send(ircwire.Line("CHATHISTORY", "LATEST", ch.name, since, strconv.Itoa(missedLines)))
}

func (cs *channels) part(name, reason string) {
	ch := cs.byName[cs.c.fold(name)]
	if ch == nil {
		return
	}
	if ch.again = false; ch.parting {
		return
	}
	line := ircwire.Line("PART", ch.name)
	if reason != "" {
		line = ircwire.Line("PART", ch.name, cs.c.encodeFor(ch.peer, reason))
	}
	ch.parting = cs.c.send(line)
}

// parted: the server has confirmed that the user has left a channel.
func (ch *channel) parted(how legacy.RoomLeft) {
	ch.forget()
	if ch.again {
		ch.c.channels.join(ch.name, ch.key)
		return
	}
	ch.c.emit(how)
	if len(ch.c.channels.byName) == 0 {
		ch.c.idleAt = ch.c.now()
		if ch.c.talked {
			ch.c.idleAt = ch.c.now().Add(idleLimit)
		}
	}
}

func (cs *channels) setTopic(name, topic string) {
	if ch := cs.byName[cs.c.fold(name)]; ch != nil {
		cs.c.send("TOPIC " + ch.name + " :" + cs.c.encodeFor(ch.peer, cleanLine(topic)))
	}
}

func (cs *channels) invite(name, nick string) {
	ch := cs.byName[cs.c.fold(name)]
	if ch == nil {
		return
	}
	if cs.c.send(ircwire.Line("INVITE", nick, ch.name)) {
		if len(cs.invites) >= maxInvites {
			cs.invites = cs.invites[1:]
		}
		cs.invites = append(cs.invites, invite{nick, ch.name})
	}
}

// invite is somebody who was asked in, which the server has yet to confirm.
type invite struct{ nick, channel string }

const maxInvites = 16 // that are remembered

// invited ends an invitation, and returns its channel, "" if there is none to that nick.
func (cs *channels) invited(nick string) (channel string) {
	i := slices.IndexFunc(cs.invites, func(v invite) bool { return cs.c.fold(v.nick) == cs.c.fold(nick) })
	if i >= 0 {
		channel = cs.invites[i].channel
		cs.invites = slices.Delete(cs.invites, i, i+1)
	}
	return channel
}

// onInvite: somebody asks the user in, or with invite-notify somebody else.
// (RFC 2812 §3.2.7)
func (cs *channels) onInvite(m ircwire.Message) {
	name := m.Param(1)
	switch ch := cs.byName[cs.c.fold(name)]; {
	case cs.c.isMe(m.Param(0)) && isChannel(name) && ircwire.IsNick(m.Nick()):
		cs.c.emit(legacy.Invited{Room: legacy.Peer{ID: cs.c.s.net.id(name, cs.c.link.server), Room: true}, By: cs.c.peer(m.Nick())})
	case ch != nil && ch.entered:
		cs.c.emit(legacy.RoomMessage{Room: ch.peer, Text: ircwire.Plain(m.Nick() + " has invited " + m.Param(0) + ".")})
	}
}

func (cs *channels) setNick(nick string) {
	if !ircwire.IsNick(nick) {
		cs.nickFailed(legacy.Errorf(legacy.Forbidden, "IRC does not allow that nick."))
		return
	}
	cs.c.send(ircwire.Line("NICK", nick))
}

// nickFailed tells each room that the nick stays as it is.
func (cs *channels) nickFailed(err error) {
	for _, ch := range cs.byName {
		if ch.entered {
			cs.c.emit(legacy.RoomFailed{Room: ch.peer, Nick: true, Err: err})
		}
	}
}

func (cs *channels) onJoin(m ircwire.Message) {
	name := m.Param(0)
	ch := cs.byName[cs.c.fold(name)]
	if cs.c.isMe(m.Nick()) {
		cs.c.address = m.Address()
		if ch == nil && cs.c.closing {
			return
		}
		if ch == nil { // the server, or services, put us there
			if len(cs.byName) >= maxChannels || !isChannel(name) {
				cs.c.send(ircwire.Line("PART", name))
				return
			}
			ch = &channel{c: cs.c, peer: legacy.Peer{ID: cs.c.s.net.id(name, cs.c.link.server), Room: true}, members: make(map[string]*member)}
			cs.byName[cs.c.fold(name)] = ch
		}
		ch.name = name
		return // the names follow
	}
	if ch == nil || !isName(m.Nick()) || cs.crowded() {
		return
	}
	account := m.Tags["account"]
	if cs.c.caps["extended-join"] {
		account = m.Param(1)
	}
	who := newMember(m.Nick(), m.Address(), account)
	ch.distinguish(who, cs.c.now())
	ch.members[cs.c.fold(who.nick)] = who
	if ch.entered {
		cs.c.emit(legacy.OccupantJoined{Room: ch.peer, Occupant: who.occupant()})
	}
}

// crowded reports whether the server tells of more people than are remembered.
func (cs *channels) crowded() bool {
	n := 0
	for _, ch := range cs.byName {
		n += len(ch.members)
	}
	return n >= maxMembers
}

// onLeave handles PART and KICK.
func (cs *channels) onLeave(m ircwire.Message) {
	ch := cs.byName[cs.c.fold(m.Param(0))]
	if ch == nil {
		return
	}
	nick, by, kind, reason := m.Nick(), "", legacy.LeftRoom, ircwire.Plain(m.Param(1))
	if m.Command == "KICK" {
		nick, by, kind, reason = m.Param(1), ircwire.Plain(m.Nick()), legacy.LeftKicked, ircwire.Plain(m.Param(2))
		if who := ch.members[cs.c.fold(nick)]; who != nil && ch.banned.fits(who, cs.c.now()) {
			kind = legacy.LeftBanned
		}
		cs.c.pending.answer(func(a *ask) bool { return a.kind == askKick && a.is(cs.c, ch.name, nick) }, nil)
	}
	if !cs.c.isMe(nick) {
		ch.leave(nick, kind, by, reason)
		return
	}
	if m.Command == "KICK" && ch.parting { // it crosses our PART, the answer to which is yet to come
		return
	}
	ch.parted(legacy.RoomLeft{Room: ch.peer, Kind: kind, By: by, Reason: reason})
}

// forget takes a channel out that the user is not in, and answers who asked about it.
func (ch *channel) forget() {
	delete(ch.c.channels.byName, ch.c.fold(ch.name))
	ch.refuseQuestions(legacy.Errorf(legacy.Offline, "You are not in that channel."))
}

func (ch *channel) leave(nick string, kind legacy.LeaveKind, by, reason string) {
	if old := ch.members[ch.c.fold(nick)]; old != nil {
		delete(ch.members, ch.c.fold(nick))
		if ch.entered {
			ch.c.emit(legacy.OccupantLeft{Room: ch.peer, Nick: old.nick, Kind: kind, By: by, Reason: reason})
		}
	}
}

func (cs *channels) onQuit(m ircwire.Message) {
	if cs.c.isMe(m.Nick()) {
		return // the connection ends, which tells
	}
	kind := legacy.LeftRoom
	if cs.c.pending.batches[m.Tags["batch"]].Param(1) == "netsplit" {
		kind = legacy.LeftLost
	}
	for _, ch := range cs.byName {
		ch.leave(m.Nick(), kind, "", ircwire.Plain(m.Param(0)))
	}
}

func (cs *channels) onNick(m ircwire.Message) {
	old, new := m.Nick(), m.Param(0)
	if !isName(new) {
		return
	}
	if cs.c.isMe(old) {
		cs.c.nick = new
	}
	for _, ch := range cs.byName {
		who := ch.members[cs.c.fold(old)]
		if who == nil {
			continue
		}
		delete(ch.members, cs.c.fold(old))
		who.asCame()
		ch.renamed = true
		old := who.nick // as the core knows it
		who.nick = new
		ch.members[cs.c.fold(new)] = who
		if ch.entered {
			cs.c.emit(legacy.OccupantRenamed{Room: ch.peer, Old: old, New: new})
		}
	}
}

func (cs *channels) onTopic(m ircwire.Message) {
	if ch := cs.byName[cs.c.fold(m.Param(0))]; ch != nil {
		ch.topic = legacy.Topic{Text: ircwire.Plain(m.Param(1)), By: ircwire.Plain(m.Nick()), Time: cs.c.now()}
		if ch.entered {
			cs.c.emit(legacy.TopicChanged{Room: ch.peer, Topic: ch.topic})
		}
	}
}

// onChannelReply handles what the server tells of a channel, most of it at the
// start.
func (cs *channels) onChannelReply(m ircwire.Message) {
	at := 1
	if m.Command == "353" {
		at = 2
	}
	ch := cs.byName[cs.c.fold(m.Param(at))]
	if ch == nil {
		return
	}
	switch m.Command {
	case "324":
		ch.onConfig(m)
	case "332":
		ch.topic.Text = ircwire.Plain(m.Param(2))
	case "333":
		ch.topic.By, _, _ = strings.Cut(ircwire.Plain(m.Param(2)), "!")
		if sec, err := strconv.ParseInt(m.Param(3), 10, 64); err == nil {
			ch.topic.Time = time.Unix(sec, 0)
		}
	case "353":
		if ch.entered || cs.crowded() {
			return
		}
		for entry := range strings.SplitSeq(m.Param(3), " ") {
			nick, modes := cs.c.support.prefixes.SplitNick(entry)
			nick, address, _ := strings.Cut(nick, "!")
			if isName(nick) {
				who := newMember(nick, address, "")
				who.modes = modes
				ch.members[cs.c.fold(who.nick)] = who
			}
		}
	case "366":
		if !ch.entered && !ch.parting {
			ch.enter()
		}
	case "367", "368":
		ch.onBans(m)
	}
}
