package irc

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"transport/legacy"
)

// TestNames: NAMES may contain several prefixes of a nick, and addresses.
func TestNames(t *testing.T) {
	l := newLab(t, "multi-prefix", "userhost-in-names", "message-tags")
	l.hear(":irc.test 005 alice PREFIX=(Yqaohv)!~&@%+ :are supported")
	room := legacy.Peer{ID: "#room", Room: true}
	l.do(l.s.JoinRoom(t.Context(), room, "alice", ""))
	l.wantSent("JOIN #room")
	l.hear(":alice!u@h JOIN #Room", ":irc.test 332 alice #room :the \x02topic", ":irc.test 333 alice #room bob!b@h 1700000000",
		":irc.test 353 alice = #room :@+alice!u@h &@bob!b@h %carol!c@h", ":irc.test 353 alice = #room :+Dave!d@h eve !oper ~zoe",
		":irc.test 366 alice #room :End of names")
	joined := take[legacy.RoomJoined](l)
	slices.SortFunc(joined.Occupants, func(a, b legacy.Occupant) int { return strings.Compare(a.Nick, b.Nick) })
	want := []legacy.Occupant{
		{Nick: "Dave", Level: legacy.LevelVoice, Identity: "dave!d@h"},
		{Nick: "alice", Level: legacy.LevelOperator, Identity: "alice!u@h"},
		{Nick: "bob", Level: legacy.LevelOwner, Identity: "bob!b@h"},
		{Nick: "carol", Level: legacy.LevelHelper, Identity: "carol!c@h"},
		{Nick: "eve"}, {Nick: "oper", Level: legacy.LevelOwner}, {Nick: "zoe", Level: legacy.LevelOwner},
	}
	if !slices.Equal(joined.Occupants, want) || joined.Topic != (legacy.Topic{Text: "the topic", By: "bob", Time: time.Unix(1700000000, 0)}) || !joined.MessageTags {
		t.Errorf("joined %+v", joined)
	}
	l.hear(":irc.test 353 alice = #room :late", ":irc.test 366 alice #room :End") // in reply to a raw line
	l.want()
	l.do(l.s.JoinRoom(t.Context(), room, "alice", "")) // the core has lost the room's state
	if again := take[legacy.RoomJoined](l); len(again.Occupants) != len(want) {
		t.Errorf("joined %+v", again)
	}
	l.wantSent()
}

// TestJoinRefused: each of the errors names the room and the reason.
func TestJoinRefused(t *testing.T) {
	for numeric, kind := range map[string]legacy.Kind{
		"403": legacy.NotFound, "405": legacy.RateLimited, "407": legacy.Forbidden, "437": legacy.Forbidden, "442": legacy.Forbidden,
		"448": legacy.Forbidden, "461": legacy.Forbidden, "470": legacy.Forbidden, "471": legacy.Full, "473": legacy.MembersOnly,
		"474": legacy.Forbidden, "475": legacy.Auth, "476": legacy.NotFound, "477": legacy.MembersOnly, "479": legacy.Forbidden,
		"480": legacy.Forbidden, "485": legacy.Forbidden, "489": legacy.Forbidden, "500": legacy.Forbidden, "520": legacy.Forbidden,
	} {
		l := newLab(t)
		other := l.enter("#other")
		room := legacy.Peer{ID: "#room", Room: true}
		l.do(l.s.JoinRoom(t.Context(), room, "alice", "a key"))
		l.wantSent("JOIN #room akey")
		l.hear(":irc.test " + numeric + " alice #ROOM :You may not (+x)")
		got := take[legacy.RoomFailed](l)
		if got.Room != room || legacy.KindOf(got.Err) != kind || got.Err.Error() != "You may not (+x)" {
			t.Errorf("%s: %+v", numeric, got)
		}
		l.hear(":irc.test " + numeric + " alice #room :again") // no JOIN is pending
		for _, ev := range l.events {
			if failed, ok := ev.(legacy.RoomFailed); ok && failed.Room != other {
				t.Errorf("%s: failed twice", numeric)
			}
		}
	}
}

// TestJoinTwice: a repeated join, possibly with another key, is answered once.
func TestJoinTwice(t *testing.T) {
	l := newLab(t)
	room := legacy.Peer{ID: "#room", Room: true}
	l.do(l.s.JoinRoom(t.Context(), room, "alice", "one"))
	l.do(l.s.RequestRoomConfig(t.Context(), "c", room))
	l.hear(":alice!u@h JOIN #room", ":irc.test 353 alice = #room :alice bob")
	l.do(l.s.JoinRoom(t.Context(), room, "alice", "two"))
	l.wantSent("JOIN #room one", "MODE #room", "JOIN #room two")
	l.hear(":irc.test 353 alice = #room :carol", ":irc.test 366 alice #room :End", ":irc.test 324 alice #room +k *")
	if len(l.events) != 2 || len(l.events[0].(legacy.RoomJoined).Occupants) != 3 {
		t.Fatalf("got %+v", l.events)
	}
	l.events = l.events[1:]
	l.want(legacy.RoomConfigReceived{Ref: "c", Config: legacy.RoomConfig{Password: "two"}})
}

func TestForward(t *testing.T) {
	l := newLab(t)
	l.do(l.s.JoinRoom(t.Context(), legacy.Peer{ID: "#room", Room: true}, "alice", ""))
	l.hear(":irc.test 470 alice #room ##room :Forwarding to another channel", ":alice!u@h JOIN ##room", ":irc.test 353 alice = ##room :alice", ":irc.test 366 alice ##room :End")
	l.want(legacy.RoomFailed{Room: legacy.Peer{ID: "#room", Room: true}, Err: fails(legacy.Forbidden), MovedTo: legacy.Peer{ID: "##room", Room: true}},
		legacy.RoomJoined{Room: legacy.Peer{ID: "##room", Room: true}, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}}})
}

// TestSameChannel: the server's casemapping may fold two names that XMPP distinguishes.
func TestSameChannel(t *testing.T) {
	l := newLab(t)
	l.enter("#a[1]")
	other := legacy.Peer{ID: "#a{1}", Room: true}
	l.do(l.s.JoinRoom(t.Context(), other, "alice", ""))
	l.want(legacy.RoomFailed{Room: other, Err: fails(legacy.Conflict)})
	l.hear(":irc.test 005 alice CASEMAPPING=ascii :are supported")
	l.sent()
	l.do(l.s.JoinRoom(t.Context(), other, "alice", ""))
	l.wantSent("JOIN #a{1}")
}

func TestPeopleComeAndGo(t *testing.T) {
	l := newLab(t, "extended-join", "away-notify", "account-notify", "chghost", "setname", "invite-notify")
	room := l.enter("#room", "@bob", "carol")
	twin := "#" + strconv.FormatInt(l.clock.UnixNano(), 36)
	for _, tt := range []struct {
		line string
		want []legacy.Event
	}{
		{":Dave!d@h JOIN #room dave :Dave D.", []legacy.Event{legacy.OccupantJoined{Room: room, Occupant: legacy.Occupant{Nick: "Dave", Identity: "account:dave"}}}},
		{":eve!e@h JOIN #room * :Eve", []legacy.Event{legacy.OccupantJoined{Room: room, Occupant: legacy.Occupant{Nick: "eve", Identity: "eve!e@h"}}}},
		{":dave!d@h AWAY :lunch", []legacy.Event{legacy.OccupantChanged{Room: room, Occupant: legacy.Occupant{Nick: "Dave", Away: true, Identity: "account:dave"}}}},
		{":dave!d@h AWAY :still", nil},
		{":dave!d@h AWAY", []legacy.Event{legacy.OccupantChanged{Room: room, Occupant: legacy.Occupant{Nick: "Dave", Identity: "account:dave"}}}},
		{":eve!e@h ACCOUNT eva", []legacy.Event{legacy.OccupantChanged{Room: room, Occupant: legacy.Occupant{Nick: "eve", Identity: "account:eva"}}}},
		{":eve!e@h ACCOUNT *", []legacy.Event{legacy.OccupantChanged{Room: room, Occupant: legacy.Occupant{Nick: "eve", Identity: "eve!e@h"}}}},
		{":eve!e@h CHGHOST e new.host", nil},
		{":eve!e@h SETNAME :Another", nil},
		{":eve!e@h NICK Eva", []legacy.Event{legacy.OccupantRenamed{Room: room, Old: "eve", New: "Eva"}}},
		{":nobody!e@h NICK somebody", nil},
		// All users of one gateway have the same address. A user who takes a nick that another
		// one has joined with is not that user.
		{":frank!e@h JOIN #room * :Frank", []legacy.Event{legacy.OccupantJoined{Room: room, Occupant: legacy.Occupant{Nick: "frank", Identity: "frank!e@h"}}}},
		{":frank!e@h NICK fred", []legacy.Event{legacy.OccupantRenamed{Room: room, Old: "frank", New: "fred"}}},
		{":frank!e@h JOIN #room * :Frank", []legacy.Event{legacy.OccupantJoined{Room: room, Occupant: legacy.Occupant{Nick: "frank", Identity: "frank!e@h" + twin}}}},
		{":fred!e@h AWAY :gone", []legacy.Event{legacy.OccupantChanged{Room: room, Occupant: legacy.Occupant{Nick: "fred", Away: true, Identity: "frank!e@h"}}}},
		{":bob!b@h INVITE frank #room", []legacy.Event{legacy.RoomMessage{Room: room, Text: "bob has invited frank."}}},
		{":bob!b@h INVITE alice #Other", []legacy.Event{legacy.Invited{Room: legacy.Peer{ID: "#other", Room: true}, By: bob}}},
		{":bob!b@h TOPIC #room :\x02new", []legacy.Event{legacy.TopicChanged{Room: room, Topic: legacy.Topic{Text: "new", By: "bob", Time: l.clock}}}},
		{":eva!e@h PART #room :bye\x0f", []legacy.Event{legacy.OccupantLeft{Room: room, Nick: "Eva", Reason: "bye"}}},
		{":bob!b@h KICK #room carol :out", []legacy.Event{legacy.OccupantLeft{Room: room, Nick: "carol", Kind: legacy.LeftKicked, By: "bob", Reason: "out"}}},
		{":bob!b@h KICK #room carol :twice", nil},
		{":dave!d@h QUIT :gone", []legacy.Event{legacy.OccupantLeft{Room: room, Nick: "Dave", Reason: "gone"}}},
		{":alice!u@h NICK Guest1", []legacy.Event{legacy.OccupantRenamed{Room: room, Old: "alice", New: "Guest1"}}},
		{":guest1!u@h NICK 42AAAAAAB", []legacy.Event{legacy.OccupantRenamed{Room: room, Old: "Guest1", New: "42AAAAAAB"}}},
		{":42AAAAAAB!u@h QUIT :me", nil},
		{":bob!b@h KICK #room 42aaaaaab :you too", []legacy.Event{legacy.RoomLeft{Room: room, Kind: legacy.LeftKicked, By: "bob", Reason: "you too"}}},
		{":dave!d@h JOIN #room * :Dave", nil},
	} {
		l.hear(tt.line)
		if t.Run(tt.line, func(t *testing.T) { l.t = t; l.want(tt.want...) }); t.Failed() {
			break
		}
	}
	l.t = t
}

// TestBanned: a kick that belongs to a ban counts as a ban.
func TestBanned(t *testing.T) {
	l := newLab(t)
	room := l.enter("#room", "carol!c@bad.host", "dave!d@bad.host", "eve!e@good.host")
	l.hear(":bob!b@h MODE #room +b *!*@bad.*")
	take[legacy.RoomMessage](l)
	l.hear(":bob!b@h KICK #room carol :x", ":bob!b@h KICK #room eve :x")
	l.after(banTime)
	l.hear(":bob!b@h KICK #room dave :x")
	l.want(legacy.OccupantLeft{Room: room, Nick: "carol", Kind: legacy.LeftBanned, By: "bob", Reason: "x"},
		legacy.OccupantLeft{Room: room, Nick: "eve", Kind: legacy.LeftKicked, By: "bob", Reason: "x"},
		legacy.OccupantLeft{Room: room, Nick: "dave", Kind: legacy.LeftKicked, By: "bob", Reason: "x"})
}

func TestRoomCommands(t *testing.T) {
	l := newLab(t)
	l.slow = true
	room := l.enter("#room", "bob")
	ctx := t.Context()
	l.do(l.s.SetTopic(ctx, room, "two\nlines"))
	l.do(l.s.SetTopic(ctx, room, ""))
	l.do(l.s.Invite(ctx, room, bob))
	l.do(l.s.SetNick(ctx, room, "alicia"))
	l.do(l.s.LeaveRoom(ctx, room, "good night"))
	l.do(l.s.LeaveRoom(ctx, room, ""))
	gone := legacy.Peer{ID: "#gone", Room: true}
	l.do(errors.Join(l.s.SetTopic(ctx, gone, "x"), l.s.Invite(ctx, gone, bob), l.s.LeaveRoom(ctx, gone, "")))
	l.wantSent("TOPIC #room :two lines", "TOPIC #room :", "INVITE bob #room", "NICK alicia", "PART #room :good night")
	l.want()
	l.do(l.s.SetNick(ctx, room, "1 impossible"))
	l.want(legacy.RoomFailed{Room: room, Nick: true, Err: fails(legacy.BadNick)})
	for line, kind := range map[string]legacy.Kind{
		":irc.test 433 alice bob :Nickname is already in use": legacy.Conflict, ":irc.test 432 alice b!b :Erroneous": legacy.BadNick,
		":irc.test 438 alice alicia :Too fast": legacy.Forbidden, ":irc.test 435 alice alicia #room :Banned": legacy.Forbidden,
		":irc.test 447 alice :No changes here": legacy.Forbidden, ":irc.test 437 alice alicia :Unavailable": legacy.Forbidden,
		":irc.test 404 alice #room :Cannot send to channel": legacy.Forbidden, ":irc.test 482 alice #room :No operator": legacy.Forbidden,
		":irc.test 443 alice bob #room :is already on channel": legacy.Conflict,
	} {
		l.hear(line)
		if failed := take[legacy.RoomFailed](l); failed.Room != room || legacy.KindOf(failed.Err) != kind {
			t.Errorf("%s: %+v", line, failed)
		}
	}
	l.hear(":irc.test 401 alice bob :No such nick") // invited twice; the second time already in the channel
	l.want(legacy.Notice{Text: "bob No such nick"})
	l.do(l.s.Invite(ctx, room, bob))
	l.do(l.s.Invite(ctx, room, legacy.Peer{ID: "carol"}))
	l.sent()
	l.hear(":irc.test 341 alice carol #room", ":irc.test 401 alice Bob :No such nick")
	l.want(legacy.RoomFailed{Room: room, Err: fails(legacy.NotFound)})
	// A nick that only this server rejects is replaced by the nearest one.
	l.do(l.s.SetNick(ctx, room, "Zoë"))
	l.wantSent("NICK Zoë")
	l.hear(":irc.test 432 alice Zoë :Erroneous")
	l.wantSent("NICK Zoe")
	l.want()
	long := strings.Repeat("ж", 1000)
	l.do(l.s.SetTopic(ctx, room, long))
	if sent := l.sent(); len(sent) != 1 || len(sent[0]) < 509 || !strings.HasPrefix("TOPIC #room :"+long, sent[0]) {
		t.Errorf("sent %q", sent)
	}
	l.hear(":alice!u@h PART #room")
	l.want(legacy.RoomLeft{Room: room})
}

// TestRefusedNick: a nick that is in use is requested once, whatever the number of rooms
// and of changes of the status.
func TestRefusedNick(t *testing.T) {
	ctx := t.Context()
	l := newLab(t)
	l.slow = true
	var rooms []legacy.Peer
	for i := range 10 {
		rooms = append(rooms, l.enter(fmt.Sprintf("#r%d", i), "bob"))
	}
	change := func(nick string) {
		for _, r := range rooms {
			l.do(l.s.SetNick(ctx, r, nick))
		}
	}
	check := func(sent []string, kind legacy.Kind, n int) {
		t.Helper()
		if got := l.sent(); !slices.Equal(got, sent) {
			t.Errorf("sent %q, want %q", got, sent)
		}
		for _, ev := range l.events {
			if f, ok := ev.(legacy.RoomFailed); !ok || !f.Nick || legacy.KindOf(f.Err) != kind {
				t.Errorf("got %s", show(ev))
			}
		}
		if len(l.events) != n {
			t.Errorf("%d errors, want %d", len(l.events), n)
		}
		l.events = nil
	}
	change("bob")
	check([]string{"NICK bob"}, 0, 0)
	l.hear(":irc.test 433 alice bob :Nickname is already in use")
	check(nil, legacy.Conflict, 10)
	change("bob") // with the next status
	check(nil, legacy.Conflict, 100)
	l.do(l.s.SetNick(ctx, rooms[0], "alice")) // the present one
	check(nil, 0, 0)
	l.do(l.s.SetNick(ctx, rooms[0], "Zoë"))
	l.hear(":irc.test 432 alice Zoë :Erroneous")
	change("Zoë")
	l.hear(":irc.test 432 alice Zoe :Reserved")
	check([]string{"NICK Zoë", "NICK Zoe"}, legacy.BadNick, 10)
	change("Zoë")
	check(nil, legacy.BadNick, 100)
	l.after(refusedTime)
	change("Zoë")
	check([]string{"NICK Zoë"}, 0, 0)
	l.hear(":irc.test PONG irc.test :~4")

	change("bob")
	l.hear(":irc.test 433 alice bob :Nickname is already in use")
	l.sent()
	l.events = nil
	l.hear(":bob!b@h QUIT :bye")
	l.events = nil
	change("bob") // it is free now
	check([]string{"NICK bob"}, 0, 0)
}

// TestLeaveAndReturn: the user rejoins before the server has confirmed the PART.
func TestLeaveAndReturn(t *testing.T) {
	const join, part, end = ":alice!u@h JOIN #room", ":alice!u@h PART #room", ":irc.test 366 alice #room :End"
	const notOn, kick = ":irc.test 442 alice #room :You are not on that channel", ":bob!b@h KICK #room alice :out"
	ctx := t.Context()
	for _, answers := range [][]string{{part}, {notOn}, {":irc.test 403 alice #room :No such channel"}, {kick, notOn},
		{":eva!e@h JOIN #room", ":irc.test 482 alice #room :No operator", part}} {
		l := newLab(t)
		room := l.enter("#room", "bob")
		l.do(errors.Join(l.s.LeaveRoom(ctx, room, ""), l.s.JoinRoom(ctx, room, "alice", "key")))
		l.wantSent("PART #room")
		if again := l.c.channels.toRejoin(); len(again) != 1 || again[0].key != "key" {
			t.Errorf("after a loss it enters %+v", again)
		}
		l.hear(answers...)
		l.events = nil
		l.wantSent("JOIN #room key")
		l.hear(join, end)
		if joined := take[legacy.RoomJoined](l); len(joined.Occupants) != 1 {
			t.Errorf("occupants %+v", joined.Occupants)
		}
		l.do(l.s.LeaveRoom(ctx, room, ""))
		if again := l.c.channels.toRejoin(); len(again) > 0 {
			t.Errorf("after a loss it enters %+v again", again)
		}
		l.hear(part)
		l.want(legacy.RoomLeft{Room: room})
	}
	l := newLab(t) // and parts again
	room := l.enter("#room", "bob")
	l.do(errors.Join(l.s.LeaveRoom(ctx, room, ""), l.s.JoinRoom(ctx, room, "alice", ""), l.s.LeaveRoom(ctx, room, "")))
	l.wantSent("PART #room")
	l.do(l.s.Do(ctx, "raw", legacy.Peer{}, "raw", map[string]string{"line": "VERSION"}))
	l.hear(notOn) // not in reply to that line
	l.want(legacy.RoomLeft{Room: room})
	other := channelPeer(l, "#other")
	l.do(errors.Join(l.s.JoinRoom(ctx, other, "alice", "bad"), l.s.LeaveRoom(ctx, other, ""), l.s.JoinRoom(ctx, other, "alice", "good")))
	l.hear(":irc.test 475 alice #other :Cannot join channel (+k)")
	l.events = nil
	l.hear(":irc.test 442 alice #other :Not on", ":alice!u@h JOIN #other", ":irc.test 366 alice #other :End")
	take[legacy.RoomJoined](l)
	l.do(l.s.LeaveRoom(ctx, other, ""))
	l.c.link.client = l.c
	l.c.link.lost(legacy.Errorf(legacy.Temporary, "cut")) // before the server has confirmed it
	l.want(legacy.RoomLeft{Room: other})
}

func channelPeer(l *lab, name string) legacy.Peer {
	return legacy.Peer{ID: l.s.net.id(name, l.c.link.server), Room: true}
}

// TestForcedJoin: the server joins the user to a channel, up to the limit of channels.
func TestForcedJoin(t *testing.T) {
	l := newLab(t)
	for i := range maxChannels {
		name := fmt.Sprintf("#c%d", i)
		l.hear(":alice!u@h JOIN "+name, ":irc.test 366 alice "+name+" :End")
		take[legacy.RoomJoined](l)
	}
	l.hear(":alice!u@h JOIN #more", ":alice!u@h JOIN nothing") // no reason to leave them
	l.wantSent()
	l.want(legacy.Notice{Text: "The network has put you into #more, which this gateway cannot show."},
		legacy.Notice{Text: "The network has put you into nothing, which this gateway cannot show."})
	more := legacy.Peer{ID: "#more", Room: true}
	l.do(l.s.JoinRoom(t.Context(), more, "alice", ""))
	l.want(legacy.RoomFailed{Room: more, Err: fails(legacy.RateLimited)})
}

// TestBigChannel: 2,000 occupants, of which 500 are lost in a netsplit and return.
func TestBigChannel(t *testing.T) {
	l := newLab(t, "batch", "extended-join")
	room := legacy.Peer{ID: "#big", Room: true}
	l.do(l.s.JoinRoom(t.Context(), room, "alice", ""))
	l.hear(":alice!u@h JOIN #big * :Alice")
	names := []string{"@alice"}
	for i := range 1999 {
		names = append(names, fmt.Sprintf("nick%d", i))
	}
	for chunk := range slices.Chunk(names, 40) {
		l.hear(":irc.test 353 alice = #big :" + strings.Join(chunk, " "))
	}
	l.hear(":irc.test 366 alice #big :End")
	if joined := take[legacy.RoomJoined](l); len(joined.Occupants) != 2000 {
		t.Fatalf("%d occupants", len(joined.Occupants))
	}
	split := func(batch, format string) {
		l.hear(":irc.test BATCH +x " + batch + " a.test b.test")
		for i := range 500 {
			l.hear(fmt.Sprintf("@batch=x "+format, i))
		}
		l.hear(":irc.test BATCH -x")
	}
	split("netsplit", ":nick%d!n@h QUIT :a.test b.test")
	if len(l.events) != 500 || l.events[499] != (legacy.OccupantLeft{Room: room, Nick: "nick499", Kind: legacy.LeftLost, Reason: "a.test b.test"}) {
		t.Errorf("%d events, the last is %+v", len(l.events), l.events[len(l.events)-1])
	}
	l.events = nil
	split("netjoin", ":nick%d!n@h JOIN #big * :N")
	if len(l.events) != 500 || len(l.c.channels.byName["#big"].members) != 2000 || len(l.c.pending.batches) != 0 {
		t.Errorf("%d events, %d members", len(l.events), len(l.c.channels.byName["#big"].members))
	}
}

// TestNamesWithSpaces: a Unicode space is part of a nick.
func TestNamesWithSpaces(t *testing.T) {
	l := newLab(t)
	room := channelPeer(l, "#room")
	l.do(l.s.JoinRoom(t.Context(), room, "alice", ""))
	l.hear(":alice!u@h JOIN #room", ":irc.test 353 alice = #room :@alice  +\u00a0bob x\u1680y ", ":irc.test 366 alice #room :End")
	nicks := make(map[string]legacy.Level)
	for _, o := range take[legacy.RoomJoined](l).Occupants {
		nicks[o.Nick] = o.Level
	}
	if want := map[string]legacy.Level{"alice": legacy.LevelOperator, "\u00a0bob": legacy.LevelVoice, "x\u1680y": legacy.LevelNone}; !maps.Equal(nicks, want) {
		t.Errorf("there are %q, want %q", nicks, want)
	}
}
