package oscarwire

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeUTF16 decodes UTF-16, big-endian unless a byte order mark says otherwise. It drops
// an odd last byte and replaces lone surrogates by U+FFFD.
func decodeUTF16(b []byte) string {
	var order binary.ByteOrder = binary.BigEndian
	if len(b) >= 2 {
		switch binary.BigEndian.Uint16(b) {
		case 0xFEFF:
			b = b[2:]
		case 0xFFFE:
			order, b = binary.LittleEndian, b[2:]
		}
	}
	return decodeUnits(b, order)
}

func decodeUnits(b []byte, order binary.ByteOrder) string {
	b = b[:len(b)&^1]
	var sb strings.Builder
	sb.Grow(utf8Size(b))
	for i := 0; i < len(b); i += 2 {
		r := rune(order.Uint16(b[i:]))
		if utf16.IsSurrogate(r) {
			low := rune(utf8.RuneError)
			if i+4 <= len(b) {
				low = rune(order.Uint16(b[i+2:]))
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				i += 2
			}
		}
		sb.WriteRune(r)
	}
	return sb.String()
}

// utf8Size returns an upper bound of the size of UTF-16 text in UTF-8.
func utf8Size(b []byte) int {
	n := 0
	for i := 0; i+1 < len(b); i += 2 {
		switch hi := b[i]; {
		case hi == 0 && b[i+1] < utf8.RuneSelf:
			n++
		case hi < 0x08:
			n += 2
		default:
			n += 3
		}
	}
	return n
}

// decodeLabelled decodes text that its server has labelled us-ascii. Open OSCAR Server
// labels every away text so, whatever its encoding: UTF-16 is recognised by its bytes.
func decodeLabelled(b []byte, page *CodePage) string {
	if s, ok := unlabelledUTF16(b); ok {
		return Clean(s)
	}
	return page.Decode(b)
}

// unlabelledUTF16 decodes text that is certainly UTF-16: it has a byte order mark, or it is
// valid and no text in an 8-bit encoding, because it has control characters, or because it
// is East Asian and has punctuation within words otherwise.
func unlabelledUTF16(b []byte) (string, bool) {
	if len(b) < 2 || len(b)%2 != 0 {
		return "", false
	}
	switch binary.BigEndian.Uint16(b) {
	case 0xFEFF, 0xFFFE:
		return decodeUTF16(b), true
	}
	s := decodeUnits(b, binary.BigEndian)
	if little := decodeUnits(b, binary.LittleEndian); !isText(s) || isText(little) && blocks(little) < blocks(s) {
		s = little
	}
	switch {
	case !isText(s):
		return "", false
	case isControlled(b):
		return s, true
	}
	return s, !utf8.Valid(b) && strings.IndexFunc(s, notEastAsian) < 0 && breaksWords(b)
}

// isControlled reports whether bytes contain control characters that no text has.
func isControlled(b []byte) bool {
	return slices.ContainsFunc(b, func(c byte) bool { return c < ' ' && c != '\n' && c != '\r' && c != '\t' })
}

// blocks counts the blocks of characters in a text, apart from ASCII. East Asian ones count
// as one. Of the two byte orders, the right one has fewer.
func blocks(s string) int {
	seen := make(map[rune]bool)
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
		case notEastAsian(r):
			seen[r>>8] = true
		default:
			seen[-1] = true
		}
	}
	return len(seen)
}

// isText reports whether a decoded text has assigned characters only, without controls.
func isText(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return r == utf8.RuneError || r != '\n' && r != '\r' && r != '\t' && !unicode.IsGraphic(r) && !unicode.Is(unicode.Cf, r)
	}) < 0
}

func notEastAsian(r rune) bool {
	return !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) &&
		(r < 0x3000 || r > 0x303F) && (r < 0xFF00 || r > 0xFFEF)
}

// breaksWords reports whether a text in an 8-bit encoding would have punctuation that is
// directly followed by a letter, or bytes that code pages hardly use in words.
func breaksWords(b []byte) bool {
	for i, c := range b[:len(b)-1] {
		next := b[i+1]
		letter := next >= utf8.RuneSelf || isAlpha(next)
		if letter && (c >= '!' && c <= ',' || c >= '.' && c <= '@' || c >= '[' && c <= '`' || c >= '{' && c <= 0x9F) {
			return true
		}
	}
	return false
}
