package irc

import (
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// member is a member of a channel.
type member struct {
	nick     string
	modes    string // subset of ircwire.Prefixes.Modes, unordered
	away     bool
	address  string
	account  string
	joinedAs *joinIdentity // nil if nothing has changed since the JOIN
}

// joinIdentity is a member's identity at the JOIN, kept once its nick has changed.
type joinIdentity struct {
	nick, address string
	twin          string // distinguishes members that joined with the same identity
}

// identityAtJoin returns the member's identity at the JOIN, for modification.
func (m *member) identityAtJoin() *joinIdentity {
	if m.joinedAs == nil {
		m.joinedAs = &joinIdentity{nick: m.nick, address: m.address}
	}
	return m.joinedAs
}

// occupant converts a member to an occupant.
func (m *member) occupant() legacy.Occupant {
	o := legacy.Occupant{Nick: m.nick, Away: m.away, Identity: m.identity()}
	for i := range len(m.modes) {
		o.Level = max(o.Level, levelOf(m.modes[i]))
	}
	return o
}

// identity returns the member's Occupant.Identity: unique, and the same after a nick
// change.
func (m *member) identity() string {
	if m.joinedAs == nil {
		return identity(m.account, m.nick, m.address)
	}
	return identity(m.account, m.joinedAs.nick, m.joinedAs.address) + m.joinedAs.twin
}

// identity returns the account or, without one, the nick with the address. An address
// alone is not unique, since many users connect through one gateway; a nick alone can
// be taken by another user once it is free.
func identity(account, nick, address string) string {
	switch {
	case isAccount(account):
		return "account:" + account
	case address == "":
		return ""
	}
	return lower(nick) + "!" + address
}

// isAccount reports whether the server's account field names an account.
func isAccount(account string) bool { return account != "" && account != "*" && account != "0" }

// distinguish gives a joining member its own identity if another member joined with the
// same one and has changed its nick since.
func (ch *channel) distinguish(who *member, now time.Time) {
	if !ch.renamed || isAccount(who.account) {
		return
	}
	for _, other := range ch.members {
		if other.joinedAs != nil && other.identity() == who.identity() {
			who.identityAtJoin().twin = "#" + strconv.FormatInt(now.UnixNano(), 36)
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

// newMember returns a member with copies of its strings, so that it does not keep the
// server's lines in memory.
func newMember(nick, address, account string) *member {
	return &member{nick: strings.Clone(nick), address: ircwire.Plain(strings.Clone(address)), account: ircwire.Plain(strings.Clone(account))}
}

// onMember handles AWAY, ACCOUNT and CHGHOST, which apply to all channels of a member.
// (IRCv3 away-notify, account-notify, chghost)
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
			who.identityAtJoin()
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
