package irc

import (
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// login is a SASL exchange that is under way. (IRCv3 sasl-3.2)
type login struct {
	mechanism string
	answer    func(challenge string) (string, error)
	proven    func() bool     // whether the server knows the password too, nil if it need not show that
	challenge strings.Builder // base64, which may come in several lines
}

const (
	saslChunk     = 400     // bytes of base64 in one line
	maxChallenge  = 8 << 10 // bytes
	maxIterations = 500_000 // of SCRAM: half a second of work
)

// startSASL begins with the best mechanism that both sides know.
func (c *client) startSASL() {
	if c.login = c.chooseLogin(); c.login == nil { // services may do
		c.caps["sasl"] = false
		c.endCap()
		return
	}
	c.write(ircwire.Line("AUTHENTICATE", c.login.mechanism))
}

func (c *client) chooseLogin() *login {
	offers := func(mechanism string) bool {
		return slices.Contains(c.mechanisms, mechanism) || len(c.mechanisms) == 0 || c.mechanisms[0] == ""
	}
	account := first(c.profile.account, c.profile.nicks[0])
	switch {
	case c.profile.certificate != nil && offers("EXTERNAL"):
		return &login{mechanism: "EXTERNAL", answer: func(string) (string, error) { return c.profile.account, nil }}
	case c.profile.password == "":
		return nil
	case slices.Contains(c.mechanisms, "SCRAM-SHA-256"):
		client, err := scram.SHA256.NewClient(account, c.profile.password, "")
		if err == nil {
			talk := client.NewConversation() // which wants 4096 iterations at least (RFC 7677 §4)
			return &login{mechanism: "SCRAM-SHA-256", answer: bounded(talk.Step), proven: talk.Valid}
		} // else SASLprep does not take the password
	}
	if !offers("PLAIN") {
		return nil
	}
	return &login{mechanism: "PLAIN", answer: func(string) (string, error) { // RFC 4616
		return account + "\x00" + account + "\x00" + c.profile.password, nil
	}}
}

// bounded refuses a challenge that asks for more work than a server needs.
// (RFC 5802 §5.1)
func bounded(step func(string) (string, error)) func(string) (string, error) {
	return func(challenge string) (string, error) {
		for attribute := range strings.SplitSeq(challenge, ",") {
			if count, ok := strings.CutPrefix(attribute, "i="); ok {
				if n, err := strconv.Atoi(count); err != nil || n > maxIterations {
					return "", errors.New("irc: the server asks for too many iterations of SCRAM")
				}
			}
		}
		return step(challenge)
	}
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
	c.flush()
	if strings.HasPrefix(string(challenge), "e=") { // RFC 5802 §7
		return legacy.Wrap(legacy.Auth, err, c.link.name()+" does not accept the password.")
	}
	return legacy.Wrap(legacy.Forbidden, err, notProven(c))
}

func notProven(c *client) string {
	return "The " + c.link.name() + " server does not prove that it knows your password."
}

// onLoggedIn: the server says that all is well.
func (c *client) onLoggedIn() error {
	if c.login != nil && c.login.proven != nil && !c.login.proven() {
		return legacy.Errorf(legacy.Forbidden, "%s", notProven(c))
	}
	c.login = nil
	c.write(ircwire.Line("CAP", "END"))
	return nil
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
	if c.login == nil {
		return legacy.Errorf(legacy.Auth, "%s does not accept the password.", c.link.name())
	}
	external := c.login.mechanism == "EXTERNAL"
	unknown := len(c.mechanisms) > 0 && c.mechanisms[0] != "" && !slices.Contains(c.mechanisms, c.login.mechanism)
	switch {
	case external && c.profile.password != "", unknown:
		if external {
			c.profile.certificate = nil
		}
		c.startSASL()
		return nil
	case external:
		return legacy.Errorf(legacy.Auth, "%s does not accept the certificate.", c.link.name())
	}
	return legacy.Errorf(legacy.Auth, "%s does not accept the password.", c.link.name())
}
