package oscar

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Open OSCAR Server parses the text of messages between ICQ numbers as HTML, byte
// by byte, whatever its encoding. In UTF-16 that does no harm to "<", which a
// zero byte follows, but to characters whose bytes happen to look like markup:
// it takes U+563C followed by U+6100 for the tag "<a", and makes a newline of the
// carriage return in U+010D, the letter č.

// It does so for those who are online and do not say that they read XHTML. To whom
// that applies for sure, everything that it would change is written as it has to be in
// HTML, byte by byte too; for others, who would see that, characters are avoided that it
// would change.

// referenced writes bytes so that the server's parser makes them what they are.
func referenced(b []byte) []byte {
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

// zeroWidth separates two characters without being seen.
const zeroWidth = '\u200B'

// hideFromParser writes a text so that its UTF-16 has none of these. The reader
// sees no difference.
func hideFromParser(s string) string {
	if !endangered(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	put := func(r rune) {
		hi, _ := halves(r)
		if _, lo := halves(lastRune(b.String())); b.Len() > 0 && opens(lo, byte(hi>>8)) {
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
			apart = string(r) // cannot be helped
		}
		for _, r := range apart {
			put(r)
		}
	}
	return b.String()
}

// endangered reports whether a text has anything to hide.
func endangered(s string) bool {
	var last uint16
	for _, r := range s {
		hi, lo := halves(r)
		if hasReturn(r) || opens(last, byte(hi>>8)) {
			return true
		}
		last = lo
	}
	return false
}

// halves are the first and the last UTF-16 code unit of a character.
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

// hasReturn reports whether the UTF-16 of a character has a carriage return.
func hasReturn(r rune) bool {
	first, last := halves(r)
	for _, u := range [2]uint16{first, last} {
		if u>>8 == '\r' || u&0xFF == '\r' {
			return true
		}
	}
	return false
}

// opens reports whether a code unit and the byte behind it look like the start of
// a tag, a comment or an entity.
func opens(last uint16, next byte) bool {
	switch byte(last) {
	case '<':
		return isLetter(next) || next == '/' || next == '!' || next == '?'
	case '&':
		return isLetter(next) || next == '#'
	}
	// U+266C, followed by U+7400, is "&lt".
	return last>>8 == '&' && (isLetter(byte(last)) && isLetter(next) || byte(last) == '#' && (next >= '0' && next <= '9' || next|0x20 == 'x'))
}

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }
