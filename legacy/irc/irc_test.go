package irc_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/irc"
	"transport/legacy/irc/ircwire"
	"transport/legacy/legacytest"
)

func TestConformance(t *testing.T) {
	legacytest.Conformance(t, legacytest.Harness{
		Start: func(t *testing.T) legacytest.Lab {
			p := startPeer(t, markingServer())
			return legacytest.Lab{
				Network:     network(t, p.listener.Addr().String()),
				Unreachable: network(t, "127.0.0.1:"+closedPort(t)),
				Say: func(text string) {
					for line := range strings.SplitSeq(text, "\n") {
						p.all("@time=%s :bob!b@h PRIVMSG alice :%s", time.Now().UTC().Format(ircwire.TimeFormat), line)
					}
				},
				Drop:  p.drop,
				Stall: func() { p.stalled.Store(true) },
			}
		},
		Good:       map[string]string{"username": "alice", "password": "right"},
		Wrong:      map[string]string{"username": "alice", "password": "wrong"},
		Invalid:    map[string]map[string]string{"username": {"username": "a b"}},
		Peer:       "bob",
		Spellings:  []string{"Bob", "BOB"},
		Impossible: []string{"", " ", "a b", ":x", "bob!x", "\x00", "#", "# x"},
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
	if o := expect[legacy.OccupantJoined](u); o.Occupant.Nick != "Dave" || o.Occupant.Identity != "dave!d@h" {
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
	if err := u.WaitEnd(); legacy.KindOf(err) != legacy.Temporary {
		t.Errorf("ended %v", err)
	}
}

// TestLongText: no line exceeds the length that the server can relay, and no text is
// lost.
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
		"server":    func(o *irc.Options) { o.Server = "nowhere" },
		"encoding":  func(o *irc.Options) { o.Encoding = "klingon" },
		"burst":     func(o *irc.Options) { o.Burst = 0 },
		"servers":   func(o *irc.Options) { o.Servers = []string{"a b"} },
		"tls_ports": func(o *irc.Options) { o.TLSPorts = "x" },
		"ports":     func(o *irc.Options) { o.Server, o.TLSPorts, o.Ports = "", "", "" },
		"rate":      func(o *irc.Options) { o.Rate = -1 },

		"connections_per_minute": func(o *irc.Options) { o.PerMinute = -1 },
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
