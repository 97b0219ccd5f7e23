package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"time"
)

const saidMeanwhile = 10 // messages in the channel, and as many private ones

// xmppRestarted: the XMPP server is restarted while bob sends messages. The user joins
// again and should get all messages.
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

// ircRestarted: the IRC server is killed and started again; the gateway should join the
// user to the channel again.
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

// inChannel waits until a nick is in a channel.
func inChannel(addr, nick, channel string, timeout time.Duration) bool {
	conn, err := net.Dial("tcp", addr)
	check(err, "connect to the IRC server")
	defer conn.Close()
	check(conn.SetDeadline(time.Now().Add(timeout)), "connect to the IRC server")
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
