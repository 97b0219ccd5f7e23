package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"time"
)

const saidMeanwhile = 10 // lines in the channel, and as many to the user alone

// xmppRestarted: the XMPP server is restarted, and bob goes on talking. The user comes
// back, and should get all of it.
func (b *bench) xmppRestarted() result {
	b.people.enter("#all")
	b.enter(1, func(int) string { return "#all" })
	cpu, start := b.cpu(), time.Now()
	check(b.prosody.Stop(), "stop Prosody")
	time.Sleep(time.Second)
	for stream, to := range []string{"#all", "u0"} {
		b.people.say(to, saidMeanwhile, func(dst []byte, i int) []byte { return b.atXMPP.mark(dst, stream, i) })
	}
	time.Sleep(time.Second)
	check(b.prosody.Start(b.ctx), "start Prosody")
	users := b.users.(*realUsers)
	users.forget()
	users.awaitGateway(b.gateway)
	users.join(0, "#all")
	b.atXMPP.wait(2*saidMeanwhile, 10*time.Second)
	return result{messages: 2 * saidMeanwhile, lost: 2*saidMeanwhile - b.atXMPP.got(), elapsed: time.Since(start), cpu: b.cpu() - cpu,
		repeated: b.atXMPP.repeated, disorder: b.atXMPP.disorder}
}

// ircRestarted: the IRC server is killed and comes back; the user should be in the
// channel again without doing anything.
func (b *bench) ircRestarted() result {
	b.enter(1, func(int) string { return "#all" })
	cpu := b.cpu()
	b.ngircd.Kill()
	check(b.ngircd.Start(b.ctx), "start ngircd")
	start := time.Now()
	r := result{messages: 1}
	if !inChannel(b.ngircd.Addr, "u0", "#all", time.Minute) {
		r.lost = 1
	}
	r.elapsed, r.cpu = time.Since(start), b.cpu()-cpu
	return r
}

// inChannel watches a channel until somebody is in it.
func inChannel(addr, nick, channel string, patience time.Duration) bool {
	conn, err := net.Dial("tcp", addr)
	check(err, "connect to the IRC server")
	defer conn.Close()
	check(conn.SetDeadline(time.Now().Add(patience)), "connect to the IRC server")
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
