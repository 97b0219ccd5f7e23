package irc

import (
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy"
)

// zncLab is a lab of alice's connection to ZNC.
func zncLab(t *testing.T, state []byte, caps ...string) *lab {
	t.Helper()
	l := setup{caps: append(caps, "server-time")}.lab(t)
	made, err := l.s.net.NewSession(legacy.Account{Fields: l.s.fields, State: state},
		legacy.Env{Log: zerolog.Nop(), Now: func() time.Time { return l.clock }, Emit: l.emit})
	if err != nil {
		t.Fatal(err)
	}
	l.s.played = made.(*session).played
	l.c.link.played.load(l.s.played[""])
	l.registering(":irc.test CAP alice LS :znc.in/batch znc.in/self-message")
	l.welcome()
	return l
}

// TestPlayback: what a bouncer plays back is shown once, also after a reconnect and in the
// next session. The time, the nick and the text decide.
func TestPlayback(t *testing.T) {
	l := zncLab(t, nil, "echo-message")
	l.slow = true
	old := func(minute int, from, target, text string) string {
		return fmt.Sprintf("@time=2026-01-01T00:%02d:00.000Z :%s!u@h PRIVMSG %s :%s", minute, from, target, text)
	}
	join := []string{":alice!u@h JOIN #room", ":irc.test 353 alice = #room :alice bob", ":irc.test 366 alice #room :End"}
	buffer := []string{old(1, "bob", "#room", "one"), old(2, "bob", "#room", "one"), old(2, "carol", "#room", "one"), old(2, "bob", "#room", "two"),
		old(3, "bob", "alice", "private"), old(4, "alice", "bob", "mine")}
	texts := func(l *lab) (got []string) {
		for _, ev := range l.events {
			switch ev := ev.(type) {
			case legacy.RoomMessage:
				got = append(got, ev.Nick+":"+ev.Text)
			case legacy.MessageReceived:
				got = append(got, ev.From.ID+">"+ev.Text)
			case legacy.OwnMessage:
				got = append(got, ev.To.ID+"<"+ev.Text)
			}
		}
		l.events = nil
		return got
	}
	check := func(l *lab, want ...string) {
		t.Helper()
		if got := texts(l); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("shown %q, want %q", got, want)
		}
	}
	l.hear(join...)
	l.hear(buffer...)
	check(l, "bob:one", "bob:one", "carol:one", "bob:two", "bob>private", "bob<mine")
	l.hear(buffer...)
	check(l)
	now := l.clock.UTC().Format("2006-01-02T15:04:05.000Z")
	live := "@time=" + now + " :bob!u@h PRIVMSG #room :live"
	l.hear(live, live) // said twice
	check(l, "bob:live", "bob:live")
	l.say("1", channelPeer(l, "#room"), "by me")
	echo := "@time=" + now + " :alice!u@h PRIVMSG #room :by me"
	l.hear(echo)
	check(l)
	l.after(time.Minute) // a reconnect
	l.hear(append(buffer, live, echo, old(9, "bob", "#room", "new"))...)
	check(l, "bob:new")
	l.hear("BATCH +p znc.in/playback #room", "@batch=p;time="+now+" :bob!u@h PRIVMSG #room :live", "BATCH -p")
	check(l)

	l.after(savePeriod)
	state := take[legacy.StateSaved](l).State
	l.after(savePeriod) // nothing new
	l.want()
	next := zncLab(t, state, "znc.in/playback")
	next.clock = l.clock
	next.hear(":irc.test 376 alice :End of MOTD")
	next.wantSent(fmt.Sprintf("PRIVMSG *playback :PLAY * %d", l.clock.Add(-time.Minute-2*savePeriod).Unix()))
	next.hear(":alice!u@h PRIVMSG *playback :PLAY * 1") // the echo
	next.hear(join...)
	next.hear(append(buffer, live, old(11, "bob", "#room", "newest"))...)
	check(next, "bob:newest")
	for i := range 2 * maxPlayed {
		next.hear(old(i%60, "bob", "#room", fmt.Sprint(i)))
	}
	if p := &next.c.link.played; len(p.known) != maxPlayed || len(p.order) != maxPlayed {
		t.Errorf("%d and %d are remembered", len(p.known), len(p.order))
	}
	for _, bad := range []string{"x", "[]", `{"": {"keys": "x"}}`} {
		zncLab(t, []byte(bad))
	}
	plain := newLab(t, "server-time") // not a bouncer
	plain.hear(join...)
	plain.hear(buffer[0], buffer[0])
	check(plain, "bob:one", "bob:one")
}

// TestKept: rooms that the network puts the user into, and all rooms of a bouncer.
func TestKept(t *testing.T) {
	for name, tt := range map[string]struct {
		lab   func(t *testing.T) *lab
		lines []string
		ask   bool
		want  bool
	}{
		"joined":  {func(t *testing.T) *lab { return newLab(t) }, nil, true, false},
		"forced":  {func(t *testing.T) *lab { return newLab(t) }, nil, false, true},
		"bouncer": {func(t *testing.T) *lab { return zncLab(t, nil) }, nil, true, true},
		"ergo": {func(t *testing.T) *lab {
			l := setup{}.lab(t)
			l.registering(":irc.test CAP alice LS :znc.in/playback znc.in/self-message labeled-response")
			l.welcome()
			return l
		}, nil, true, false},
		"soju": {func(t *testing.T) *lab {
			l := setup{}.lab(t)
			l.registering(":irc.test CAP alice LS :soju.im/bouncer-networks")
			l.welcome()
			return l
		}, nil, true, true},
		"forwarded": {func(t *testing.T) *lab { return newLab(t) }, []string{":irc.test 470 alice #from #room :Forwarding"}, false, false},
	} {
		l := tt.lab(t)
		l.do(l.s.JoinRoom(t.Context(), channelPeer(l, "#from"), "alice", ""))
		if tt.ask {
			l.do(l.s.JoinRoom(t.Context(), channelPeer(l, "#room"), "alice", ""))
		}
		l.hear(tt.lines...)
		l.events = nil
		l.hear(":alice!u@h JOIN #room", ":irc.test 366 alice #room :End")
		if got := take[legacy.RoomJoined](l); got.Kept != tt.want {
			t.Errorf("%s: kept %v", name, got.Kept)
		}
	}
}

// TestBouncerNetworks: a connection to soju that is bound to no network lists the networks.
func TestBouncerNetworks(t *testing.T) {
	l := newLab(t, "soju.im/bouncer-networks", "batch")
	l.hear(":soju 005 alice BOUNCER_NETID=1 :are supported", ":soju 422 alice :No MOTD")
	l.wantSent()
	l = setup{fields: map[string]string{"user": "su2"}, caps: []string{"soju.im/bouncer-networks", "batch"}}.lab(t)
	l.welcome()
	room := channelPeer(l, "#room")
	l.do(l.s.JoinRoom(t.Context(), room, "alice", ""))
	l.hear(":soju 403 alice JOIN :Cannot interact with channels and users on the bouncer connection.")
	l.want(legacy.RoomFailed{Room: room, Err: fails(legacy.NotFound)})
	l.sent()
	l.hear(":soju 422 alice :No MOTD")
	l.wantSent("BOUNCER LISTNETWORKS")
	l.hear("BATCH +1 soju.im/bouncer-networks", "@batch=1 BOUNCER NETWORK 7 name=libera;state=connected", "@batch=1 BOUNCER NETWORK 8 state=x;name=OFTC", "BATCH -1")
	l.want(legacy.Notice{Text: "This is a bouncer with several networks: libera, OFTC. To use one of them, set the user name in the settings of this server to that of your account, a slash and the network, such as su2/libera."})
}
