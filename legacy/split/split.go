// Package split divides long texts between grapheme clusters, the characters that a person
// sees: a letter with its accents, an emoji that consists of several, a flag. (UAX #29)
package split

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Text splits a text into parts, if possible at the end of a line or a word, and never
// inside of a grapheme cluster that fits into a part. fit returns the length in bytes of
// the longest beginning of a text that fits into one part; it need not be the end of a
// character. White space at the cuts is dropped. There is at least one part, unless the text
// is empty.
func Text(s string, fit func(string) int) []string {
	var parts []string
	for rest := s; rest != ""; {
		cut, next := len(rest), len(rest)
		if most := fit(rest); most < len(rest) {
			cut, next = at(rest, most)
		}
		if part := rest[:cut]; parts == nil && cut == len(s) {
			return []string{s}
		} else if part = strings.TrimRight(part, " \n"); part != "" {
			parts = append(parts, part)
		}
		rest = strings.TrimLeft(rest[next:], "\n")
	}
	if parts == nil && s != "" { // only white space
		return []string{s[:Before(s, fit(s))]}
	}
	return parts
}

// at returns where to cut a text of which the first most bytes fit, and where the rest
// begins.
func at(s string, most int) (cut, next int) {
	cut = Before(s, most)
	if cut < most { // the next cluster does not fit
		most = cut
	}
	window := s[:min(most+1, len(s))] // includes a boundary right behind the limit
	if i := strings.LastIndexByte(window, '\n'); i > 0 && i >= most/2 {
		return i, i + 1
	}
	if i := strings.LastIndexByte(window, ' '); i > 0 && i >= most/2 && Before(s, i+1) == i+1 { // no accent follows
		return i, i + 1 + len(s[i+1:]) - len(strings.TrimLeft(s[i+1:], " "))
	}
	return cut, cut
}

// Before returns the last boundary of a grapheme cluster at or before an offset in bytes.
// If the first cluster is longer than that, it returns the last boundary of a rune, and
// the end of the first rune at least.
func Before(s string, offset int) int {
	if offset >= len(s) {
		return len(s)
	}
	end := max(offset, 0)
	for end > 0 && offset-end < utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	if end > 0 && !utf8.RuneStart(s[end]) || end == 0 && offset >= utf8.UTFMax { // not UTF-8
		return offset
	}
	start := end
	for start > 0 && !isBoundary(s, start) {
		start--
	}
	if start == end && end > 0 {
		return end
	}
	_, size := utf8.DecodeRuneInString(s[end:]) // one rune more shows whether the cluster goes on
	state, cut := -1, start
	for rest := s[start : end+size]; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if cut+len(cluster) > offset {
			break
		}
		cut += len(cluster)
	}
	if cut > 0 {
		return cut
	}
	if end == 0 {
		return size
	}
	return end
}

// isBoundary reports whether an offset is certainly a boundary: the one between two
// characters of ASCII, except in CR LF.
func isBoundary(s string, i int) bool {
	return s[i-1] < utf8.RuneSelf && s[i] < utf8.RuneSelf && (s[i-1] != '\r' || s[i] != '\n')
}

// Runes returns a fit for Text that permits a number of runes in a part; 0 is no limit.
func Runes(limit int) func(string) int {
	return func(s string) int {
		if limit <= 0 {
			return len(s)
		}
		n := 0
		for i := range s {
			if n == limit {
				return i
			}
			n++
		}
		return len(s)
	}
}

// Longest returns a fit for Text: the length of the longest beginning of a text that fits,
// by a binary search of its first window bytes. A longer beginning must not fit if a
// shorter one does not.
func Longest(window int, fits func(string) bool) func(string) int {
	return func(s string) int {
		if len(s) <= window && fits(s) {
			return len(s)
		}
		low, high := 0, min(window, len(s))
		for low < high {
			middle := (low + high + 1) / 2
			end := middle
			for end < len(s) && !utf8.RuneStart(s[end]) {
				end++
			}
			if end <= high && fits(s[:end]) {
				low = end
			} else {
				high = middle - 1
			}
		}
		return low
	}
}
