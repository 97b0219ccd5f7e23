package irc

import (
	"fmt"
	"testing"
	"time"

	"transport/legacy"
)

const stamp = "2026-01-02T03:04:05.678Z"

var stampTime = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// TestMarkRead: the read marker moves for channels and private chats, by the time of a
// message. (IRCv3 read-marker)
func TestMarkRead(t *testing.T) {
	l := newLab(t, readMarkerCap, "server-time")
	room := l.enter("#Room", "bob")
	mark := stampTime.In(time.FixedZone("east", 3600)).Add(999 * time.Microsecond)
	read := func(p legacy.Peer) { l.do(l.s.MarkRead(t.Context(), p, mark)) }
	read(room)
	read(bob)
	l.wantSent("MARKREAD #Room timestamp="+stamp, "MARKREAD bob timestamp="+stamp)
	read(legacy.Peer{ID: "#gone", Room: true}) // left meanwhile
	read(legacy.Peer{})
	l.wantSent()
	delete(l.c.caps, readMarkerCap)
	read(room)
	l.wantSent()
	l.want()
}

// TestMarkReadSlowly: a read marker counts towards the rate limit, and is dropped in
// silence if the queue is full.
func TestMarkReadSlowly(t *testing.T) {
	l := setup{caps: []string{readMarkerCap}, options: func(o *Options) { o.Burst, o.Rate = 1, 1 }}.lab(t)
	l.welcome()
	for range 2 * maxQueued {
		l.do(l.s.MarkRead(t.Context(), bob, stampTime))
	}
	if sent := l.sent(); len(sent) > 2 {
		t.Errorf("%d lines are sent at once", len(sent))
	}
	if n := l.c.out.waiting(); n > maxQueued {
		t.Errorf("%d lines are queued", n)
	}
	l.want()
}

// TestReadMarked: positions of the server, at the JOIN and later. (IRCv3 read-marker)
func TestReadMarked(t *testing.T) {
	l := newLab(t, readMarkerCap)
	room := legacy.Peer{ID: "#room", Room: true}
	l.do(l.s.JoinRoom(t.Context(), room, "alice", ""))
	l.hear(":alice!u@h JOIN #room", ":irc.test MARKREAD #room *")
	l.want()
	l.hear(":irc.test MARKREAD #Room timestamp=" + stamp)
	l.want(legacy.ReadMarked{Peer: room, Mark: stampTime})
	l.hear(":irc.test MARKREAD Bob timestamp=" + stamp)
	l.want(legacy.ReadMarked{Peer: bob, Mark: stampTime})
	for _, malformed := range []string{
		"MARKREAD", "MARKREAD #room", "MARKREAD bob", "MARKREAD * timestamp=" + stamp, "MARKREAD bob *", "MARKREAD bob " + stamp, "MARKREAD bob timestamp=",
		"MARKREAD bob timestamp=yesterday", "MARKREAD bob timestamp=2026-01-02T03:04:05Z", "MARKREAD bob timestamp=2026-13-02T03:04:05.678Z",
		"MARKREAD bob timestamp=0001-01-01T00:00:00.000Z", "MARKREAD #elsewhere timestamp=" + stamp, "MARKREAD irc.test timestamp=" + stamp, "MARKREAD :b ob timestamp=" + stamp,
	} {
		l.hear(":irc.test " + malformed)
		l.want()
	}
	// A refusal does not concern the user.
	for _, fail := range []string{"INTERNAL_ERROR #room :The read timestamp could not be set", "NEED_MORE_PARAMS :Missing parameters", "INVALID_PARAMS bob :Invalid parameters"} {
		l.hear(":irc.test FAIL MARKREAD " + fail)
		l.want()
	}
	delete(l.c.caps, readMarkerCap)
	l.hear(":irc.test MARKREAD bob timestamp=" + stamp)
	l.want()
}

// TestReadPosition: a message has a position if the server keeps read markers and stamps
// it. The user's own has none.
func TestReadPosition(t *testing.T) {
	for _, tt := range []struct {
		caps   []string
		tags   string
		source string
		want   time.Time
	}{
		{[]string{readMarkerCap}, "@time=" + stamp + " ", "bob!b@h", stampTime},
		{[]string{readMarkerCap}, "@time=" + stamp + " ", "alice!u@h", time.Time{}},
		{[]string{readMarkerCap}, "@time=now ", "bob!b@h", time.Time{}},
		{[]string{readMarkerCap}, "@msgid=1 ", "bob!b@h", time.Time{}},
		{[]string{readMarkerCap}, "", "bob!b@h", time.Time{}},
		{nil, "@time=" + stamp + " ", "bob!b@h", time.Time{}},
	} {
		l := newLab(t, tt.caps...)
		l.clock = stampTime.Add(time.Second)
		l.enter("#room", "bob")
		l.hear(fmt.Sprintf("%s:%s PRIVMSG #room :live", tt.tags, tt.source))
		if said := take[legacy.RoomMessage](l); !said.ReadMark.Equal(tt.want) || !said.Time.IsZero() {
			t.Errorf("%+v: %+v", tt, said)
		}
		if tt.source == "alice!u@h" {
			continue
		}
		l.hear(fmt.Sprintf("%s:%s PRIVMSG alice :live", tt.tags, tt.source))
		if said := take[legacy.MessageReceived](l); !said.ReadMark.Equal(tt.want) || !said.Time.IsZero() {
			t.Errorf("%+v: %+v", tt, said)
		}
	}
}

// TestReadPositionOfHistory: the position of an earlier message is its time, too, and that
// of a message before the end of NAMES is not lost.
func TestReadPositionOfHistory(t *testing.T) {
	l := newLab(t, readMarkerCap, "batch")
	room := legacy.Peer{ID: "#room", Room: true}
	l.do(l.s.JoinRoom(t.Context(), room, "alice", ""))
	l.clock = stampTime.Add(time.Hour)
	l.hear(":alice!u@h JOIN #room", ":irc.test BATCH +h chathistory #room", "@batch=h;time="+stamp+" :bob!b@h PRIVMSG #room :earlier", ":irc.test BATCH -h")
	l.want()
	l.hear(":irc.test 366 alice #room :End")
	l.events = l.events[1:]
	if said := take[legacy.RoomMessage](l); !said.Time.Equal(stampTime) || !said.ReadMark.Equal(stampTime) {
		t.Errorf("%+v", said)
	}
}
