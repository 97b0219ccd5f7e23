package irc

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// change is the change of one mode of a channel.
type change struct {
	set  bool
	mode byte
	arg  string
}

// changes parses the parameters of MODE. (RFC 2812 §3.2.3)
func (cs *channels) changes(modes string, args []string) []change {
	var all []change
	set := true
	for _, mode := range []byte(modes) {
		if mode == '+' || mode == '-' {
			set = mode == '+'
			continue
		}
		one := change{set: set, mode: mode}
		if cs.takesArgument(mode, set) && len(args) > 0 {
			one.arg, args = args[0], args[1:]
		}
		all = append(all, one)
	}
	return all
}

func (cs *channels) takesArgument(mode byte, set bool) bool {
	is := func(list string) bool { return strings.IndexByte(list, mode) >= 0 }
	kinds := cs.c.support.chanModes
	return is(cs.c.support.prefixes.Modes) || is(kinds[0]) || is(kinds[1]) || set && is(kinds[2])
}

// onMode handles MODE for a channel.
func (cs *channels) onMode(m ircwire.Message) {
	ch := cs.byName[cs.c.fold(m.Param(0))]
	if ch == nil {
		return
	}
	settings, moderated := false, (*bool)(nil)
	for _, one := range cs.changes(m.Param(1), m.Params[min(2, len(m.Params)):]) {
		switch {
		case strings.IndexByte(cs.c.support.prefixes.Modes, one.mode) >= 0:
			ch.rank(one)
		case one.mode == 'b':
			if one.set {
				ch.banned = ban{one.arg, cs.c.now()}
			}
			cs.c.pending.answer(func(a *ask) bool { return a.kind == askBan && a.is(cs.c, ch.name, one.arg) }, nil)
		default:
			if one.mode == 'k' {
				if !one.set {
					ch.key = ""
				} else if one.arg != "*" { // the server shows * for a hidden key
					ch.key = one.arg
				}
			}
			if ch.apply(one); one.mode == 'm' && !ch.known {
				moderated = &one.set
			}
			settings = true
		}
	}
	cs.c.pending.answer(func(a *ask) bool { return a.kind == askConfig && a.is(cs.c, ch.name, "") }, nil)
	if !ch.entered {
		return
	}
	text := "Mode " + ch.name + " [" + strings.Join(m.Params[1:], " ") + "]"
	if by := m.Nick(); by != "" {
		text += " by " + by
	}
	if settings {
		changed := legacy.RoomConfigChanged{Room: ch.peer, Text: ircwire.Plain(text), Moderated: moderated}
		if ch.known {
			now := ch.config
			changed.Config = &now
		}
		cs.c.emit(changed)
		return
	}
	cs.c.emit(legacy.RoomMessage{Room: ch.peer, Text: ircwire.Plain(text)})
}

// rank applies a rank change to a member.
func (ch *channel) rank(one change) {
	who := ch.members[ch.c.fold(one.arg)]
	if who == nil {
		return
	}
	before := who.occupant()
	who.modes = strings.ReplaceAll(who.modes, string(one.mode), "")
	if one.set {
		who.modes += string(one.mode)
	}
	if now := who.occupant(); now != before && ch.entered {
		ch.c.emit(legacy.OccupantChanged{Room: ch.peer, Occupant: now})
	}
	ch.c.pending.answer(func(a *ask) bool { return a.kind == askRank && a.is(ch.c, ch.name, one.arg) }, nil)
}

// ban is the last ban in a channel, and its time.
type ban struct {
	mask string
	at   time.Time
}

const banTime = 10 * time.Second // interval in which a kick counts as part of the ban

// fits reports whether a ban is the reason of a member's kick.
func (b ban) fits(who *member, now time.Time) bool {
	return b.mask != "" && now.Sub(b.at) < banTime && ircwire.Match(b.mask, who.nick+"!"+who.address)
}

// requestConfig requests a channel's modes.
func (cs *channels) requestConfig(ref, name string) {
	ch := cs.byName[cs.c.fold(name)]
	switch {
	case ch == nil:
		cs.c.emit(legacy.RoomConfigReceived{Ref: ref, Err: legacy.Errorf(legacy.Offline, "You are not in that channel.")})
	case ch.modes != nil && len(ch.modes.refs) >= maxRefs:
		cs.c.emit(legacy.RoomConfigReceived{Ref: ref, Err: errTooManyQuestions()})
	case ch.modes != nil:
		ch.modes.refs = append(ch.modes.refs, ref)
	default:
		q := &modesAsk{refs: []string{ref}}
		ch.modes = q
		cs.c.pending.request(ask{kind: askModes, target: ch.name, done: func(err error, _ string) {
			if ch.modes == q {
				ch.failModes(err)
			}
		}}, ircwire.Line("MODE", ch.name))
	}
}

// modesAsk is a query of a channel's modes under way.
type modesAsk struct{ refs []string }

// failModes fails the query of the modes.
func (ch *channel) failModes(err error) {
	q := ch.modes
	ch.modes = nil
	for _, ref := range q.refs {
		ch.c.emit(legacy.RoomConfigReceived{Ref: ref, Err: err})
	}
}

// failBans fails the ban list query.
func (ch *channel) failBans(err error) {
	q := ch.bans
	ch.bans = nil
	for _, ref := range q.refs {
		ch.c.emit(legacy.BansReceived{Ref: ref, Err: err})
	}
}

const maxRefs = 16 // limit: queries that wait for one reply | a further one is refused: resource-constraint

func errTooManyQuestions() error {
	return legacy.Errorf(legacy.RateLimited, "Too many requests at once. Try again in a moment.")
}

// onConfig handles RPL_CHANNELMODEIS: it answers the pending RequestRoomConfig calls.
func (ch *channel) onConfig(m ircwire.Message) {
	q := ch.modes
	ch.modes, ch.config, ch.hidden, ch.known = nil, legacy.RoomConfig{}, "", true
	for _, one := range ch.c.channels.changes(m.Param(2), m.Params[min(3, len(m.Params)):]) {
		ch.apply(one)
	}
	if q == nil {
		return
	}
	for _, ref := range q.refs {
		ch.c.emit(legacy.RoomConfigReceived{Ref: ref, Config: ch.config})
	}
	ch.c.pending.answer(func(a *ask) bool { return a.kind == askModes && a.is(ch.c, ch.name, "") }, nil)
}

// apply updates the channel's known configuration by one change.
func (ch *channel) apply(one change) {
	config := &ch.config
	switch one.mode {
	case 't':
		config.TopicLocked = one.set
	case 'm':
		config.Moderated = one.set
	case 'i':
		config.InviteOnly = one.set
	case 's', 'p': // two flags with the same meaning
		if ch.hidden = strings.ReplaceAll(ch.hidden, string(one.mode), ""); one.set {
			ch.hidden += string(one.mode)
		}
		config.Hidden = ch.hidden != ""
	case 'k':
		switch {
		case !one.set:
			config.Password = ""
		case one.arg == "" || one.arg == "*": // the server shows * for a hidden key
			config.Password = ircwire.Plain(ch.key)
		default:
			config.Password = ircwire.Plain(one.arg)
		}
	case 'l':
		if config.Limit = 0; one.set {
			if n, err := strconv.Atoi(one.arg); err == nil && n > 0 {
				config.Limit = n
			}
		}
	}
}

// setConfig changes the modes of a channel that differ from want.
func (cs *channels) setConfig(ref, name string, want legacy.RoomConfig) {
	ch := cs.byName[cs.c.fold(name)]
	if ch == nil {
		cs.c.emit(legacy.Done{Ref: ref, Err: legacy.Errorf(legacy.Offline, "You are not in that channel.")})
		return
	}
	var on, off, args string
	set := func(mode string, now, want bool) {
		switch {
		case want && !now:
			on += mode
		case now && !want:
			off += mode
		}
	}
	have := ch.config
	set("t", have.TopicLocked, want.TopicLocked)
	set("m", have.Moderated, want.Moderated)
	set("i", have.InviteOnly, want.InviteOnly)
	if want.Hidden || ch.hidden == "" {
		set("s", have.Hidden, want.Hidden)
	} else {
		off += ch.hidden
	}
	if want.Limit != have.Limit {
		if set("l", false, want.Limit > 0); want.Limit > 0 {
			args += " " + strconv.Itoa(want.Limit)
		} else {
			off += "l"
		}
	}
	if want.Password != have.Password {
		key := strings.ReplaceAll(cleanLine(want.Password), " ", "")
		if key != "" {
			on, args = on+"k", args+" "+key
		} else {
			off, args = off+"k", args+" "+cmp.Or(have.Password, "*")
		}
	}
	if on == "" && off == "" {
		cs.c.emit(legacy.Done{Ref: ref})
		return
	}
	modes := ""
	if on != "" {
		modes = "+" + on
	}
	if off != "" {
		modes += "-" + off
	}
	cs.c.pending.request(ask{kind: askConfig, target: ch.name, done: cs.c.reportDone(ref)}, "MODE "+ch.name+" "+modes+args)
}

// banAsk is a ban list query under way.
type banAsk struct {
	refs []string
	bans []legacy.Ban
}

const maxBans = 1000 // limit: entries of a ban list | the rest is dropped

// requestBans requests a channel's ban list. (RFC 2812 §3.2.3)
func (cs *channels) requestBans(ref, name string) {
	ch := cs.byName[cs.c.fold(name)]
	switch {
	case ch == nil:
		cs.c.emit(legacy.BansReceived{Ref: ref, Err: legacy.Errorf(legacy.Offline, "You are not in that channel.")})
	case ch.bans != nil && len(ch.bans.refs) >= maxRefs:
		cs.c.emit(legacy.BansReceived{Ref: ref, Err: errTooManyQuestions()})
	case ch.bans != nil:
		ch.bans.refs = append(ch.bans.refs, ref)
	default:
		q := &banAsk{refs: []string{ref}}
		ch.bans = q
		cs.c.pending.request(ask{kind: askBans, target: ch.name, done: func(err error, _ string) {
			if ch.bans == q {
				ch.failBans(err)
			}
		}}, ircwire.Line("MODE", ch.name, "b"))
	}
}

// onBans handles an entry of the ban list, or its end.
func (ch *channel) onBans(m ircwire.Message) {
	switch list := ch.bans; {
	case list == nil:
	case m.Command == "367" && len(list.bans) < maxBans:
		b := legacy.Ban{Mask: strings.Clone(ircwire.Plain(m.Param(2)))}
		b.By, _, _ = strings.Cut(strings.Clone(ircwire.Plain(m.Param(3))), "!")
		if sec, err := strconv.ParseInt(m.Param(4), 10, 64); err == nil {
			b.Time = time.Unix(sec, 0)
		}
		list.bans = append(list.bans, b)
	case m.Command == "368":
		ch.bans = nil
		for _, ref := range list.refs {
			ch.c.emit(legacy.BansReceived{Ref: ref, Bans: list.bans})
		}
		ch.c.pending.answer(func(a *ask) bool { return a.kind == askBans && a.is(ch.c, ch.name, "") }, nil)
	}
}

// setBan adds a ban mask or removes it. A nick stands for nick!*@*.
func (cs *channels) setBan(ref, name, mask string, banned bool) {
	ch := cs.byName[cs.c.fold(name)]
	if ch == nil {
		cs.c.emit(legacy.Done{Ref: ref, Err: legacy.Errorf(legacy.Offline, "You are not in that channel.")})
		return
	}
	mask = strings.ReplaceAll(cleanLine(mask), " ", "")
	if !strings.ContainsAny(mask, "!@$:") {
		mask += "!*@*"
	}
	sign := "-b"
	if banned {
		sign = "+b"
	}
	cs.c.pending.request(ask{kind: askBan, target: ch.name, nick: mask, done: cs.c.reportDone(ref)}, ircwire.Line("MODE", ch.name, sign, mask))
}
