package address

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
)

const (
	emptyPart   = "_" // stands for a part of which nothing is left
	replacement = '?' // U+FFFD is itself forbidden (RFC 3454 table C.6)
)

// SafeLocal returns s as a localpart that every server takes and leaves as it
// is. What is valid already stays the same. Otherwise s is normalised, what is
// invisible removed, what is forbidden replaced by a question mark, and what is
// too long cut off; if nothing is left, it is "_". Several s may come to the
// same: the caller makes them unique. A name that may contain characters of
// XEP-0106 goes through EscapeLocal first.
func SafeLocal(s string) string {
	return safe(s, localProfile)
}

// SafeResource is SafeLocal for resources and nicknames.
func SafeResource(s string) string {
	return safe(s, resourceProfile)
}

func safe(s string, p profile) string {
	if isReady(s, p) && s != "" && len(s) <= maxPart && s[0] != ' ' && s[len(s)-1] != ' ' {
		return s
	}
	if len(s) > 8*maxPart {
		s = s[:8*maxPart] // spare the work
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
			return -1
		case r >= utf8.RuneSelf && in(unassignedRanges, r):
			return replacement
		}
		return r
	}, strings.ToValidUTF8(s, string(replacement)))
	t := transform(s, p)
	if strings.ContainsRune(t, joiner) {
		t = transform(strings.Map(func(r rune) rune {
			if unicode.Is(unicode.M, r) || r >= 0x1160 && r <= 0x11FF { // marks, joining jamo
				return -1
			}
			return r
		}, t), p)
	}
	s = strings.Trim(t, " ")
	s = strings.Map(func(r rune) rune {
		if p.forbids(r) || in(directionChanged, r) {
			return replacement
		}
		return r
	}, s)
	if s = truncate(s); !checkBidi(s) {
		s = repairBidi(s)
	}
	s = strings.Trim(s, " ")
	if s == "" {
		return emptyPart
	}
	return s
}

// truncate cuts s at the border of a character.
func truncate(s string) string {
	if len(s) <= maxPart {
		return s
	}
	n := maxPart
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// repairBidi gives s one direction, that of its first character that has one.
func repairBidi(s string) string {
	i := strings.IndexFunc(s, func(r rune) bool { return direction(r) != bidi.ON })
	first, _ := utf8.DecodeRuneInString(s[i:])
	wrong := bidi.R
	if direction(first) == bidi.R {
		wrong = bidi.L
	}
	s = strings.Map(func(r rune) rune {
		if direction(r) == wrong {
			return replacement
		}
		return r
	}, s)
	if wrong == bidi.L {
		// RFC 3454 §6: begins and ends with a character of that direction.
		s = strings.TrimFunc(s, func(r rune) bool { return direction(r) != bidi.R })
	}
	return s
}
