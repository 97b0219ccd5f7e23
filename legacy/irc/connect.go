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

// wanted are the capabilities that we use. (IRCv3)
var wanted = []string{
	"sasl", "cap-notify", "message-tags", "server-time", "echo-message", "labeled-response", "batch", "away-notify",
	"account-notify", "account-tag", "extended-join", "chghost", "setname", "multi-prefix", "userhost-in-names",
	"invite-notify", "chathistory", "draft/chathistory", "extended-monitor", "standard-replies",
	"draft/message-redaction",
}

// register signs on. (RFC 2812 §3.1, IRCv3 capability negotiation)
func (c *client) register(ctx context.Context) error {
	c.nick = c.profile.nicks[0]
	c.write(ircwire.Line("CAP", "LS", "302"))
	if c.profile.pass != "" {
		c.write(ircwire.Line("PASS", c.profile.pass))
	}
	c.write(ircwire.Line("NICK", c.nick), ircwire.Line("USER", userName(first(c.profile.user, c.nick)), "0", "*", c.profile.real))
	for c.flush(); c.err == nil; c.flush() {
		select {
		case in := <-c.conn.lines:
			for i, text := range in.lines {
				m, err := ircwire.Parse(c.decode(text))
				if err != nil {
					continue
				}
				if done, err := c.onRegistering(m); done || err != nil {
					c.early = in.lines[i+1:]
					return err
				}
			}
			if in.err != nil {
				return c.lost(in.err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return c.err
}

// userName is what the server calls our side of the connection: letters and
// digits.
func userName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return -1
	}, name)
	if name == "" {
		return "user"
	}
	return name[:min(len(name), 9)]
}

const (
	maxNickTries = 8
	maxGreeting  = 20 // notices before the welcome
)

// onRegistering handles a line before the welcome. done says that it came.
func (c *client) onRegistering(m ircwire.Message) (done bool, err error) {
	switch m.Command {
	case "PING":
		c.write(ircwire.Line("PONG", m.Last()))
	case "CAP":
		c.onCap(m)
		return false, c.err
	case "AUTHENTICATE":
		return false, c.onAuthenticate(m.Param(0))
	case "903", "907":
		return false, c.onLoggedIn()
	case "902", "904", "905", "906", "908":
		return false, c.saslFailed(m)
	case "432": // an erroneous one, or one that services hold for whom it belongs to
		if c.nickTries > 0 || len(c.profile.nicks) > 1 || isPlainNick(c.nick) {
			return false, c.nextNick(m)
		}
		return false, c.nickRefused()
	case "433", "436", "437": // in use: another one, which the room will tell of
		return false, c.nextNick(m)
	case "464":
		return false, legacy.Errorf(legacy.Auth, "%s wants a password, or another one.", c.link.name())
	case "465":
		return false, legacy.Errorf(legacy.Forbidden, "%s does not let you in: %s", c.link.name(), ircwire.Plain(m.Last()))
	case "ERROR":
		e := legacy.Errorf(legacy.Temporary, "The %s server ended the connection: %s", c.link.name(), ircwire.Plain(m.Last()))
		e.RetryAfter = 10 * time.Second
		return false, e
	case "NOTICE": // told once the user is signed on
		if len(c.greeting) < maxGreeting {
			c.greeting = append(c.greeting, m)
		}
	case "001":
		if isName(m.Param(0)) {
			c.nick = m.Param(0)
		}
		c.serverName = m.Source
		c.welcome()
		return true, nil
	}
	return false, nil
}

// nextNick tries the next of the user's nicks, then variations of the first.
func (c *client) nextNick(m ircwire.Message) error {
	c.nickTries++
	switch {
	case c.nickTries < len(c.profile.nicks):
		c.nick = c.profile.nicks[c.nickTries]
	case c.nickTries-len(c.profile.nicks) < maxNickTries:
		c.nick = variation(c.profile.nicks[0], c.nickTries-len(c.profile.nicks))
	case m.Command == "432":
		return c.nickRefused()
	default:
		return legacy.Errorf(legacy.Forbidden, "The nick %s is in use: %s", c.profile.nicks[0], ircwire.Plain(m.Last()))
	}
	c.write(ircwire.Line("NICK", c.nick))
	return nil
}

func (c *client) nickRefused() error {
	return legacy.Errorf(legacy.Auth, "%s does not allow the nick %s.", c.link.name(), c.profile.nicks[0])
}

// variation is another nick. Those after the first two are no longer than nine
// characters, which is what every server takes. (RFC 2812 §1.2.1)
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

// welcome does what is to be done as soon as the server has let us in.
func (c *client) welcome() {
	c.since = c.now()
	if c.profile.password != "" && !c.caps["sasl"] { // services by hand
		account := c.profile.account
		if account == "" && c.nickTries > 0 {
			account = c.profile.nicks[0]
		}
		c.write(ircwire.Line("PRIVMSG", "NickServ", strings.TrimSpace("IDENTIFY "+account)+" "+c.profile.password))
	}
	for _, line := range c.profile.after {
		c.send(c.encode(cleanLine(line)))
	}
	if nicks := c.s.watchedAt(c.link.server); len(nicks) > 0 {
		for _, nick := range nicks {
			c.watched[c.fold(nick)] = &watch{nick: nick}
		}
	}
	c.s.mu.Lock()
	away := c.s.away
	c.s.mu.Unlock()
	c.setAway(away)
}

// cleanLine makes one line of what a user has written for the server. It takes UTF-8:
// encoding comes after it.
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

// onCap agrees on capabilities, before the welcome and, when the server changes its
// mind, later.
func (c *client) onCap(m ircwire.Message) {
	registering := c.since.IsZero()
	switch m.Param(1) {
	case "LS", "NEW":
		for name := range strings.FieldsSeq(m.Last()) {
			name, value, _ := strings.Cut(name, "=")
			if name == "sts" && registering {
				c.onSTS(value)
			}
			if !slices.Contains(wanted, name) || c.caps[name] || slices.Contains(c.offered, name) {
				continue
			}
			if name == "sasl" {
				c.mechanisms = strings.Split(value, ",")
				if !registering || c.profile.password == "" && c.profile.certificate == nil {
					continue
				}
			}
			c.offered = append(c.offered, name)
		}
		if m.Param(2) == "*" { // more follow
			return
		}
		if len(c.offered) == 0 {
			c.endCap()
			return
		}
		c.asked = c.offered
		c.offered = nil
		c.write(ircwire.Line("CAP", "REQ", strings.Join(c.asked, " ")))
	case "ACK":
		for name := range strings.FieldsSeq(m.Last()) {
			if off, isOff := strings.CutPrefix(name, "-"); isOff {
				delete(c.caps, off)
			} else if slices.Contains(wanted, name) {
				c.caps[name] = true
			}
		}
		if c.single--; c.single > 0 {
			return
		}
		if registering && c.caps["sasl"] {
			c.startSASL()
			return
		}
		c.endCap()
	case "NAK":
		if c.single > 0 { // one of those asked for alone
			if c.single--; c.single == 0 {
				c.endCap()
			}
			return
		}
		if len(c.asked) < 2 {
			c.endCap()
			return
		}
		for _, name := range c.asked { // the server takes all of a line, or nothing
			c.write(ircwire.Line("CAP", "REQ", name))
		}
		c.single = len(c.asked)
	case "DEL":
		for name := range strings.FieldsSeq(m.Last()) {
			delete(c.caps, name)
		}
	}
}

// moved says that the server is to be used at another place.
type moved struct{ to target }

func (m *moved) Error() string { return "irc: the server wants TLS, on port " + m.to.port }

// onSTS: a server that was reached without TLS says that it is to be used with. At the
// server of the configuration, its word holds. (IRCv3 sts)
func (c *client) onSTS(policy string) {
	if c.target.tls || !c.s.net.named {
		return
	}
	for rule := range strings.SplitSeq(policy, ",") {
		port, ok := strings.CutPrefix(rule, "port=")
		if list, err := ports(port); ok && err == nil && len(list) == 1 {
			c.err = &moved{target{c.target.host, list[0], true}}
		}
	}
}

// endCap goes on with the registration, if it is not over.
func (c *client) endCap() {
	if c.since.IsZero() {
		if c.caps["sasl"] && c.login == nil {
			c.startSASL()
			return
		}
		c.write(ircwire.Line("CAP", "END"))
	}
}
