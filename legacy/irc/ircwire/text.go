package ircwire

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"transport/legacy/split"
)

// The formatting characters, as introduced by mIRC.
const (
	bold          = 0x02
	colour        = 0x03
	hexColour     = 0x04
	reset         = 0x0F
	monospace     = 0x11
	reverse       = 0x16
	italic        = 0x1D
	strikethrough = 0x1E
	underline     = 0x1F
	ctcpDelimiter = 0x01
)

// Plain removes formatting and control characters.
func Plain(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == colour:
			i += colourLen(s[i:])
		case r == hexColour:
			i += hexLen(s[i:])
		case unicode.IsControl(r) && r != '\t':
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// colourLen returns the length of the arguments of 03: one or two digits, optionally a
// comma and one or two more.
func colourLen(s string) int {
	digits := func(s string) int {
		n := 0
		for n < len(s) && n < 2 && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		return n
	}
	n := digits(s)
	if n > 0 && n < len(s) && s[n] == ',' {
		if back := digits(s[n+1:]); back > 0 {
			n += 1 + back
		}
	}
	return n
}

// hexLen returns the length of the arguments of 04: six hexadecimal digits, optionally
// a comma and six more.
func hexLen(s string) int {
	isHex := func(s string) bool {
		return len(s) >= 6 && strings.Trim(s[:6], "0123456789abcdefABCDEF") == ""
	}
	switch {
	case !isHex(s):
		return 0
	case len(s) > 7 && s[6] == ',' && isHex(s[7:]):
		return 13
	}
	return 6
}

// CTCP parses a client-to-client message, \x01COMMAND text\x01. ok is false for any
// other text.
func CTCP(text string) (command, rest string, ok bool) {
	if len(text) < 2 || text[0] != ctcpDelimiter {
		return "", "", false
	}
	text = strings.TrimSuffix(text[1:], "\x01")
	command, rest, _ = strings.Cut(text, " ")
	return strings.ToUpper(command), rest, command != ""
}

// MakeCTCP formats a client-to-client message.
func MakeCTCP(command, rest string) string {
	if rest != "" {
		command += " " + rest
	}
	return "\x01" + strings.ReplaceAll(command, "\x01", "") + "\x01"
}

// beforeCode moves a cut inside of a colour code to its start, so that its digits are
// not read as text.
func beforeCode(line string, cut int) int {
	const longest = 1 + 13 // 04 with two colours
	for at := cut - 1; at > 0 && at > cut-longest; at-- {
		size := 0
		switch line[at] {
		case colour:
			size = colourLen(line[at+1:])
		case hexColour:
			size = hexLen(line[at+1:])
		}
		if at+1+size > cut {
			return at
		}
	}
	return cut
}

// Split splits a text into lines of at most limit bytes, preferably at spaces, and
// never inside of a grapheme cluster. It drops empty lines, because IRC has none.
func Split(text string, limit int) []string {
	limit = max(limit, utf8.UTFMax)
	var parts []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		for len(line) > limit {
			at := limit
			for at > 0 && !utf8.RuneStart(line[at]) {
				at--
			}
			if at == 0 { // not UTF-8
				at = limit
			}
			if space := strings.LastIndexByte(line[:at], ' '); space >= at/4 {
				at = space + 1
			} else {
				at = split.Before(line, beforeCode(line, at))
			}
			parts = append(parts, strings.TrimRight(line[:at], " "))
			line = line[at:]
		}
		if strings.TrimSpace(line) != "" {
			parts = append(parts, line)
		}
	}
	return parts
}
