package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
)

const ircDomain = "aim.localhost" // a component domain that every lab has

// startIRC starts an IRC server.
func startIRC(t *testing.T, start func(context.Context) (*lab.IRC, error)) *lab.IRC {
	t.Helper()
	s, err := start(t.Context())
	if errors.Is(err, lab.ErrMissing) && os.Getenv("TRANSPORT_E2E") != "require" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of %s:\n%s", s.Name, tail(s.Log(), 30))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ircUser is a user with an IRC client.
type ircUser struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	last []string // the last lines, for errors
}

func dialIRC(t *testing.T, addr, nick string) *ircUser {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	u := &ircUser{t: t, conn: conn, r: bufio.NewReader(conn)}
	u.send("NICK " + nick)
	u.send("USER " + nick + " 0 * :" + nick)
	u.expect(" 001 ")
	return u
}

func (u *ircUser) send(line string) {
	u.t.Helper()
	if _, err := u.conn.Write([]byte(line + "\r\n")); err != nil {
		u.t.Fatal(err)
	}
}

// expect reads to a line that contains a text. Some servers send the last parameter of MODE
// or PART with a colon; expect removes it.
func (u *ircUser) expect(text string) string {
	u.t.Helper()
	_ = u.conn.SetReadDeadline(time.Now().Add(longEnough))
	for {
		line, err := u.r.ReadString('\n')
		if err != nil {
			u.t.Fatalf("waiting for %q on IRC: %v; it read %q", text, err, u.last)
		}
		if u.last = append(u.last, line); len(u.last) > 20 {
			u.last = u.last[1:]
		}
		if strings.HasPrefix(line, "PING") {
			u.send("PONG " + strings.TrimSpace(line[4:]))
		}
		if head, last, ok := strings.Cut(line, " :"); ok && (strings.Contains(head, " MODE ") || strings.HasSuffix(head, " PART")) {
			line = head + " " + last
		}
		if strings.Contains(line, text) {
			return strings.TrimRight(line, "\r\n")
		}
	}
}

// useIRC makes the second network of a world an IRC network.
func (w *world) useIRC(addr string) {
	w.second = fmt.Sprintf("driver = \"irc\"\ndomain = %q\nsecret = %q\n[network.options]\nserver = %q\ntls = false\nrate = 0\n", ircDomain, xmppSecret, addr)
}

func codes(e *element.Element) string {
	var all []string
	if x := e.Child("http://jabber.org/protocol/muc#user", "x"); x != nil {
		for s := range x.Children("http://jabber.org/protocol/muc#user", "status") {
			all = append(all, s.Attr("code"))
		}
	}
	return strings.Join(all, " ")
}

// TestIRCChannel joins a channel without a registration, exchanges messages, and is kicked.
func TestIRCChannel(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		irc := startIRC(t, lab.Ngircd)
		addr := irc.Addr
		w.useIRC(addr)
		bob := dialIRC(t, addr, "bob")
		bob.send("JOIN #test")
		bob.expect(" 366 ")
		bob.send("TOPIC #test :what it is about")
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		const room = "#test@" + ircDomain
		join := func(p *person, nick string) {
			p.send("<presence to='" + room + "/" + nick + "' id='join'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
		}
		// XEP-0045 §6.4
		if info := alice.iq("get", room, "<query xmlns='http://jabber.org/protocol/disco#info'/>").String(); !strings.Contains(info, "category='conference'") {
			t.Errorf("the room says %s", info)
		}
		// XEP-0045 §7.2
		join(alice, "alice")
		alice.presence(room+"/bob", "", "")
		self := alice.presence(room+"/alice", "", "")
		if codes(self) != "110" || self.Attr("id") != "join" {
			t.Errorf("the own presence is %s", self)
		}
		alice.expect("the subject", func(e *element.Element) bool {
			return e.Name == "message" && e.ChildText("jabber:client", "subject") == "what it is about" && e.Child("jabber:client", "body") == nil
		})
		// XEP-0045 §7.4
		alice.send("<message to='" + room + "' type='groupchat' id='m1'><body>hello &lt;all&gt; 😀</body></message>")
		if got := bob.expect("PRIVMSG"); !strings.HasSuffix(got, "PRIVMSG #test :hello <all> 😀") {
			t.Errorf("bob reads %q", got)
		}
		if echo := alice.message(room + "/alice"); echo.Attr("id") != "m1" {
			t.Errorf("the reflection is %s", echo)
		}
		bob.send("PRIVMSG #test :\x02bold\x02 \x0304red\x03 and \x01strange")
		// XEP-0393, XEP-0071 §7
		if got := alice.message(room + "/bob"); got.ChildText("jabber:client", "body") != "*bold* red and strange" ||
			!strings.Contains(got.String(), "<strong>bold</strong>") || !strings.Contains(got.String(), "color: #ff0000") {
			t.Errorf("alice reads %s", got)
		}
		alice.send("<message to='" + room + "' type='groupchat' id='m2'><body>/me waves\nand leaves</body></message>")
		bob.expect("\x01ACTION waves\x01")
		bob.expect("\x01ACTION and leaves\x01")
		bob.send("PRIVMSG #test :\x01ACTION waves back\x01")
		alice.expect("an action", func(e *element.Element) bool {
			return e.ChildText("jabber:client", "body") == "/me waves back"
		})
		// XEP-0045 §7.6, §7.5
		alice.send("<presence to='" + room + "/alicia'/>")
		bob.expect("NICK :alicia")
		alice.presence(room+"/alicia", "", "")
		bob.send("PRIVMSG alicia :psst")
		if got := alice.message("bob@"+ircDomain).ChildText("jabber:client", "body"); got != "psst" {
			t.Errorf("alice reads %q", got)
		}
		alice.say("bob@"+ircDomain, "p1", "what?")
		bob.expect("PRIVMSG bob :what?")
		// XEP-0410 §3.2
		alice.iq("get", room+"/alicia", "<ping xmlns='urn:xmpp:ping'/>")
		// XEP-0045 §7.2.8: a second client, with another nick
		second := w.login(aliceJID + "/two")
		join(second, "other")
		if self := second.presence(room+"/alicia", "", ""); codes(self) != "110 210" {
			t.Errorf("the second client gets %s", self)
		}
		bob.send("PRIVMSG #test :to both")
		second.message(room + "/bob")
		alice.message(room + "/bob")
		second.send("<presence to='" + room + "/alicia' type='unavailable'/>")
		// The IRC server restarts: the gateway rejoins the channel.
		irc.Kill()
		if err := irc.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		alice.expect("word of the loss", func(e *element.Element) bool {
			return strings.Contains(e.ChildText("jabber:client", "body"), "disconnected")
		})
		bob = dialIRC(t, addr, "bob")
		bob.send("JOIN #test")
		bob.expect(" 366 ")
		alice.presence(room+"/bob", "", "")
		bob.send("PRIVMSG #test :back")
		alice.message(room + "/bob")
		// XEP-0045 §8.2
		if got := condition(alice.ask("set", room, "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='nobody' role='none'/></query>")); got != "item-not-found" {
			t.Errorf("kicking nobody: %q", got)
		}
		// XEP-0045 §7.14
		alice.send("<presence to='" + room + "/alicia' type='unavailable'/>")
		bob.expect("alic")
		if got := condition(alice.ask("get", room+"/alicia", "<ping xmlns='urn:xmpp:ping'/>")); got != "not-acceptable" {
			t.Errorf("a ping from outside: %q", got)
		}
	})
}
