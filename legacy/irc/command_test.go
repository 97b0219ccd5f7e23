package irc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
)

// TestRaw: raw lines, and their answers.
func TestRaw(t *testing.T) {
	l := newLab(t)
	room := l.enter("#room")
	raw := func(ref, line string) {
		l.do(l.s.Do(t.Context(), ref, legacy.Peer{}, "raw", map[string]string{"line": line}))
	}
	raw("1", " /VERSION\r\nQUIT ")
	l.wantSent("VERSION QUIT")
	l.hear(":irc.test 351 alice v1 irc.test :\x02a server", ":irc.test 353 alice = #room :bob", ":bob!b@h PRIVMSG #room :meanwhile", ":irc.test 421 alice QUIT :Unknown command")
	take[legacy.RoomMessage](l)
	l.after(rawPause - 1)
	l.want()
	l.after(1)
	l.want(legacy.CommandDone{Ref: "1", Text: "v1 irc.test a server\nQUIT Unknown command"})

	raw("2", "MODE x")
	l.wantSent("MODE x")
	l.after(rawTime)
	l.want(legacy.CommandDone{Ref: "2", Text: "Sent. The server did not answer."})

	l.say("3", legacy.Peer{}, "STATS u") // a message to the server
	l.wantSent("STATS u")
	l.want(legacy.MessageSent{Ref: "3"})
	l.hear(":irc.test 242 alice :Server Up 5 days")
	l.after(rawPause)
	l.want(legacy.Notice{Text: "Server Up 5 days"})
	l.say("4", legacy.Peer{}, "QUIET")
	l.after(rawTime)
	l.want(legacy.MessageSent{Ref: "4"})

	raw("5", "LUSERS")
	for i := range maxRaw + 50 { // an endless answer
		l.hear(fmt.Sprintf(":irc.test 251 alice :%d users", i))
	}
	l.after(0)
	if done := take[legacy.CommandDone](l); strings.Count(done.Text, "\n") != maxRaw-1 {
		t.Errorf("%d lines", strings.Count(done.Text, "\n"))
	}
	l.sent()

	l.say("6", room, "/mode +b *!*@x\nQUIT")
	l.wantSent("MODE #room +b *!*@x QUIT")
	l.want(legacy.MessageSent{Ref: "6", Command: true})
	l.say("6", room, "/MODE +m")
	l.wantSent("MODE #room +m")
	l.want(legacy.MessageSent{Ref: "6", Command: true})
	raw("8", " /\r")
	l.say("9", legacy.Peer{}, "/ ")
	l.wantSent()
	l.want(legacy.CommandDone{Ref: "8", Err: fails(legacy.Unsupported)}, legacy.MessageFailed{Ref: "9", Err: fails(legacy.Unsupported)})
	raw("7", "WHO")
	l.hear(":irc.test 352 alice * u h irc.test alice H :0 Alice")
	l.c.giveUp(nil)
	l.want(legacy.CommandDone{Ref: "7", Text: "* u h irc.test alice H 0 Alice"})
}

func TestCommands(t *testing.T) {
	l := setup{server: "irc.test"}.lab(t)
	l.welcome()
	l.c.target = target{host: "irc.test", port: "6667"}
	room := l.enter("#room")
	here := legacy.Peer{ID: "irc.test", Service: true}
	do := func(name string, args map[string]string) { l.do(l.s.Do(t.Context(), name, here, name, args)) }
	do("get-irc-connection-info", nil)
	l.want(legacy.CommandDone{Ref: "get-irc-connection-info", Text: "Connected to IRC server irc.test on port 6667 since 2026-01-02 03:04:05 UTC (without TLS).\nNick: alice.\nChannels: 1 #room"})
	do("dance", nil)
	l.want(legacy.CommandDone{Ref: "dance", Err: fails(legacy.Unsupported)})
	do("disconnect-from-irc-server", map[string]string{"quit-message": "bye\r\nbye"})
	l.want(legacy.CommandDone{Ref: "disconnect-from-irc-server", Text: "You are being disconnected."}, legacy.RoomLeft{Room: room, Reason: "bye bye"})
	l.c.quit()
	l.wantSent("QUIT :bye bye")
}

// TestUserName: the user name is the one that the user has set; servers know where to cut it.
func TestUserName(t *testing.T) {
	for _, tt := range []struct {
		set, nick string
		limit     int
		want      string
	}{
		{"", "alice", 0, "alice"}, {"", "[alice]", 0, "alice"}, {"", "Жанна", 0, "user"}, {"", "verylongnickname", 0, "verylongn"},
		{"su2/net", "alice", 0, "su2/net"}, {"su2/irc.libera.chat@phone", "alice", 0, "su2/irc.libera.chatphone"}, {"alice+x#y", "a", 0, "alice+x#y"},
		{"a b\x00!c\r\nd\x7f", "x", 0, "abcd"}, {"Жанна/сеть", "x", 0, "Жанна/сеть"}, {" !", "nick", 0, "nick"},
		{"su2/a.network.with.a.long.name", "x", 0, "su2/a.network.with.a.long.name"}, {"su2/a.network.with.a.long.name", "x", 12, "su2/a.networ"},
		{"жжж", "x", 3, "ж"}, {"short", "x", 12, "short"},
	} {
		if got := userName(tt.set, tt.nick, tt.limit); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
	l := setup{server: "irc.test", settings: map[string]map[string]string{"irc.test": {"username": "su2/net"}}}.lab(t)
	if l.c.profile.user != "su2/net" {
		t.Errorf("the user name is %q", l.c.profile.user)
	}
	l.welcome()
	l.hear(":irc.test 005 alice USERLEN=10 :are supported")
	if got := l.s.net.reach.userLen("irc.test"); got != 10 {
		t.Errorf("the limit is %d", got)
	}
}

// TestDisconnectFrom: the command at the gateway closes all connections or some.
func TestDisconnectFrom(t *testing.T) {
	l := setup{server: "irc.test"}.lab(t)
	l.welcome()
	room := l.enter("#room")
	do := func(servers string) error {
		return l.s.Do(t.Context(), "x", legacy.Peer{}, "disconnect-from-irc-server", map[string]string{"irc-servers": servers, "quit-message": "bye"})
	}
	if err := do("irc.elsewhere"); legacy.KindOf(err) != legacy.Offline {
		t.Errorf("another server: %v", err)
	}
	for _, servers := range []string{"", "irc.elsewhere\nIRC.test"} {
		l.do(do(servers))
		l.s.wg.Wait()
		want := []legacy.Event{legacy.CommandDone{Ref: "x", Text: "You have been disconnected from irc.test."}}
		if servers == "" {
			want = append([]legacy.Event{legacy.RoomLeft{Room: room, Reason: "bye"}}, want...)
		}
		l.want(want...)
	}
}

// TestRawQuit: a raw QUIT prevents a reconnect.
func TestRawQuit(t *testing.T) {
	l := newLab(t)
	room := l.enter("#room")
	l.say("1", legacy.Peer{}, "quit :bye  bye")
	l.want(legacy.RoomLeft{Room: room, Reason: "bye  bye"}, legacy.MessageSent{Ref: "1"})
	if !l.c.closing {
		t.Error("the connection goes on")
	}
	l.hear(":alice!u@h JOIN #late", ":irc.test 366 alice #late :End") // the JOIN was pending
	l.want()
	l.c.quit()
	l.wantSent("QUIT :bye  bye")
}

// TestNoNumerics: only three digits are a numeric.
func TestNoNumerics(t *testing.T) {
	l := newLab(t)
	l.hear(":irc.test 40 alice x :y", ":irc.test 4044 alice x :y", ":irc.test 4a4 alice x :y", ":irc.test 604 alice x :y", ":irc.test 4 alice")
	l.want()
	l.hear(":irc.test 421 alice X :Unknown command")
	l.want(legacy.Notice{Text: "X Unknown command"})
}

// TestAfterConnect: the user's commands are sent line by line, within the server's
// flood limit.
func TestAfterConnect(t *testing.T) {
	l := setup{options: func(o *Options) { o.Burst, o.Rate = 2, 1 },
		fields: map[string]string{"after_connect_commands": "/MODE alice +x\n\n  PRIVMSG bob :hi there\r\nOPER a b\n" + strings.Repeat("X\n", 30)}}.lab(t)
	l.registering(":irc.test 001 alice :Welcome")
	l.wantSent("MODE alice +x", "PRIVMSG bob :hi there")
	l.after(time.Second)
	l.wantSent("OPER a b")
	if n := l.c.out.waiting(); n != maxLines-3 {
		t.Errorf("%d wait", n)
	}
}
