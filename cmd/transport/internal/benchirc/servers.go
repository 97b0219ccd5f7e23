package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const domain = "irc.localhost"

// playedXMPP is an XMPP server for one component that also acts as its users.
type playedXMPP struct {
	listener  net.Listener
	connected chan net.Conn
	count     *counter
	presences atomic.Int64
	subjects  atomic.Int64
	errors    atomic.Int64
	mu        sync.Mutex // serialises writes
	conn      net.Conn
}

func playXMPP(count *counter) *playedXMPP {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err, "listen")
	x := &playedXMPP{listener: l, connected: make(chan net.Conn, 1), count: count}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go x.serve(conn)
		}
	}()
	return x
}

// serve performs the handshake, answers pings, and counts messages. (XEP-0114 §3)
func (x *playedXMPP) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 1<<20)
	until := func(text string) bool {
		for {
			s, err := r.ReadString('>')
			if err != nil || strings.Contains(s, text) {
				return err == nil
			}
		}
	}
	if !until("<stream:stream") {
		return
	}
	fmt.Fprintf(conn, "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='%s' id='x'>", domain)
	if !until("</handshake") {
		return
	}
	fmt.Fprint(conn, "<handshake/>")
	x.mu.Lock()
	x.conn = conn
	x.mu.Unlock()
	x.connected <- conn
	var data []byte
	for buf := make([]byte, 1<<20); ; {
		n, err := r.Read(buf)
		if err != nil {
			return
		}
		data = append([]byte(nil), x.split(append(data, buf[:n]...))...)
	}
}

// split calls f for each complete stanza, and returns the rest.
func (x *playedXMPP) split(data []byte) []byte {
	for len(data) > 0 {
		if data[0] == ' ' || data[0] == '\n' {
			data = data[1:]
			continue
		}
		end := stanzaEnd(data)
		if end == 0 {
			break
		}
		x.stanza(data[:end])
		data = data[end:]
	}
	return data
}

// stanzaEnd returns the end of the first stanza, 0 if it is incomplete.
func stanzaEnd(data []byte) int {
	tag := bytes.IndexByte(data, '>')
	if tag < 1 || data[tag-1] == '/' {
		return tag + 1
	}
	name, _, _ := bytes.Cut(data[1:tag], []byte(" "))
	end := "</" + string(name) + ">"
	if i := bytes.Index(data, []byte(end)); i >= 0 {
		return i + len(end)
	}
	return 0
}

func (x *playedXMPP) stanza(s []byte) {
	switch s[1] {
	case 'p':
		if bytes.Contains(s, []byte("type='error'")) || bytes.Contains(s, []byte(`type="error"`)) {
			x.errors.Add(1)
			return
		}
		x.presences.Add(1)
	case 'm':
		switch {
		case bytes.Contains(s, []byte("type='error'")), bytes.Contains(s, []byte(`type="error"`)):
			x.errors.Add(1)
		case bytes.Contains(s, []byte("<subject")):
			x.subjects.Add(1)
		default:
			x.count.take(receiver(s), s)
		}
	case 'i':
		if bytes.Contains(s, []byte("urn:xmpp:ping")) {
			x.send(fmt.Appendf(nil, "<iq type='result' from='%s' to='%s' id='%s'/>", domain, attr(s, "from"), attr(s, "id")))
		}
	}
}

// receiver returns the number of the user that a stanza is addressed to:
// to='u12@localhost/x'.
func receiver(s []byte) int {
	to := attr(s, "to")
	n := 0
	for i := 1; i < len(to) && to[i] >= '0' && to[i] <= '9'; i++ {
		n = n*10 + int(to[i]-'0')
	}
	return n
}

func attr(s []byte, name string) []byte {
	i := bytes.Index(s, []byte(" "+name+"="))
	if i < 0 {
		return nil
	}
	s = s[i+len(name)+2:]
	end := bytes.IndexByte(s[1:], s[0])
	if end < 0 {
		return nil
	}
	return s[1 : end+1]
}

func (x *playedXMPP) send(b []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, err := x.conn.Write(b)
	check(err, "write to the gateway")
}

// playedIRC is a small IRC server: channels, messages, names.
type playedIRC struct {
	listener net.Listener
	count    *counter // of the gateway's messages
	echo     bool     // reply to private messages with the same text

	mu       sync.Mutex
	people   map[string]*ircConn
	channels map[string]map[string]*ircConn
	extras   int // further, silent occupants of each channel
}

type ircConn struct {
	mu   sync.Mutex
	conn net.Conn
	nick string
	out  []byte // queued output
}

func (c *ircConn) write(b []byte) {
	c.queue(b)
	c.flush()
}

// queue buffers output, like servers do while there is more input.
func (c *ircConn) queue(b []byte) {
	c.mu.Lock()
	c.out = append(c.out, b...)
	c.mu.Unlock()
}

func (c *ircConn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.out) > 0 {
		_, _ = c.conn.Write(c.out) // ignore a closed connection
		c.out = c.out[:0]
	}
}

func playIRC(count *counter) *playedIRC {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err, "listen")
	s := &playedIRC{listener: l, count: count, people: make(map[string]*ircConn), channels: make(map[string]map[string]*ircConn)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(&ircConn{conn: conn})
		}
	}()
	return s
}

func (s *playedIRC) serve(c *ircConn) {
	defer c.conn.Close()
	r := bufio.NewReaderSize(c.conn, 1<<20)
	welcomed, held := false, false
	written := make(map[*ircConn]bool)
	for {
		if r.Buffered() == 0 {
			for m := range written {
				m.flush()
			}
			clear(written)
		}
		line, err := r.ReadSlice('\n')
		if err != nil {
			s.mu.Lock()
			delete(s.people, c.nick)
			for _, members := range s.channels {
				delete(members, c.nick)
			}
			s.mu.Unlock()
			return
		}
		line = bytes.TrimRight(line, "\r\n")
		command, rest, _ := bytes.Cut(line, []byte(" "))
		switch string(command) {
		case "PRIVMSG":
			target, text, _ := bytes.Cut(rest, []byte(" "))
			s.onText(c, string(target), bytes.TrimPrefix(text, []byte(":")), written)
		case "PING":
			c.write(fmt.Appendf(nil, ":s PONG s %s\r\n", rest))
		case "NICK":
			c.nick = strings.TrimPrefix(string(rest), ":")
		case "CAP":
			switch sub, arg, _ := bytes.Cut(rest, []byte(" ")); string(sub) {
			case "LS":
				held = true
				c.write([]byte(":s CAP * LS :multi-prefix\r\n"))
			case "REQ":
				c.write(fmt.Appendf(nil, ":s CAP * ACK %s\r\n", arg))
			case "END":
				held = false
			}
		case "JOIN":
			channel, _, _ := bytes.Cut(rest, []byte(" "))
			s.join(c, strings.TrimPrefix(string(channel), ":"))
		case "PART":
			channel, _, _ := bytes.Cut(rest, []byte(" "))
			c.write(fmt.Appendf(nil, ":%s!u@h PART %s\r\n", c.nick, channel))
			s.mu.Lock()
			delete(s.channels[string(channel)], c.nick)
			s.mu.Unlock()
		case "MODE":
			c.write(fmt.Appendf(nil, ":s 324 %s %s +nt\r\n", c.nick, rest))
		case "QUIT":
			c.write([]byte("ERROR :bye\r\n"))
			return
		}
		if !welcomed && !held && c.nick != "" && (string(command) == "USER" || string(command) == "CAP") {
			welcomed = true
			s.mu.Lock()
			s.people[c.nick] = c
			s.mu.Unlock()
			c.write(fmt.Appendf(nil, ":s 001 %[1]s :hi\r\n:s 005 %[1]s PREFIX=(ov)@+ CHANTYPES=# CASEMAPPING=ascii :are supported\r\n:s 422 %[1]s :no motd\r\n", c.nick))
		}
	}
}

func (s *playedIRC) join(c *ircConn, channel string) {
	s.mu.Lock()
	members := s.channels[channel]
	if members == nil {
		members = make(map[string]*ircConn)
		s.channels[channel] = members
	}
	members[c.nick] = c
	others := make([]*ircConn, 0, len(members))
	names := make([]string, 0, len(members)+s.extras)
	for nick, m := range members {
		names = append(names, nick)
		if m != c {
			others = append(others, m)
		}
	}
	for i := range s.extras {
		names = append(names, fmt.Sprint("guest", i))
	}
	s.mu.Unlock()
	var b bytes.Buffer
	came := fmt.Sprintf(":%s!u@h JOIN %s\r\n", c.nick, channel)
	b.WriteString(came)
	for len(names) > 0 {
		n := min(20, len(names))
		fmt.Fprintf(&b, ":s 353 %s = %s :%s\r\n", c.nick, channel, strings.Join(names[:n], " "))
		names = names[n:]
	}
	fmt.Fprintf(&b, ":s 366 %s %s :End\r\n", c.nick, channel)
	c.write(b.Bytes())
	for _, m := range others {
		m.write([]byte(came))
	}
}

// onText relays a message of c; written are the clients with new output.
func (s *playedIRC) onText(c *ircConn, target string, text []byte, written map[*ircConn]bool) {
	s.count.take(0, text)
	if s.echo && target[0] != '#' {
		c.queue(fmt.Appendf(nil, ":%s!u@h PRIVMSG %s :%s\r\n", target, c.nick, text))
		written[c] = true
		return
	}
	s.mu.Lock()
	members := s.channels[target]
	to := make([]*ircConn, 0, len(members))
	for _, m := range members {
		if m != c {
			to = append(to, m)
		}
	}
	s.mu.Unlock()
	if len(to) > 0 {
		line := fmt.Appendf(nil, ":%s!u@h PRIVMSG %s :%s\r\n", c.nick, target, text)
		for _, m := range to {
			m.queue(line)
			written[m] = true
		}
	}
}

// say sends lines as bob, to a nick or a channel.
func (s *playedIRC) say(to []*ircConn, lines []byte) {
	for _, m := range to {
		m.write(lines)
	}
}

// in returns the clients in a channel.
func (s *playedIRC) in(channel string) []*ircConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*ircConn
	for _, m := range s.channels[channel] {
		all = append(all, m)
	}
	return all
}

// interrupted returns a context that SIGINT cancels.
var interrupted = context.Background()

// until polls until a condition holds.
func until(what string, timeout time.Duration, done func() bool) {
	for end := time.Now().Add(timeout); !done(); {
		if interrupted.Err() != nil {
			panic(failure{interrupted.Err()})
		}
		if time.Now().After(end) {
			panic(failure{fmt.Errorf("%s did not happen within %v", what, timeout)})
		}
		time.Sleep(time.Millisecond)
	}
}
