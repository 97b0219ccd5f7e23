package irc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"transport/legacy"
)

// TestThrottle: a burst of lines, then a constant rate; PONG is exempt.
func TestThrottle(t *testing.T) {
	l := setup{options: func(o *Options) { o.Burst, o.Rate = 5, 2 }, settings: map[string]map[string]string{"": {"throttle_limit": "3"}}}.lab(t)
	l.welcome()
	want := []string{}
	for i := range 8 {
		l.say(fmt.Sprint(i), bob, fmt.Sprint(i))
		want = append(want, fmt.Sprintf("PRIVMSG bob %d", i))
	}
	colon := strings.NewReplacer(" :", " ")
	sent := func() []string {
		lines := l.sent()
		for i := range lines {
			lines[i] = colon.Replace(lines[i])
		}
		return lines
	}
	check := func(n, confirmed int) {
		t.Helper()
		if got := sent(); !slices.Equal(got, want[:n]) {
			t.Errorf("sent %q, want %q", got, want[:n])
		}
		if len(l.events) != confirmed {
			t.Errorf("%d of %d are confirmed", len(l.events), confirmed)
		}
		want, l.events = want[n:], nil
	}
	check(3, 0)
	l.after(499 * time.Millisecond)
	check(0, 0)
	if next := l.c.out.next(l.clock); next.Sub(l.clock) > time.Millisecond {
		t.Errorf("the next one is sent in %v", next.Sub(l.clock))
	}
	l.after(time.Millisecond)
	check(1, 0)
	l.hear("PING :x")
	if got := sent(); !slices.Equal(got, []string{"PONG x"}) {
		t.Errorf("sent %q", got)
	}
	l.after(time.Second)
	check(2, 6)         // five messages were sent, so a fence PING was, too
	l.after(-time.Hour) // the clock jumps back
	check(0, 0)
	l.after(time.Second / 2)
	check(0, 0)
	l.after(time.Minute)
	check(2, 2)
}

// TestThrottleFull: a command for which the queue has no place fails, whatever it is, and
// queued messages fail with the connection.
func TestThrottleFull(t *testing.T) {
	ctx := t.Context()
	channel, full := legacy.Peer{ID: "#room", Room: true}, fails(legacy.RateLimited)
	for name, tt := range map[string]struct {
		do   func(l *lab) error
		want legacy.Event
	}{
		"message": {func(l *lab) error {
			return l.s.Send(ctx, legacy.Outgoing{Ref: "1", To: bob, Text: "x"})
		}, legacy.MessageFailed{Ref: "1", Err: full}},
		"mode by message": {func(l *lab) error {
			return l.s.Send(ctx, legacy.Outgoing{Ref: "1", To: channel, Text: "/mode +m"})
		}, legacy.MessageFailed{Ref: "1", Err: full}},
		"raw by message": {func(l *lab) error {
			return l.s.Send(ctx, legacy.Outgoing{Ref: "1", To: legacy.Peer{Service: true}, Text: "VERSION"})
		}, legacy.MessageFailed{Ref: "1", Err: full}},
		"raw": {func(l *lab) error {
			return l.s.Do(ctx, "1", legacy.Peer{}, "raw", map[string]string{"line": "VERSION"})
		}, legacy.CommandDone{Ref: "1", Err: full}},
		"join": {func(l *lab) error {
			return l.s.JoinRoom(ctx, legacy.Peer{ID: "#new", Room: true}, "alice", "")
		}, legacy.RoomFailed{Room: legacy.Peer{ID: "#new", Room: true}, Err: full}},
		"leave":  {func(l *lab) error { return l.s.LeaveRoom(ctx, channel, "") }, nil}, // has always a place
		"nick":   {func(l *lab) error { return l.s.SetNick(ctx, channel, "alicia") }, legacy.RoomFailed{Room: channel, Nick: true, Err: full}},
		"topic":  {func(l *lab) error { return l.s.SetTopic(ctx, channel, "x") }, legacy.RoomFailed{Room: channel, Err: full}},
		"invite": {func(l *lab) error { return l.s.Invite(ctx, channel, bob) }, legacy.RoomFailed{Room: channel, Err: full}},
		"kick":   {func(l *lab) error { return l.s.Moderate(ctx, "1", channel, legacy.Moderation{Nick: "bob", Kick: true}) }, legacy.Done{Ref: "1", Err: full}},
		"ban":    {func(l *lab) error { return l.s.Moderate(ctx, "1", channel, legacy.Moderation{Nick: "bob", Ban: true}) }, legacy.Done{Ref: "1", Err: full}},
		"rank": {func(l *lab) error {
			return l.s.Moderate(ctx, "1", channel, legacy.Moderation{Nick: "bob", Level: legacy.LevelOperator})
		}, legacy.Done{Ref: "1", Err: full}},
		"config":  {func(l *lab) error { return l.s.RequestRoomConfig(ctx, "1", channel) }, legacy.RoomConfigReceived{Ref: "1", Err: full}},
		"set":     {func(l *lab) error { return l.s.SetRoomConfig(ctx, "1", channel, legacy.RoomConfig{Moderated: true}) }, legacy.Done{Ref: "1", Err: full}},
		"bans":    {func(l *lab) error { return l.s.RequestBans(ctx, "1", channel) }, legacy.BansReceived{Ref: "1", Err: full}},
		"set ban": {func(l *lab) error { return l.s.SetBan(ctx, "1", channel, "x", true) }, legacy.Done{Ref: "1", Err: full}},
		"list":    {func(l *lab) error { return l.s.ListRooms(ctx, "1", legacy.Peer{}) }, legacy.RoomsListed{Ref: "1", Err: full}},
		"search":  {func(l *lab) error { return l.s.Search(ctx, "1", map[string]string{"nick": "bob"}) }, legacy.SearchFinished{Ref: "1", Err: full}},
		"search channels": {func(l *lab) error {
			return l.s.Search(ctx, "1", map[string]string{"channel": "x"})
		}, legacy.SearchFinished{Ref: "1", Rooms: true, Err: full}},
		"profile":   {func(l *lab) error { return l.s.RequestProfile(ctx, "1", bob) }, legacy.ProfileReceived{Ref: "1", Err: full}},
		"whois":     {func(l *lab) error { return l.s.Do(ctx, "1", bob, "whois", nil) }, legacy.CommandDone{Ref: "1", Err: full}},
		"version":   {func(l *lab) error { return l.s.RequestVersion(ctx, "1", bob) }, legacy.VersionReceived{Ref: "1", Err: full}},
		"redaction": {func(l *lab) error { return l.s.Redact(ctx, "1", channel, "id", "") }, legacy.Done{Ref: "1", Err: full}},
		"reaction":  {func(l *lab) error { return l.s.React(ctx, channel, "id", []string{"+"}) }, legacy.RoomFailed{Room: channel, Err: full}},
		"typing":    {func(l *lab) error { return l.s.SetTyping(ctx, bob, legacy.TypingActive) }, nil}, // would be stale
	} {
		t.Run(name, func(t *testing.T) {
			l := setup{options: func(o *Options) { o.Burst, o.Rate = 1, 0.001 }, caps: []string{"message-tags", "draft/message-redaction"}}.lab(t)
			l.welcome()
			l.enter("#room", "bob")
			for i := 0; l.c.send(fmt.Sprint("WHO ", i)); i++ {
			}
			for l.c.send("KICK #x y") {
			}
			if n := l.c.out.waiting(); n != maxQueued+maxControl {
				t.Fatalf("%d lines wait", n)
			}
			if info := l.c.info(); !strings.Contains(info, fmt.Sprintf("waiting to be sent: %d", maxQueued+maxControl)) {
				t.Errorf("info %q", info)
			}
			l.do(tt.do(l))
			if tt.want == nil {
				l.want()
			} else {
				l.want(tt.want)
			}
			if pe := &l.c.pending; len(pe.waiting) != 0 || l.c.lookups.expire(l.clock) != (time.Time{}) {
				t.Errorf("%+v still wait", pe.waiting)
			}
		})
	}
	l := setup{options: func(o *Options) { o.Burst, o.Rate = 1, 0.001 }}.lab(t)
	l.welcome()
	for i := range maxAsks {
		l.say(fmt.Sprint(i), bob, "x")
	}
	take[legacy.Notice](l)
	l.say("more", bob, "x")
	l.want(legacy.MessageFailed{Ref: "more", Err: full})
	if n := l.c.out.waiting(); n != maxAsks-1 {
		t.Errorf("%d lines wait", n)
	}
	l.c.giveUp(legacy.Errorf(legacy.Temporary, "lost"))
	if len(l.events) != maxAsks {
		t.Errorf("%d have failed", len(l.events))
	}
}

// TestFairTurns: a paste to one channel delays neither another target nor a control line.
func TestFairTurns(t *testing.T) {
	ctx := t.Context()
	l := setup{options: func(o *Options) { o.Burst, o.Rate = 2, 1 }}.lab(t)
	l.mute = true
	l.welcome()
	a := l.enter("#a", "bob")
	b := l.enter("#b", "bob")
	l.after(time.Minute)
	l.sent()
	for i := range 40 {
		l.say(fmt.Sprint("a", i), a, fmt.Sprint(i))
	}
	told := take[legacy.Notice](l).Text
	if !strings.Contains(told, "Your text to #a waits") || !strings.Contains(told, "in about 11 seconds") {
		t.Errorf("the user is told %q", told)
	}
	l.after(0)
	if n, wait := l.s.Backlog(); n != 38 || wait != 38*time.Second {
		t.Errorf("%d lines wait %v", n, wait)
	}
	for i := range 12 {
		l.say(fmt.Sprint("b", i), b, fmt.Sprint(i))
	}
	if told := take[legacy.Notice](l).Text; !strings.Contains(told, "Your text to #b waits") {
		t.Errorf("the user is told %q", told)
	}
	l.say("bob", bob, "hi")
	l.say("bob2", bob, "ho")
	l.do(l.s.RequestProfile(ctx, "w", legacy.Peer{ID: "carol"}))
	l.do(l.s.Moderate(ctx, "k", a, legacy.Moderation{Nick: "bob", Kick: true}))
	l.do(l.s.SetTopic(ctx, a, "x"))
	l.do(l.s.LeaveRoom(ctx, b, "")) // what waits for it will not be sent
	failed := 0
	for _, ev := range l.events {
		if f, ok := ev.(legacy.MessageFailed); ok && strings.HasPrefix(f.Ref, "b") {
			failed++
		}
	}
	if failed != 12 || len(l.events) != failed {
		t.Errorf("%d messages to the channel that was left have failed: %+v", failed, l.events)
	}
	l.sent()
	var got []string
	for range 12 {
		l.after(time.Second)
		for _, line := range l.sent() {
			if !strings.HasPrefix(line, "PING") {
				got = append(got, strings.ReplaceAll(line, ":", ""))
			}
		}
	}
	want := []string{"KICK #a bob ", "TOPIC #a x", "PART #b", "PRIVMSG #a 2", "PRIVMSG bob hi", "WHOIS carol", "PRIVMSG #a 3", "PRIVMSG bob ho", "PRIVMSG #a 4"}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("sent %q\nwant %q", got, want)
	}
	l.do(l.s.LeaveRoom(ctx, a, ""))
	l.after(10 * time.Second)
	l.sent()
	if n, wait := l.s.Backlog(); n != 0 || wait > 0 {
		t.Errorf("%d lines wait %v", n, wait)
	}
	if len(l.c.out.lanes) > 0 {
		t.Errorf("%d lanes are left", len(l.c.out.lanes))
	}
	// A channel that is left before its JOIN was sent is left after it.
	c := channelPeer(l, "#c")
	l.c.out.left = 0
	l.do(l.s.JoinRoom(ctx, c, "alice", ""))
	l.do(l.s.LeaveRoom(ctx, c, ""))
	l.after(2 * time.Second)
	l.wantSent("JOIN #c", "PART #c")
}

// TestPauses: the delay of a reconnect grows with every failure; a connection that ends
// right after the welcome counts as a failure.
func TestPauses(t *testing.T) {
	err := legacy.Errorf(legacy.Temporary, "away")
	for n, most := range map[int]time.Duration{0: 2 * time.Second, 3: 16 * time.Second, 7: 256 * time.Second, 8: pauseCeil, 1000: pauseCeil} {
		longest := time.Duration(0)
		for range 1000 {
			pause := pauseAfter(n, err, pauseCeil)
			if longest = max(longest, pause); pause < time.Second/2 || pause > most+time.Second/2 {
				t.Errorf("%d failures: %v", n, pause)
			}
		}
		if longest < most/2 {
			t.Errorf("%d failures: at most %v", n, longest)
		}
	}
	for range 1000 {
		if pause := pauseAfter(9, err, pauseSoon); pause > pauseSoon+time.Second/2 {
			t.Errorf("a server that was there recently: %v", pause)
		}
	}
	var r reach
	now := time.Now()
	for name, tt := range map[string]struct {
		at   time.Duration
		want time.Duration
	}{"never": {0, pauseCeil}, "now": {1, pauseSoon}, "recent": {recently - 1, pauseSoon}, "long ago": {recently, pauseCeil}} {
		if tt.at > 0 {
			r.connected(name, now.Add(-tt.at-time.Hour))
			r.seen(name, now.Add(-tt.at))
		}
		if got := r.ceiling(name, now); got != tt.want {
			t.Errorf("%s: at most %v, want %v", name, got, tt.want)
		}
	}
	for i := range maxReached + 10 {
		r.connected(fmt.Sprint(i), now)
	}
	if len(r.servers) > maxReached {
		t.Errorf("%d servers are known", len(r.servers))
	}
	err.RetryAfter = time.Hour
	if pause := pauseAfter(0, err, pauseCeil); pause != time.Hour {
		t.Errorf("the server has asked for an hour: %v", pause)
	}
	if failures(5, steady) != 5 || failures(5, steady+1) != 0 {
		t.Error("a connection that lasts is told from others wrongly")
	}
}

// TestPing: the lag is measured, and a server that does not answer is disconnected.
func TestPing(t *testing.T) {
	l := newLab(t)
	l.after(pingEvery - 1)
	l.wantSent()
	l.after(1)
	sent := l.sent()
	if len(sent) != 1 || !strings.HasPrefix(sent[0], "PING lag") {
		t.Fatalf("sent %q", sent)
	}
	l.after(1500 * time.Millisecond)
	l.hear(":irc.test PONG irc.test :" + strings.TrimPrefix(sent[0], "PING "))
	if info := l.c.info(); !strings.Contains(info, "Lag: 1.5s.") || !strings.Contains(info, "without TLS") || !strings.Contains(info, "Nick: alice.") {
		t.Errorf("info %q", info)
	}
	l.hear(":irc.test PONG irc.test :again")
	l.after(pingEvery)
	if sent := l.sent(); len(sent) != 1 {
		t.Errorf("sent %q", sent)
	}
	l.after(pingLimit / 2)
	if err := l.c.onInbound(inbound{lines: []string{":irc.test NOTICE alice :still here"}}); err != nil { // but not a PONG
		t.Fatal(err)
	}
	l.after(pingLimit / 2)
	if l.c.err != nil {
		t.Errorf("given up: %v", l.c.err)
	}
	l.after(pingEvery)
	l.sent()
	l.after(pingLimit + 1)
	if legacy.KindOf(l.c.err) != legacy.Temporary {
		t.Errorf("not given up: %v", l.c.err)
	}
}

// TestUnused: an unused connection to a server that a user has named is closed.
func TestUnused(t *testing.T) {
	ctx := t.Context()
	room := legacy.Peer{ID: "#room%irc.test", Room: true}
	for name, tt := range map[string]struct {
		settings map[string]string
		use      func(l *lab)
		after    time.Duration
		ends     bool
	}{
		"new":        {nil, func(*lab) {}, idleLimit, true},
		"new, early": {nil, func(*lab) {}, idleLimit - 1, false},
		"persistent": {map[string]string{"persistent": "true"}, func(*lab) {}, 100 * idleLimit, false},
		"in a channel": {nil, func(l *lab) {
			l.do(l.s.JoinRoom(ctx, room, "alice", ""))
		}, 100 * idleLimit, false},
		"left the last channel": {nil, func(l *lab) {
			l.do(l.s.JoinRoom(ctx, room, "alice", ""))
			l.hear(":alice!u@h JOIN #room", ":alice!u@h PART #room")
		}, 0, true},
		"left, but talks": {nil, func(l *lab) {
			l.do(l.s.JoinRoom(ctx, room, "alice", ""))
			l.hear(":bob!b@h PRIVMSG alice :hi", ":alice!u@h JOIN #room", ":alice!u@h PART #room")
		}, idleLimit - 1, false},
		"watches": {nil, func(l *lab) { l.do(l.s.Watch(ctx, legacy.Peer{ID: "bob%irc.test"}, true)) }, 100 * idleLimit, false},
		"lists": {nil, func(l *lab) {
			l.clock = l.clock.Add(time.Minute)
			l.do(l.s.ListRooms(ctx, "1", legacy.Peer{ID: "irc.test", Service: true}))
		}, idleLimit - 1, false},
	} {
		l := setup{server: "irc.test", settings: map[string]map[string]string{"irc.test": tt.settings}}.lab(t)
		l.welcome()
		tt.use(l)
		l.c.pingAt = l.clock.Add(1000 * idleLimit)
		if l.after(tt.after); l.c.closing != tt.ends {
			t.Errorf("%s: ends %v, want %v", name, l.c.closing, tt.ends)
		}
	}
}
