package oscarwire

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

// units encodes text in UTF-16.
func units(order binary.AppendByteOrder, s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

// TestByteOrder: a byte order mark says how to read UTF-16.
func TestByteOrder(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"\xFF\xFEH\x00i\x00", "Hi"},
		{"\xFE\xFF\x00H\x00i", "Hi"},
		{"\x00H\x00i", "Hi"},
		{"\xFF\xFE\x1F\x04\x3D\xD8\x00\xDE!", "П😀"}, // an odd length
		{"\xFF\xFE", ""},
		{"\xFF", ""},
	} {
		if got := DecodeText(CharsetUTF16, []byte(tt.in), nil); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

// TestCharset0: text without a declared encoding is UTF-8, or that of the setting.
func TestCharset0(t *testing.T) {
	for _, tt := range []struct{ page, in, want string }{
		{"koi8-r", "\xF0\xD2\xC9\xD7\xC5\xD4", "Привет"},
		{"KOI8R", "\xF0\xD2\xC9\xD7\xC5\xD4", "Привет"},
		{"koi8-r", "Привет", "Привет"},
		{"utf-8", "Привет", "Привет"},
		{"UTF8", "caf\xE9", "café"}, // not valid
		{"windows-1251", "\xCF\xF0\xE8\xE2\xE5\xF2", "Привет"},
	} {
		if got := DecodeText(CharsetASCII, []byte(tt.in), mustPage(t, tt.page)); got != tt.want {
			t.Errorf("%s: %q: %q, want %q", tt.page, tt.in, got, tt.want)
		}
	}
	if got := mustPage(t, "utf-8").Encode("Привет"); string(got) != "Привет" {
		t.Errorf("encoded: %q", got)
	}
}

// TestRelabelled: Open OSCAR Server labels every away text us-ascii.
func TestRelabelled(t *testing.T) {
	info := func(b []byte, page string) string {
		w := Writer{}
		w.TLVString(TagAwayType, MIMEASCII)
		w.TLV(TagAway, b)
		p, err := ParseLocationInfo(w.B, mustPage(t, page))
		if err != nil || p.Away == nil {
			t.Fatal(err)
		}
		return *p.Away
	}
	for _, text := range []string{"Hi", "Привет", "Привет, как дела?", "<b>обед</b>", "café", "обед 😀", "😀", "外出中です。", "去吃饭了", "日本語", "안녕하세요 여러분", "नमस्ते दोस्तों", "ปิดแล้ว จ้า"} {
		for name, b := range map[string][]byte{"big-endian": units(binary.BigEndian, text), "little-endian": units(binary.LittleEndian, "\uFEFF"+text), "utf-8": []byte(text)} {
			if got := info(b, "windows-1252"); got != text {
				t.Errorf("%s: %q became %q", name, text, got)
			}
		}
	}
	// Texts in code pages stay.
	for page, all := range map[string][]string{
		"windows-1252": {"Grüße aus Köln", "déjà-vu", "naïveté", "à côté", "«été»", "ÄÖÜäöü"},
		"windows-1251": {"Привет", "ПРИВЕТ", "Ушёл обедать", "обед", "Да", "НЕТ МЕНЯ", "ушёл (до 3)"},
		"koi8-r":       {"Привет", "ПРИВЕТ", "Ушёл обедать", "ДА"},
		"windows-1253": {"Καλημέρα", "ΟΧΙ!"},
	} {
		for _, text := range all {
			if got := info(mustPage(t, page).Encode(text), page); got != text {
				t.Errorf("%s: %q became %q", page, text, got)
			}
		}
	}
}

// TestTextToASCII: the text survives a server that changes its label.
func TestTextToASCII(t *testing.T) {
	for in, want := range map[string]string{"": "", "a & b": "a &amp; b", "обед 😀": "&#1086;&#1073;&#1077;&#1076; &#128512;", "a\nü": "a<br>&#252;"} {
		got := TextToASCII(in)
		if got != want || !isASCII([]byte(got)) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if back := HTMLToText(got); back != in {
			t.Errorf("%q comes back as %q", in, back)
		}
	}
}

// TestReferences: surrogate pairs as two references are one character.
func TestReferences(t *testing.T) {
	for in, want := range map[string]string{
		"&#55357;&#56832;":             "😀",
		"a&#xD83D;&#xde00;b&#1087;":    "a😀bп",
		"&#55357;":                     "\uFFFD",
		"&#55357;x":                    "\uFFFDx",
		"&#55357;&#55357;&#56832;":     "\uFFFD😀",
		"&#56832;&#55357;":             "\uFFFD\uFFFD",
		"&#55357;&amp;":                "\uFFFD&",
		"&#55357; &#56832;":            "\uFFFD \uFFFD",
		"&#55357&#56832;":              "😀",
		"&#128512;&#x1F600;&euro;&#8;": "😀😀€",
	} {
		if got := HTMLToText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestInline: the data of a picture are not text.
func TestInline(t *testing.T) {
	gif := "GIF89a\x00\xFF<\x80</DATA>"
	for _, tt := range []struct {
		in, text string
		data     []string
	}{
		{`<HTML>look <IMG ID="1" DATASIZE="17"></HTML><BINARY><DATA ID="1" SIZE="17">` + gif + `</DATA></BINARY>`, `<HTML>look <IMG ID="1" DATASIZE="17"></HTML>`, []string{gif}},
		{`при<binary> <data id=1 size=3>abc</data><DATA ID="2" SIZE="2">de</DATA></binary>`, "при", []string{"abc", "de"}},
		{`x<BINARY><DATA ID="1" SIZE="9999">short</DATA></BINARY>`, "x", []string{"short"}},
		{`x<BINARY><DATA ID="1" SIZE="-1">short</DATA></BINARY>`, "x", []string{"short"}},
		{`x<BINARY><DATA ID="1" SIZE="5">`, "x", nil},
		{`x<BINARY><DATA ID="1" SIZE="5"`, "x", nil},
		{"about <BINARY> and <DATA>", "about <BINARY> and <DATA>", nil},
		{"plain", "plain", nil},
		{strings.Repeat("<BINARY", 1000), strings.Repeat("<BINARY", 1000), nil},
	} {
		im := IMText{Parts: []IMPart{{Charset: CharsetASCII, Data: []byte(tt.in)}}}
		if got := im.Text(nil); got != tt.text {
			t.Errorf("%.60q: the text is %q", tt.in, got)
		}
		all := im.Inline()
		if len(all) != len(tt.data) {
			t.Errorf("%.60q: %q", tt.in, all)
			continue
		}
		for i, one := range all {
			if string(one.Data) != tt.data[i] {
				t.Errorf("%.60q: %q", tt.in, one.Data)
			}
		}
	}
	wide := append(units(binary.BigEndian, "при"), `<BINARY><DATA ID="1" SIZE="3">abc</DATA></BINARY>`...)
	im := IMText{Parts: []IMPart{{Charset: CharsetUTF16, Data: wide}}}
	if got := im.Text(nil); got != "при" || len(im.Inline()) != 1 {
		t.Errorf("in UTF-16: %q, %q", got, im.Inline())
	}
	if got := HTMLToText("a<BINARY><DATA>x</DATA></BINARY>b"); got != "ab" {
		t.Errorf("as HTML: %q", got)
	}
}

// TestType2Tail: the mark of UTF-8 comes with the colours or without them.
func TestType2Tail(t *testing.T) {
	for name, m := range map[string]Type2{
		"both":    {Type: MessagePlain, Text: []byte("п"), HasColours: true, UTF8: true, Background: 0xFFFFFF},
		"mark":    {Type: MessagePlain, Text: []byte("п"), UTF8: true},
		"colours": {Type: MessagePlain, Text: []byte("\xEF"), HasColours: true},
		"none":    {Type: MessagePlain, Text: []byte("\xEF")},
		"more":    {Type: MessagePlain, Text: []byte("п"), UTF8: true, Rest: []byte{1, 2}},
	} {
		got, err := ParseType2(m.Append(nil))
		if err != nil || got.UTF8 != m.UTF8 || got.HasColours != m.HasColours || !bytes.Equal(got.Rest, m.Rest) || got.Background != m.Background {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if s := got.String(mustPage(t, "windows-1251")); s != "п" {
			t.Errorf("%s: %q", name, s)
		}
	}
}
