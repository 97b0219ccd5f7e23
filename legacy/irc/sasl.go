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
func (re *registration) startSASL() {
	if re.login = re.chooseLogin(); re.login == nil { // services may do
		re.c.caps["sasl"] = false
		re.endCap()
		return
	}
	re.c.write(ircwire.Line("AUTHENTICATE", re.login.mechanism))
}

func (re *registration) chooseLogin() *login {
	offers := func(mechanism string) bool {
		return slices.Contains(re.mechanisms, mechanism) || len(re.mechanisms) == 0 || re.mechanisms[0] == ""
	}
	account := first(re.c.profile.account, re.c.profile.nicks[0])
	switch {
	case re.c.profile.certificate != nil && offers("EXTERNAL"):
		return &login{mechanism: "EXTERNAL", answer: func(string) (string, error) { return re.c.profile.account, nil }}
	case re.c.profile.password == "":
		return nil
	case slices.Contains(re.mechanisms, "SCRAM-SHA-256"):
		client, err := scram.SHA256.NewClient(account, re.c.profile.password, "")
		if err == nil {
			talk := client.NewConversation() // which wants 4096 iterations at least (RFC 7677 §4)
			return &login{mechanism: "SCRAM-SHA-256", answer: bounded(talk.Step), proven: talk.Valid}
		} // else SASLprep does not take the password
	}
	if !offers("PLAIN") {
		return nil
	}
	return &login{mechanism: "PLAIN", answer: func(string) (string, error) { // RFC 4616
		return account + "\x00" + account + "\x00" + re.c.profile.password, nil
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
func (re *registration) onAuthenticate(chunk string) error {
	if re.login == nil {
		return nil
	}
	if chunk != "+" {
		re.login.challenge.WriteString(chunk)
	}
	switch {
	case re.login.challenge.Len() > maxChallenge:
		return legacy.Errorf(legacy.Temporary, "%s behaves strangely while you sign on.", re.c.link.name())
	case len(chunk) == saslChunk: // more follows
		return nil
	}
	challenge, err := base64.StdEncoding.DecodeString(re.login.challenge.String())
	re.login.challenge.Reset()
	if err == nil {
		var answer string
		if answer, err = re.login.answer(string(challenge)); err == nil {
			re.writeSASL(answer)
			return nil
		}
	}
	re.c.write("AUTHENTICATE *")
	re.c.flush()
	if strings.HasPrefix(string(challenge), "e=") { // RFC 5802 §7
		return legacy.Wrap(legacy.Auth, err, re.c.link.name()+" does not accept the password.")
	}
	return legacy.Wrap(legacy.Forbidden, err, notProven(re.c))
}

func notProven(c *client) string {
	return "The " + c.link.name() + " server does not prove that it knows your password."
}

// onLoggedIn: the server says that all is well.
func (re *registration) onLoggedIn() error {
	if re.login != nil && re.login.proven != nil && !re.login.proven() {
		return legacy.Errorf(legacy.Forbidden, "%s", notProven(re.c))
	}
	re.login = nil
	re.c.write(ircwire.Line("CAP", "END"))
	return nil
}

// writeSASL sends an answer in lines of 400 bytes; the last one is shorter.
func (re *registration) writeSASL(answer string) {
	text := base64.StdEncoding.EncodeToString([]byte(answer))
	for len(text) >= saslChunk {
		re.c.write("AUTHENTICATE " + text[:saslChunk])
		text = text[saslChunk:]
	}
	if text == "" {
		text = "+"
	}
	re.c.write("AUTHENTICATE " + text)
}

// saslFailed: the server does not take what we have; another mechanism may do.
func (re *registration) saslFailed(m ircwire.Message) error {
	if m.Command == "908" { // these it has; 904 follows
		re.mechanisms = strings.Split(m.Param(1), ",")
		return nil
	}
	if re.login == nil {
		return legacy.Errorf(legacy.Auth, "%s does not accept the password.", re.c.link.name())
	}
	external := re.login.mechanism == "EXTERNAL"
	unknown := len(re.mechanisms) > 0 && re.mechanisms[0] != "" && !slices.Contains(re.mechanisms, re.login.mechanism)
	switch {
	case external && re.c.profile.password != "", unknown:
		if external {
			re.c.profile.certificate = nil
		}
		re.startSASL()
		return nil
	case external:
		return legacy.Errorf(legacy.Auth, "%s does not accept the certificate.", re.c.link.name())
	}
	return legacy.Errorf(legacy.Auth, "%s does not accept the password.", re.c.link.name())
}
