package irc

import (
	"fmt"
	"strings"
	"testing"

	"transport/legacy"
)

// The cache of reactions is bounded.
func TestManyReactions(t *testing.T) {
	l := newLab(t, "message-tags")
	l.enter("#room", "bob")
	for i := range 3 * maxReacting {
		l.hear(fmt.Sprintf("@+draft/react=x;+draft/reply=%d :bob!b@h TAGMSG #room", i))
	}
	for i := range 3 * maxEmojis {
		l.hear(fmt.Sprintf("@+draft/react=%d;+draft/reply=0 :bob!b@h TAGMSG #room", i))
	}
	if n := len(l.c.channels.reacted); n == 0 || n > maxReacting {
		t.Errorf("%d are remembered", n)
	}
	for _, ev := range l.events {
		if n := len(ev.(legacy.RoomReaction).Emojis); n > maxEmojis {
			t.Fatalf("%d emojis", n)
		}
	}
}

// Retraction, on servers with message-redaction. (IRCv3 message-redaction)
func TestRedact(t *testing.T) {
	const name = "draft/message-redaction"
	l := newLab(t, name, "echo-message")
	room := legacy.Peer{ID: "#room", Room: true}
	l.do(l.s.JoinRoom(t.Context(), room, "alice", ""))
	l.hear(":alice!u@h JOIN #room", ":irc.test 353 alice = #room :alice bob", ":irc.test 366 alice #room :End")
	if joined := take[legacy.RoomJoined](l); !joined.Redacts {
		t.Error("that is not told")
	}
	l.sent()
	redact := func(ref, id, reason string) { l.do(l.s.Redact(t.Context(), ref, room, id, reason)) }
	for _, line := range []string{":alice!u@h REDACT #room id1 :so\x02rry", ":Bob!b@h REDACT #Room id1 :so\x02rry", ":irc.test REDACT #room id1 :so\x02rry"} {
		nick := map[string]string{"a": "alice", "B": "Bob", "i": ""}[line[1:2]]
		l.hear(line)
		l.want(legacy.RoomRedaction{Room: room, Nick: nick, ID: "id1", Reason: "sorry"})
	}
	l.hear(":bob!b@h REDACT #elsewhere id1", ":bob!b@h REDACT #room", "REDACT", ":bob!b@h REDACT alice id1", ":bob!b@h REDACT #room "+strings.Repeat("x", maxID+1))
	l.want()
	redact("1", "id2", "a\nb")
	l.wantSent("REDACT #room id2 :a b")
	l.want()
	l.hear(":alice!u@h REDACT #room id2 :a b")
	l.want(legacy.RoomRedaction{Room: room, Nick: "alice", ID: "id2", Reason: "a b"}, legacy.Done{Ref: "1"})
	redact("2", "id3", "")
	l.wantSent("REDACT #room id3")
	l.hear(":irc.test FAIL REDACT UNKNOWN_MSGID #room other :Not that one")
	l.want(legacy.RoomFailed{Room: room, Err: fails(legacy.Forbidden)})
	l.hear(":irc.test FAIL REDACT REDACT_FORBIDDEN #room id3 :You are not authorised")
	l.want(legacy.Done{Ref: "2", Err: fails(legacy.Forbidden)})
	for _, id := range []string{"", "a b", ":x", "a\rb"} {
		redact("3", id, "")
		l.want(legacy.Done{Ref: "3", Err: fails(legacy.NotFound)})
	}
	l.wantSent()

	delete(l.c.caps, "echo-message") // then a PONG confirms it
	redact("4", "id4", "")
	l.wantSent("REDACT #room id4")
	l.want(legacy.RoomRedaction{Room: room, Nick: "alice", ID: "id4"}, legacy.Done{Ref: "4"})
	delete(l.c.caps, name)
	redact("5", "id5", "")
	l.want(legacy.Done{Ref: "5", Err: fails(legacy.Unsupported)})
	l.do(l.s.Redact(t.Context(), "6", legacy.Peer{ID: "#gone", Room: true}, "x", ""))
	l.want(legacy.Done{Ref: "6", Err: fails(legacy.Offline)})
	l.wantSent()
}

// Messages before the end of NAMES are emitted after RoomJoined.
func TestEarlyMessages(t *testing.T) {
	l := newLab(t)
	room := legacy.Peer{ID: "#room", Room: true}
	l.do(l.s.JoinRoom(t.Context(), room, "alice", ""))
	l.hear(":alice!u@h JOIN #room", ":bob!b@h PRIVMSG #room :first", ":irc.test 353 alice = #room :alice bob")
	for i := range maxBuffered + 10 {
		l.hear(fmt.Sprint(":bob!b@h PRIVMSG #room :", i))
	}
	l.want()
	l.hear(":irc.test 366 alice #room :End")
	if n := len(l.events); n != 1+maxBuffered {
		t.Fatalf("%d events", n)
	}
	if joined, ok := l.events[0].(legacy.RoomJoined); !ok {
		t.Errorf("first is %+v", joined)
	}
	if first, ok := l.events[1].(legacy.RoomMessage); !ok || first.Text != "first" || first.Room != room || first.Nick != "bob" {
		t.Errorf("then comes %+v", first)
	}
	l.events = nil
	l.hear(":bob!b@h PRIVMSG #room :live")
	if live := take[legacy.RoomMessage](l); live.Text != "live" || len(l.events) > 0 {
		t.Errorf("got %+v and %v", live, l.events)
	}
}
