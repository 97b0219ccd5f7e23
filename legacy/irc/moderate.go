package irc

import (
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// moderate kicks or bans a member, or changes its rank.
func (cs *channels) moderate(ref, name string, m legacy.Moderation) {
	ch := cs.byName[cs.c.fold(name)]
	if ch == nil {
		cs.c.emit(legacy.Done{Ref: ref, Err: legacy.Errorf(legacy.Forbidden, "You are not in that channel.")})
		return
	}
	who := ch.members[cs.c.fold(m.Nick)]
	if who == nil {
		cs.c.emit(legacy.Done{Ref: ref, Err: legacy.Errorf(legacy.NotFound, "%s is not in the channel.", m.Nick)})
		return
	}
	var failed error // of an earlier command, which the server handles first
	before := func(err error, _ string) {
		if failed == nil {
			failed = err
		}
	}
	last := func(err error, _ string) {
		if failed != nil {
			err = failed
		}
		cs.c.emit(legacy.Done{Ref: ref, Err: err})
	}
	if m.Ban {
		mask := who.nick + "!*@*"
		if _, host, ok := strings.Cut(who.address, "@"); ok && host != "" {
			mask = "*!*@" + host
		}
		cs.c.pending.request(ask{kind: askBan, target: ch.name, nick: mask, done: before}, ircwire.Line("MODE", ch.name, "+b", mask))
	}
	if m.Kick || m.Ban {
		cs.c.pending.request(ask{kind: askKick, target: ch.name, nick: who.nick, done: last},
			"KICK "+ch.name+" "+who.nick+" :"+cs.c.encodeFor(ch.peer, cleanLine(m.Reason)))
		return
	}
	changes := cs.modesFor(who, m.Level)
	if len(changes) == 0 {
		cs.c.emit(legacy.Done{Ref: ref})
		return
	}
	for len(changes) > cs.c.support.modes {
		cs.c.pending.request(ask{kind: askRank, target: ch.name, nick: who.nick, done: before}, modeLine(ch.name, changes[:cs.c.support.modes], who.nick))
		changes = changes[cs.c.support.modes:]
	}
	cs.c.pending.request(ask{kind: askRank, target: ch.name, nick: who.nick, done: last}, modeLine(ch.name, changes, who.nick))
}

// modeLine returns a MODE line that applies changes such as "+v" and "-o" to a nick.
func modeLine(channel string, changes []string, nick string) string {
	params, modes, sign := []string{channel, ""}, "", byte(0)
	for _, change := range changes {
		if change[0] != sign {
			sign = change[0]
			modes += string(sign)
		}
		modes += change[1:]
		params = append(params, nick)
	}
	params[1] = modes
	return ircwire.Line("MODE", params...)
}

// modesFor returns the mode changes that take a member to a level.
func (cs *channels) modesFor(who *member, level legacy.Level) (changes []string) {
	want := map[legacy.Level]string{legacy.LevelVoice: "v", legacy.LevelHelper: "h", legacy.LevelOperator: "o", legacy.LevelOwner: "a"}[level]
	if want == "a" && !strings.Contains(cs.c.support.prefixes.Modes, want) {
		want = "q"
	}
	if want != "" && !strings.Contains(cs.c.support.prefixes.Modes, want) {
		want = "o"
	}
	if want != "" && !strings.Contains(who.modes, want) {
		changes = append(changes, "+"+want)
	}
	for _, mode := range []byte(who.modes) {
		if string(mode) != want && (levelOf(mode) > level || level == legacy.LevelNone) {
			changes = append(changes, "-"+string(mode))
		}
	}
	return changes
}

// setTopic changes a channel's topic.
func (cs *channels) setTopic(name, topic string) {
	ch := cs.byName[cs.c.fold(name)]
	if ch == nil {
		return
	}
	ch.newTopic = true
	cs.c.pending.request(ask{kind: askTopic, target: ch.name, done: func(err error, _ string) {
		switch {
		case err != nil:
			cs.c.emit(legacy.RoomFailed{Room: ch.peer, Err: err})
		case ch.newTopic: // the server says nothing if the topic is the same
			ch.newTopic = false
			cs.c.emit(legacy.TopicChanged{Room: ch.peer, Topic: ch.topic})
		}
	}}, "TOPIC "+ch.name+" :"+cs.c.encodeFor(ch.peer, cleanLine(topic)))
}

// invite invites a nick to a channel. (RFC 2812 §3.2.7)
func (cs *channels) invite(name, nick string) {
	ch := cs.byName[cs.c.fold(name)]
	if ch == nil {
		return
	}
	cs.c.pending.request(ask{kind: askInvite, target: ch.name, nick: nick, done: func(err error, _ string) {
		if err != nil {
			cs.c.emit(legacy.RoomFailed{Room: ch.peer, Err: err})
		}
	}}, ircwire.Line("INVITE", nick, ch.name))
}

// onInvited handles RPL_INVITING. Some servers send its parameters in the other order.
func (cs *channels) onInvited(m ircwire.Message) {
	cs.c.pending.answer(func(a *ask) bool {
		return a.kind == askInvite && (a.is(cs.c, m.Param(2), m.Param(1)) || a.is(cs.c, m.Param(1), m.Param(2)))
	}, nil)
}

// onInvite handles INVITE: an invitation to the user or, with invite-notify, to another
// user. (RFC 2812 §3.2.7)
func (cs *channels) onInvite(m ircwire.Message) {
	name := m.Param(1)
	switch ch := cs.byName[cs.c.fold(name)]; {
	case cs.c.isMe(m.Param(0)) && isChannel(name) && m.FromUser() && ircwire.IsName(m.Nick()):
		cs.c.emit(legacy.Invited{Room: legacy.Peer{ID: cs.c.s.net.id(name, cs.c.link.server), Room: true}, By: cs.c.peer(m.Nick())})
	case ch != nil && ch.entered:
		cs.c.emit(legacy.RoomMessage{Room: ch.peer, Text: ircwire.Plain(m.Nick() + " has invited " + m.Param(0) + ".")})
	}
}

// setNick changes the user's nick. Clients repeat the nick that they want in every room and
// with every change of their status: what is pending is not requested again, and what the
// server has just refused is refused at once.
func (cs *channels) setNick(nick string) {
	switch {
	case !ircwire.IsNick(nick):
		cs.nickFailed(legacy.Errorf(legacy.BadNick, "IRC does not allow that nick."))
	case nick == cs.c.nick, cs.c.pending.waitsFor(askNick, nick):
	case cs.refused.err != nil && cs.refused.nick == nick && cs.c.now().Sub(cs.refused.at) < refusedTime:
		cs.nickFailed(cs.refused.err)
	default:
		cs.requestNick(nick, nick)
	}
}

// refusedNick is the last nick that the server has refused.
type refusedNick struct {
	nick string
	err  error
	at   time.Time
}

const refusedTime = 30 * time.Second // in which a refused nick is not requested again

// onForward handles ERR_LINKCHANNEL: the server joins the user to another channel than the
// requested one.
func (cs *channels) onForward(m ircwire.Message) {
	ch, name := cs.byName[cs.c.fold(m.Param(1))], m.Param(2)
	if ch != nil && !ch.entered && cs.c.support.isChannel(name) && isChannel(name) {
		cs.forwarded = cs.c.fold(name)
		ch.movedTo = legacy.Peer{ID: cs.c.s.net.id(name, cs.c.link.server), Room: true}
	}
}

// nickFree forgets that a nick was refused: the one who had it has left it.
func (cs *channels) nickFree(nick string) {
	if cs.c.fold(nick) == cs.c.fold(cs.refused.nick) {
		cs.refused = refusedNick{}
	}
}

// requestNick sends NICK. The user has asked for wanted.
func (cs *channels) requestNick(nick, wanted string) {
	cs.c.pending.request(ask{kind: askNick, target: nick, nick: wanted, done: func(err error, _ string) {
		if err != nil {
			if !cs.c.pending.over {
				cs.refused = refusedNick{wanted, err, cs.c.now()}
			}
			cs.nickFailed(err)
		}
	}}, ircwire.Line("NICK", nick))
}

// nickFailed reports a failed nick change to every joined channel.
func (cs *channels) nickFailed(err error) {
	for _, ch := range cs.byName {
		if ch.entered {
			cs.c.emit(legacy.RoomFailed{Room: ch.peer, Nick: true, Err: err})
		}
	}
}

// retryNick asks for the nearest nick that every server allows, if the server has refused
// the one that the user has asked for.
func (cs *channels) retryNick(refused string) bool {
	plain := plainNick(refused)
	if plain == "" || plain == refused || !cs.c.pending.answer(func(a *ask) bool { return a.kind == askNick && cs.c.fold(a.target) == cs.c.fold(refused) }, nil) {
		return false
	}
	cs.requestNick(plain, refused)
	return true
}
