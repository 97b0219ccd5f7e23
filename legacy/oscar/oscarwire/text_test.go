package oscarwire

import (
	"strings"
	"testing"
)

func mustPage(t testing.TB, name string) *CodePage {
	t.Helper()
	p, err := ParseCodePage(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDecodeText(t *testing.T) {
	cp1251 := mustPage(t, "cp1251")
	for _, c := range []struct {
		name    string
		charset uint16
		in      string
		page    *CodePage
		want    string
	}{
		{"ascii", CharsetASCII, "hello", nil, "hello"},
		{"ascii that is utf-8", CharsetASCII, "h\u00e9", nil, "h\u00e9"},
		{"ascii that is cp1251", CharsetASCII, "\xcf\xf0\xe8\xe2\xe5\xf2", cp1251, "\u041f\u0440\u0438\u0432\u0435\u0442"},
		{"ascii that is cp1252", CharsetASCII, "caf\xe9 \x80", nil, "caf\u00e9 \u20ac"},
		{"unknown charset", 0xFFFF, "caf\xe9", nil, "caf\u00e9"},
		{"latin-1", CharsetLatin1, "\xfc\xe9\x93x\x94", cp1251, "\u00fc\u00e9\u201cx\u201d"},
		{"latin-1 is not utf-8", CharsetLatin1, "\xc3\xa9", nil, "\u00c3\u00a9"},
		{"utf-16", CharsetUTF16, "\x04\x3f\x00a", nil, "\u043fa"},
		{"utf-16 bom", CharsetUTF16, "\xfe\xff\x00a", nil, "a"},
		{"utf-16 pair", CharsetUTF16, "\xd8\x3d\xde\x00", nil, "\U0001F600"},
		{"utf-16 odd", CharsetUTF16, "\x00a\x00", nil, "a"},
		{"utf-16 one byte", CharsetUTF16, "a", nil, ""},
		{"utf-16 high alone", CharsetUTF16, "\xd8\x3d\x00a", nil, "\uFFFDa"},
		{"utf-16 high at the end", CharsetUTF16, "\x00a\xd8\x3d", nil, "a\uFFFD"},
		{"utf-16 low alone", CharsetUTF16, "\xde\x00\x00a", nil, "\uFFFDa"},
		{"utf-16 high high low", CharsetUTF16, "\xd8\x3d\xd8\x3d\xde\x00", nil, "\uFFFD\U0001F600"},
		{"utf-16 real U+FFFD", CharsetUTF16, "\xff\xfd\x00a", nil, "\uFFFDa"},
		{"utf-16 noncharacter", CharsetUTF16, "\xff\xff\x00a", nil, "a"},
		{"controls", CharsetASCII, "a\x00b\x07c\td\ne\r\nf\rg\x7f", nil, "abc\td\ne\nf\ng"},
		{"c1 controls", CharsetUTF16, "\x00a\x00\x9b\x00b\x00\x85", nil, "ab\u0085"},
		{"empty", CharsetUTF16, "", nil, ""},
	} {
		if got := DecodeText(c.charset, []byte(c.in), c.page); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestEncodeText(t *testing.T) {
	for _, c := range []struct {
		in      string
		enc     Encoder
		charset uint16
		want    string
	}{
		{"hello", Encoder{}, CharsetASCII, "hello"},
		{"", Encoder{}, CharsetASCII, ""},
		{"h\u00e9", Encoder{}, CharsetUTF16, "\x00h\x00\xe9"},
		{"h\u00e9", Encoder{Latin1: true}, CharsetLatin1, "h\xe9"},
		{"h\u20ac", Encoder{Latin1: true}, CharsetUTF16, "\x00h\x20\xac"},
		{"h\u0085\u00e9", Encoder{Latin1: true}, CharsetUTF16, "\x00h\x00\x85\x00\xe9"},
		{"hi", Encoder{UTF16: true}, CharsetUTF16, "\x00h\x00i"},
		{"\u00e9", Encoder{UTF16: true, Latin1: true}, CharsetUTF16, "\x00\xe9"},
		{"\U0001F600", Encoder{}, CharsetUTF16, "\xd8\x3d\xde\x00"},
		{"\uFFFD", Encoder{}, CharsetUTF16, "\xff\xfd"},
		{"a\xffb", Encoder{}, CharsetUTF16, "\x00a\xff\xfd\x00b"},
	} {
		charset, b := c.enc.Encode(c.in)
		if charset != c.charset || string(b) != c.want {
			t.Errorf("%q %+v: %d %x, want %d %x", c.in, c.enc, charset, b, c.charset, c.want)
		}
		if got := DecodeText(charset, b, nil); got != strings.ToValidUTF8(c.in, "\uFFFD") {
			t.Errorf("%q: decoded again %q", c.in, got)
		}
	}
}

func TestCodePages(t *testing.T) {
	for _, name := range []string{"cp1251", "CP1251", "1251", "windows-1251", " Windows-1251 "} {
		if p := mustPage(t, name); p.String() != "windows-1251" || string(p.Encode("\u042f!\u4e2d")) != "\xdf!?" {
			t.Errorf("%q: %v", name, p)
		}
	}
	for _, name := range []string{"", "cp", "utf-7", "1259"} {
		if p, err := ParseCodePage(name); err == nil {
			t.Errorf("%q: %v", name, p)
		}
	}
	for _, name := range CodePageNames() {
		p := mustPage(t, name)
		if p.Decode([]byte("abc")) != "abc" || string(p.Encode("abc")) != "abc" {
			t.Errorf("%s is no superset of ascii", name)
		}
	}
	var none *CodePage
	if none.String() != "windows-1252" || none.Decode([]byte{0x80}) != "\u20ac" || string(none.Encode("\u20ac")) != "\x80" {
		t.Error("nil code page")
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain \u00fc": "plain \u00fc", "a\r\nb": "a\nb", "a\rb\r": "a\nb\n", "\x1b[1m": "[1m",
		"\uFFFE\uFFFFx": "x", "a\xffb": "a\uFFFDb", "\u009b": "",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if n := testing.AllocsPerRun(10, func() { Clean("nothing to do, h\u00e9") }); n != 0 {
		t.Errorf("clean text costs %v allocations", n)
	}
	if got := cutText("h\u00e9\u00e9", 4); got != "h\u00e9" {
		t.Errorf("cut: %q", got)
	}
}
