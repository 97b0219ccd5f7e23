package address

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// XEP-0106 §3.2, §4, §5.1
func TestEscapeLocal(t *testing.T) {
	tests := []struct{ in, want string }{
		{"space cadet", `space\20cadet`},
		{`call me "ishmael"`, `call\20me\20\22ishmael\22`},
		{"at&t guy", `at\26t\20guy`},
		{"d'artagnan", `d\27artagnan`},
		{"/.fanboy", `\2f.fanboy`},
		{"::foo::", `\3a\3afoo\3a\3a`},
		{"<foo>", `\3cfoo\3e`},
		{"user@host", `user\40host`},
		{`c:\net`, `c\3a\net`},
		{`c:\\net`, `c\3a\\net`},
		{`c:\cool stuff`, `c\3a\cool\20stuff`},
		{`c:\5commas`, `c\3a\5c5commas`},
		{`foo\bar`, `foo\bar`},
		{`\2plus\2is\4`, `\2plus\2is\4`},
		{`foob\41r`, `foob\41r`},
		{"100001", "100001"},
		{"", ""},
	}
	for _, tt := range tests {
		got := EscapeLocal(tt.in)
		if got != tt.want {
			t.Errorf("EscapeLocal(%q) = %q, want %q", tt.in, got, tt.want)
		}
		if back := UnescapeLocal(got); back != tt.in {
			t.Errorf("UnescapeLocal(%q) = %q, want %q", got, back, tt.in)
		}
	}
}

func TestParse(t *testing.T) {
	long := strings.Repeat("a", 1023)
	tests := []struct {
		in   string
		want string // "" for an error
	}{
		{"alice@example.org", "alice@example.org"},
		{"alice@example.org/Home PC", "alice@example.org/Home PC"},
		{"Alice@Example.ORG/Home", "alice@example.org/Home"},
		{"example.org", "example.org"},
		{"example.org/a@b", "example.org/a@b"},
		{"stra\u00DFe@example.org", "strasse@example.org"},
		{"\uFF21\uFF22@example.org", "ab@example.org"}, // fullwidth
		{"a\u00ADb\u200B@example.org", "ab@example.org"},
		{long + "@example.org", long + "@example.org"},
		{"", ""},
		{"@example.org", ""},
		{"alice@", ""},
		{"alice@example.org/", ""},
		{"a b@example.org", ""},
		{"a\u202Eb@example.org", ""},
		{"a\x00b@example.org", ""},
		{"a'b@example.org", ""},
		{long + "a@example.org", ""},
		{"\xff@example.org", ""},
	}
	for _, tt := range tests {
		got, err := Parse(tt.in)
		switch {
		case tt.want == "" && err == nil:
			t.Errorf("Parse(%.60q) = %v, want an error", tt.in, got)
		case tt.want != "" && (err != nil || got.String() != tt.want):
			t.Errorf("Parse(%.60q) = %v, %v, want %.60q", tt.in, got, err, tt.want)
		}
		if err == nil {
			if again, err := Parse(got.String()); err != nil || again != got {
				t.Errorf("%.60q is not stable: %v, %v", got, again, err)
			}
		}
	}
}

// checkSafe checks that what we would write is what servers take and leave as it
// is.
func checkSafe(t *testing.T, s string) {
	t.Helper()
	local := SafeLocal(s)
	if local == "" || len(local) > 1023 || !utf8.ValidString(local) {
		t.Errorf("SafeLocal(%+q) = %+q", s, local)
	}
	if j, err := Parse(local + "@example.org"); err != nil || j.Local != local {
		t.Errorf("SafeLocal(%+q) = %+q, which is read as %+q, %v", s, local, j.Local, err)
	}
	resource := SafeResource(s)
	if j, err := Parse("example.org/" + resource); err != nil || j.Resource != resource {
		t.Errorf("SafeResource(%+q) = %+q, which is read as %+q, %v", s, resource, j.Resource, err)
	}
}

func TestSafe(t *testing.T) {
	for _, s := range []string{
		"", " ", "alice", "ALICE", "a/b", "@", "a@b", "\u200B", "\u202Eabc", "\x00\x01", "\xff\xfe", "😀", "\uE000",
		"שלום a", "\u0301", strings.Repeat("\u0301", 100), strings.Repeat("é", 1000), strings.Repeat("\u3151", 400),
		"\u05D0abc\u05D0", " a ", "\u3000", "\uFDFA", "\u0345",
	} {
		checkSafe(t, s)
	}
}

func FuzzSafe(f *testing.F) {
	for _, s := range []string{"", "alice", "\u202Eabc", "\xff", "😀\u05D0", "a\u0301\u200B"} {
		f.Add(s)
	}
	f.Fuzz(checkSafe)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"alice@example.org/home", "@", "a@b/c", "\u202E@x", "a@b@c/d/e", "..", "a.b.."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		j, err := Parse(s)
		if err != nil {
			return
		}
		if again, err := Parse(j.String()); err != nil || again != j {
			t.Errorf("%+q is read as %+v, and that as %+v, %v", s, j, again, err)
		}
		if bare := j.Bare(); bare.Resource != "" || bare.Local != j.Local {
			t.Errorf("the bare JID of %+v is %+v", j, bare)
		}
	})
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{`c:\5commas`, "a b", `\20`, `\5c20`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if back := UnescapeLocal(EscapeLocal(s)); back != s && !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " ") {
			t.Errorf("%q becomes %q becomes %q", s, EscapeLocal(s), back)
		}
	})
}
