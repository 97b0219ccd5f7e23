package irc_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy"
	"transport/legacy/irc"
	"transport/legacy/irc/ircwire"
	"transport/legacy/legacytest"
)

const patience = 10 * time.Second

// peer is a scripted IRC server: each test says what it answers.
type peer struct {
	t        *testing.T
	listener net.Listener
	answer   func(c *line, m ircwire.Message) bool // false for what the server does by itself
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns map[*line]struct{}
}

// line is a connection of the server's.
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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, listener: l, answer: answer, conns: make(map[*line]struct{})}
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
		p.drop()
		p.wg.Wait()
	})
	return p
}

// drop cuts all connections.
func (p *peer) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// all sends a line to everybody.
func (p *peer) all(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.send(format, args...)
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

// user is a session with its events.
type user struct {
	legacy.Session
	t      testing.TB
	events chan legacy.Event
	ended  chan error
	cancel context.CancelFunc
}

func start(t testing.TB, n legacy.Network, fields map[string]string) *user {
	t.Helper()
	u := &user{t: t, events: make(chan legacy.Event, 4096), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	u.cancel = cancel
	s, err := n.NewSession(legacy.Account{Fields: fields}, legacy.Env{
		Log: zerolog.Nop(), Emit: func(ev legacy.Event) { u.events <- ev }, Now: time.Now,
		Flush: func(context.Context) error { return nil }, Dial: new(net.Dialer).DialContext,
	})
	if err != nil {
		t.Fatal(err)
	}
	u.Session = s
	done := make(chan struct{})
	go func() {
		defer close(done)
		u.ended <- s.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return u
}

func expect[E legacy.Event](u *user) E {
	u.t.Helper()
	var skipped []string
	for timeout := time.After(patience); ; {
		select {
		case ev := <-u.events:
			if e, ok := ev.(E); ok {
				return e
			}
			skipped = append(skipped, fmt.Sprintf("%T%+v", ev, ev))
		case <-timeout:
			var want E
			u.t.Fatalf("no %T came, but\n%s", want, strings.Join(skipped, "\n"))
		}
	}
}

func (u *user) waitEnd() error {
	u.t.Helper()
	select {
	case err := <-u.ended:
		u.ended <- err
		return err
	case <-time.After(patience):
		u.t.Fatal("Run does not return")
		return nil
	}
}

var (
	alice = map[string]string{"username": "alice"}
	room  = legacy.Peer{ID: "#room", Room: true}
)

func TestConformance(t *testing.T) {
	legacytest.Conformance(t, legacytest.Harness{
		Start: func(t *testing.T) legacytest.Lab {
			p := startPeer(t, nil)
			gone, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			gone.Close()
			return legacytest.Lab{
				Network:     network(t, p.listener.Addr().String()),
				Unreachable: network(t, gone.Addr().String()),
				Say: func(text string) {
					for line := range strings.SplitSeq(text, "\n") {
						p.all(":bob!b@h PRIVMSG alice :%s", line)
					}
				},
				Drop: p.drop,
			}
		},
		Good:       map[string]string{"username": "alice", "password": "right"},
		Wrong:      map[string]string{"username": "alice", "password": "wrong"},
		Invalid:    map[string]map[string]string{"username": {"username": "a b"}},
		Peer:       "bob",
		Spellings:  []string{"Bob", "BOB"},
		Impossible: []string{"", " ", "a b", "1x", "bob!x", "\x00", "#", "# x"},
	})
}

func TestRoom(t *testing.T) {
	var sent []string
	var mu sync.Mutex
	p := startPeer(t, func(c *line, m ircwire.Message) bool {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, ircwire.Line(m.Command, m.Params...))
		switch {
		case m.Command == "JOIN" && m.Param(0) == "#key":
			if m.Param(1) != "secret" {
				c.send(":srv 475 alice #key :Cannot join channel (+k)")
				return true
			}
		case m.Command == "JOIN" && m.Param(0) == "#full":
			c.send(":srv 471 alice #full :Cannot join channel (+l)")
			return true
		case m.Command == "KICK" && m.Param(1) == "bob":
			c.send(":srv 482 alice #room :You are not an operator")
			return true
		case m.Command == "KICK":
			c.send(":alice!u@h KICK #room %s :%s", m.Param(1), m.Param(2))
			return true
		case m.Command == "MODE" && m.Param(1) == "+v":
			c.send(":alice!u@h MODE #room +v bob")
			return true
		}
		return false
	})
	u := start(t, network(t, p.listener.Addr().String()), alice)
	expect[legacy.Ready](u)
	rooms := u.Session.(legacy.Roomer)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(rooms.JoinRoom(t.Context(), room, "alice", ""))
	joined := expect[legacy.RoomJoined](u)
	levels := map[string]legacy.Level{}
	for _, o := range joined.Occupants {
		levels[o.Nick] = o.Level
	}
	if joined.Nick != "alice" || joined.Topic.Text != "the topic" || joined.Topic.By != "bob" || joined.Topic.Time.Unix() != 1700000000 ||
		levels["bob"] != legacy.LevelOperator || levels["carol"] != legacy.LevelOwner || len(levels) != 3 {
		t.Errorf("joined %+v", joined)
	}
	for name, kind := range map[string]legacy.Kind{"#key": legacy.Auth, "#full": legacy.Full} {
		do(rooms.JoinRoom(t.Context(), legacy.Peer{ID: name, Room: true}, "alice", ""))
		if failed := expect[legacy.RoomFailed](u); failed.Room.ID != name || legacy.KindOf(failed.Err) != kind {
			t.Errorf("failed %+v, want %v", failed, kind)
		}
	}
	do(rooms.JoinRoom(t.Context(), legacy.Peer{ID: "#key", Room: true}, "alice", "secret"))
	expect[legacy.RoomJoined](u)

	p.all(":bob!b@h INVITE alice :#Other")
	if in := expect[legacy.Invited](u); in.Room.ID != "#other" || in.By.ID != "bob" {
		t.Errorf("invited %+v", in)
	}
	p.all(":Dave!d@h JOIN #room")
	if o := expect[legacy.OccupantJoined](u); o.Occupant.Nick != "Dave" || o.Occupant.Address != "d@h" {
		t.Errorf("joined %+v", o)
	}
	p.all(":dave!d@h NICK :dora")
	if o := expect[legacy.OccupantRenamed](u); o.New != "dora" {
		t.Errorf("renamed %+v", o)
	}
	p.all(":srv MODE #room +o-o+b dora bob *!*@x")
	if o := expect[legacy.OccupantChanged](u); o.Occupant.Nick != "dora" || o.Occupant.Level != legacy.LevelOperator {
		t.Errorf("changed %+v", o)
	}
	if o := expect[legacy.OccupantChanged](u); o.Occupant.Nick != "bob" || o.Occupant.Level != legacy.LevelNone {
		t.Errorf("changed %+v", o)
	}
	p.all(":dora!d@h QUIT :gone")
	if o := expect[legacy.OccupantLeft](u); o.Nick != "dora" || o.Reason != "gone" || o.Kind != legacy.LeftRoom {
		t.Errorf("left %+v", o)
	}
	p.all("@time=2020-01-01T00:00:00.000Z :bob!b@h PRIVMSG #room :\x0304old\x0F news")
	if m := expect[legacy.RoomMessage](u); m.Nick != "bob" || m.Text != "old news" || m.Time.Year() != 2020 {
		t.Errorf("said %+v", m)
	}
	p.all(":bob!b@h TOPIC #room :another")
	if topic := expect[legacy.TopicChanged](u); topic.Topic.Text != "another" {
		t.Errorf("topic %+v", topic)
	}
	do(rooms.Moderate(t.Context(), "v", room, legacy.Moderation{Nick: "bob", Level: legacy.LevelVoice}))
	if done := expect[legacy.Done](u); done.Ref != "v" || done.Err != nil {
		t.Errorf("done %+v", done)
	}
	do(rooms.Moderate(t.Context(), "k", room, legacy.Moderation{Nick: "bob", Kick: true}))
	if done := expect[legacy.Done](u); legacy.KindOf(done.Err) != legacy.Forbidden {
		t.Errorf("done %+v", done)
	}
	do(rooms.Moderate(t.Context(), "c", room, legacy.Moderation{Nick: "carol", Kick: true, Reason: "bye"}))
	if left := expect[legacy.OccupantLeft](u); left.Nick != "carol" || left.Kind != legacy.LeftKicked || left.By != "alice" {
		t.Errorf("left %+v", left)
	}
	p.all(":bob!b@h KICK #room alice :out")
	if left := expect[legacy.RoomLeft](u); left.Kind != legacy.LeftKicked || left.By != "bob" || left.Reason != "out" {
		t.Errorf("left %+v", left)
	}
	p.all("ERROR :Closing link")
	if err := u.waitEnd(); legacy.KindOf(err) != legacy.Temporary {
		t.Errorf("ended %v", err)
	}
}

// TestLongText shows that no line is longer than the server can pass on, and
// nothing is lost.
func TestLongText(t *testing.T) {
	texts := make(chan string, 100)
	p := startPeer(t, func(_ *line, m ircwire.Message) bool {
		if m.Command == "PRIVMSG" {
			if n := len(":alice!u@h PRIVMSG bob :") + len(m.Param(1)); n > ircwire.MaxLine {
				t.Errorf("a line of %d bytes", n)
			}
			texts <- m.Param(1)
		}
		return false
	})
	u := start(t, network(t, p.listener.Addr().String()), alice)
	expect[legacy.Ready](u)
	text := strings.Repeat("жопа 😀 ", 200)
	if err := u.Send(t.Context(), legacy.Outgoing{Ref: "1", To: legacy.Peer{ID: "bob"}, Text: text}); err != nil {
		t.Fatal(err)
	}
	expect[legacy.MessageSent](u)
	got := ""
	for strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(text, " ", "") {
		select {
		case part := <-texts:
			got += part
		case <-time.After(patience):
			t.Fatalf("only %d of %d bytes came", len(got), len(text))
		}
	}
}

func TestNickInUse(t *testing.T) {
	p := startPeer(t, func(c *line, m ircwire.Message) bool {
		if m.Command == "NICK" && m.Param(0) == "alice" {
			c.send(":srv 433 * alice :Nickname is already in use")
			return true
		}
		return false
	})
	u := start(t, network(t, p.listener.Addr().String()), alice)
	if ready := expect[legacy.Ready](u); ready.Self.ID != "alice_" {
		t.Errorf("ready %+v", ready)
	}
}

func TestOptionsErrors(t *testing.T) {
	for option, change := range map[string]func(*irc.Options){
		"server":   func(o *irc.Options) { o.Server = "nowhere" },
		"encoding": func(o *irc.Options) { o.Encoding = "klingon" },
		"burst":    func(o *irc.Options) { o.Burst = 0 },
		"rate":     func(o *irc.Options) { o.Rate = -1 },
	} {
		o := irc.DefaultOptions()
		o.Server = "127.0.0.1:6667"
		change(&o)
		_, err := irc.New(o)
		var fe *legacy.FieldError
		if !errors.As(err, &fe) || fe.Var != option {
			t.Errorf("%s: got %v", option, err)
		}
	}
}
