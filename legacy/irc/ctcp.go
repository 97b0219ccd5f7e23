package irc

import (
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// version is what people are told that the user's client is.
const version = "transport, an XMPP gateway"

// ctcpPause is how long to wait between automatic answers.
const ctcpPause = 2 * time.Second

// onCTCP answers what clients ask each other. What it returns is for the user to
// read.
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
		return "(offers by DCC: " + rest + ". This gateway cannot take it; ask for a link instead)"
	default:
		return ""
	}
	if now := lo.c.now(); ircwire.IsNick(nick) && now.Sub(lo.c.ctcpAt) >= ctcpPause {
		lo.c.ctcpAt = now
		lo.c.send(ircwire.Line("NOTICE", nick, ircwire.MakeCTCP(command, answer)))
	}
	return ""
}

// versionAsk is somebody whose client is asked what it is.
type versionAsk struct {
	nick, ref string
	deadline  time.Time
}

const maxVersions = 16 // under way

// askVersion asks somebody's client what it is. (CTCP VERSION)
func (lo *lookups) askVersion(nick, ref string) {
	fail := func(err error) { lo.c.emit(legacy.VersionReceived{Ref: ref, Err: err}) }
	switch {
	case !ircwire.IsNick(nick):
		fail(legacy.Errorf(legacy.NotFound, "Nobody can be called so."))
	case lo.c.isMe(nick): // a server that echoes would hand the answer out twice
		lo.c.emit(legacy.VersionReceived{Ref: ref, Version: version})
	case len(lo.versions) >= maxVersions:
		fail(errTooManyQuestions())
	default:
		lo.versions = append(lo.versions, versionAsk{nick, ref, lo.c.patience().Add(askLimit)})
		lo.c.send(ircwire.Line("PRIVMSG", nick, ircwire.MakeCTCP("VERSION", "")))
	}
}

// endVersions answers those questions that are about whom done picks. It reports
// whether there were any.
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

// ofNick picks the questions about somebody.
func (lo *lookups) ofNick(nick string) func(*versionAsk) bool {
	return func(v *versionAsk) bool { return lo.c.fold(v.nick) == lo.c.fold(nick) }
}
