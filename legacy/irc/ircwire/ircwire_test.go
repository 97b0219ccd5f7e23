package ircwire

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	tests := []struct {
		in   string
		want Message
	}{
		{"PING :irc.example.net", Message{Command: "PING", Params: []string{"irc.example.net"}}},
		{":nick!user@host PRIVMSG #chan :hello  world\r\n", Message{Source: "nick!user@host", Command: "PRIVMSG", Params: []string{"#chan", "hello  world"}}},
		{"@time=2026-11-23T12:00:00.000Z;a=b\\:c\\s\\\\ :s 001 me :hi", Message{Tags: map[string]string{"time": "2026-11-23T12:00:00.000Z", "a": `b;c \`}, Source: "s", Command: "001", Params: []string{"me", "hi"}}},
		{"join   #a   ", Message{Command: "JOIN", Params: []string{"#a"}}},
		{":s 353 me = #chan :@a +b", Message{Source: "s", Command: "353", Params: []string{"me", "=", "#chan", "@a +b"}}},
		{"X 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", Message{Command: "X", Params: append(strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12 13 14"), "15 16")}},
		{"TOPIC #a :", Message{Command: "TOPIC", Params: []string{"#a", ""}}},
	}
	for _, tt := range tests {
		got, err := Parse(tt.in)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{"", " ", ":source", ":source ", "@tag", "@tag :source "} {
		if m, err := Parse(in); err == nil {
			t.Errorf("Parse(%q) = %+v", in, m)
		}
	}
}

func TestLine(t *testing.T) {
	tests := []struct {
		params []string
		want   string
	}{
		{[]string{"PRIVMSG", "#a", "hello world"}, "PRIVMSG #a :hello world"},
		{[]string{"PRIVMSG", "#a", ":)"}, "PRIVMSG #a ::)"},
		{[]string{"TOPIC", "#a", ""}, "TOPIC #a :"},
		{[]string{"JOIN", "#a"}, "JOIN #a"},
		{[]string{"PRIVMSG", "#a", "x\r\nQUIT"}, "PRIVMSG #a :x QUIT"},
		{[]string{"PRIVMSG", "a b", "x"}, "PRIVMSG a_b x"},
	}
	for _, tt := range tests {
		if got := Line(tt.params[0], tt.params[1:]...); got != tt.want {
			t.Errorf("Line(%q) = %q, want %q", tt.params, got, tt.want)
		}
	}
}

func TestPlain(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain", "plain"},
		{"\x02bold\x02 and \x1Ditalic\x0F", "bold and italic"},
		{"\x0304,12red\x03 \x033x \x03,1 \x0312,x", "red x ,1 ,x"},
		{"\x04FF0000red \x04ff0000,00FF00x \x04zz", "red x zz"},
		{"a\x01b\x00c\td\u0085", "abc\td"},
		{"ünï\x02cöde", "ünïcöde"},
	}
	for _, tt := range tests {
		if got := Plain(tt.in); got != tt.want {
			t.Errorf("Plain(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestCTCP(t *testing.T) {
	for _, tt := range []struct {
		in, command, rest string
		ok                bool
	}{
		{"\x01ACTION waves\x01", "ACTION", "waves", true},
		{"\x01version\x01", "VERSION", "", true},
		{"\x01ACTION unterminated", "ACTION", "unterminated", true},
		{"hello", "", "", false},
		{"\x01\x01", "", "", false},
	} {
		command, rest, ok := CTCP(tt.in)
		if command != tt.command || rest != tt.rest || ok != tt.ok {
			t.Errorf("CTCP(%q) = %q, %q, %v", tt.in, command, rest, ok)
		}
	}
	if got := MakeCTCP("ACTION", "wa\x01ves"); got != "\x01ACTION waves\x01" {
		t.Errorf("got %q", got)
	}
}

func TestSplit(t *testing.T) {
	if got := Split("one\n\ntwo three four\r\n", 8); !reflect.DeepEqual(got, []string{"one", "two", "three", "four"}) {
		t.Errorf("got %q", got)
	}
	text := strings.Repeat("ж", 300) + " " + strings.Repeat("😀", 100)
	for limit := 4; limit < 60; limit++ {
		joined := ""
		for _, part := range Split(text, limit) {
			if len(part) > limit || !utf8.ValidString(part) {
				t.Errorf("limit %d: %q", limit, part)
			}
			joined += part
		}
		if strings.ReplaceAll(joined, " ", "") != strings.ReplaceAll(text, " ", "") {
			t.Errorf("limit %d: something is lost", limit)
		}
	}
}

func TestFold(t *testing.T) {
	for _, tt := range []struct {
		c        Casemapping
		in, want string
	}{
		{ASCII, "Nick[A]\\^", "nick[a]\\^"}, {RFC1459, "Nick[A]\\^", "nick{a}|~"},
		{StrictRFC1459, "Nick[A]\\^", "nick{a}|^"}, {"", "ÄB", "Äb"},
	} {
		if got := tt.c.Fold(tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.c, got, tt.want)
		}
	}
}

func TestPrefixes(t *testing.T) {
	p, ok := ParsePrefixes("(qaohv)~&@%+")
	if !ok {
		t.Fatal("not read")
	}
	if nick, modes := p.SplitNick("~@bob"); nick != "bob" || modes != "qo" {
		t.Errorf("got %q, %q", nick, modes)
	}
	for _, bad := range []string{"", "ov@+", "(ov)@", "(ov"} {
		if _, ok := ParsePrefixes(bad); ok {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestTime(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"2026-01-02T03:04:05.000Z": at, "2026-01-02T03:04:05Z": at, "2026-01-02T03:04:05.1Z": at.Add(100 * time.Millisecond),
		"2026-01-02T03:04:05.123456Z": at.Add(123456 * time.Microsecond), "2026-01-02T03:04:05.123456789Z": at.Add(123456789), "2026-01-02T03:04:05,5Z": at.Add(500 * time.Millisecond),
		"2026-01-02T04:04:05.000+01:00": at, "2016-12-31T23:59:60.000Z": time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC), "2016-12-31T23:59:60Z": time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC),
		"2016-12-31T23:59:60.25Z": time.Date(2017, 1, 1, 0, 0, 0, 250e6, time.UTC),
		"":                        {}, "x": {}, "2026-01-02": {}, "2026-01-02T03:04:": {}, "2026-01-02T03:04:6": {}, "2026-01-02T03:04:60": {}, "2026-13-02T03:04:05Z": {}, "1767323045": {},
	} {
		m := Message{Tags: map[string]string{"time": s}}
		if got, ok := m.Time(); !got.Equal(want) || ok != !want.IsZero() {
			t.Errorf("%q: %v, %v", s, got, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"@a=b :c!d@e PRIVMSG #x :y", "PING x", "\x00", ":", "@;;= :"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := Parse(s)
		if err != nil {
			return
		}
		line := Line(m.Command, m.Params...)
		if strings.ContainsAny(line, "\r\n\x00") && !strings.ContainsAny(m.Command, "\r\n\x00") {
			t.Errorf("%q becomes %q", s, line)
		}
		m.Nick()
		m.Address()
		m.Time()
	})
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"\x0312,4a\x02b", "\x01ACTION x\x01", "😀\nx"} {
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if strings.ContainsFunc(Plain(s), func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			t.Errorf("Plain(%q) = %q", s, Plain(s))
		}
		whole := ""
		for _, part := range Split(s, max(limit, 20)) {
			whole += Plain(part)
		}
		blank := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if utf8.ValidString(s) && blank(whole) != blank(Plain(s)) {
			t.Errorf("Split(%q, %d) shows %q", s, limit, whole)
		}
		for _, part := range Split(s, limit) {
			if len(part) > max(limit, utf8.UTFMax) || strings.ContainsAny(part, "\n") {
				t.Errorf("Split(%q, %d) has %q", s, limit, part)
			}
		}
		CTCP(s)
	})
}
