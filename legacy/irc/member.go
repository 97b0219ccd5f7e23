package irc

import (
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// member is somebody in a channel.
type member struct {
	nick    string
	modes   string // of ircwire.Prefixes, in no order
	away    bool
	address string
	account string
	came    *came // nil for as they are
}

// came is how somebody has come, where they are called something else by now.
type came struct {
	nick, address string
	twin          string // tells them from somebody who came as the same
}

// asCame is how a member has come, to be changed.
func (m *member) asCame() *came {
	if m.came == nil {
		m.came = &came{nick: m.nick, address: m.address}
	}
	return m.came
}

// occupant is a member as the core knows it.
func (m *member) occupant() legacy.Occupant {
	o := legacy.Occupant{Nick: m.nick, Away: m.away, Identity: m.identity()}
	for i := range len(m.modes) {
		o.Level = max(o.Level, levelOf(m.modes[i]))
	}
	return o
}

// identity is what stays the same of a member, and is nobody else's.
func (m *member) identity() string {
	if m.came == nil {
		return identity(m.account, m.nick, m.address)
	}
	return identity(m.account, m.came.nick, m.came.address) + m.came.twin
}

// identity is the account, or else the nick with the address: neither is somebody's
// alone, since many come by one gateway, and everybody may take a nick that is free.
func identity(account, nick, address string) string {
	switch {
	case isAccount(account):
		return "account:" + account
	case address == "":
		return ""
	}
	return lower(nick) + "!" + address
}

// isAccount reports whether what the server says of an account is one.
func isAccount(account string) bool { return account != "" && account != "*" && account != "0" }

// distinguish tells somebody who comes from who came as the same and has another nick
// now.
func (ch *channel) distinguish(who *member, now time.Time) {
	if !ch.renamed || isAccount(who.account) {
		return
	}
	for _, other := range ch.members {
		if other.came != nil && other.identity() == who.identity() {
			who.asCame().twin = "#" + strconv.FormatInt(now.UnixNano(), 36)
			return
		}
	}
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

// newMember is a member whose texts keep no line of the server's in memory.
func newMember(nick, address, account string) *member {
	return &member{nick: strings.Clone(nick), address: ircwire.Plain(strings.Clone(address)), account: ircwire.Plain(strings.Clone(account))}
}

// onMember handles what is told of somebody in all channels: AWAY, ACCOUNT and
// CHGHOST. (IRCv3 away-notify, account-notify, chghost)
func (cs *channels) onMember(m ircwire.Message) {
	if w := cs.c.watches.watched[cs.c.fold(m.Nick())]; w != nil && m.Command == "AWAY" {
		w.away, w.status = m.Param(0) != "", ircwire.Plain(m.Param(0))
		cs.c.watches.show(w, true)
	}
	for _, ch := range cs.byName {
		who := ch.members[cs.c.fold(m.Nick())]
		if who == nil {
			continue
		}
		before := who.occupant()
		switch m.Command {
		case "AWAY":
			who.away = m.Param(0) != ""
		case "ACCOUNT":
			who.account = ircwire.Plain(m.Param(0))
		case "CHGHOST":
			who.asCame()
			who.address = ircwire.Plain(m.Param(0) + "@" + m.Param(1))
			if cs.c.isMe(m.Nick()) {
				cs.c.address = who.address
			}
		}
		if now := who.occupant(); now != before && ch.entered {
			cs.c.emit(legacy.OccupantChanged{Room: ch.peer, Occupant: now})
		}
	}
}
