package irc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"transport/legacy"
)

func online(nick string) legacy.Event {
	return legacy.PresenceChanged{From: legacy.Peer{ID: nick}, Presence: legacy.Presence{Show: legacy.ShowOnline}}
}

func offline(nick string) legacy.Event {
	return legacy.PresenceChanged{From: legacy.Peer{ID: nick}}
}

// TestWatchService: the server itself is on the user's list.
func TestWatchService(t *testing.T) {
	l := setup{server: "irc.test"}.lab(t)
	l.welcome()
	here := legacy.Peer{ID: "irc.test", Service: true}
	l.c.watches.showService(legacy.ShowOnline)
	l.want()
	l.do(l.s.Watch(t.Context(), here, true))
	l.want(legacy.PresenceChanged{From: here, Presence: legacy.Presence{Show: legacy.ShowOnline}})
	if nicks := l.s.watchedAt("irc.test"); len(nicks) > 0 {
		t.Errorf("watches %q", nicks)
	}
	l.c.watches.showService(legacy.ShowOffline)
	l.want(legacy.PresenceChanged{From: here})
	l.do(l.s.Watch(t.Context(), here, false))
	l.c.watches.showService(legacy.ShowOnline)
	l.want()
	l.wantSent()
}

// watch adds nicks to alice's watch list or removes them.
func (l *lab) watch(on bool, nicks ...string) {
	l.t.Helper()
	for _, nick := range nicks {
		l.do(l.s.Watch(l.t.Context(), legacy.Peer{ID: nick}, on))
	}
}

func TestMonitor(t *testing.T) {
	l := setup{}.lab(t)
	l.watch(true, "bob", "carol")
	l.welcome()
	l.hear(":irc.test 005 alice MONITOR=3 :are supported")
	l.wantSent()
	l.hear(":irc.test 376 alice :End of MOTD")
	if got := l.sent(); !slices.Equal(got, []string{"MONITOR + bob,carol"}) && !slices.Equal(got, []string{"MONITOR + carol,bob"}) {
		t.Errorf("sent %q", got)
	}
	l.hear(":irc.test 730 alice :Bob!b@h", ":irc.test 731 alice :carol", ":irc.test 730 alice :stranger!s@h")
	l.want(online("bob"), offline("carol"))
	l.hear(":bob!b@h AWAY :lunch\x02", ":bob!b@h AWAY", ":irc.test 731 alice :BOB")
	l.want(legacy.PresenceChanged{From: bob, Presence: legacy.Presence{Show: legacy.ShowAway, Status: "lunch"}}, online("bob"), offline("bob"))
	l.watch(true, "bob") // again: the core needs the present state
	l.want(offline("bob"))
	l.wantSent()

	l.watch(true, "dave", "eve") // above the server's limit
	l.after(0)
	l.wantSent("MONITOR + dave", "ISON eve")
	l.hear(":irc.test 303 alice :eve")
	l.want(online("eve"))
	l.hear(":irc.test 734 alice 3 dave :Monitor list is full.")
	l.after(0)
	if got := l.sent(); len(got) != 1 || got[0] != "ISON eve dave" && got[0] != "ISON dave eve" {
		t.Errorf("sent %q", got)
	}
	l.hear(":irc.test 303 alice :Dave")
	if len(l.events) != 2 || !slices.Contains(l.events, online("dave")) || !slices.Contains(l.events, offline("eve")) {
		t.Errorf("got %+v", l.events)
	}
	l.events = nil
	l.watch(false, "eve", "bob", "bob")
	l.wantSent("MONITOR - bob")
	l.watch(true, "no nick")
	l.wantSent()
	l.c.giveUp(nil) // without a connection everybody is offline
	if len(l.events) != 2 || !slices.Contains(l.events, offline("dave")) {
		t.Errorf("got %+v", l.events)
	}
}

// TestWatchMany: more contacts than the queue has places are one command and a few lines.
func TestWatchMany(t *testing.T) {
	l := newLab(t)
	l.hear(":irc.test 005 alice MONITOR=1000 :are supported", ":irc.test 376 alice :End of MOTD")
	l.sent()
	const many = 2 * queueLen
	peer := func(i int) legacy.Peer { return legacy.Peer{ID: fmt.Sprint("friend", i)} }
	for i := range many {
		if err := l.s.Watch(t.Context(), peer(i), true); err != nil {
			t.Fatalf("contact %d: %v", i, err)
		}
	}
	l.do(l.s.Watch(t.Context(), peer(7), false))
	got := l.sent()
	if nicks := strings.Split(strings.ReplaceAll(strings.Join(got, ","), "MONITOR + ", ""), ","); len(got) > 20 || len(nicks) != many-1 || slices.Contains(nicks, "friend7") {
		t.Errorf("%d lines for %d nicks", len(got), len(nicks))
	}
	l.do(l.s.Watch(t.Context(), peer(7), true))
	l.wantSent("MONITOR + friend7")
}

// TestWatchToggled: a contact that is added and removed again and again while the link is
// not connected, or waits for the rate limit, is one request: the last one.
func TestWatchToggled(t *testing.T) {
	for name, tt := range map[string]struct {
		last bool
		want []string
	}{"on": {true, []string{"MONITOR + bob"}}, "off": {false, nil}} {
		t.Run(name, func(t *testing.T) {
			l := setup{options: func(o *Options) { o.Burst, o.Rate = 1, 1 }}.lab(t)
			l.welcome()
			l.hear(":irc.test 005 alice MONITOR=1000 :are supported", ":irc.test 376 alice :End of MOTD")
			l.c.send("WHO x") // the rate limit
			l.c.send("WHO y")
			l.sent()
			toggle := func(i int) error { return l.s.Watch(t.Context(), bob, (i%2 == 0) == tt.last) }
			for i := range 4*maxToWatch + 1 { // the link is connected
				l.do(toggle(i))
			}
			if lines, wishes := l.c.out.waiting(), len(l.s.toWatch[""]); lines != 1 || wishes != 1 {
				t.Errorf("%d lines and %d requests wait", lines, wishes)
			}
			l.after(time.Second)
			l.wantSent("WHO y")
			l.after(time.Second)
			l.wantSent(tt.want...)

			for i := range 4*maxToWatch + 2 { // the link is not connected: nothing takes the command
				if err := toggle(i + 1); err != nil {
					t.Fatal(err)
				}
			}
			if lines, wishes := l.c.link.queue.waiting(), len(l.s.toWatch[""]); lines != 1 || wishes != 1 {
				t.Errorf("%d commands and %d requests wait", lines, wishes)
			}
			for i := range maxToWatch - 1 {
				if err := l.s.Watch(t.Context(), legacy.Peer{ID: fmt.Sprint("friend", i)}, false); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.s.Watch(t.Context(), legacy.Peer{ID: "onemore"}, false); legacy.KindOf(err) != legacy.RateLimited {
				t.Errorf("above the limit: %v", err)
			}
			if err := l.s.Watch(t.Context(), bob, true); err != nil {
				t.Errorf("a known nick: %v", err)
			}
		})
	}
}

// TestIson: without MONITOR the client polls every minute.
func TestIson(t *testing.T) {
	l := setup{}.lab(t)
	l.watch(true, "bob", "carol")
	l.welcome()
	l.hear(":irc.test 422 alice :MOTD File is missing")
	for range 3 {
		l.after(0)
		if got := l.sent(); len(got) != 1 || got[0] != "ISON bob carol" && got[0] != "ISON carol bob" {
			t.Fatalf("sent %q", got)
		}
		l.hear(":irc.test 303 alice :BOB ")
		if len(l.events) != 2 || !slices.Contains(l.events, online("bob")) || !slices.Contains(l.events, offline("carol")) {
			t.Errorf("got %+v", l.events)
		}
		l.events = nil
		l.hear(":irc.test 303 alice :carol") // not requested
		l.want()
		l.after(pollInterval / 2)
		l.wantSent()
		l.clock = l.clock.Add(pollInterval / 2)
		l.c.pingAt = l.clock.Add(pingEvery)
	}
	l.watch(false, "bob", "carol")
	l.after(pollInterval)
	l.wantSent()
}

func TestManyWatched(t *testing.T) {
	l := setup{}.lab(t)
	for i := range maxWatched {
		l.watch(true, fmt.Sprintf("somebody%04d", i))
	}
	if err := l.s.Watch(t.Context(), bob, true); legacy.KindOf(err) != legacy.RateLimited {
		t.Errorf("one more: %v", err)
	}
	l.do(l.s.Watch(t.Context(), legacy.Peer{ID: "somebody0001"}, true))
	l.welcome()
	l.hear(":irc.test 005 alice MONITOR :are supported", ":irc.test 376 alice :End")
	n := 0
	for _, line := range l.sent() {
		n += strings.Count(line, "somebody")
	}
	if n != maxWatched {
		t.Errorf("%d of %d are watched", n, maxWatched)
	}
}

func TestAway(t *testing.T) {
	l := setup{}.lab(t)
	set := func(show legacy.Show, status string) {
		l.do(l.s.SetPresence(t.Context(), legacy.Presence{Show: show, Status: status}))
	}
	set(legacy.ShowXA, "before the welcome")
	l.sent()
	l.c.away = legacy.Presence{}
	l.registering(":irc.test 001 alice :Welcome")
	l.wantSent("AWAY :before the welcome")
	set(legacy.ShowAway, "lunch")
	set(legacy.ShowAway, "lunch")
	set(legacy.ShowDND, "")
	set(legacy.ShowOnline, "x")
	set(legacy.ShowChat, "")
	l.wantSent("AWAY lunch", "AWAY away", "AWAY")
	l.c.out = newThrottle(1, 1, l.clock) // only the last one is sent
	l.c.out.left = 0
	set(legacy.ShowAway, "one")
	set(legacy.ShowAway, "two")
	set(legacy.ShowOnline, "")
	set(legacy.ShowXA, "three")
	l.after(time.Minute)
	l.wantSent("AWAY three")
	l.s.end()
	if err := l.s.SetPresence(t.Context(), legacy.Presence{}); legacy.KindOf(err) != legacy.Offline {
		t.Errorf("offline: %v", err)
	}
}
