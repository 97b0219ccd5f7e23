package ircwire

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFormatted(t *testing.T) {
	red, blue := uint32(0xff0000|Coloured), uint32(0x0000fc|Coloured)
	for _, tt := range []struct {
		in   string
		want []Run
	}{
		{"plain", nil},
		{"\x02\x02plain\x0f", nil},
		{"a\tb\x07", nil},
		{"\x02b\x02n", []Run{{"b", Format{Bold: true}}, {"n", Format{}}}},
		{"\x1d\x1f\x1e\x11x", []Run{{"x", Format{Italic: true, Underline: true, Strike: true, Monospace: true}}}},
		{"\x034r\x0312,4b\x0399x", []Run{{"r", Format{Fore: red}}, {"b", Format{Fore: blue, Back: red}}, {"x", Format{Back: red}}}},
		{"\x034,r", []Run{{",r", Format{Fore: red}}}},
		{"\x0304,12a\x16b\x03c", []Run{{"a", Format{Fore: red, Back: blue}}, {"b", Format{Fore: blue, Back: red}}, {"c", Format{}}}},
		{"\x04ff0000,0000fca\x04b\x04ff00", []Run{{"a", Format{Fore: red, Back: blue}}, {"bff00", Format{}}}},
		{"a\x02\x02b\x02c", []Run{{"ab", Format{}}, {"c", Format{Bold: true}}}},
	} {
		if got := Formatted(tt.in); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: %+v, want %+v", tt.in, got, tt.want)
		}
	}
	if got := Formatted(strings.Repeat("\x02a", 5*maxRuns)); len(got) != maxRuns || len(got[maxRuns-1].Text) != 4*maxRuns+1 {
		t.Errorf("%d runs", len(got))
	}
}

func TestEncode(t *testing.T) {
	red := uint32(0xfe0101 | Coloured) // nearly
	for _, tt := range []struct {
		in   []Run
		want string
	}{
		{[]Run{{"a", Format{}}, {"b", Format{Bold: true}}, {"c", Format{Italic: true}}}, "a\x02b\x02\x1dc"},
		{[]Run{{"a", Format{Fore: red}}, {"1,2", Format{}}}, "\x0304,99a\x0f1,2"},
		{[]Run{{"a", Format{Fore: red, Bold: true}}, {"b", Format{Back: red, Bold: true}}, {"c", Format{Bold: true}}}, "\x02\x0304,99a\x0399,04b\x0f\x02c"},
		{[]Run{{"a\n\nb", Format{Bold: true}}, {"c\n", Format{Bold: true}}, {"d", Format{Bold: true}}}, "\x02a\n\n\x02bc\n\x02d"},
		{[]Run{{"x", Format{Underline: true, Strike: true, Monospace: true}}}, "\x1f\x1e\x11x"},
		{nil, ""},
	} {
		if got := Encode(tt.in); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestTags(t *testing.T) {
	for in, want := range map[string]string{`a\:b\sc\\d\r\n`: "a;b c\\d\r\n", `\b`: "b", `x\`: "x", `\\s`: `\s`, "": ""} {
		if m, err := Parse("@t=" + in + " X"); err != nil || m.Tags["t"] != want {
			t.Errorf("%q: %q, %v", in, m.Tags["t"], err)
		}
	}
	m, _ := Parse("@" + strings.Repeat("a=1;b;", 100) + "time=x X")
	if len(m.Tags) != 3 {
		t.Errorf("tags %v", m.Tags)
	}
	if Tagged(nil, "X") != "X" || Tagged(map[string]string{"a": ""}, "X") != "@a X" {
		t.Error("tags are written wrongly")
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		mask, name string
		want       bool
	}{
		{"*!*@host", "Nick!user@HOST", true}, {"*!*@host", "nick!user@host2", false}, {"n?ck!*", "nick!x@y", true}, {"n?ck!*", "nck!x@y", false},
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"a*b*c", "aXXbYYbZc", true}, {"a*b*c", "aXXc", false}, {"*a", "ba", true}, {"a**", "a", true}, {"?", "", false},
		{strings.Repeat("*a", 50) + "b", strings.Repeat("a", 200), false},
	} {
		if got := Match(tt.mask, tt.name); got != tt.want {
			t.Errorf("Match(%q, %q) = %v", tt.mask, tt.name, got)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{"nick": true, "[x]^{}|`_-9": true, "жук": true, "": false, "9x": false, "-x": false, "a b": false, "a\u00a0b": false, "a.b": false,
		"#a": false, "a!b": false, "a@b": false, "\xff": false, "a\x00": false, "a\u0085": false, strings.Repeat("x", 64): true, strings.Repeat("x", 65): false} {
		if IsNick(name) != want {
			t.Errorf("IsNick(%q) = %v", name, !want)
		}
	}
	for name, want := range map[string]bool{"#a": true, "&a": true, "##": true, "#": false, "a": false, "": false, "#a b": false, "#a,b": false, "#a\u2003": false, "#\xff": false,
		"#" + strings.Repeat("x", 199): true, "#" + strings.Repeat("x", 200): false, "+a": false} {
		if IsChannel(name, "#&") != want {
			t.Errorf("IsChannel(%q) = %v", name, !want)
		}
	}
}

// TestSplitSigns: grapheme clusters stay whole where they fit.
func TestSplitSigns(t *testing.T) {
	for _, sign := range []string{"e\u0301", "🇩🇪", "👍🏽", "👨\u200d👩\u200d👧"} {
		for limit := len(sign); limit < 60; limit++ {
			for _, part := range Split("x"+strings.Repeat(sign, 20), limit) {
				if rest := strings.Trim(strings.TrimPrefix(part, "x"), sign); rest != "" || len(strings.TrimPrefix(part, "x"))%len(sign) != 0 {
					t.Fatalf("%q at %d: %q", sign, limit, part)
				}
			}
		}
	}
	for _, part := range Split("e"+strings.Repeat("\u0301", 500), 100) { // more combining marks than any language uses
		if len(part) > 100 || !utf8.ValidString(part) {
			t.Errorf("part %q", part)
		}
	}
}

// TestSplitCodes: colour codes stay whole.
func TestSplitCodes(t *testing.T) {
	for _, code := range []string{"\x0304", "\x0304,12", "\x04ff0000", "\x04ff0000,00ff00", "\x034"} {
		text := strings.Repeat("aaaaaaaaaaa"+code+"b", 20)
		for limit := 15; limit < 60; limit++ {
			joined := ""
			for _, part := range Split(text, limit) {
				joined += Plain(part)
			}
			if joined != Plain(text) {
				t.Fatalf("%q at %d: %q", code, limit, joined)
			}
		}
	}
}

// TestSplitFormatted: a format continues after a cut, and ends with its line.
func TestSplitFormatted(t *testing.T) {
	text := "\x02\x0304,99" + strings.Repeat("word ", 10) + "\x0fplain " + strings.Repeat("x", 20) + "\n\x1dyyy"
	var got []string
	for _, part := range SplitFormatted(text, 36) {
		if len(part) > 36 {
			t.Errorf("%d bytes: %q", len(part), part)
		}
		got = append(got, part)
	}
	want := []string{"\x02\x0304,99word word word", "\x02\x0304,99word word word word word", "\x02\x0304,99word word \x0fplain", "xxxxxxxxxxxxxxxxxxxx", "\x1dyyy"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func FuzzFormat(f *testing.F) {
	for _, s := range []string{"\x02a\x0304,12b\x0f1", "\x04ff0000x\x16y", "\x1d\x1e\x1f\x11z", "\x0399,1\x03"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r") {
			return
		}
		runs := Formatted(s)
		if runs == nil {
			return
		}
		all := ""
		for _, r := range runs {
			all += r.Text
		}
		again := Encode(runs)
		if all != Plain(s) || Plain(again) != all {
			t.Errorf("%q: the text is %q, then %q, not %q", s, all, Plain(again), Plain(s))
		}
		if back := Formatted(again); back != nil && len(Encode(back)) > len(again) { // similar colours may become equal
			t.Errorf("%q becomes %q, then %q", s, again, Encode(back))
		}
	})
}

func FuzzTags(f *testing.F) {
	f.Add("a;b c\\d\r\n")
	f.Fuzz(func(t *testing.T, value string) {
		value = strings.ReplaceAll(value, "\x00", "")
		m, err := Parse(Tagged(map[string]string{"+t": value}, "X"))
		if err != nil || m.Tags["+t"] != value || m.Command != "X" {
			t.Errorf("%q becomes %+v, %v", value, m, err)
		}
	})
}

func TestNearestNick(t *testing.T) {
	for name, want := range map[string]string{
		"alice": "alice", "Dave Jones": "Dave_Jones", " a  b ": "a_b", "joe@home.org": "joe_home_org", "7of9": "_7of9", "-x-": "_-x-", "Жанна": "Жанна",
		"!!": "", "": "", "\x00": "", "a\xffb": "ab", "[x]{y}": "[x]{y}", strings.Repeat("ж", 40): strings.Repeat("ж", 32), strings.Repeat("7", 99): "_" + strings.Repeat("7", 63),
	} {
		got := NearestNick(name)
		if got != want {
			t.Errorf("NearestNick(%q) = %q, want %q", name, got, want)
		}
		if got != "" && !IsNick(got) {
			t.Errorf("NearestNick(%q) = %q, which is no nick", name, got)
		}
	}
}

func FuzzNearestNick(f *testing.F) {
	f.Add("Dave Jones")
	f.Fuzz(func(t *testing.T, name string) {
		if got := NearestNick(name); got != "" && !IsNick(got) || IsNick(name) && got != name {
			t.Errorf("NearestNick(%q) = %q", name, got)
		}
	})
}
