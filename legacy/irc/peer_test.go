package irc_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/irc"
	"transport/legacy/irc/ircwire"
	"transport/legacy/legacytest"
)

const patience = 10 * time.Second

// peer is a scripted IRC server: each test defines its answers.
type peer struct {
	t        *testing.T
	listener net.Listener
	got      chan string                           // lines received
	answer   func(c *line, m ircwire.Message) bool // false for the default answer
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns map[*line]struct{}

	stalled atomic.Bool   // it neither reads nor answers
	over    chan struct{} // the test has ended
}

// line is a connection of the server.
type line struct {
	net.Conn
	mu   sync.Mutex
	nick string
}

func (l *line) send(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.Conn, format+"\r\n", args...)
}

func startPeer(t *testing.T, answer func(*line, ircwire.Message) bool) *peer {
	t.Helper()
	return startPeerAt(t, listen(t), answer)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// closedPort returns a port without a listener.
func closedPort(t testing.TB) string {
	l := listen(t)
	defer l.Close()
	return portOf(l)
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func startPeerAt(t *testing.T, l net.Listener, answer func(*line, ircwire.Message) bool) *peer {
	t.Helper()
	p := &peer{t: t, listener: l, got: make(chan string, 10_000), answer: answer, conns: make(map[*line]struct{}), over: make(chan struct{})}
	p.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c := &line{Conn: conn}
			p.mu.Lock()
			p.conns[c] = struct{}{}
			p.mu.Unlock()
			p.wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		close(p.over)
		p.drop()
		p.wg.Wait()
	})
	return p
}

// drop closes all connections.
func (p *peer) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// all sends a line to every connection.
func (p *peer) all(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.send(format, args...)
	}
}

// wait waits for a line with a prefix, and returns it.
func (p *peer) wait(start string) string {
	p.t.Helper()
	var others []string
	for timeout := time.After(patience); ; {
		select {
		case text := <-p.got:
			if strings.HasPrefix(text, start) {
				return text
			}
			others = append(others, text)
		case <-timeout:
			p.t.Fatalf("no %q came, but %q", start, others)
		}
	}
}

func (p *peer) serve(c *line) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		text, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if p.stalled.Load() {
			<-p.over
			return
		}
		select {
		case p.got <- strings.TrimRight(text, "\r\n"):
		default:
		}
		m, err := ircwire.Parse(text)
		if err != nil || p.answer != nil && p.answer(c, m) {
			continue
		}
		switch m.Command {
		case "CAP":
			if m.Param(0) == "LS" {
				c.send(":srv CAP * LS :server-time multi-prefix sasl")
			} else if m.Param(0) == "REQ" {
				c.send(":srv CAP * ACK :%s", m.Last())
			} else if m.Param(0) == "END" {
				c.send(":srv 001 %s :Welcome", c.nick)
				c.send(":srv 005 %s PREFIX=(qaohv)~&@%%+ CASEMAPPING=rfc1459 :are supported", c.nick)
				c.send(":srv 422 %s :No MOTD", c.nick)
			}
		case "NICK":
			if c.nick != "" {
				c.send(":%s!u@h NICK :%s", c.nick, m.Param(0))
			}
			c.nick = m.Param(0)
		case "AUTHENTICATE":
			switch m.Param(0) {
			case "PLAIN":
				c.send("AUTHENTICATE +")
			case "YWxpY2UAYWxpY2UAcmlnaHQ=": // alice, alice, right
				c.send(":srv 903 %s :success", c.nick)
			default:
				c.send(":srv 904 %s :failed", c.nick)
			}
		case "PING":
			c.send(":srv PONG srv :%s", m.Last())
		case "JOIN":
			c.send(":%s!u@h JOIN %s", c.nick, m.Param(0))
			c.send(":srv 332 %s %s :the topic", c.nick, m.Param(0))
			c.send(":srv 333 %s %s bob!b@h 1700000000", c.nick, m.Param(0))
			c.send(":srv 353 %s = %s :%s @bob ~+carol", c.nick, m.Param(0), c.nick)
			c.send(":srv 366 %s %s :End", c.nick, m.Param(0))
		case "PART":
			c.send(":%s!u@h PART %s", c.nick, m.Param(0))
		case "QUIT":
			return
		}
	}
}

func network(t testing.TB, addr string) legacy.Network {
	t.Helper()
	o := irc.DefaultOptions()
	o.Server, o.TLS, o.Rate = addr, false, 0
	n, err := irc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// user is a session, played by the test.
type user = legacytest.Played

func start(t testing.TB, n legacy.Network, fields map[string]string) *user {
	t.Helper()
	return startAccount(t, n, legacy.Account{Fields: fields}, nil)
}

func startAccount(t testing.TB, n legacy.Network, account legacy.Account, dial func(context.Context, string, string) (net.Conn, error)) *user {
	t.Helper()
	return legacytest.Play(t, n, account, legacytest.PlayOptions{Dial: dial, Check: func(ev legacy.Event) error { return irc.Illegal(n, ev) }})
}

// signedOn returns a session that accepts commands.
func signedOn(t testing.TB, n legacy.Network, account legacy.Account, dial func(context.Context, string, string) (net.Conn, error)) *user {
	t.Helper()
	u := startAccount(t, n, account, dial)
	expect[legacy.Ready](u)
	return u
}

func expect[E legacy.Event](u *user) E { return legacytest.Await[E](u, nil) }

var (
	alice = map[string]string{"username": "alice"}
	room  = legacy.Peer{ID: "#room", Room: true}
)
