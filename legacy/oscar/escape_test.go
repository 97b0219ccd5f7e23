package oscar

import (
	"bytes"
	"html"
	"strings"
	"testing"
	"unicode/utf16"

	nethtml "golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"
)

// utf16Bytes encodes a text as on the wire.
func utf16Bytes(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return b
}

// looksLikeMarkup returns the sequences that an HTML parser would recognise in bytes.
func looksLikeMarkup(b []byte) bool {
	for i, c := range b {
		if c == '\r' {
			return true
		}
		if i+1 == len(b) {
			break
		}
		next := b[i+1]
		if c == '<' && (next|0x20 >= 'a' && next|0x20 <= 'z' || next == '/' || next == '!' || next == '?') {
			return true
		}
	}
	return html.UnescapeString(string(b)) != string(b)
}

func TestHideFromParser(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"ascii", "1 < 2 & <b>", "1 < 2 & <b>"},
		{"letter with a carriage return", "čau", "c\u030Cau"},
		{"looks like a tag", "\u563C\u6100", "\u563C\u200B\u6100"},
		{"looks like an entity", "\u4E26\u6C74", "\u4E26\u200B\u6C74"},
		{"looks like a comment", "\u563C\u2100", "\u563C\u200B\u2100"},
		{"an entity from the first byte on", "\u266C\u7400 \u2623\u3100", "\u266C\u200B\u7400 \u2623\u200B\u3100"},
		{"chess", "\u2658\u2658", "\u2658\u2658"},
		{"emoji", "😀🎉", "😀🎉"},
		{"no decomposition", "\u0D05", "\u0D05"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hideFromParser(tt.in); got != tt.want {
				t.Errorf("hideFromParser(%+q) = %+q, want %+q", tt.in, got, tt.want)
			}
		})
	}
}

// isTag reports whether a single character looks like the start of a tag, for example
// U+3C61. This is unavoidable, and rare.
func isTag(r rune) bool {
	first, _ := halves(r)
	return first>>8 == '<' && startsMarkup(first>>8, byte(first))
}

func FuzzHideFromParser(f *testing.F) {
	for _, s := range []string{"čau", "\u563C\u6100", "a\r<b", "\U0001F60D\u263C\u6161", "\u0D26&l", "0000\u2658", "\u266C\u7400"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		got := hideFromParser(s)
		stable := strings.ReplaceAll(norm.NFC.String(got), "\u200B", "")
		if want := strings.ReplaceAll(norm.NFC.String(s), "\u200B", ""); stable != want {
			t.Errorf("%+q became %+q: another text", s, got)
		}
		if strings.ContainsFunc(got, hasReturn) || strings.ContainsFunc(got, isTag) {
			return // unavoidable
		}
		if looksLikeMarkup(utf16Bytes(got)) {
			t.Errorf("%+q became %+q, which still looks like markup", s, got)
		}
	})
}

// TestReferenced: the server's parser restores the original bytes.
func TestReferenced(t *testing.T) {
	for _, s := range []string{"", "plain", "1 < 2 & &lt; <b>x</b> <!-- y", "不", "ใหญ่", "👩\u200D👩\u200D👧", "മലയാളം", "č", "\u563C\u6100\u4E26\u6C74\u266C\u7400"} {
		for _, b := range [][]byte{[]byte(s), utf16Bytes(s)} {
			var got []byte
			for z := nethtml.NewTokenizer(bytes.NewReader(escapeBytes(b))); z.Next() == nethtml.TextToken; {
				got = append(got, z.Text()...)
			}
			if !bytes.Equal(got, b) {
				t.Errorf("%q is read as %q", b, got)
			}
		}
	}
}
