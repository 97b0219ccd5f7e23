package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"transport/cmd/transport/internal/bench"
)

// xmppUsers are the users of the XMPP server, u0, u1 and so on.
type xmppUsers interface {
	// join makes a user join a channel, with the nick u and their number.
	join(user int, channel string)
	// stanza appends a message of a user.
	stanza(dst []byte, user int, to, typ string, number int, body func([]byte) []byte) []byte
	// write sends stanzas of a user.
	write(user int, stanzas []byte)
	// presences and subjects return the numbers that the users have received.
	presences() int
	subjects() int
}

// ircPeople are the IRC users, bob among them.
type ircPeople interface {
	// enter makes bob join a channel.
	enter(channel string)
	// say makes bob write lines to a channel.
	say(channel string, n int, body func(dst []byte, i int) []byte)
	// answer makes bob reply to each private message with the same text.
	answer()
}

// playedUsers are users of bench.PlayedXMPP.
type playedUsers struct{ x *bench.PlayedXMPP }

func (p playedUsers) join(user int, channel string) {
	p.x.Send(fmt.Appendf(nil, "<presence from='u%[1]d@localhost/x' to='%[2]s@%[3]s/u%[1]d'><x xmlns='http://jabber.org/protocol/muc'/></presence>", user, channel, domain))
}

func (p playedUsers) stanza(dst []byte, user int, to, typ string, number int, body func([]byte) []byte) []byte {
	dst = fmt.Appendf(dst, "<message from='u%d@localhost/x' to='%s@%s' type='%s' id='m%d'><body>", user, to, domain, typ, number)
	return append(body(dst), "</body></message>"...)
}

func (p playedUsers) write(_ int, stanzas []byte) { p.x.Send(stanzas) }
func (p playedUsers) presences() int              { return int(p.x.Presences.Load()) }
func (p playedUsers) subjects() int               { return int(p.x.Subjects.Load()) }

// playedPeople are users of playedIRC, which itself acts as bob.
type playedPeople struct{ s *playedIRC }

func (p playedPeople) enter(string) {}

func (p playedPeople) say(channel string, n int, body func(dst []byte, i int) []byte) {
	var lines []byte
	for i := range n {
		lines = append(lines, ":bob!b@h PRIVMSG "+channel+" :"...)
		lines = append(body(lines, i), "\r\n"...)
	}
	p.s.say(p.s.in(channel), lines)
}

func (p playedPeople) answer() { p.s.echo = true }

// realPeople is bob, with a connection to a real server.
type realPeople struct {
	conn  net.Conn
	count *bench.Counter
	echo  chan struct{} // closed when bob replies to messages
}

func newBob(ctx context.Context, addr string, count *bench.Counter) *realPeople {
	var conn net.Conn
	bench.Until(ctx, "the IRC server", 10*time.Second, func() bool {
		c, err := net.Dial("tcp", addr)
		conn = c
		return err == nil
	})
	p := &realPeople{conn, count, make(chan struct{})}
	ready := make(chan struct{})
	go p.read(ready)
	fmt.Fprint(conn, "NICK bob\r\nUSER bob 0 * :bob\r\n")
	select {
	case <-ready:
	case <-time.After(20 * time.Second):
		bench.Fail("the IRC server sends no welcome to bob")
	}
	return p
}

func (p *realPeople) read(ready chan struct{}) {
	lines(p.conn, func(source, command, target string, text []byte) {
		switch command {
		case "001":
			close(ready)
		case "PING":
			fmt.Fprintf(p.conn, "PONG %s\r\n", target)
		case "PRIVMSG":
			p.count.Take(0, text)
			select {
			case <-p.echo:
				if target == "bob" {
					fmt.Fprintf(p.conn, "PRIVMSG %s :%s\r\n", source, text)
				}
			default:
			}
		}
	})
}

func (p *realPeople) enter(channel string) { fmt.Fprintf(p.conn, "JOIN %s\r\n", channel) }

func (p *realPeople) say(channel string, n int, body func(dst []byte, i int) []byte) {
	var out []byte
	for i := range n {
		out = append(out, "PRIVMSG "+channel+" :"...)
		out = append(body(out, i), "\r\n"...)
	}
	_, err := p.conn.Write(out)
	bench.Check(err, "write to IRC")
}

func (p *realPeople) answer() { close(p.echo) }
