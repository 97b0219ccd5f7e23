package body

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"transport/legacy/split"
)

// MaxSize limits the body of a message from a client, in bytes.
const MaxSize = 64 << 10 // limit: bytes of a message's body from a client | the message is refused: policy-violation

// Clean returns a text as package legacy requires it: lines end with \n, and there are no
// other control characters except \t.
func Clean(s string) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 && c != '\n' && c != '\t' || c >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
}

// Compact returns a text without its blank lines, and the new position of a range of its
// runes.
func Compact(s string, at [2]int) (string, [2]int) {
	if !strings.Contains(s, "\n") {
		return s, at
	}
	var kept []string
	moved, old, now := at, 0, 0 // old, now: runes before the line in the old and the new text
	for line := range strings.SplitSeq(s, "\n") {
		size := utf8.RuneCountInString(line) + 1
		blank := strings.TrimSpace(line) == ""
		for i, p := range at {
			if p >= old && p < old+size {
				moved[i] = now
				if !blank {
					moved[i] += p - old
				}
			}
		}
		old += size
		if !blank {
			kept = append(kept, line)
			now += size
		}
	}
	s = strings.Join(kept, "\n")
	size := utf8.RuneCountInString(s)
	return s, [2]int{min(moved[0], size), min(moved[1], size)}
}

// Truncate shortens a text of more than most runes to the grapheme clusters within them and
// an ellipsis.
func Truncate(s string, most int) string {
	if end := split.Runes(most)(s); end < len(s) {
		return s[:split.Before(s, end)] + "…"
	}
	return s
}

// TimeText formats a time for a text.
func TimeText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
