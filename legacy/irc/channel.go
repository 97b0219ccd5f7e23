package irc

import (
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// channel is a channel that the user is in, joining or leaving.
type channel struct {
	c *client

	peer        legacy.Peer // its address in the core
	name        string      // in the server's spelling
	key         string
	entered     bool // RoomJoined was emitted
	members     map[string]*member
	topic       legacy.Topic
	config      legacy.RoomConfig    // last one reported by the server
	known       bool                 // config is complete
	hidden      string               // those of the modes s and p that are set
	banned      ban                  // the last ban, to tell a ban from a plain kick
	modes       *modesAsk            // the query of the modes under way, nil for none
	bans        *banAsk              // the ban list query under way, nil for none
	onServer    bool                 // the server has confirmed the JOIN
	newTopic    bool                 // TOPIC was sent and is not confirmed yet
	absentSince time.Time            // start of the user's absence, zero if unknown
	buffered    []legacy.RoomMessage // messages received before the end of NAMES
	kept        bool                 // the network has put the user into it
	movedTo     legacy.Peer          // the channel to which the server has redirected the JOIN
	renamed     bool                 // a member has changed its nick since the JOIN
	parting     bool                 // PART was sent and is not confirmed yet
	rejoining   bool                 // rejoin after the PART
}

const (
	maxChannels = 250     // limit: channels of a user on a server | the join is refused: resource-constraint
	maxMembers  = 100_000 // limit: occupants of a user's channels on a server together | further ones are not shown
)

// channels are the channels that the user is in, joining or leaving.
type channels struct {
	c *client

	byName  map[string]*channel   // by folded name
	reacted map[reaction][]string // reactions to messages
	refused refusedNick

	forwarded string // folded name of the channel to which the server has redirected a JOIN
}

// join enters a channel. (RFC 2812 §3.2.1)
func (cs *channels) join(name, key string) {
	peer := legacy.Peer{ID: cs.c.s.net.id(name, cs.c.link.server), Room: true}
	ch := cs.byName[cs.c.fold(name)]
	switch {
	case ch != nil && ch.peer != peer: // the server's casemapping folds more names together than XMPP addresses do
		cs.c.emit(legacy.RoomFailed{Room: peer, Err: legacy.Errorf(legacy.Conflict, "You are already in that channel, under the name %s.", ch.name)})
		return
	case ch != nil && ch.parting: // lines received until the PART is confirmed belong to the earlier stay
		ch.rejoining, ch.key = true, key
		return
	case ch != nil && ch.entered:
		ch.enter() // the core has lost the room's state and needs RoomJoined again
		return
	case ch == nil && cs.c.support.told && !cs.c.support.isChannel(name):
		cs.c.emit(legacy.RoomFailed{Room: peer, Err: legacy.Errorf(legacy.NotFound, "The names of channels on %s begin with one of these characters: %s", cs.c.link.name(), ircwire.Plain(cs.c.support.chanTypes))})
		return
	case ch == nil && len(cs.byName) >= maxChannels:
		cs.c.emit(legacy.RoomFailed{Room: peer, Err: legacy.Errorf(legacy.RateLimited, "You are in too many channels. Leave one first.")})
		return
	}
	if ch == nil {
		ch = &channel{c: cs.c, peer: peer, name: name, members: make(map[string]*member), absentSince: cs.c.link.lostAt}
		cs.byName[cs.c.fold(name)] = ch
	}
	key = strings.ReplaceAll(key, " ", "")
	ch.key = key
	line := ircwire.Line("JOIN", name)
	if key != "" {
		line = ircwire.Line("JOIN", name, key)
	}
	cs.c.pending.request(ask{kind: askJoin, target: name, done: func(err error, _ string) {
		if err != nil {
			ch.joinFailed(err)
		}
	}}, line)
}

// joinFailed reports a failed JOIN, unless another one for the channel is pending, or the
// connection is lost: then the link joins the channel again.
func (ch *channel) joinFailed(err error) {
	cs := &ch.c.channels
	switch {
	case cs.byName[ch.c.fold(ch.name)] != ch, ch.entered, ch.parting, ch.c.pending.over, ch.c.pending.waitsFor(askJoin, ch.name):
	case ch.onServer: // the end of the members is missing
		ch.enter()
	default:
		ch.forget()
		ch.c.emit(legacy.RoomFailed{Room: ch.peer, Err: err, MovedTo: ch.movedTo})
	}
}

// toRejoin returns the channels to rejoin after a lost connection.
func (cs *channels) toRejoin() []rejoin {
	var all []rejoin
	for _, ch := range cs.byName {
		if !ch.parting || ch.rejoining {
			all = append(all, rejoin{ch.peer, ch.name, ch.key})
		}
	}
	return all
}

// enter emits RoomJoined with the channel's members, then the messages received before
// the end of NAMES.
func (ch *channel) enter() {
	first := !ch.entered
	ch.entered = true
	for ch.c.pending.answer(func(a *ask) bool { return a.kind == askJoin && a.is(ch.c, ch.name, "") }, nil) {
	}
	me := ch.members[ch.c.fold(ch.c.nick)]
	if me == nil { // NAMES omitted the user
		me = &member{nick: ch.c.nick, address: ch.c.address}
		ch.members[ch.c.fold(ch.c.nick)] = me
	}
	joined := legacy.RoomJoined{Room: ch.peer, Nick: me.nick, Topic: ch.topic, MessageTags: ch.c.caps["message-tags"], Redacts: ch.c.caps["draft/message-redaction"],
		Kept:      ch.kept || ch.c.reg.bouncer.is,
		Occupants: make([]legacy.Occupant, 0, len(ch.members))}
	for _, m := range ch.members {
		joined.Occupants = append(joined.Occupants, m.occupant())
	}
	ch.c.emit(joined)
	for _, said := range ch.buffered {
		ch.c.emit(said)
	}
	if ch.buffered = nil; first {
		ch.requestHistory()
	}
}

const historyLines = 50 // limit of a CHATHISTORY request

// requestHistory requests the messages sent before the user joined, if the server has
// chathistory. (IRCv3 chathistory)
func (ch *channel) requestHistory() {
	if !ch.c.caps["draft/chathistory"] && !ch.c.caps["chathistory"] {
		return
	}
	since := "*"
	if !ch.absentSince.IsZero() {
		since = "timestamp=" + ch.absentSince.UTC().Format(ircwire.TimeFormat)
	}
	ch.c.send(ircwire.Line("CHATHISTORY", "LATEST", ch.name, since, strconv.Itoa(historyLines)))
}

func (cs *channels) part(name, reason string) {
	ch := cs.byName[cs.c.fold(name)]
	if ch == nil {
		return
	}
	if ch.rejoining = false; ch.parting {
		return
	}
	line := ircwire.Line("PART", ch.name)
	if reason != "" {
		line = ircwire.Line("PART", ch.name, cs.c.encodeFor(ch.peer, reason))
	}
	ch.parting = true
	if q := (queued{line: line}); !cs.c.pending.put(q) {
		cs.c.out.mustPut("", q) // there is at most one for each channel
	}
	fail(cs.c.out.drop(cs.c.fold(ch.name)), legacy.Errorf(legacy.Offline, "You have left the channel."))
	cs.c.drain()
}

// parted handles the server's confirmation of a PART.
func (ch *channel) parted(how legacy.RoomLeft) {
	ch.forget()
	if ch.rejoining {
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

func (cs *channels) onJoin(m ircwire.Message) {
	name := m.Param(0)
	ch := cs.byName[cs.c.fold(name)]
	if cs.c.isMe(m.Nick()) {
		cs.c.address = m.Address()
		if ch == nil && cs.c.closing {
			return
		}
		if ch == nil { // the server or services joined the user
			if len(cs.byName) >= maxChannels || !isChannel(name) {
				cs.c.notice("The network has put you into " + ircwire.Plain(name) + ", which this gateway cannot show.")
				return
			}
			ch = &channel{c: cs.c, peer: legacy.Peer{ID: cs.c.s.net.id(name, cs.c.link.server), Room: true}, members: make(map[string]*member),
				kept: cs.c.fold(name) != cs.forwarded}
			cs.byName[cs.c.fold(name)] = ch
		}
		ch.name, ch.onServer = name, true
		return // NAMES follows
	}
	if ch == nil || !isName(m.Nick()) || cs.tooManyMembers() {
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

// tooManyMembers reports whether the number of members exceeds the limit of the gateway's
// memory.
func (cs *channels) tooManyMembers() bool {
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
	if m.Command == "KICK" && ch.parting { // the KICK crossed our PART, whose reply (442) follows
		return
	}
	ch.parted(legacy.RoomLeft{Room: ch.peer, Kind: kind, By: by, Reason: reason})
}

// forget removes a channel that the user is not in, and fails the queries about it.
func (ch *channel) forget() {
	delete(ch.c.channels.byName, ch.c.fold(ch.name))
	gone := legacy.Errorf(legacy.Offline, "You are not in that channel.")
	ch.failQueries(gone)
	fail(ch.c.out.drop(ch.c.fold(ch.name)), gone)
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
		return // the connection ends, which reports it
	}
	cs.nickFree(m.Nick())
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
	cs.nickFree(old)
	if cs.c.isMe(old) {
		cs.c.nick = new
		cs.c.pending.answer(func(a *ask) bool { return a.kind == askNick && cs.c.fold(a.target) == cs.c.fold(new) }, nil)
	}
	for _, ch := range cs.byName {
		who := ch.members[cs.c.fold(old)]
		if who == nil {
			continue
		}
		delete(ch.members, cs.c.fold(old))
		who.identityAtJoin()
		ch.renamed = true
		old := who.nick // in the core's spelling
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
		if ch.newTopic && cs.c.isMe(m.Nick()) {
			ch.newTopic = false
			cs.c.pending.answer(func(a *ask) bool { return a.kind == askTopic && a.is(cs.c, ch.name, "") }, nil)
		}
		if ch.entered {
			cs.c.emit(legacy.TopicChanged{Room: ch.peer, Topic: ch.topic})
		}
	}
}

// onChannelReply handles numeric replies about a channel; most of them follow a JOIN.
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
		if ch.entered || cs.tooManyMembers() {
			return
		}
		prefixes := cs.c.support.prefixes
		if !cs.c.support.ranked {
			prefixes = ircwire.AnyPrefixes
		}
		for entry := range strings.SplitSeq(m.Param(3), " ") {
			nick, modes := prefixes.SplitNick(entry)
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
