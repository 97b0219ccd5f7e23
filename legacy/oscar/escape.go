package oscar

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Open OSCAR Server parses the text of messages between ICQ numbers as HTML, byte by
// byte, whatever its encoding. In UTF-16 this does not affect "<", which a zero byte
// follows, but it affects characters whose bytes happen to look like markup: the server
// parses U+563C followed by U+6100 as the tag "<a", and converts the carriage return in
// U+010D, the letter č, to a newline.

// The server does this for recipients who are online and do not advertise XHTML. For a
// recipient that is certainly one of them, everything that the parser would change is
// escaped as in HTML, also byte by byte. Other recipients would see such escapes: for
// them, zero-width spaces break up the sequences that the parser would change.

// escapeBytes escapes bytes as character references, so that the server's parser
// restores them.
func escapeBytes(b []byte) []byte {
	if !bytes.ContainsAny(b, "\r<&") {
		return b
	}
	out := make([]byte, 0, len(b)+16)
	for _, c := range b {
		switch c {
		case '\r', '<', '&':
			out = append(strconv.AppendInt(append(out, "&#"...), int64(c), 10), ';')
		default:
			out = append(out, c)
		}
	}
	return out
}

// zeroWidth is an invisible separator of two characters.
const zeroWidth = '\u200B'

// hideFromParser separates characters so that the UTF-16 text contains no sequence that
// the parser changes. The reader sees no difference.
func hideFromParser(s string) string {
	if !needsEscape(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	put := func(r rune) {
		hi, _ := halves(r)
		if _, lo := halves(lastRune(b.String())); b.Len() > 0 && startsMarkup(lo, byte(hi>>8)) {
			b.WriteRune(zeroWidth)
		}
		b.WriteRune(r)
	}
	for _, r := range s {
		if !hasReturn(r) {
			put(r)
			continue
		}
		apart := norm.NFD.String(string(r))
		if strings.ContainsFunc(apart, hasReturn) {
			apart = string(r) // unavoidable
		}
		for _, r := range apart {
			put(r)
		}
	}
	return b.String()
}

// needsEscape reports whether the parser would change a text.
func needsEscape(s string) bool {
	var last uint16
	for _, r := range s {
		hi, lo := halves(r)
		if hasReturn(r) || startsMarkup(last, byte(hi>>8)) {
			return true
		}
		last = lo
	}
	return false
}

// halves returns the first and the last UTF-16 code unit of a character.
func halves(r rune) (first, last uint16) {
	if a, b := utf16.EncodeRune(r); a != utf8.RuneError {
		return uint16(a), uint16(b)
	}
	return uint16(r), uint16(r)
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

// hasReturn reports whether the UTF-16 of a character contains a carriage return byte.
func hasReturn(r rune) bool {
	first, last := halves(r)
	for _, u := range [2]uint16{first, last} {
		if u>>8 == '\r' || u&0xFF == '\r' {
			return true
		}
	}
	return false
}

// startsMarkup reports whether a code unit and the following byte look like the start of a
// tag, a comment or an entity.
func startsMarkup(last uint16, next byte) bool {
	switch byte(last) {
	case '<':
		return isLetter(next) || next == '/' || next == '!' || next == '?'
	case '&':
		return isLetter(next) || next == '#'
	}
	// U+266C followed by U+7400 is "&lt".
	return last>>8 == '&' && (isLetter(byte(last)) && isLetter(next) || byte(last) == '#' && (next >= '0' && next <= '9' || next|0x20 == 'x'))
}

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }
