package irc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
	"transport/legacy/legacytest"
)

// FuzzSession runs a session against a server that answers like one, and says anything
// besides, while the core gives commands. Nothing panics, no goroutine is left, events and
// lines are legal, each command with an outcome has one, and the session serves until the
// connection ends.
func FuzzSession(f *testing.F) {
	for _, program := range []string{
		"\x00\x01\x11\x11\x01\x01\x00\x00\x00\x05\x00\x11\x11\x02\x02",
		"\x03\x01\x10\x01\x01\x00\x00\x01\x00\x00\x02\x03\x03\x01\x01\x01\x02\x04\x05\x06\x07",
		"\x05\x02\x00\x40\x00\x01\x02\x00\x50\x01\x01\x03\x02\x02\x05\x05\x07\x08\x01\x10\x07\x01",
		"\x07\x02\x01\x20\x02\x01\x02\x01\x30\x02\x04\x06\x06\x01\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09",
	} {
		f.Add([]byte(program))
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		synctest.Test(t, func(t *testing.T) { enactSession(t, legacytest.NewScript(program)) })
	})
}

// fuzzWords are what lines are mutated with.
var fuzzWords = append([]string{"alice", "bob", "#room", "#new", "*", "+", "-", ":", " ", "\r\n", "\x00", "\x01", "@label=1 ", "@batch=x ", "@msgid=1;time=2026-01-02T03:04:05.678Z ",
	":bob!b@h ", ":alice!u@h ", "@+draft/react=x;+draft/reply=1 "}, lines...)

var fuzzPeers = []legacy.Peer{{ID: "bob"}, {ID: "#room", Room: true}, {ID: "#new", Room: true}, {ID: "alice"}, {ID: "carol"}}

// enactSession plays a script.
func enactSession(t *testing.T, s *legacytest.Script) {
	mode := s.Byte()
	f := &fuzzServer{t: t, caps: mode&1 != 0}
	o := DefaultOptions()
	o.Server, o.TLS, o.Rate = "irc.test:6667", false, float64(mode>>1&1)
	peers, fields := fuzzPeers, map[string]string{"username": "alice"}
	if mode&4 != 0 {
		o.Server, o.TLSPorts, o.Private = "", "", true
		peers = []legacy.Peer{{ID: "irc.test", Service: true}}
		for _, p := range fuzzPeers {
			p.ID += "%irc.test"
			peers = append(peers, p)
		}
	}
	if mode&8 != 0 {
		fields["password"] = "secret"
	}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	d := legacytest.Drive(t, n, legacy.Account{Fields: fields}, f.dial, func(ev legacy.Event) error { return illegal(n.(*network), ev) }, peers)
	for range 200 {
		if s.Over() || d.Over() {
			break
		}
		switch s.Choose(10) {
		case 0, 1, 2:
			d.Command(s)
		case 3, 4, 5:
			line := lines[s.Choose(len(lines))]
			if source := legacytest.Pick(s, []string{":irc.test ", "", ":bob!b@h ", ":alice!u@h ", "@label=1 :irc.test ", "@batch=x "}); source != "" {
				line = source + line
			}
			f.say(append(s.Mutate([]byte(line), fuzzWords), "\r\n"...))
		case 6:
			f.say(s.Bytes())
		case 7:
			time.Sleep(legacytest.Pick(s, []time.Duration{time.Second, time.Minute, 10 * time.Minute}))
		case 8:
			switch s.Choose(6) {
			case 0:
				f.drop()
			case 1:
				f.set(func() { f.down = !f.down })
			case 2:
				f.set(func() { f.mute = !f.mute })
			case 3:
				d.Hold(true)
			default:
				d.Hold(false)
			}
		case 9:
			synctest.Wait()
		}
	}
	f.set(func() { f.mute, f.down = false, false })
	d.Hold(false)
	synctest.Wait()
	f.checkAlive()
	d.End()
	f.drop()
	f.served.Wait()
}

// fuzzServer is a server that registers clients and lets them join.
type fuzzServer struct {
	t      *testing.T
	served sync.WaitGroup

	mu     sync.Mutex
	caps   bool // it has capabilities
	down   bool // it refuses connections
	mute   bool // it does not answer
	conn   *fuzzConn
	pongs  int
	closed int // connections that have ended
}

// fuzzConn is a connection to a fuzzServer.
type fuzzConn struct {
	net.Conn
	nick       string
	registered bool
	out        chan []byte
}

func (f *fuzzServer) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fuzzServer) dial(context.Context, string, string) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	ours, theirs := net.Pipe()
	c := &fuzzConn{Conn: ours, out: make(chan []byte, 4096)}
	f.conn = c
	f.served.Go(func() { f.read(c) })
	f.served.Go(func() {
		for b := range c.out {
			if _, err := c.Write(b); err != nil {
				c.Close()
			}
		}
	})
	return theirs, nil
}

// say writes to the last connection.
func (f *fuzzServer) say(b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conn.say(b)
}

// say queues a write. The server's mutex is held.
func (c *fuzzConn) say(b []byte) {
	if c == nil || c.out == nil {
		return
	}
	select {
	case c.out <- b:
	default:
	}
}

func (c *fuzzConn) line(format string, args ...any) {
	c.say([]byte(fmt.Sprintf(format, args...) + "\r\n"))
}

func (f *fuzzServer) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		f.conn.Close()
	}
}

// read reads a client's lines, which must be legal, and answers them.
func (f *fuzzServer) read(c *fuzzConn) {
	r := bufio.NewReader(c)
	for {
		text, err := r.ReadString('\n')
		if err != nil {
			if text != "" && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
				f.t.Errorf("half a line is sent: %.100q", text)
			}
			break
		}
		f.answer(c, text)
	}
	c.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	close(c.out)
	c.out = nil
	f.closed++
	if f.conn == c {
		f.conn = nil
	}
}

func (f *fuzzServer) answer(c *fuzzConn, text string) {
	line := strings.TrimSuffix(text, "\r\n")
	body := line
	if strings.HasPrefix(line, "@") {
		_, body, _ = strings.Cut(line, " ")
	}
	if len(body) > ircwire.MaxLine || strings.ContainsAny(line, "\r\n\x00") || body == "" || line == text {
		f.t.Errorf("an impossible line of %d bytes is sent: %.100q", len(body), text)
	}
	m, err := ircwire.Parse(line)
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.Command == "PONG" && m.Last() == "alive" {
		f.pongs++
	}
	if err != nil || f.mute {
		return
	}
	switch m.Command {
	case "CAP":
		switch {
		case m.Param(0) == "LS" && f.caps:
			c.line(":irc.test CAP * LS :sasl=PLAIN %s", strings.Join(allCaps, " "))
		case m.Param(0) == "LS":
			c.line(":irc.test 421 * CAP :Unknown command")
		case m.Param(0) == "REQ":
			c.line(":irc.test CAP * ACK :%s", m.Last())
		}
	case "AUTHENTICATE":
		if m.Param(0) == "PLAIN" {
			c.line("AUTHENTICATE +")
		} else {
			c.line(":irc.test 903 * :success")
		}
	case "NICK":
		if c.registered {
			c.line(":%s!u@h NICK :%s", c.nick, m.Param(0))
		}
		c.nick = m.Param(0)
	case "PING":
		c.line(":irc.test PONG irc.test :%s", m.Last())
	case "JOIN":
		for name := range strings.SplitSeq(m.Param(0), ",") {
			c.line(":%s!u@h JOIN %s", c.nick, name)
			c.line(":irc.test 353 %s = %s :%s @bob ~+carol", c.nick, name, c.nick)
			c.line(":irc.test 366 %s %s :End", c.nick, name)
		}
	case "PART":
		c.line(":%s!u@h PART %s", c.nick, m.Param(0))
	case "QUIT":
		c.line("ERROR :bye")
	}
	ready := m.Command == "CAP" && m.Param(0) == "END" || m.Command == "USER" && !f.caps
	if ready && !c.registered && c.nick != "" {
		c.registered = true
		c.line(":irc.test 001 %s :Welcome", c.nick)
		c.line(":irc.test 005 %s PREFIX=(qaohv)~&@%%+ CASEMAPPING=rfc1459 CHANMODES=b,k,l,i MONITOR=5 :are supported", c.nick)
		c.line(":irc.test 422 %s :No MOTD", c.nick)
	}
}

// checkAlive checks that a client still answers, unless it ends the connection.
func (f *fuzzServer) checkAlive() {
	f.mu.Lock()
	c, closed, pongs := f.conn, f.closed, f.pongs
	if c == nil || !c.registered {
		f.mu.Unlock()
		return
	}
	c.line("\r\nPING alive")
	f.mu.Unlock()
	time.Sleep(5 * time.Minute)
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pongs == pongs && f.closed == closed {
		f.t.Error("the session does not answer a ping")
	}
}
