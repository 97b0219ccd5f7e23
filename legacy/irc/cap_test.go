package irc

import (
	"strings"
	"testing"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

func TestCapabilities(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fields map[string]string
		script []string // lines of the server; after > the lines expected from the client
		caps   string   // agreed capabilities
	}{
		{"none", nil, []string{":s CAP * LS :", "> CAP END"}, ""},
		{"nothing of use", nil, []string{":s CAP * LS :tls uhnames", "> CAP END"}, ""},
		{"no answer", nil, []string{":s 421 * CAP :Unknown command", ">"}, ""},
		{"some", nil, []string{":s CAP * LS :batch tls=6697 server-time", "> CAP REQ :batch server-time", ":s CAP alice ACK :batch server-time", "> CAP END"}, "batch server-time"},
		{"several lines", nil, []string{":s CAP * LS * :batch x", ">", ":s CAP * LS * :chghost", ">", ":s CAP * LS :setname=y", "> CAP REQ :batch chghost setname",
			":s CAP alice ACK :batch chghost setname ", "> CAP END"}, "batch chghost setname"},
		{"twice the same", nil, []string{":s CAP * LS :batch batch", "> CAP REQ batch", ":s CAP * ACK :batch", "> CAP END"}, "batch"},
		{"all refused", nil, []string{":s CAP * LS :batch chghost", "> CAP REQ :batch chghost", ":s CAP * NAK :batch chghost", "> CAP REQ batch|CAP REQ chghost",
			":s CAP * ACK :batch", ">", ":s CAP * NAK :chghost", "> CAP END"}, "batch"},
		{"one refused", nil, []string{":s CAP * LS :batch", "> CAP REQ batch", ":s CAP * NAK :batch", "> CAP END"}, ""},
		{"more than asked for", nil, []string{":s CAP * LS :batch", "> CAP REQ batch", ":s CAP * ACK :batch evil", "> CAP END"}, "batch"},
		{"SASL is not for guests", nil, []string{":s CAP * LS :sasl=PLAIN", "> CAP END"}, ""},
		{"SASL, one by one", map[string]string{"password": "pw"}, []string{":s CAP * LS :sasl batch", "> CAP REQ :sasl batch", ":s CAP * NAK :sasl batch", "> CAP REQ sasl|CAP REQ batch",
			":s CAP * ACK :sasl", ">", ":s CAP * NAK :batch", "> AUTHENTICATE PLAIN", ":s 903 alice :ok", "> CAP END"}, "sasl"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := setup{fields: tt.fields}.lab(t)
			for _, line := range tt.script {
				want, isWant := strings.CutPrefix(line, ">")
				if !isWant {
					l.registering(line)
				} else if got := strings.Join(l.sent(), "|"); got != strings.TrimPrefix(want, " ") {
					t.Errorf("sent %q, want %q", got, want)
				}
			}
			for _, name := range wanted {
				if l.c.caps[name] != (" "+tt.caps+" " != "  " && strings.Contains(" "+tt.caps+" ", " "+name+" ")) {
					t.Errorf("%s: %v", name, l.c.caps[name])
				}
			}
			if !l.registering(":irc.test 001 alice :Welcome") {
				t.Error("not welcome")
			}
		})
	}
}

// TestCapNotify: a server may change its capabilities while the user is signed on.
func TestCapNotify(t *testing.T) {
	l := newLab(t, "batch", "echo-message")
	l.hear(":s CAP alice NEW :message-tags sasl=PLAIN batch x")
	l.wantSent("CAP REQ message-tags")
	l.hear(":s CAP alice ACK :message-tags")
	l.wantSent()
	l.hear(":s CAP alice NEW :chghost setname", ":s CAP alice NAK :chghost setname")
	l.wantSent("CAP REQ :chghost setname", "CAP REQ chghost", "CAP REQ setname")
	l.hear(":s CAP alice ACK :setname", ":s CAP alice NAK :chghost", ":s CAP alice DEL :batch echo-message", ":s CAP alice ACK :-setname", ":s CAP alice LIST :x", ":s CAP alice DEL")
	l.wantSent()
	if c := l.c.caps; !c["message-tags"] || c["chghost"] || c["setname"] || c["batch"] || c["echo-message"] {
		t.Errorf("agreed on %v", c)
	}
}

// TestNickWhileRegistering: the client tries the user's other nicks, then variations,
// the last of which are valid on every server.
func TestNickWhileRegistering(t *testing.T) {
	l := setup{fields: map[string]string{"username": "alexandrina", "nicks": "ally al"}}.lab(t)
	for _, nick := range []string{"ally", "al", "alexandrina_", "alexandrina__", "alexandr2", "alexandr3", "alexandr4", "alexandr5", "alexandr6", "alexandr7"} {
		l.registering(":s 433 * " + l.c.nick + " :In use")
		l.wantSent("NICK " + nick)
	}
	m, _ := ircwire.Parse(":s 433 * x :In \x02use")
	if _, err := l.c.reg.onRegistering(m); legacy.KindOf(err) != legacy.Forbidden || !strings.HasSuffix(err.Error(), "In use") {
		t.Errorf("in the end: %v", err)
	}
	l.registering(":irc.test 001 alexandr7 :Welcome")
	if l.c.nick != "alexandr7" {
		t.Errorf("the nick is %s", l.c.nick)
	}
	l = setup{fields: map[string]string{"nicks": "ally"}}.lab(t)
	l.registering(":s 432 * alice :Erroneous")
	l.wantSent("NICK ally")
	// Services reserve a nick for a while after they have disconnected its user.
	l = setup{}.lab(t)
	l.registering(":s 432 * alice :Erroneous Nickname: Held for registered user")
	l.wantSent("NICK alice_")
	for range maxNickTries - 1 {
		l.registering(":s 432 * x :Erroneous")
	}
	m, _ = ircwire.Parse(":s 432 * x :Erroneous")
	if _, err := l.c.reg.onRegistering(m); legacy.KindOf(err) != legacy.BadNick || !strings.Contains(err.Error(), "the nick alice.") {
		t.Errorf("in the end: %v", err)
	}
	l = setup{fields: map[string]string{"username": "жanna"}}.lab(t) // reserved on this server
	l.registering(":s 432 * жanna :Erroneous")
	l.wantSent("NICK anna")
	l = setup{fields: map[string]string{"username": "жж"}}.lab(t)
	m, _ = ircwire.Parse(":s 432 * жж :Erroneous")
	if _, err := l.c.reg.onRegistering(m); legacy.KindOf(err) != legacy.BadNick {
		t.Errorf("a nick that is not allowed: %v", err)
	}
	if got := variation("жжжжжжж", 5); got != "жжжж5" {
		t.Errorf("got %q", got)
	}
}

// TestRefusals: the reasons of a server that refuses the connection.
func TestRefusals(t *testing.T) {
	for line, kind := range map[string]legacy.Kind{
		":s 464 * :Password incorrect": legacy.Auth, ":s 465 * :You are banned": legacy.Forbidden, "ERROR :Closing link": legacy.Temporary,
		"ERROR": legacy.Temporary, ":s 465": legacy.Forbidden,
	} {
		l := setup{}.lab(t)
		m, _ := ircwire.Parse(line)
		if _, err := l.c.reg.onRegistering(m); legacy.KindOf(err) != kind {
			t.Errorf("%s: %v", line, err)
		}
	}
	l := setup{}.lab(t)
	l.registering("PING :cookie 1", ":s 020 * :Please wait", ":s 439 * :Slow down")
	l.wantSent("PONG :cookie 1")
	l.registering(":irc.test 001")
	if l.c.nick != "alice" {
		t.Errorf("the nick is %q", l.c.nick)
	}
}
