package irc_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// TestRejoin: after a lost connection the channels are rejoined with their keys, and
// queued commands are executed.
func TestRejoin(t *testing.T) {
	t.Parallel()
	p := startPeer(t, nil)
	u := signedOn(t, named(t, nil), at([]string{"srv.test", "ports", portOf(p.listener)}), dial)
	rooms := u.Session.(legacy.Roomer)
	join(u, "#a%srv.test")
	expect[legacy.RoomJoined](u)
	if err := rooms.JoinRoom(t.Context(), channel("#b%srv.test"), "alice", "key"); err != nil {
		t.Fatal(err)
	}
	expect[legacy.RoomJoined](u)
	p.drop()
	lost := map[string]bool{expect[legacy.RoomInterrupted](u).Room.ID: true, expect[legacy.RoomInterrupted](u).Room.ID: true}
	if err := u.Send(t.Context(), legacy.Outgoing{Ref: "1", To: channel("#a%srv.test"), Text: "after the loss"}); err != nil {
		t.Fatal(err)
	}
	if err := u.Session.(legacy.Watcher).Watch(t.Context(), legacy.Peer{ID: "bob%srv.test"}, true); err != nil {
		t.Fatal(err)
	}
	back := map[string]bool{expect[legacy.RoomJoined](u).Room.ID: true, expect[legacy.RoomJoined](u).Room.ID: true}
	if len(lost) != 2 || len(back) != 2 {
		t.Errorf("lost %v, back %v", lost, back)
	}
	p.wait("JOIN #b key")
	p.wait("JOIN #b key")
	for missing := map[string]bool{"PRIVMSG #a :after the loss": true, "ISON bob": true}; len(missing) > 0; {
		delete(missing, p.wait("")) // in any order
	}
}

// TestNotBack: if the server refuses a reconnect, the channels are left.
func TestNotBack(t *testing.T) {
	t.Parallel()
	refuse := make(chan struct{})
	p := startPeer(t, func(c *line, m ircwire.Message) bool {
		select {
		case <-refuse:
			if m.Command == "NICK" {
				c.send(":srv 465 * :You are banned")
			}
			return true
		default:
			return false
		}
	})
	u := signedOn(t, named(t, nil), at([]string{"srv.test", "ports", portOf(p.listener)}), dial)
	join(u, "#a%srv.test")
	expect[legacy.RoomJoined](u)
	close(refuse)
	p.drop()
	expect[legacy.RoomInterrupted](u)
	if failed := expect[legacy.RoomFailed](u); failed.Room.ID != "#a%srv.test" || legacy.KindOf(failed.Err) != legacy.Forbidden {
		t.Errorf("failed %+v", failed)
	}
}

// TestServers: several servers of one user are several connections.
func TestServers(t *testing.T) {
	one, two := startPeer(t, nil), startPeer(t, nil)
	u := signedOn(t, named(t, nil), at([]string{"one", "ports", portOf(one.listener)}, []string{"two", "ports", portOf(two.listener), "nick", "ally"}), dial)
	join(u, "#room%one")
	expect[legacy.RoomJoined](u)
	join(u, "#room%two")
	if joined := expect[legacy.RoomJoined](u); joined.Nick != "ally" || joined.Room.ID != "#room%two" {
		t.Errorf("joined %+v", joined)
	}
	two.all(":bob!b@h PRIVMSG ally :hi")
	if m := expect[legacy.MessageReceived](u); m.From.ID != "bob%two" {
		t.Errorf("from %+v", m.From)
	}
	if err := u.Send(t.Context(), legacy.Outgoing{Ref: "1", To: legacy.Peer{ID: "bob%one"}, Text: "hello there"}); err != nil {
		t.Fatal(err)
	}
	one.wait("PRIVMSG bob :hello there")
	if err := u.Send(t.Context(), legacy.Outgoing{Ref: "2", To: legacy.Peer{ID: "two", Service: true}, Text: "VERSION"}); err != nil {
		t.Fatal(err)
	}
	two.wait("VERSION")
	if err := u.Session.(legacy.Presencer).SetPresence(t.Context(), legacy.Presence{Show: legacy.ShowAway, Status: "gone out"}); err != nil {
		t.Fatal(err)
	}
	one.wait("AWAY :gone out")
	two.wait("AWAY :gone out")

	if err := u.Session.(legacy.Roomer).LeaveRoom(t.Context(), channel("#room%two"), ""); err != nil {
		t.Fatal(err)
	}
	expect[legacy.RoomLeft](u)
	one.all(":bob!b@h PRIVMSG #room :still here")
	if m := expect[legacy.RoomMessage](u); m.Room.ID != "#room%one" {
		t.Errorf("said %+v", m)
	}
	u.Cancel()
	one.wait("QUIT")
	two.wait("QUIT")
	if err := u.WaitEnd(); err != nil {
		t.Errorf("ended %v", err)
	}
	if err := u.Session.(legacy.Roomer).JoinRoom(t.Context(), channel("#x%one"), "alice", ""); legacy.KindOf(err) != legacy.Offline {
		t.Errorf("offline: %v", err)
	}
}

// TestLastWords: a message sent right before a disconnect has an outcome: the client
// reads until the server has read everything.
func TestLastWords(t *testing.T) {
	for _, end := range []string{"ERROR :Closing link", ""} {
		held := make(chan string, 1)
		p := startPeer(t, func(c *line, m ircwire.Message) bool {
			switch {
			case m.Command == "PING" && strings.HasPrefix(m.Last(), "~"):
				held <- m.Last()
				return true
			case m.Command == "QUIT":
				c.send(":bob!b@h PRIVMSG #room :%s", strings.Repeat("x", 400))
				c.send(":srv PONG srv :%s", <-held)
				if end != "" {
					c.send(end)
				}
			}
			return false
		})
		u := start(t, network(t, p.listener.Addr().String()), alice)
		expect[legacy.Ready](u)
		if err := u.Send(t.Context(), legacy.Outgoing{Ref: "1", To: legacy.Peer{ID: "bob"}, Text: "farewell"}); err != nil {
			t.Fatal(err)
		}
		p.wait("PRIVMSG bob :farewell")
		u.Cancel()
		p.wait("QUIT")
		if sent := expect[legacy.MessageSent](u); sent.Ref != "1" {
			t.Errorf("sent is %+v", sent)
		}
		if err := u.WaitEnd(); err != nil {
			t.Errorf("ended %v", err)
		}
	}
}

// TestPartingNotices: notices of the server after QUIT are dropped; messages of users
// are not.
func TestPartingNotices(t *testing.T) {
	p := startPeer(t, func(c *line, m ircwire.Message) bool {
		if m.Command == "QUIT" {
			c.send(":srv NOTICE alice :Connection statistics: client 0.2 kb, server 1.3 kb.")
			c.send(":bob!b@h PRIVMSG alice :see you")
			c.send(":srv 421 alice X :Unknown command")
			c.send("ERROR :Closing connection")
		}
		return false
	})
	u := start(t, network(t, p.listener.Addr().String()), alice)
	expect[legacy.Ready](u)
	p.all(":srv NOTICE alice :Hello.")
	if n := expect[legacy.Notice](u); n.Text != "Hello." {
		t.Errorf("notice %+v", n)
	}
	u.Cancel()
	p.wait("QUIT")
	if err := u.WaitEnd(); err != nil {
		t.Errorf("ended %v", err)
	}
	var said []string
	for len(u.Events) > 0 {
		switch ev := (<-u.Events).(type) {
		case legacy.Notice:
			t.Errorf("said in parting: %q", ev.Text)
		case legacy.MessageReceived:
			said = append(said, ev.Text)
		}
	}
	if len(said) != 1 || said[0] != "see you" {
		t.Errorf("bob said %q", said)
	}
}

// TestDeafServer: a server that does not read does not prevent the end of a session.
func TestDeafServer(t *testing.T) {
	for _, text := range []string{"", "do you hear me?"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			deafServer(t, text)
		})
	}
}

// trier is a connection that signals each attempt to write.
type trier struct {
	net.Conn
	of    string
	write chan struct{}
}

func (c *trier) Write(b []byte) (int, error) {
	if strings.HasPrefix(string(b), c.of) {
		c.write <- struct{}{}
	}
	return c.Conn.Write(b)
}

func deafServer(t *testing.T, text string) {
	ours, theirs := net.Pipe() // without a buffer
	t.Cleanup(func() { theirs.Close() })
	tries := &trier{Conn: ours, of: "PRIVMSG", write: make(chan struct{}, 1)}
	deaf := make(chan struct{})
	go func() {
		defer close(deaf)
		r := bufio.NewReader(theirs)
		for {
			text, err := r.ReadString('\n')
			switch {
			case err != nil || strings.HasPrefix(text, "AWAY"):
				return
			case strings.HasPrefix(text, "USER"):
				fmt.Fprint(theirs, ":srv 001 alice :Welcome\r\n")
			}
		}
	}()
	u := startAccount(t, network(t, "127.0.0.1:6667"), legacy.Account{Fields: alice}, func(context.Context, string, string) (net.Conn, error) { return tries, nil })
	expect[legacy.Ready](u)
	if err := u.Session.(legacy.Presencer).SetPresence(t.Context(), legacy.Presence{Show: legacy.ShowAway}); err != nil {
		t.Fatal(err)
	}
	<-deaf
	if text != "" {
		if err := u.Send(t.Context(), legacy.Outgoing{Ref: "1", To: legacy.Peer{ID: "bob"}, Text: text}); err != nil {
			t.Fatal(err)
		}
		<-tries.write // which blocks
	}
	u.Cancel()
	if err := u.WaitEnd(); err != nil {
		t.Errorf("ended %v", err)
	}
}

// TestUnusedLink: the connection is closed after the last channel is left, and reopened
// for the next.
func TestUnusedLink(t *testing.T) {
	p := startPeer(t, nil)
	u := signedOn(t, named(t, nil), at([]string{"srv.test", "ports", portOf(p.listener)}), dial)
	for range 3 {
		join(u, "#a%srv.test")
		expect[legacy.RoomJoined](u)
		if err := u.Session.(legacy.Roomer).LeaveRoom(t.Context(), channel("#a%srv.test"), "bye"); err != nil {
			t.Fatal(err)
		}
		expect[legacy.RoomLeft](u)
		p.wait("PART #a bye")
		p.wait("QUIT")
	}
}

// TestUnreachable: every command that waits for a connection that fails gets an error.
func TestUnreachable(t *testing.T) {
	u := signedOn(t, named(t, nil), at([]string{"srv.test", "ports", closedPort(t)}), dial)
	ctx, here := t.Context(), legacy.Peer{ID: "srv.test", Service: true}
	who, where := legacy.Peer{ID: "bob%other.test"}, channel("#a%other.test")
	s := u.Session
	if err := s.Send(ctx, legacy.Outgoing{Ref: "1", To: legacy.Peer{ID: "bob%srv.test"}, Text: "x"}); err != nil {
		t.Fatal(err)
	}
	if failed := expect[legacy.MessageFailed](u); failed.Ref != "1" || legacy.KindOf(failed.Err) != legacy.Temporary {
		t.Errorf("failed %+v", failed)
	}
	if err := s.(legacy.RoomLister).ListRooms(ctx, "2", here); err != nil {
		t.Fatal(err)
	}
	if listed := expect[legacy.RoomsListed](u); listed.Ref != "2" || legacy.KindOf(listed.Err) != legacy.Temporary {
		t.Errorf("listed %+v", listed)
	}
	if err := s.(legacy.Commander).Do(ctx, "3", here, "raw", map[string]string{"line": "x"}); err != nil {
		t.Fatal(err)
	}
	if done := expect[legacy.CommandDone](u); done.Ref != "3" || legacy.KindOf(done.Err) != legacy.Temporary {
		t.Errorf("done %+v", done)
	}
	for name, err := range map[string]error{ // they need no connection, and open none
		"profile":  s.(legacy.Profiler).RequestProfile(ctx, "x", who),
		"moderate": s.(legacy.Roomer).Moderate(ctx, "x", where, legacy.Moderation{}),
		"config":   s.(legacy.RoomConfigurer).RequestRoomConfig(ctx, "x", where),
		"whois":    s.(legacy.Commander).Do(ctx, "x", who, "whois", nil),
		"typing":   s.(legacy.Typer).SetTyping(ctx, who, legacy.TypingActive),
	} {
		if legacy.KindOf(err) != legacy.Offline {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSecretWithoutTLS: a password is not sent, and the user gets the reason.
func TestSecretWithoutTLS(t *testing.T) {
	plain := startPeer(t, nil)
	for _, password := range []string{"", "sesame"} {
		u := signedOn(t, named(t, nil), at([]string{"srv.test", "tls_ports", closedPort(t), "ports", portOf(plain.listener), "sasl_password", password}), dial)
		join(u, "#room%srv.test")
		if password == "" {
			expect[legacy.RoomJoined](u)
			continue
		}
		if failed := expect[legacy.RoomFailed](u); legacy.KindOf(failed.Err) != legacy.Temporary || !strings.Contains(failed.Err.Error(), "does not send passwords without TLS") {
			t.Errorf("failed %+v", failed)
		}
	}
}

// TestWaiting: the queue for a server that does not answer is bounded, and every
// command has an outcome by the end of the session.
func TestWaiting(t *testing.T) {
	p := startPeer(t, func(*line, ircwire.Message) bool { return true })
	u := signedOn(t, named(t, nil), at([]string{"srv.test", "ports", portOf(p.listener)}), dial)
	ctx, where := t.Context(), channel("#a%srv.test")
	s := u.Session
	join(u, "#a%srv.test")
	p.wait("USER")
	taken := 1
	var err error
	for ; err == nil; taken++ {
		err = s.Send(ctx, legacy.Outgoing{Ref: fmt.Sprint(taken), To: where, Text: "x"})
		if taken > 10_000 {
			t.Fatal("no bound")
		}
	}
	if !strings.Contains(err.Error(), "Too many requests to srv.test") {
		t.Errorf("refused: %v", err)
	}
	var last error
	for i := 0; last == nil && i < 100; i++ {
		last = s.(legacy.Roomer).JoinRoom(ctx, channel(fmt.Sprintf("#a%%%d.test", i)), "alice", "")
	}
	if legacy.KindOf(last) != legacy.RateLimited {
		t.Errorf("too many servers: %v", last)
	}
	u.Cancel()
	if err := u.WaitEnd(); err != nil {
		t.Errorf("ended %v", err)
	}
	failed := 0
	for len(u.Events) > 0 {
		if ev, ok := (<-u.Events).(legacy.MessageFailed); ok && legacy.KindOf(ev.Err) == legacy.Offline {
			failed++
		}
	}
	if failed != taken-2 {
		t.Errorf("%d of %d messages have failed", failed, taken-2)
	}
}
