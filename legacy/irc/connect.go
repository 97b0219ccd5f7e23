package irc

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// wanted are the IRCv3 capabilities that the client requests.
var wanted = []string{
	"sasl", "cap-notify", "message-tags", "server-time", "echo-message", "labeled-response", "batch", "away-notify",
	"account-notify", "account-tag", "extended-join", "chghost", "setname", "multi-prefix", "userhost-in-names",
	"invite-notify", "chathistory", "draft/chathistory", "extended-monitor", "standard-replies",
	"draft/message-redaction", readMarkerCap, "znc.in/playback", "znc.in/self-message", "soju.im/bouncer-networks",
}

// registration is the first phase of a connection: capabilities, SASL, nick. (RFC 2812
// §3.1, IRCv3 capability negotiation)
type registration struct {
	c *client

	early      []string          // lines in the same batch as the welcome
	greeting   []ircwire.Message // notices before the welcome
	nickTries  int
	login      *login
	mechanisms []string // of SASL
	offered    []string // capabilities that the server offers
	asked      []string // capabilities in the last CAP REQ
	single     int      // number of those that were requested one by one
	bouncer    bouncer
	loggedIn   bool        // by SASL
	report     func(error) // of legacy.Env.Attempt
	accepted   func()      // of gate.Pass.Open
	throttled  bool        // the server says that there are too many connections
}

// register runs the registration until the welcome, unless the account's password may not be
// tried now.
func (re *registration) register(ctx context.Context) error {
	if re.report = func(error) {}; re.c.profile.password != "" || re.c.profile.pass != "" {
		report, err := re.c.s.env.Attempt(re.account())
		if err != nil {
			return err
		}
		re.report = report
	}
	err := re.untilWelcome(ctx)
	if err == nil && !re.loggedIn {
		re.report(errNotProven) // servers ignore passwords that they do not need; onNickServ follows
	} else {
		re.report(err)
	}
	return err
}

// untilWelcome registers. (RFC 2812 §3.1, IRCv3 capability negotiation)
func (re *registration) untilWelcome(ctx context.Context) error {
	re.c.nick = re.c.profile.nicks[0]
	re.c.write(ircwire.Line("CAP", "LS", "302"))
	if re.c.profile.pass != "" {
		re.c.write(ircwire.Line("PASS", re.c.profile.pass))
	}
	re.c.write(ircwire.Line("NICK", re.c.nick), ircwire.Line("USER", userName(re.c.profile.user, re.c.nick, re.c.s.net.reach.userLen(re.c.link.server)), "0", "*", re.c.profile.real))
	for re.c.flush(); re.c.err == nil; re.c.flush() {
		select {
		case in := <-re.c.conn.lines:
			re.accepted()
			for i, text := range in.lines {
				m, err := ircwire.Parse(re.c.decode(text))
				if err != nil {
					continue
				}
				if done, err := re.onRegistering(m); done || err != nil {
					re.early = in.lines[i+1:]
					return err
				}
			}
			if in.err != nil {
				return re.c.lost(in.err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return re.c.err
}

// userName returns the user name for a connection: the one that the user has set, as it
// is, since bouncers give it a meaning (su2/net); otherwise the nick, as far as servers accept
// it. limit is the server's USERLEN, 0 if unknown.
func userName(set, nick string, limit int) string {
	name := strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7F || r == '@' || r == '!' { // these would end it
			return -1
		}
		return r
	}, set)
	if name == "" {
		name = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
				return r
			}
			return -1
		}, nick)
		if name = name[:min(len(name), 9)]; name == "" { // RFC 1459 §1.2
			name = "user"
		}
	}
	if limit > 0 && len(name) > limit {
		name = strings.ToValidUTF8(name[:limit], "")
	}
	return name
}

const (
	maxNickTries = 8  // limit: variations of a nick that is in use | the join is refused: conflict
	maxGreeting  = 20 // limit: notices before the welcome | the rest is dropped
)

// onRegistering handles a line before the welcome. done reports the welcome itself.
func (re *registration) onRegistering(m ircwire.Message) (done bool, err error) {
	switch m.Command {
	case "PING":
		re.c.write(ircwire.Line("PONG", m.Last()))
	case "CAP":
		re.onCap(m)
		return false, re.c.err
	case "AUTHENTICATE":
		return false, re.onAuthenticate(m.Param(0))
	case "903", "907":
		return false, re.onLoggedIn()
	case "902", "904", "905", "906", "908":
		return false, re.saslFailed(m)
	case "432": // ERR_ERRONEUSNICKNAME: invalid, or reserved by services for another user
		if plain := plainNick(re.c.nick); plain != "" && plain != re.c.nick {
			re.c.nick = plain
			re.c.write(ircwire.Line("NICK", plain))
			return false, nil
		}
		if re.nickTries > 0 || len(re.c.profile.nicks) > 1 || isPlainNick(re.c.nick) {
			return false, re.nextNick(m)
		}
		return false, re.nickRefused()
	case "433", "436", "437": // in use: try another nick; RoomJoined reports it
		return false, re.nextNick(m)
	case "464":
		return false, legacy.Errorf(legacy.Auth, "%s requires a server password, or the password is wrong.", re.c.link.name())
	case "468":
		return false, legacy.Errorf(legacy.Forbidden, "%s does not allow your user name. Choose another one in your settings.", re.c.link.name())
	case "465":
		return false, legacy.Errorf(legacy.Forbidden, "%s refused the connection: %s", re.c.link.name(), ircwire.Plain(m.Last()))
	case "ERROR":
		text := ircwire.Plain(m.Last())
		if mentions(text, "password", "authentication fail", "sasl") {
			return false, legacy.Errorf(legacy.Auth, "%s requires a server password, or the password is wrong: %s", re.c.link.name(), text)
		}
		re.throttled = isThrottle(re.withoutNames(text))
		return false, re.c.link.closed(text, 10*time.Second)
	case "NOTICE": // delivered after the sign-on
		if len(re.greeting) < maxGreeting {
			re.greeting = append(re.greeting, m)
		}
	case "001":
		if isName(m.Param(0)) {
			re.c.nick = m.Param(0)
		}
		re.c.serverName = m.Source
		re.welcome()
		return true, nil
	}
	return false, nil
}

// nextNick tries the next of the user's nicks, then variations of the first.
func (re *registration) nextNick(m ircwire.Message) error {
	re.nickTries++
	switch {
	case re.nickTries < len(re.c.profile.nicks):
		re.c.nick = re.c.profile.nicks[re.nickTries]
	case re.nickTries-len(re.c.profile.nicks) < maxNickTries:
		re.c.nick = variation(re.c.profile.nicks[0], re.nickTries-len(re.c.profile.nicks))
	case m.Command == "432":
		return re.nickRefused()
	default:
		return legacy.Errorf(legacy.Forbidden, "The nick %s is in use: %s", re.c.profile.nicks[0], ircwire.Plain(m.Last()))
	}
	re.c.write(ircwire.Line("NICK", re.c.nick))
	return nil
}

func (re *registration) nickRefused() error {
	return legacy.Errorf(legacy.BadNick, "%s does not allow the nick %s. Choose another one.", re.c.link.name(), re.c.profile.nicks[0])
}

// variation returns an alternative to a nick. The third and later variations have at
// most nine characters, which every server accepts. (RFC 2812 §1.2.1)
func variation(nick string, n int) string {
	if n < 2 {
		return nick + strings.Repeat("_", n+1)
	}
	for len(nick) > 8 {
		_, size := utf8.DecodeLastRuneInString(nick)
		nick = nick[:len(nick)-size]
	}
	return nick + strconv.Itoa(n)
}

// welcome runs after 001: it identifies to NickServ, sends the user's commands and away
// state, and prepares the watch list.
func (re *registration) welcome() {
	re.c.since = re.c.now()
	if re.c.profile.password != "" && !re.c.caps["sasl"] { // no SASL: identify to services
		account := re.c.profile.account
		if account == "" && re.nickTries > 0 {
			account = re.c.profile.nicks[0]
		}
		re.c.identifying = true
		re.c.write(ircwire.Line("PRIVMSG", "NickServ", strings.TrimSpace("IDENTIFY "+account)+" "+re.c.profile.password))
	}
	for _, line := range re.c.profile.after {
		if line = cleanLine(line); line != "" {
			re.c.send(re.c.encode(line))
		}
	}
	if nicks := re.c.s.watchedAt(re.c.link.server); len(nicks) > 0 {
		for _, nick := range nicks {
			re.c.watches.watched[re.c.fold(nick)] = &watch{nick: nick}
		}
	}
	re.c.s.mu.Lock()
	away := re.c.s.away
	re.c.s.mu.Unlock()
	re.c.setAway(away)
}

// cleanLine makes one line of a user's text. The text is UTF-8; encode follows.
func cleanLine(line string) string {
	line = strings.Map(func(r rune) rune {
		switch r {
		case '\n':
			return ' '
		case '\r', 0:
			return -1
		}
		return r
	}, line)
	return line[:min(len(line), ircwire.MaxLine)]
}

// onCap handles CAP: the negotiation before the welcome, and later changes
// (cap-notify).
func (re *registration) onCap(m ircwire.Message) {
	registering := re.c.since.IsZero()
	switch m.Param(1) {
	case "LS", "NEW":
		for name := range strings.FieldsSeq(m.Last()) {
			name, value, _ := strings.Cut(name, "=")
			if name == "sts" && registering {
				re.onSTS(value)
			}
			re.bouncer.is = re.bouncer.is || isBouncerCap(name)
			if !slices.Contains(wanted, name) || re.c.caps[name] || slices.Contains(re.offered, name) {
				continue
			}
			if name == "sasl" {
				re.mechanisms = strings.Split(value, ",")
				if !registering || re.c.profile.password == "" && re.c.profile.certificate == nil {
					continue
				}
			}
			re.offered = append(re.offered, name)
		}
		if m.Param(2) == "*" { // the list continues in another line
			return
		}
		if len(re.offered) == 0 {
			re.endCap()
			return
		}
		re.asked = re.offered
		re.offered = nil
		re.c.write(ircwire.Line("CAP", "REQ", strings.Join(re.asked, " ")))
	case "ACK":
		for name := range strings.FieldsSeq(m.Last()) {
			if off, isOff := strings.CutPrefix(name, "-"); isOff {
				delete(re.c.caps, off)
			} else if slices.Contains(wanted, name) {
				re.c.caps[name] = true
			}
		}
		if re.single--; re.single > 0 {
			return
		}
		if registering && re.c.caps["sasl"] {
			re.startSASL()
			return
		}
		re.endCap()
	case "NAK":
		if re.single > 0 { // the answer to a single request
			if re.single--; re.single == 0 {
				re.endCap()
			}
			return
		}
		if len(re.asked) < 2 {
			re.endCap()
			return
		}
		for _, name := range re.asked { // the server accepts or rejects all capabilities of a CAP REQ together
			re.c.write(ircwire.Line("CAP", "REQ", name))
		}
		re.single = len(re.asked)
	case "DEL":
		for name := range strings.FieldsSeq(m.Last()) {
			delete(re.c.caps, name)
		}
	}
}

// stsRedirect is the error of a connection whose server requires TLS on another port (STS).
type stsRedirect struct{ to target }

func (m *stsRedirect) Error() string { return "irc: the server requires TLS, on port " + m.to.port }

// onSTS handles the capability sts of a connection without TLS: it reconnects with TLS.
// For a server of the configuration, the administrator's choice takes precedence.
// (IRCv3 sts)
func (re *registration) onSTS(policy string) {
	if re.c.target.tls || !re.c.s.net.named {
		return
	}
	for rule := range strings.SplitSeq(policy, ",") {
		port, ok := strings.CutPrefix(rule, "port=")
		if list, err := ports(port); ok && err == nil && len(list) == 1 {
			re.c.err = &stsRedirect{target{re.c.target.host, list[0], true}}
		}
	}
}

// complete runs once the MOTD has been read: ISUPPORT is known.
func (re *registration) complete() {
	re.c.watches.watchAll()
	re.bouncer.start(re.c)
}

// endCap ends the capability negotiation, unless the registration is complete.
func (re *registration) endCap() {
	if re.c.since.IsZero() {
		if re.c.caps["sasl"] && re.login == nil {
			re.startSASL()
			return
		}
		re.c.write(ircwire.Line("CAP", "END"))
	}
}
