package irc

import (
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// version is the reply to CTCP VERSION.
const version = "transport, an XMPP gateway"

// ctcpPause is the minimum interval between automatic CTCP replies.
const ctcpPause = 2 * time.Second

// onCTCP handles a CTCP query and replies to it. It returns a text for the user, "" for
// none.
func (lo *lookups) onCTCP(nick, command, rest string) string {
	answer := ""
	switch command {
	case "VERSION":
		answer = version
	case "PING":
		answer = rest
	case "TIME":
		answer = lo.c.now().UTC().Format(time.RFC1123Z)
	case "CLIENTINFO":
		answer = "ACTION CLIENTINFO PING TIME VERSION"
	case "DCC":
		return "(offers you by DCC: " + rest + ". This gateway does not support DCC. Ask for a link instead.)"
	default:
		return ""
	}
	if now := lo.c.now(); ircwire.IsName(nick) && now.Sub(lo.c.ctcpAt) >= ctcpPause {
		lo.c.ctcpAt = now
		lo.c.send(ircwire.Line("NOTICE", nick, ircwire.MakeCTCP(command, answer)))
	}
	return ""
}

// versionAsk is a pending CTCP VERSION query.
type versionAsk struct {
	nick, ref string
	deadline  time.Time
}

const maxVersions = 16 // limit: CTCP VERSION queries of a user on a server | a further one is refused: resource-constraint

// askVersion queries a client's name and version. (CTCP VERSION)
func (lo *lookups) askVersion(nick, ref string) {
	fail := func(err error) { lo.c.emit(legacy.VersionReceived{Ref: ref, Err: err}) }
	switch {
	case !ircwire.IsName(nick):
		fail(legacy.Errorf(legacy.NotFound, "That is not a valid nick."))
	case lo.c.isMe(nick): // with echo-message the reply would arrive twice
		lo.c.emit(legacy.VersionReceived{Ref: ref, Version: version})
	case len(lo.versions) >= maxVersions:
		fail(errTooManyQuestions())
	default:
		if !lo.c.send(ircwire.Line("PRIVMSG", nick, ircwire.MakeCTCP("VERSION", ""))) {
			fail(lo.c.link.busy())
			return
		}
		lo.versions = append(lo.versions, versionAsk{nick, ref, lo.c.unblockedNow().Add(askLimit)})
	}
}

// endVersions ends the pending version queries that done selects. It reports whether
// there were any.
func (lo *lookups) endVersions(done func(*versionAsk) bool, version string, err error) bool {
	rest := lo.versions[:0]
	for _, v := range lo.versions {
		if done(&v) {
			lo.c.emit(legacy.VersionReceived{Ref: v.ref, Version: version, Err: err})
		} else {
			rest = append(rest, v)
		}
	}
	ended := len(rest) < len(lo.versions)
	lo.versions = rest
	return ended
}

// ofNick returns a filter for the queries about a nick.
func (lo *lookups) ofNick(nick string) func(*versionAsk) bool {
	return func(v *versionAsk) bool { return lo.c.fold(v.nick) == lo.c.fold(nick) }
}
