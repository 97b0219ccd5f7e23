package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"

	"transport/cmd/transport/internal/bench"
)

const domain = "irc.localhost"

// playedIRC is a small IRC server: channels, messages, names.
type playedIRC struct {
	listener net.Listener
	count    *bench.Counter // of the gateway's messages
	echo     bool           // reply to private messages with the same text

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

func playIRC(count *bench.Counter) *playedIRC {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	bench.Check(err, "listen")
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
	s.count.Take(0, text)
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
