package body

import "testing"

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
	for in, want := range map[string]string{"": "", "abc": "abc", "abcd": "abc…", "при": "при", "прив": "при…", "a😀b": "a😀b", "ab👍🏽": "ab…"} {
		if got := Truncate(in, 3); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
