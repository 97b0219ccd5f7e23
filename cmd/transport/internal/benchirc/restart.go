package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"time"

	"transport/cmd/transport/internal/bench"
)

const saidMeanwhile = 10 // messages in the channel, and as many private ones

// xmppRestarted: the XMPP server is restarted while bob sends messages. The user joins
// again and should get all messages.
func (b *world) xmppRestarted() bench.Result {
	b.people.enter("#all")
	b.enter(1, func(int) string { return "#all" })
	m := b.gateway.Begin()
	bench.Check(b.prosody.Stop(), "stop Prosody")
	time.Sleep(time.Second)
	for stream, to := range []string{"#all", "u0"} {
		b.people.say(to, saidMeanwhile, func(dst []byte, i int) []byte { return b.atXMPP.Mark(dst, stream, i) })
	}
	time.Sleep(time.Second)
	bench.Check(b.prosody.Start(b.ctx), "start Prosody")
	users := b.users.(*realUsers)
	users.forget()
	users.awaitGateway(b.gateway.Process)
	users.join(0, "#all")
	b.atXMPP.Wait(2*saidMeanwhile, 10*time.Second)
	r := m.End()
	r.Messages, r.Lost = 2*saidMeanwhile, 2*saidMeanwhile-b.atXMPP.Got()
	r.Repeated, r.Disorder = b.atXMPP.Faults()
	return r
}

// ircRestarted: the IRC server is killed and started again; the gateway should join the
// user to the channel again.
func (b *world) ircRestarted() bench.Result {
	b.enter(1, func(int) string { return "#all" })
	b.ngircd.Kill()
	bench.Check(b.ngircd.Start(b.ctx), "start ngircd")
	m := b.gateway.Begin()
	found := inChannel(b.ngircd.Addr, "u0", "#all", time.Minute)
	r := m.End()
	r.Messages = 1
	if !found {
		r.Lost = 1
	}
	return r
}

// inChannel waits until a nick is in a channel.
func inChannel(addr, nick, channel string, timeout time.Duration) bool {
	conn, err := net.Dial("tcp", addr)
	bench.Check(err, "connect to the IRC server")
	defer conn.Close()
	bench.Check(conn.SetDeadline(time.Now().Add(timeout)), "connect to the IRC server")
	fmt.Fprintf(conn, "NICK eve\r\nUSER eve 0 * :eve\r\n")
	for s := bufio.NewScanner(conn); s.Scan(); {
		switch line := s.Text(); {
		case strings.HasPrefix(line, "PING"):
			fmt.Fprintf(conn, "PONG%s\r\n", line[4:])
		case strings.Contains(line, " 001 "):
			fmt.Fprintf(conn, "JOIN %s\r\n", channel)
		case strings.HasPrefix(line, ":"+nick+"!") && strings.Contains(line, " JOIN "):
			return true
		case strings.Contains(line, " 353 ") && strings.Contains(line[strings.LastIndexByte(line, ':'):], nick):
			return true
		}
	}
	return false
}
