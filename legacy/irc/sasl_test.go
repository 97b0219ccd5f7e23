package irc

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/xdg-go/scram"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// serverSays sends lines to a client during its registration, until one ends it.
func (l *lab) serverSays(lines ...string) error {
	for _, line := range lines {
		m, err := ircwire.Parse(line)
		if err != nil {
			return err
		}
		if _, err := l.c.reg.onRegistering(m); err != nil {
			return err
		}
	}
	return nil
}

// signingOn returns a client that signs on by SASL with the server's mechanisms.
func signingOn(t *testing.T, password, mechanisms string) *lab {
	l := setup{fields: map[string]string{"password": password}}.lab(t)
	l.registering(":s CAP * LS :sasl"+mechanisms, ":s CAP * ACK :sasl")
	if sent := l.sent(); len(sent) == 0 || sent[0] != "CAP REQ sasl" {
		t.Fatalf("sent %q", sent)
	}
	return l
}

func TestPlain(t *testing.T) {
	for _, mechanisms := range []string{"", "=", "=PLAIN", "=EXTERNAL,PLAIN"} {
		l := signingOn(t, "right", mechanisms)
		l.registering("AUTHENTICATE +")
		l.wantSent("AUTHENTICATE YWxpY2UAYWxpY2UAcmlnaHQ=")
		l.registering(":s 900 alice alice!u@h alice :You are logged in", ":s 903 alice :Success")
		l.wantSent("CAP END")
		l.registering(":s 001 alice :Welcome")
		l.wantSent() // no password to services
	}
	for _, numeric := range []string{"902", "904", "905", "906"} {
		l := signingOn(t, "wrong", "")
		if err := l.serverSays("AUTHENTICATE +", ":s "+numeric+" alice :Failed"); legacy.KindOf(err) != legacy.Auth || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: %v", numeric, err)
		}
	}
	l := signingOn(t, "right", "")
	l.registering(":s 907 alice :You have already authenticated")
	l.wantSent("CAP END")
}

// TestLongAnswer: a long response is split into several lines; an empty line follows a
// full last line.
func TestLongAnswer(t *testing.T) {
	for _, size := range []int{1, 287, 288, 289, maxPassword} {
		l := signingOn(t, strings.Repeat("p", size), "")
		l.registering("AUTHENTICATE +")
		got, last := "", ""
		for _, line := range l.sent() {
			if last = strings.TrimPrefix(line, "AUTHENTICATE "); last != "+" {
				got += last
			}
			if len(last) > saslChunk {
				t.Errorf("%d bytes at once", len(last))
			}
		}
		text, err := base64.StdEncoding.DecodeString(got)
		if err != nil || string(text) != "alice\x00alice\x00"+strings.Repeat("p", size) || len(last) == saslChunk {
			t.Errorf("%d: %q, %v", size, text, err)
		}
	}
}

// scramServer answers like a server that knows alice's password.
func scramServer(t *testing.T, password string, iterations int) *scram.ServerConversation {
	client, err := scram.SHA256.NewClient("alice", password, "")
	if err != nil {
		t.Fatal(err)
	}
	stored := client.GetStoredCredentials(scram.KeyFactors{Salt: "salt and pepper.", Iters: iterations})
	server, err := scram.SHA256.NewServer(func(name string) (scram.StoredCredentials, error) {
		if name != "alice" {
			return scram.StoredCredentials{}, errors.New("nobody")
		}
		return stored, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return server.NewConversation()
}

// step passes the client's response to a SCRAM server, and returns the server's.
func (l *lab) step(server *scram.ServerConversation) string {
	l.t.Helper()
	text := ""
	for _, line := range l.sent() {
		text += strings.TrimPrefix(strings.TrimPrefix(line, "AUTHENTICATE "), "+")
	}
	message, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		l.t.Fatal(err)
	}
	challenge, _ := server.Step(string(message)) // the response contains the error
	return challenge
}

func authenticate(challenge string) string {
	return "AUTHENTICATE " + base64.StdEncoding.EncodeToString([]byte(challenge))
}

func TestScram(t *testing.T) {
	forge := func(s string) string {
		return "v=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 32)))
	}
	for _, tt := range []struct {
		name       string
		password   string
		iterations int
		change     func(final string) string // nil to omit the final message
		want       error
	}{
		{"right", "pässword", 4096, func(s string) string { return s }, nil},
		{"wrong", "another", 4096, func(s string) string { return s }, fails(legacy.Auth)},
		{"a server that does not know it", "pässword", 4096, forge, fails(legacy.Forbidden)},
		{"a server that shows nothing", "pässword", 4096, nil, fails(legacy.Forbidden)},
		{"rubbish", "pässword", 4096, func(string) string { return "\x00" }, fails(legacy.Forbidden)},
		{"too little work", "pässword", 4095, func(s string) string { return s }, fails(legacy.Forbidden)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := signingOn(t, "pässword", "=PLAIN,SCRAM-SHA-256")
			server := scramServer(t, tt.password, tt.iterations)
			l.registering("AUTHENTICATE +")
			err := l.serverSays(authenticate(l.step(server)))
			if err == nil {
				if final := l.step(server); tt.change != nil {
					err = l.serverSays(authenticate(tt.change(final)))
				}
			}
			if err == nil {
				err = l.serverSays(":s 903 alice :Success")
			}
			if (err == nil) != (tt.want == nil) || legacy.KindOf(err) != legacy.KindOf(tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if tt.want == nil {
				l.wantSent("AUTHENTICATE +", "CAP END")
			}
			if err != nil && strings.Contains(err.Error(), "pässword") {
				t.Errorf("the password is in %v", err)
			}
		})
	}
}

// TestScramWork: a server cannot make the gateway compute for hours.
func TestScramWork(t *testing.T) {
	for _, count := range []string{"2147483647", "500001", "99999999999999999999", "-1", "x", ""} {
		l := signingOn(t, "pw", "=SCRAM-SHA-256")
		l.registering("AUTHENTICATE +")
		first, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(l.sent()[0], "AUTHENTICATE "))
		_, nonce, _ := strings.Cut(string(first), "r=")
		if err := l.serverSays(authenticate("r=" + nonce + "x,s=c2FsdA==,i=" + count)); legacy.KindOf(err) != legacy.Forbidden {
			t.Errorf("%s: %v", count, err)
		}
		l.wantSent("AUTHENTICATE *")
	}
}

// TestChallenge: a challenge may be split over several lines, but is bounded.
func TestChallenge(t *testing.T) {
	l := signingOn(t, "pw", "=SCRAM-SHA-256")
	l.registering("AUTHENTICATE +")
	l.sent()
	chunk := strings.Repeat("A", saslChunk)
	var err error
	for range maxChallenge/saslChunk + 1 {
		if err = l.serverSays("AUTHENTICATE " + chunk); err != nil {
			break
		}
	}
	if legacy.KindOf(err) != legacy.Temporary {
		t.Errorf("endless: %v", err)
	}
	l = signingOn(t, "pw", "")
	if err := l.serverSays("AUTHENTICATE !"); err == nil {
		t.Error("no base64 is taken")
	}
	l = newLab(t)
	l.registering("AUTHENTICATE +") // no exchange is under way
	l.wantSent()
}

// TestMechanisms: the common mechanisms, in this order; otherwise services.
func TestMechanisms(t *testing.T) {
	cert := SelfSigned(t, "alice")
	for _, tt := range []struct {
		name, mechanisms string
		settings         map[string]string
		script           []string
		want             error
	}{
		{"external", "=EXTERNAL,PLAIN", map[string]string{"certificate": cert, "account": "ally"},
			[]string{"> AUTHENTICATE EXTERNAL", "AUTHENTICATE +", "> AUTHENTICATE YWxseQ==", ":s 903 alice :ok", "> CAP END"}, nil},
		{"external without an account", "=EXTERNAL", map[string]string{"certificate": cert},
			[]string{"> AUTHENTICATE EXTERNAL", "AUTHENTICATE +", "> AUTHENTICATE +", ":s 903 alice :ok", "> CAP END"}, nil},
		{"external refused", "=EXTERNAL", map[string]string{"certificate": cert}, []string{"> AUTHENTICATE EXTERNAL", "AUTHENTICATE +", "> AUTHENTICATE +", ":s 904 alice :no"}, fails(legacy.Auth)},
		{"external, then plain", "=EXTERNAL,PLAIN", map[string]string{"certificate": cert, "sasl_password": "pw"},
			[]string{"> AUTHENTICATE EXTERNAL", ":s 904 alice :no", "> AUTHENTICATE PLAIN", "AUTHENTICATE +", "> AUTHENTICATE YWxpY2UAYWxpY2UAcHc=", ":s 903 alice :ok", "> CAP END"}, nil},
		{"a certificate, but no external", "=PLAIN", map[string]string{"certificate": cert}, []string{"> CAP END", ":s 001 alice :Welcome", ">"}, nil},
		{"scram is not known", "", map[string]string{"sasl_password": "pw"}, []string{"> AUTHENTICATE PLAIN", ":s 908 alice SCRAM-SHA-256 :are available", ":s 904 alice :no", "> AUTHENTICATE SCRAM-SHA-256"}, nil},
		{"nothing in common", "=ECDSA", map[string]string{"sasl_password": "pw", "account": "ally"},
			[]string{"> CAP END", ":s 001 alice :Welcome", "> PRIVMSG NickServ :IDENTIFY ally pw"}, nil},
		{"nothing in common, as it turns out", "", map[string]string{"sasl_password": "pw"},
			[]string{"> AUTHENTICATE PLAIN", ":s 908 alice ECDSA :are available", ":s 904 alice :no", "> CAP END", ":s 433 * alice :in use", "> NICK alice_", ":s 001 alice_ :Welcome", "> PRIVMSG NickServ :IDENTIFY alice pw"}, nil},
		{"a failure out of nowhere", "", map[string]string{"sasl_password": "pw"}, []string{"> AUTHENTICATE PLAIN", ":s 903 alice :ok", ":s 904 alice :no"}, fails(legacy.Auth)},
		{"a password that SCRAM does not take", "=SCRAM-SHA-256,PLAIN", map[string]string{"sasl_password": "\u0007"}, []string{"> AUTHENTICATE PLAIN"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := setup{settings: map[string]map[string]string{"": tt.settings}}.lab(t)
			l.registering(":s CAP * LS :sasl" + tt.mechanisms)
			l.sent()
			l.registering(":s CAP * ACK :sasl")
			var err error
			for _, line := range tt.script {
				if want, isWant := strings.CutPrefix(line, ">"); !isWant {
					if err = l.serverSays(line); err != nil {
						break
					}
				} else if got := strings.Join(l.sent(), "|"); got != strings.TrimPrefix(want, " ") {
					t.Errorf("sent %q, want %q", got, want)
				}
			}
			if (err == nil) != (tt.want == nil) || legacy.KindOf(err) != legacy.KindOf(tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
