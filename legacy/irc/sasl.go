package irc

import (
	"cmp"
	"encoding/base64"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// login is a SASL exchange under way. (IRCv3 sasl-3.2)
type login struct {
	mechanism string
	answer    func(challenge string) (string, error)
	proven    func() bool     // whether the server has proved that it knows the password; nil if the mechanism has no such proof
	challenge strings.Builder // base64, possibly split over several lines
}

const (
	saslChunk     = 400     // bytes of base64 in one line
	maxChallenge  = 8 << 10 // limit: bytes of a SASL challenge | the sign-on fails: remote-server-timeout
	maxIterations = 500_000 // limit: iterations of SCRAM: half a second of CPU time | the sign-on fails
)

// startSASL starts an exchange with the strongest mechanism that both sides support.
func (re *registration) startSASL() {
	if re.login = re.chooseLogin(); re.login == nil { // fall back to NickServ
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
	account := cmp.Or(re.c.profile.account, re.c.profile.nicks[0])
	switch {
	case re.c.profile.certificate != nil && offers("EXTERNAL"):
		return &login{mechanism: "EXTERNAL", answer: func(string) (string, error) { return re.c.profile.account, nil }}
	case re.c.profile.password == "":
		return nil
	case slices.Contains(re.mechanisms, "SCRAM-SHA-256"):
		client, err := scram.SHA256.NewClient(account, re.c.profile.password, "")
		if err == nil {
			talk := client.NewConversation() // requires at least 4096 iterations (RFC 7677 §4)
			return &login{mechanism: "SCRAM-SHA-256", answer: bounded(talk.Step), proven: talk.Valid}
		} // SASLprep rejects the password
	}
	if !offers("PLAIN") {
		return nil
	}
	return &login{mechanism: "PLAIN", answer: func(string) (string, error) { // RFC 4616
		return account + "\x00" + account + "\x00" + re.c.profile.password, nil
	}}
}

// bounded wraps a SCRAM step with a limit on the iteration count. (RFC 5802 §5.1)
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

// onAuthenticate handles AUTHENTICATE: it responds to a complete challenge.
func (re *registration) onAuthenticate(chunk string) error {
	if re.login == nil {
		return nil
	}
	if chunk != "+" {
		re.login.challenge.WriteString(chunk)
	}
	switch {
	case re.login.challenge.Len() > maxChallenge:
		return legacy.Errorf(legacy.Temporary, "%s sent an invalid response to the sign-on. Try again later.", re.c.link.name())
	case len(chunk) == saslChunk: // another line follows
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
	return "The " + c.link.name() + " server did not prove that it knows your password, so it may be an impostor."
}

// onLoggedIn handles the success of SASL.
func (re *registration) onLoggedIn() error {
	if re.login != nil && re.login.proven != nil && !re.login.proven() {
		return legacy.Errorf(legacy.Forbidden, "%s", notProven(re.c))
	}
	re.loggedIn = re.login != nil
	re.login = nil
	re.c.write(ircwire.Line("CAP", "END"))
	return nil
}

var errNotProven = errors.New("irc: the server has not confirmed the password")

// account returns the account whose password the registration sends, for legacy.Env.Attempt. A
// server that users name counts by its address: it may have any number of names.
func (re *registration) account() string {
	p := &re.c.profile
	name := cmp.Or(p.account, p.nicks[0])
	if p.password == "" { // bouncers have the account in front of the server password
		name, _, _ = strings.Cut(p.pass, ":")
		if name == p.pass {
			name = cmp.Or(p.user, p.nicks[0])
		}
	}
	name = ircwire.RFC1459.Fold(name)
	if host, _, err := net.SplitHostPort(re.c.conn.RemoteAddr().String()); err == nil && re.c.s.net.named {
		return name + " at " + host
	}
	return name
}

// onNickServ handles an answer of NickServ to the password: it may have refused it.
func (re *registration) onNickServ(text string) {
	if re.c.identifying && mentions(text, "invalid password", "incorrect", "wrong password", "authentication failed", "access denied", "not match") {
		re.c.identifying = false
		re.report(legacy.Errorf(legacy.Auth, "NickServ does not accept the password."))
	}
}

// writeSASL sends a response in lines of 400 bytes; the last line is shorter.
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

// saslFailed handles the failure of a mechanism: it tries the next one.
func (re *registration) saslFailed(m ircwire.Message) error {
	if m.Command == "908" { // RPL_SASLMECHS: the mechanisms of the server; 904 follows
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
