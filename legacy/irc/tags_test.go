package irc

import (
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// TestHistory: the history is requested, and marked as delayed.
func TestHistory(t *testing.T) {
	l := setup{server: "irc.test", caps: []string{"draft/chathistory", "batch", "server-time", "message-tags", "echo-message"}}.lab(t)
	l.welcome()
	lost := l.clock
	l.clock = l.clock.Add(time.Hour)
	room := legacy.Peer{ID: "#room%irc.test", Room: true}
	l.c.link.lostAt = lost
	l.do(l.s.JoinRoom(t.Context(), room, "alice", ""))
	l.hear(":alice!u@h JOIN #room", ":irc.test 353 alice = #room :alice", ":irc.test 366 alice #room :End")
	l.wantSent("JOIN #room", "CHATHISTORY LATEST #room timestamp=2026-01-02T03:04:05.000Z 50")
	take[legacy.RoomJoined](l)
	l.hear(":irc.test BATCH +h chathistory #room", "@batch=h;time=2026-01-02T04:04:04.000Z;msgid=1;account=bo :bob!b@h PRIVMSG #room :just now",
		"@batch=h;time=2026-01-02T03:05:00.000Z;msgid=2;+draft/reply=1 :alice!u@h PRIVMSG #room :myself",
		"@batch=h;time=2099-01-01T00:00:00.000Z :bob!b@h PRIVMSG #room :of the future", "@batch=h :bob!b@h PRIVMSG #room :\x01VERSION\x01", "@batch=h :HistServ!h@services PRIVMSG #room :bob joined the channel",
		":irc.test BATCH -h", "@batch=h;msgid=3 :bob!b@h PRIVMSG #room :live")
	first, _ := ircwire.Message{Tags: map[string]string{"time": "2026-01-02T04:04:04.000Z"}}.Time()
	second, _ := ircwire.Message{Tags: map[string]string{"time": "2026-01-02T03:05:00.000Z"}}.Time()
	l.want(legacy.RoomMessage{Room: room, Nick: "bob", Identity: "account:bo", Text: "just now", Time: first, ID: "1"},
		legacy.RoomMessage{Room: room, Nick: "alice", Identity: "alice!u@h", Text: "myself", Time: second, ID: "2", Reply: "1"},
		legacy.RoomMessage{Room: room, Nick: "bob", Identity: "bob!b@h", Text: "of the future"},
		legacy.RoomMessage{Room: room, Nick: "bob", Identity: "bob!b@h", Text: "live", ID: "3"})
	l.wantSent()

	l = newLab(t, "chathistory")
	l.do(l.s.JoinRoom(t.Context(), legacy.Peer{ID: "#x", Room: true}, "alice", "key"))
	l.hear(":irc.test 366 alice #x :End")
	l.wantSent("JOIN #x key", "CHATHISTORY LATEST #x * 50")
}

// TestTags: typing, reactions and replies.
func TestTags(t *testing.T) {
	l := newLab(t)
	room := l.enter("#room", "bob")
	ctx := t.Context()
	commands := func() {
		l.do(l.s.SetTyping(ctx, bob, legacy.TypingActive))
		l.do(l.s.SetRoomTyping(ctx, room, legacy.TypingPaused))
		l.do(l.s.SetRoomTyping(ctx, room, legacy.TypingStopped))
		l.do(l.s.React(ctx, legacy.Peer{ID: "#gone", Room: true}, "1", []string{"x"}))
		l.do(l.s.Send(ctx, legacy.Outgoing{Ref: "1", To: room, Text: "a\nb", Reply: "i d"}))
	}
	commands() // the server does not support tags
	l.wantSent("PRIVMSG #room :a", "PRIVMSG #room :b")
	l.c.caps["message-tags"] = true
	commands()
	l.wantSent("@+typing=active TAGMSG bob", "@+typing=paused TAGMSG #room", "@+typing=done TAGMSG #room", `@+draft/reply=i\sd PRIVMSG #room :a`, "PRIVMSG #room :b")
	l.do(l.s.React(ctx, room, "id", []string{"👍", ";"}))
	sent := l.sent()
	if len(sent) != 2 || !strings.Contains(sent[0], "+draft/react=👍") || !strings.Contains(sent[1], `+draft/react=\:`) || !strings.Contains(sent[1], "+draft/reply=id") ||
		!strings.HasSuffix(sent[0], " TAGMSG #room") {
		t.Errorf("sent %q", sent)
	}
	// RoomReaction contains all emojis of a member; IRC sends them one by one.
	l.do(l.s.React(ctx, room, "id", []string{";", "x"}))
	if sent := l.sent(); len(sent) != 2 || !strings.Contains(sent[0], "+draft/unreact=👍") || !strings.Contains(sent[1], "+draft/react=x") {
		t.Errorf("sent %q", sent)
	}
	l.events = nil
	for _, tt := range []struct {
		line string
		want legacy.Event
	}{
		{"@+typing=active :bob!b@h TAGMSG #room", legacy.RoomTyping{Room: room, Nick: "bob", State: legacy.TypingActive}},
		{"@+typing=paused :bob!b@h TAGMSG @#room", legacy.RoomTyping{Room: room, Nick: "bob", State: legacy.TypingPaused}},
		{"@+typing=done :bob!b@h TAGMSG alice", legacy.TypingChanged{From: bob, State: legacy.TypingStopped}},
		{"@+typing=dancing :bob!b@h TAGMSG alice", nil},
		{"@+typing=active :alice!u@h TAGMSG #room", nil},
		{"@+typing=active :irc.test TAGMSG #room", nil},
		{"@+draft/react=👍;+draft/reply=5 :bob!b@h TAGMSG #room", legacy.RoomReaction{Room: room, Nick: "bob", ID: "5", Emojis: []string{"👍"}}},
		{"@+react=👍;+reply=5 :bob!b@h TAGMSG #room", nil}, // unchanged
		{"@+react=!;+reply=5 :bob!b@h TAGMSG #room", legacy.RoomReaction{Room: room, Nick: "bob", ID: "5", Emojis: []string{"👍", "!"}}},
		{"@+react=!;+reply=5 :eva!e@h TAGMSG #room", legacy.RoomReaction{Room: room, Nick: "eva", ID: "5", Emojis: []string{"!"}}},
		{"@+draft/unreact=👍;+draft/reply=5 :bob!b@h TAGMSG #room", legacy.RoomReaction{Room: room, Nick: "bob", ID: "5", Emojis: []string{"!"}}},
		{"@+draft/unreact=!;+draft/reply=5 :bob!b@h TAGMSG #room", legacy.RoomReaction{Room: room, Nick: "bob", ID: "5", Emojis: []string{}}},
		{"@+draft/unreact=!;+draft/reply=5 :bob!b@h TAGMSG #room", nil},
		{`@+draft/react=\n;+draft/reply=5 :bob!b@h TAGMSG #room`, nil},
		{"@+draft/react=" + strings.Repeat("👍", 20) + ";+draft/reply=5 :bob!b@h TAGMSG #room", nil},
		{"@+draft/react=x;+draft/reply=" + strings.Repeat("5", maxID+1) + " :bob!b@h TAGMSG #room", nil},
		{"@+draft/react=x :bob!b@h TAGMSG #room", nil},
		{"TAGMSG #room", nil},
	} {
		if l.hear(tt.line); tt.want == nil {
			l.want()
		} else {
			l.want(tt.want)
		}
	}
}
