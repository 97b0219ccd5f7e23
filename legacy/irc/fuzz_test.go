package irc

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// deafConn is a server that hears nothing.
type deafConn struct{ net.Conn }

func (deafConn) Write(b []byte) (int, error)      { return len(b), nil }
func (deafConn) SetWriteDeadline(time.Time) error { return nil }

// FuzzServer feeds a connected client with whatever a server can send: nothing
// panics, and what comes of it is fit for the core.
func FuzzServer(f *testing.F) {
	for _, s := range []string{
		":alice!u@h JOIN #a\n:s 353 alice = #a :alice @bob\n:s 366 alice #a :End\n:bob!b@h PRIVMSG #a :hi\n",
		":s 005 alice PREFIX=(qaohv)~&@%+ CASEMAPPING=ascii :x\n:bob MODE #a +ovb-l x y z\n",
		":bob!b@h PRIVMSG alice :\x01VERSION\x01\n:bob NOTICE * :x\n:s 475 alice #a :no\n:s 401\n:s 433 * x :y\n",
		":bob KICK #a alice\n:alice NICK :bob\nPING\n:bob QUIT\n:s 332\n:s 333 a #a b c\nAWAY\nTOPIC\nPART\nNICK\nERROR\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o := DefaultOptions()
		o.Server, o.Rate = "127.0.0.1:6667", 0
		n, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		made, err := n.NewSession(legacy.Account{Fields: map[string]string{"username": "alice"}},
			legacy.Env{Log: zerolog.Nop(), Now: time.Now, Emit: func(ev legacy.Event) {
				switch ev := ev.(type) {
				case legacy.MessageReceived:
					if ev.From.ID == "" || ev.Text == "" || ev.Text != ircwire.Plain(ev.Text) {
						t.Errorf("the core gets %+v", ev)
					}
				case legacy.RoomMessage:
					if ev.Room.ID == "" || ev.Text == "" || ev.Text != ircwire.Plain(ev.Text) {
						t.Errorf("the core gets %+v", ev)
					}
				}
			}})
		if err != nil {
			t.Fatal(err)
		}
		s := made.(*session)
		c := newClient(newLink(s, ""), s.profile("", ""), target{}, &conn{Conn: deafConn{}, life: t.Context()})
		c.nick, c.since = "alice", time.Now()
		c.caps = map[string]bool{"labeled-response": true, "message-tags": true, "batch": true}
		c.join("#a", "")
		c.sendText(legacy.Outgoing{Ref: "1", To: legacy.Peer{ID: "bob"}, Text: "hello"}, "bob")
		c.watch("bob", true)
		c.whois("bob", whoisAsk{ref: "w"})
		c.list("l")
		c.requestBans("b", "#a")
		c.requestConfig("m", "#a")
		c.rawLine("VERSION")
		for text := range bytes.Lines(b) {
			m, err := ircwire.Parse(c.decode(string(text)))
			if err != nil {
				continue
			}
			if strings.HasPrefix(m.Command, "9") || m.Command == "CAP" {
				if _, err := c.onRegistering(m); err != nil {
					return
				}
			}
			if c.onMessage(m) != nil {
				return
			}
		}
		c.moderate("k", "#a", legacy.Moderation{Nick: "bob", Level: legacy.LevelOperator})
		c.expire(c.now().Add(time.Hour))
		c.giveUp(nil)
	})
}
