package irc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

var bob = legacy.Peer{ID: "bob"}

func TestReceivedTexts(t *testing.T) {
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	l := newLab(t)
	room := l.enter("#room", "@bob")
	for _, tt := range []struct {
		line string
		want legacy.Event
	}{
		{":bob!b@h PRIVMSG #room :hi", legacy.RoomMessage{Room: room, Nick: "bob", Identity: "bob!b@h", Text: "hi"}},
		{":bob!b@h PRIVMSG @#ROOM :to operators", legacy.RoomMessage{Room: room, Nick: "bob", Identity: "bob!b@h", Text: "(to @#room) to operators"}},
		{":bob!b@h NOTICE #room :a notice", legacy.RoomMessage{Room: room, Nick: "bob", Identity: "bob!b@h", Text: "a notice"}},
		{":bob!b@h PRIVMSG #room :\x01ACTION waves\x01", legacy.RoomMessage{Room: room, Nick: "bob", Identity: "bob!b@h", Text: "/me waves"}},
		{":irc.test NOTICE #room :from the server", legacy.RoomMessage{Room: room, Identity: "", Text: "from the server"}},
		{":ChanServ!s@services PRIVMSG #room :from outside", legacy.RoomMessage{Room: room, Nick: "ChanServ", Identity: "chanserv!s@services", Text: "from outside"}},
		{":bob!b@h PRIVMSG alice :hi", legacy.MessageReceived{From: bob, Text: "hi"}},
		{":bob!b@h NOTICE alice :hi", legacy.MessageReceived{From: bob, Text: "hi"}},
		{":bob!b@h PRIVMSG alice :\x01ACTION waves", legacy.MessageReceived{From: bob, Text: "/me waves"}},
		{":bob!b@h NOTICE alice :\x01PING 12\x01", legacy.MessageReceived{From: bob, Text: "PING: 12"}},
		{"@time=2020-01-01T00:00:00.000Z :bob!b@h PRIVMSG alice :old", legacy.MessageReceived{From: bob, Text: "old", Time: long}},
		{"@time=2026-01-02T03:04:00.000Z :bob!b@h PRIVMSG alice :new", legacy.MessageReceived{From: bob, Text: "new"}},
		{"@time=2099-01-01T00:00:00.000Z :bob!b@h PRIVMSG alice :of the future", legacy.MessageReceived{From: bob, Text: "of the future"}},
		{"@time=yesterday :bob!b@h PRIVMSG alice :some time", legacy.MessageReceived{From: bob, Text: "some time"}},
		{":irc.test NOTICE alice :a server", legacy.Notice{Text: "a server"}},
		{"NOTICE alice :nobody", legacy.Notice{Text: "nobody"}},
		{":bob!b@h PRIVMSG #elsewhere :not here", nil},
		{":bob!b@h PRIVMSG @#elsewhere :not here", nil},
		{":bob!b@h PRIVMSG alice :\x02\x0F", nil},
		{":bob!b@h PRIVMSG alice", nil},
		{"PRIVMSG", nil},
	} {
		l.hear(tt.line)
		if tt.want == nil {
			l.want()
		} else {
			l.want(tt.want)
		}
	}
	l.wantSent()
}

// TestStatusMessage: & may be both a prefix of nicks and a channel type, as on ngIRCd.
func TestStatusMessage(t *testing.T) {
	l := newLab(t)
	l.hear(":irc.test 005 alice PREFIX=(qaohv)~&@%+ CHANTYPES=#& :are supported")
	local, room := l.enter("&local"), l.enter("#room")
	l.hear(":bob!b@h PRIVMSG &local :one", ":bob!b@h PRIVMSG &#room :two", ":bob!b@h PRIVMSG @%#room :three", ":bob!b@h PRIVMSG &other :four")
	l.want(legacy.RoomMessage{Room: local, Nick: "bob", Identity: "bob!b@h", Text: "one"},
		legacy.RoomMessage{Room: room, Nick: "bob", Identity: "bob!b@h", Text: "(to &#room) two"},
		legacy.RoomMessage{Room: room, Nick: "bob", Identity: "bob!b@h", Text: "(to @%#room) three"})
}

func TestMarkup(t *testing.T) {
	l := newLab(t)
	l.hear(":bob!b@h PRIVMSG alice :\x02a\x1Db\x0F\x0304,12c\x16d\x03e\x1Ff\x1E\x11g\x0F\x04ff0000h")
	got := take[legacy.MessageReceived](l)
	red, blue := uint32(0xff0000|legacy.HasColour), uint32(0x0000fc|legacy.HasColour)
	want := []legacy.Span{{Text: "a", Style: legacy.Bold}, {Text: "b", Style: legacy.Bold | legacy.Italic},
		{Text: "c", Fore: red, Back: blue}, {Text: "d", Fore: blue, Back: red}, {Text: "e"}, {Text: "f", Style: legacy.Underline},
		{Text: "g", Style: legacy.Underline | legacy.Strike | legacy.Monospace}, {Text: "h", Fore: red}}
	if fmt.Sprint(got.Markup) != fmt.Sprint(want) || got.Text != "abcdefgh" {
		t.Errorf("got %q %+v\nwant %+v", got.Text, got.Markup, want)
	}
	l.do(l.s.Send(t.Context(), legacy.Outgoing{Ref: "1", To: bob, Text: "/me is bold\nx", Markup: []legacy.Span{
		{Text: "/me is "}, {Text: "bold\nx", Style: legacy.Bold}}}))
	l.wantSent("PRIVMSG bob :\x01ACTION is \x02bold\x01", "PRIVMSG bob :\x01ACTION \x02x\x01")
	l.want(legacy.MessageSent{Ref: "1"})
	long := strings.Repeat("bold ", 150)
	l.do(l.s.Send(t.Context(), legacy.Outgoing{Ref: "2", To: bob, Text: long, Markup: []legacy.Span{{Text: long, Style: legacy.Bold}}}))
	sent := l.sent()
	for _, line := range sent {
		if !strings.HasPrefix(line, "PRIVMSG bob :\x02bold") {
			t.Errorf("sent %q", line)
		}
	}
	if len(sent) != 2 {
		t.Errorf("sent %d lines", len(sent))
	}
}

func TestCharsets(t *testing.T) {
	l := setup{options: func(o *Options) { o.Encoding = "koi8-r" },
		settings: map[string]map[string]string{"": {"encoding_out": "koi8-r"}, "#cp": {"encoding_in": "windows-1251"}, "#bad": {"encoding_in": "utf-16le"}}}.lab(t)
	l.welcome()
	l.enter("#cp")
	l.enter("#bad")
	for line, want := range map[string]string{
		":bob!b@h PRIVMSG alice :\xd0\xd2\xc9\xd7\xc5\xd4": "привет",
		":bob!b@h PRIVMSG alice :привет":                   "привет",
		":bob!b@h PRIVMSG #cp :\xef\xf0\xe8\xe2\xe5\xf2":   "привет",
		":bob!b@h PRIVMSG #cp :привет":                     "привет",
		":bob!b@h PRIVMSG #bad :\xd0\xd2\xc9\xd7\xc5\xd4":  "привет",
	} {
		l.hear(line)
		got := ""
		switch ev := l.events[0].(type) {
		case legacy.MessageReceived:
			got = ev.Text
		case legacy.RoomMessage:
			got = ev.Text
		}
		if l.events = nil; got != want {
			t.Errorf("%q is read as %q", line, got)
		}
	}
	l.do(l.s.Send(t.Context(), legacy.Outgoing{Ref: "1", To: bob, Text: "да 😀"}))
	l.wantSent("PRIVMSG bob :\xc4\xc1 ?")
	l.hear(":irc.test 005 alice UTF8ONLY :are supported")
	l.do(l.s.Send(t.Context(), legacy.Outgoing{Ref: "2", To: bob, Text: "да"}))
	l.wantSent("PRIVMSG bob :да")
}

// TestTrueLength: lines have the maximum length that the server can relay with the
// user's prefix, and grapheme clusters stay whole.
func TestTrueLength(t *testing.T) {
	l := newLab(t)
	room := l.enter("#room")
	l.hear(":alice!longuser@a.host.example CHGHOST longuser other.host.example", ":irc.test 396 alice cloak.example :is now your host")
	if l.c.address != "longuser@cloak.example" {
		t.Errorf("the own address is %q", l.c.address)
	}
	family := "👨‍👩‍👧‍👦"
	for _, sign := range []string{"x", "ж", "😀", family, "e\u0301", "🇩🇪", "👍🏽"} {
		for _, action := range []string{"", "/me "} {
			text := action + strings.Repeat(sign, 3000/len(sign))
			l.do(l.s.Send(t.Context(), legacy.Outgoing{Ref: "1", To: room, Text: text}))
			l.events = nil
			longest, n := 0, 0
			for _, line := range l.sent() {
				longest = max(longest, len(":alice!longuser@cloak.example ")+len(line))
				m, _ := ircwire.Parse(line)
				part := strings.TrimSuffix(strings.TrimPrefix(m.Param(1), "\x01ACTION "), "\x01")
				if strings.Trim(part, sign) != "" || len(part)%len(sign) != 0 {
					t.Errorf("%q is cut apart: %q", sign, part)
				}
				n += len(part)
			}
			if longest > ircwire.MaxLine || longest <= ircwire.MaxLine-len(sign) || n != len(text)-len(action) {
				t.Errorf("%q: lines up to %d bytes, %d of %d bytes", sign, longest, n, len(text)-len(action))
			}
		}
	}
}

func TestEmptyAndImpossible(t *testing.T) {
	l := newLab(t)
	l.do(l.s.Send(t.Context(), legacy.Outgoing{Ref: "1", To: bob, Text: " \n "}))
	l.wantSent("PRIVMSG bob : ")
	l.want(legacy.MessageSent{Ref: "1"})
	for _, to := range []legacy.Peer{{ID: "#gone", Room: true}, {ID: "a b"}, {ID: "bob\r\nQUIT"}} {
		l.do(l.s.Send(t.Context(), legacy.Outgoing{Ref: "2", To: to, Text: "x"}))
		if failed := take[legacy.MessageFailed](l); failed.Ref != "2" {
			t.Errorf("failed %+v", failed)
		}
	}
	l.wantSent()
}

func TestCTCP(t *testing.T) {
	l := newLab(t, "echo-message")
	for _, tt := range []struct{ question, answer string }{
		{"VERSION", "VERSION transport, an XMPP gateway"},
		{"PING 123 456", "PING 123 456"},
		{"TIME", "TIME " + l.clock.Add(ctcpPause*3).Format(time.RFC1123Z)},
		{"CLIENTINFO", "CLIENTINFO ACTION CLIENTINFO PING TIME VERSION"},
	} {
		l.after(ctcpPause)
		l.hear(":bob!b@h PRIVMSG alice :\x01" + tt.question + "\x01")
		l.wantSent("NOTICE bob :\x01" + tt.answer + "\x01")
		l.hear(":alice!u@h NOTICE bob :\x01"+tt.answer+"\x01", ":bob!b@h PRIVMSG alice :\x01VERSION\x01") // an echo, and too soon after the last
		l.wantSent()
	}
	l.after(ctcpPause)
	l.hear(":bob!b@h PRIVMSG alice :\x01FINGER\x01", "PRIVMSG alice :\x01VERSION\x01", ":irc.test PRIVMSG alice :\x01VERSION\x01")
	l.wantSent()
	l.want()
	l.hear(":bob!b@h PRIVMSG alice :\x01DCC SEND a.txt 2130706433 0 1\x01")
	if m := take[legacy.MessageReceived](l); !strings.Contains(m.Text, "DCC") || !strings.Contains(m.Text, "a.txt") {
		t.Errorf("got %q", m.Text)
	}
}
