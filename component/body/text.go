package body

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxSize limits the body of a message from a client, in bytes.
const MaxSize = 64 << 10

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

// Split splits a text into parts of at most limit runes, if possible at the end of a line
// or a word. A limit of 0 means no limit.
func Split(s string, limit int) []string {
	if limit <= 0 || utf8.RuneCountInString(s) <= limit {
		return []string{s}
	}
	var parts []string
	for utf8.RuneCountInString(s) > limit {
		end := runeOffset(s, limit)
		cut := end
		window := s[:end+1] // includes a boundary right behind the limit
		if i := strings.LastIndexByte(window, '\n'); i >= end/2 {
			cut = i
		} else if i := strings.LastIndexByte(window, ' '); i >= end/2 {
			cut = i
		}
		if part := strings.TrimRight(s[:cut], " \n"); part != "" {
			parts = append(parts, part)
		}
		s = strings.TrimLeft(s[cut:], " \n")
	}
	if s != "" {
		parts = append(parts, s)
	}
	return parts
}

// runeOffset returns the byte offset of the n-th rune, from 0.
func runeOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// Truncate shortens a text of more than most runes to most of them and an ellipsis.
func Truncate(s string, most int) string {
	if end := runeOffset(s, most); end < len(s) {
		return s[:end] + "…"
	}
	return s
}

// TimeText formats a time for a text.
func TimeText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
