package body

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{
		"":                  "",
		"plain":             "plain",
		"a\r\nb\rc\nd":      "a\nb\nc\nd",
		"tab\tstays":        "tab\tstays",
		"bell\u0007 \u0085": "bell ",
		"юникод 😀":          "юникод 😀",
	} {
		if got := Clean(in); got != want {
			t.Errorf("cleanText(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSplitText(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  []string
	}{
		{"short", 0, []string{"short"}},
		{"short", 5, []string{"short"}},
		{"one two three", 8, []string{"one two", "three"}},
		{"one\ntwo three", 6, []string{"one", "two", "three"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"ééééé", 2, []string{"éé", "éé", "é"}},
		{"😀😀😀", 2, []string{"😀😀", "😀"}},
		{"a b", 1, []string{"a", "b"}},
	} {
		if got := Split(tt.text, tt.limit); !slices.Equal(got, tt.want) {
			t.Errorf("splitText(%q, %d) = %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}

// Whatever the text, each part is within the limit and valid, and nothing but
// white space is lost.
func FuzzSplitText(f *testing.F) {
	f.Add("one two three", 8)
	f.Add("😀😀\n\n  x", 2)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 1 || limit > 1000 || !utf8.ValidString(s) {
			t.Skip()
		}
		bare := func(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
		parts := Split(s, limit)
		for _, p := range parts {
			if utf8.RuneCountInString(p) > limit || !utf8.ValidString(p) {
				t.Fatalf("part %q of %q is over %d runes", p, s, limit)
			}
		}
		if got := strings.Join(parts, ""); bare(got) != bare(s) {
			t.Fatalf("%q became %q", s, parts)
		}
	})
}

func TestCompact(t *testing.T) {
	for _, tt := range []struct {
		text   string
		at     [2]int
		want   string
		wantAt [2]int
	}{
		{"", [2]int{}, "", [2]int{}},
		{"a", [2]int{0, 1}, "a", [2]int{0, 1}},
		{"a\n\n \t\nb\n", [2]int{}, "a\nb", [2]int{}},
		{"> ä\n\nb", [2]int{0, 4}, "> ä\nb", [2]int{0, 4}},
		{"> ä\n\nb", [2]int{0, 5}, "> ä\nb", [2]int{0, 4}},
		{"\n> ä\n\n> c\nb", [2]int{1, 10}, "> ä\n> c\nb", [2]int{0, 8}},
		{"a\n\n> c", [2]int{3, 6}, "a\n> c", [2]int{2, 5}},
		{"\n\n", [2]int{0, 2}, "", [2]int{0, 0}},
	} {
		if got, at := Compact(tt.text, tt.at); got != tt.want || at != tt.wantAt {
			t.Errorf("%q %v: %q %v, want %q %v", tt.text, tt.at, got, at, tt.want, tt.wantAt)
		}
	}
}

func TestTruncate(t *testing.T) {
	for in, want := range map[string]string{"": "", "abc": "abc", "abcd": "abc…", "при": "при", "прив": "при…", "a😀b": "a😀b"} {
		if got := Truncate(in, 3); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
