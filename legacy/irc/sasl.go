package irc

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/xdg-go/scram"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// login is a SASL exchange that is under way. (IRCv3 sasl-3.2)
type login struct {
	mechanism string
	answer    func(challenge string) (string, error)
	challenge strings.Builder // base64, which may come in several lines
}

const (
	saslChunk    = 400     // bytes of base64 in one line
	maxChallenge = 8 << 10 // bytes
)

// startSASL begins with the best mechanism that both sides know.
func (c *client) startSASL() {
	offers := func(mechanism string) bool {
		return slices.Contains(c.mechanisms, mechanism) || len(c.mechanisms) == 0 || c.mechanisms[0] == ""
	}
	account := first(c.profile.account, c.profile.nicks[0])
	switch {
	case c.profile.certificate != nil && offers("EXTERNAL"):
		c.login = &login{mechanism: "EXTERNAL", answer: func(string) (string, error) { return c.profile.account, nil }}
	case c.profile.password == "":
		c.caps["sasl"] = false
		c.endCap()
		return
	case slices.Contains(c.mechanisms, "SCRAM-SHA-256"):
		if client, err := scram.SHA256.NewClient(account, c.profile.password, ""); err == nil {
			c.login = &login{mechanism: "SCRAM-SHA-256", answer: client.NewConversation().Step}
			break
		}
		fallthrough // a password that SASLprep does not take
	default: // PLAIN (RFC 4616)
		c.login = &login{mechanism: "PLAIN", answer: func(string) (string, error) {
			return account + "\x00" + account + "\x00" + c.profile.password, nil
		}}
	}
	c.write(ircwire.Line("AUTHENTICATE", c.login.mechanism))
}

// onAuthenticate answers a challenge.
func (c *client) onAuthenticate(chunk string) error {
	if c.login == nil {
		return nil
	}
	if chunk != "+" {
		c.login.challenge.WriteString(chunk)
	}
	switch {
	case c.login.challenge.Len() > maxChallenge:
		return legacy.Errorf(legacy.Temporary, "%s behaves strangely while you sign on.", c.link.name())
	case len(chunk) == saslChunk: // more follows
		return nil
	}
	challenge, err := base64.StdEncoding.DecodeString(c.login.challenge.String())
	c.login.challenge.Reset()
	if err == nil {
		var answer string
		if answer, err = c.login.answer(string(challenge)); err == nil {
			c.writeSASL(answer)
			return nil
		}
	}
	c.write("AUTHENTICATE *")
	return legacy.Wrap(legacy.Auth, err, c.link.name()+" does not accept the password.")
}

// writeSASL sends an answer in lines of 400 bytes; the last one is shorter.
func (c *client) writeSASL(answer string) {
	text := base64.StdEncoding.EncodeToString([]byte(answer))
	for len(text) >= saslChunk {
		c.write("AUTHENTICATE " + text[:saslChunk])
		text = text[saslChunk:]
	}
	if text == "" {
		text = "+"
	}
	c.write("AUTHENTICATE " + text)
}

// saslFailed: the server does not take what we have; another mechanism may do.
func (c *client) saslFailed(m ircwire.Message) error {
	if m.Command == "908" { // these it has; 904 follows
		c.mechanisms = strings.Split(m.Param(1), ",")
		return nil
	}
	if c.login != nil && c.login.mechanism == "EXTERNAL" && c.profile.password != "" {
		c.profile.certificate = nil
		c.startSASL()
		return nil
	}
	return legacy.Errorf(legacy.Auth, "%s does not accept the password.", c.link.name())
}
