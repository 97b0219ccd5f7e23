package irc

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// wanted are the capabilities that we use. (IRCv3)
var wanted = []string{"sasl", "server-time", "multi-prefix", "away-notify", "echo-message", "userhost-in-names"}

// connect registers at the first server that can be reached. The client's
// connection must be closed.
func (s *session) connect(ctx, life context.Context) (*client, error) {
	var err error
	for _, to := range s.net.servers {
		var cn *conn
		if cn, err = s.dial(ctx, life, to); err != nil {
			if ctx.Err() != nil {
				break
			}
			continue
		}
		c := newClient(s, cn)
		if err = c.register(ctx); err == nil {
			return c, nil
		}
		cn.close()
		if legacy.KindOf(err) != legacy.Temporary {
			break
		}
	}
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		err = legacy.Wrap(legacy.Temporary, err, "The "+s.net.name()+" server took too long.")
	}
	return nil, err
}

// register signs on. (RFC 2812 §3.1, IRCv3 capability negotiation)
func (c *client) register(ctx context.Context) error {
	c.nick = c.s.fields["username"]
	real := c.s.fields["name"]
	if real == "" {
		real = c.nick
	}
	c.write(ircwire.Line("CAP", "LS", "302"), ircwire.Line("NICK", c.nick), ircwire.Line("USER", userName(c.nick), "0", "*", real))
	for c.err == nil {
		select {
		case in := <-c.conn.lines:
			if in.err != nil {
				return c.s.net.lost(in.err)
			}
			m, err := ircwire.Parse(c.decode(in.line))
			if err != nil {
				continue
			}
			if done, err := c.onRegistering(m); done || err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return c.err
}

// userName is what the server calls our side of the connection: letters and
// digits of the nick.
func userName(nick string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(nick))
	if name == "" {
		return "user"
	}
	return name[:min(len(name), 9)]
}

const maxNickTries = 5

// onRegistering handles a line before the welcome. done says that it came.
func (c *client) onRegistering(m ircwire.Message) (done bool, err error) {
	switch m.Command {
	case "PING":
		c.write(ircwire.Line("PONG", m.Last()))
	case "CAP":
		c.onCap(m)
	case "AUTHENTICATE":
		if m.Param(0) == "+" { // SASL PLAIN (RFC 4616)
			secret := c.nick + "\x00" + c.nick + "\x00" + c.s.fields["password"]
			c.write("AUTHENTICATE " + base64.StdEncoding.EncodeToString([]byte(secret)))
		}
	case "900":
	case "903":
		c.write(ircwire.Line("CAP", "END"))
	case "902", "904", "905", "906", "908":
		return false, legacy.Errorf(legacy.Auth, "%s does not accept the password.", c.s.net.name())
	case "432":
		return false, legacy.Errorf(legacy.Auth, "%s does not allow the nick %s.", c.s.net.name(), c.nick)
	case "433", "436", "437": // in use: another one, which the room will tell of
		if c.nickTries++; c.nickTries > maxNickTries {
			return false, legacy.Errorf(legacy.Forbidden, "The nick %s is in use.", c.s.fields["username"])
		}
		c.nick += "_"
		c.write(ircwire.Line("NICK", c.nick))
	case "464":
		return false, legacy.Errorf(legacy.Auth, "%s wants a password, or another one.", c.s.net.name())
	case "465":
		return false, legacy.Errorf(legacy.Forbidden, "%s does not let you in: %s", c.s.net.name(), ircwire.Plain(m.Last()))
	case "ERROR":
		e := legacy.Errorf(legacy.Temporary, "The %s server ended the connection: %s", c.s.net.name(), ircwire.Plain(m.Last()))
		e.RetryAfter = 10 * time.Second
		return false, e
	case "001":
		c.nick = m.Param(0)
		return true, nil
	}
	return false, nil
}

// onCap agrees on capabilities.
func (c *client) onCap(m ircwire.Message) {
	switch m.Param(1) {
	case "LS":
		for name := range strings.FieldsSeq(m.Last()) {
			name, _, _ = strings.Cut(name, "=")
			for _, w := range wanted {
				if name == w && (w != "sasl" || c.s.fields["password"] != "") {
					c.offered = append(c.offered, name)
				}
			}
		}
		if m.Param(2) == "*" { // more follow
			return
		}
		if len(c.offered) == 0 {
			c.write(ircwire.Line("CAP", "END"))
			return
		}
		c.write(ircwire.Line("CAP", "REQ", strings.Join(c.offered, " ")))
	case "ACK":
		for name := range strings.FieldsSeq(m.Last()) {
			c.caps[name] = true
		}
		if c.caps["sasl"] {
			c.write(ircwire.Line("AUTHENTICATE", "PLAIN"))
			return
		}
		c.write(ircwire.Line("CAP", "END"))
	case "NAK":
		c.write(ircwire.Line("CAP", "END"))
	}
}
