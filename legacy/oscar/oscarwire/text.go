package oscarwire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Charsets of IMPart.
const (
	CharsetASCII  uint16 = 0 // or the system code page of an old client
	CharsetUTF16  uint16 = 2 // big-endian
	CharsetLatin1 uint16 = 3
)

// CodePage is the encoding assumed for text without a declared encoding: an 8-bit one, or
// UTF-8. A nil *CodePage is windows-1252.
type CodePage struct {
	name string
	cm   *charmap.Charmap // nil for windows-1252; of UTF-8 for text that is not valid
}

// utf8Page is the name of the CodePage of UTF-8.
const utf8Page = "utf-8"

var errCodePage = errors.New("oscarwire: unknown code page")

var codePages = []struct {
	number string
	name   string
	cm     *charmap.Charmap
}{
	{"1250", "windows-1250", charmap.Windows1250},
	{"1251", "windows-1251", charmap.Windows1251},
	{"1252", "windows-1252", charmap.Windows1252},
	{"1253", "windows-1253", charmap.Windows1253},
	{"1254", "windows-1254", charmap.Windows1254},
	{"1255", "windows-1255", charmap.Windows1255},
	{"1256", "windows-1256", charmap.Windows1256},
	{"1257", "windows-1257", charmap.Windows1257},
	{"1258", "windows-1258", charmap.Windows1258},
	{"874", "windows-874", charmap.Windows874},
	{"866", "cp866", charmap.CodePage866},
	{"", "koi8-r", charmap.KOI8R},
	{"", "koi8-u", charmap.KOI8U},
	{"28591", "iso-8859-1", charmap.ISO8859_1},
	{"28592", "iso-8859-2", charmap.ISO8859_2},
	{"28605", "iso-8859-15", charmap.ISO8859_15},
	{"65001", utf8Page, charmap.Windows1252},
}

// CodePageNames lists the names that ParseCodePage knows.
func CodePageNames() []string {
	l := make([]string, len(codePages))
	for i, p := range codePages {
		l[i] = p.name
	}
	return l
}

// ParseCodePage returns a code page by its name, its number, or "cp" and its number:
// "windows-1251", "cp1251", "1251". It ignores case and hyphens.
func ParseCodePage(name string) (*CodePage, error) {
	plain := strings.NewReplacer("-", "", "_", "").Replace
	key := plain(strings.ToLower(strings.TrimSpace(name)))
	for _, p := range codePages {
		if key == plain(p.name) || p.number != "" && (key == p.number || key == "cp"+p.number) {
			return &CodePage{p.name, p.cm}, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", errCodePage, name)
}

func (p *CodePage) charmap() *charmap.Charmap {
	if p == nil || p.cm == nil {
		return charmap.Windows1252
	}
	return p.cm
}

// String returns the name of the code page.
func (p *CodePage) String() string {
	if p == nil || p.name == "" {
		return "windows-1252"
	}
	return p.name
}

// Decode decodes text without a declared encoding: ASCII, else UTF-8 if valid, else the
// code page. The result is clean, see Clean.
func (p *CodePage) Decode(b []byte) string {
	if utf8.Valid(b) {
		return Clean(string(b))
	}
	return Clean(decodeBytes(p.charmap(), b))
}

// Encode encodes text in the code page, with a question mark for unsupported
// characters.
func (p *CodePage) Encode(s string) []byte {
	if p != nil && p.name == utf8Page {
		return []byte(s)
	}
	cm := p.charmap()
	b := make([]byte, 0, len(s))
	for _, r := range s {
		c, ok := cm.EncodeRune(r)
		if !ok {
			c = '?'
		}
		b = append(b, c)
	}
	return b
}

func decodeBytes(cm *charmap.Charmap, b []byte) string {
	var sb strings.Builder
	sb.Grow(len(b) + len(b)/4)
	for _, c := range b {
		sb.WriteRune(cm.DecodeByte(c))
	}
	return sb.String()
}

// DecodeText decodes text in a charset of IMPart. It never fails: in UTF-16 it drops an
// odd last byte and replaces lone surrogates by U+FFFD; 8-bit bytes in CharsetASCII (or
// an unknown one) are decoded as UTF-8 if valid, else by page; bytes 80-9F of Latin-1
// as windows-1252. The result is clean.
func DecodeText(charset uint16, b []byte, page *CodePage) string {
	switch charset {
	case CharsetUTF16:
		return Clean(decodeUTF16(b))
	case CharsetLatin1:
		if isASCII(b) {
			return Clean(string(b))
		}
		return Clean(decodeBytes(charmap.Windows1252, b))
	}
	return page.Decode(b)
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Encoder chooses the charset of outgoing text.
type Encoder struct {
	// Latin1 prefers Latin-1 to UTF-16 where possible, for old clients and half the size.
	Latin1 bool
	// UTF16 sends even ASCII as UTF-16.
	UTF16 bool
}

// Encode writes text as ASCII if possible, else as UTF-16 (with surrogate
// pairs) or, with Latin1, as that if possible.
func (e Encoder) Encode(s string) (charset uint16, b []byte) {
	top, latin1 := rune(0), e.Latin1 && !e.UTF16
	for _, r := range s {
		top = max(top, r)
		latin1 = latin1 && (r < 0x80 || 0xA0 <= r && r <= 0xFF) // 80-9F would be decoded as windows-1252
	}
	switch {
	case top < utf8.RuneSelf && !e.UTF16:
		return CharsetASCII, []byte(s)
	case latin1:
		b = make([]byte, 0, len(s))
		for _, r := range s {
			b = append(b, byte(r))
		}
		return CharsetLatin1, b
	}
	b = make([]byte, 0, 2*len(s))
	for _, r := range s {
		if r > 0xFFFF {
			hi, lo := utf16.EncodeRune(r)
			b = binary.BigEndian.AppendUint16(b, uint16(hi))
			b = binary.BigEndian.AppendUint16(b, uint16(lo))
			continue
		}
		b = binary.BigEndian.AppendUint16(b, uint16(r))
	}
	return CharsetUTF16, b
}

// EncodeText is the zero Encoder: ASCII, else UTF-16.
func EncodeText(s string) (charset uint16, b []byte) { return Encoder{}.Encode(s) }

// Clean makes text valid for XML: it removes control characters (also NUL) and
// noncharacters except newline and tab, converts CRLF and CR to a newline, and replaces
// invalid UTF-8 by U+FFFD. It returns clean text unchanged.
func Clean(s string) string {
	if isClean(s) {
		return s
	}
	var sb strings.Builder
	sb.Grow(len(s))
	for i, r := range s {
		switch {
		case r == '\r':
			if !strings.HasPrefix(s[i+1:], "\n") {
				sb.WriteByte('\n')
			}
		case !dropped(r):
			sb.WriteRune(r)
		}
	}
	return sb.String()
}

func dropped(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7F && r <= 0x9F && r != 0x85 || r == 0xFFFE || r == 0xFFFF
}

func isClean(s string) bool {
	ascii := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7F {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii {
		return true
	}
	if !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, dropped)
}

// cutText truncates s to at most n bytes in whole runes.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
