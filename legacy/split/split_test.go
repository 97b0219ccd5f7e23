package split

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

const family = "👨\u200d👩\u200d👧\u200d👦" // 25 bytes

func TestText(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int // in runes
		want  []string
	}{
		{"", 5, nil},
		{"short", 0, []string{"short"}},
		{"short", 5, []string{"short"}},
		{"one two three", 8, []string{"one two", "three"}},
		{"one\ntwo three", 6, []string{"one", "two", "three"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"ééééé", 2, []string{"éé", "éé", "é"}},
		{"😀😀😀", 2, []string{"😀😀", "😀"}},
		{"a b", 1, []string{"a", "b"}},
		{"func f() {\n\treturn\n}", 12, []string{"func f() {", "\treturn\n}"}},
		{"if x:\n    return", 10, []string{"if x:", "    return"}},
		{"     ", 2, []string{"  "}},
		{"ab     ", 2, []string{"ab"}},
		// Grapheme clusters are not split.
		{strings.Repeat("e\u0301", 3), 3, []string{"e\u0301", "e\u0301", "e\u0301"}},
		{family + family, 8, []string{family, family}},
		{"🇩🇪🇫🇷🇬🇧", 3, []string{"🇩🇪", "🇫🇷", "🇬🇧"}},
		{"👍🏽👍🏽", 3, []string{"👍🏽", "👍🏽"}},
		{"abcd \u0301efg", 5, []string{"abcd", " \u0301efg"}},
		{"한\u1100\u1161\u11a8", 3, []string{"한", "\u1100\u1161\u11a8"}},
		// A cluster that no part can hold is split between runes.
		{"e" + strings.Repeat("\u0301", 5), 4, []string{"e\u0301\u0301\u0301", "\u0301\u0301"}},
	} {
		if got := Text(tt.text, Runes(tt.limit)); !slices.Equal(got, tt.want) {
			t.Errorf("%q, %d: %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}

func TestBefore(t *testing.T) {
	for _, tt := range []struct {
		text         string
		offset, want int
	}{
		{"abc", 2, 2}, {"abc", 0, 1}, {"abc", 9, 3}, {"a\r\nb", 2, 1}, {"é", 1, 2}, {"ab\u0301c", 3, 1},
		{"x" + family, 20, 1}, {family, 20, 18}, {family + "x", 25, 25}, {"\xff\xfe", 1, 1}, {"", 3, 0}, {strings.Repeat("\x80", 9), 6, 6}, {strings.Repeat("\x80", 9), 4, 4}, {"ab\u0300\x80", 3, 1},
	} {
		if got := Before(tt.text, tt.offset); got != tt.want {
			t.Errorf("%q, %d: %d, want %d", tt.text, tt.offset, got, tt.want)
		}
	}
}

// TestLongest: the fit is exact.
func TestLongest(t *testing.T) {
	text := strings.Repeat("aé日😀", 50)
	for limit := range len(text) + 2 {
		n := Longest(400, func(s string) bool { return len(s) <= limit })(text)
		if n > min(limit, 400) || n < min(limit, 400)-3 && n < len(text) || n < len(text) && !utf8.RuneStart(text[n]) {
			t.Errorf("limit %d: %d bytes fit", limit, n)
		}
	}
}

// FuzzText: each part is within the limit and valid, only white space is lost, and each cut
// is between grapheme clusters, unless one alone is longer than a part.
func FuzzText(f *testing.F) {
	f.Add("one two three", 8)
	f.Add("😀😀\n\n  x", 2)
	f.Add("e\u0301 \u0301"+family+"🇩🇪🇫🇷", 6)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 1 || limit > 1000 || !utf8.ValidString(s) {
			t.Skip()
		}
		bare := strings.NewReplacer(" ", "", "\n", "").Replace
		parts := Text(s, Runes(limit))
		for _, p := range parts {
			if utf8.RuneCountInString(p) > limit || !utf8.ValidString(p) {
				t.Fatalf("part %q of %q is over %d runes", p, s, limit)
			}
		}
		if got := strings.Join(parts, ""); bare(got) != bare(s) {
			t.Fatalf("%q became %q", s, parts)
		}
		if s != "" && len(parts) == 0 {
			t.Fatalf("nothing is left of %q", s)
		}
		longest := 0
		for g := uniseg.NewGraphemes(s); g.Next(); {
			longest = max(longest, len(g.Runes()))
		}
		if n := uniseg.GraphemeClusterCount(s); longest <= limit && n < clusters(parts) {
			t.Fatalf("a character of %q is split: %q", s, parts)
		}
	})
}

// clusters counts the grapheme clusters of parts.
func clusters(parts []string) (n int) {
	for _, p := range parts {
		n += uniseg.GraphemeClusterCount(p)
	}
	return n
}
