package element

import (
	"encoding/xml"
	"strings"
	"testing"
)

func TestAppendText(t *testing.T) {
	for in, want := range map[string][2]string{
		"":                    {"", ""},
		"plain":               {"plain", "plain"},
		"more than 8 & more":  {"more than 8 &amp; more", "more than 8 &amp; more"},
		"<a>&amp;]]>":         {"&lt;a&gt;&amp;amp;]]&gt;", "&lt;a&gt;&amp;amp;]]&gt;"},
		`'"`:                  {`'"`, "&apos;&quot;"},
		"\t\n\r":              {"\t\n&#xD;", "&#x9;&#xA;&#xD;"},
		"\x00\x01\x1fa\x02":   {"a", "a"},
		"\u007f\u0085\u200b":  {"\u007f\u0085\u200b", "\u007f\u0085\u200b"},
		"a\ufffeb\uffffc":     {"abc", "abc"},
		"\ufffd\U0001fffe":    {"\ufffd\U0001fffe", "\ufffd\U0001fffe"},
		"é😀\U0010ffff":        {"é😀\U0010ffff", "é😀\U0010ffff"},
		"\xff":                {"\ufffd", "\ufffd"},
		"a\xff\xfe\x80b\xffc": {"a\ufffdb\ufffdc", "a\ufffdb\ufffdc"},
		"\xed\xa0\x80":        {"\ufffd", "\ufffd"},
		"cut \xe2\x82":        {"cut \ufffd", "cut \ufffd"},
		"\xe2\x82<":           {"\ufffd&lt;", "\ufffd&lt;"},
		// What IRC formats with.
		"\x02bold\x02 \x0304,01red\x0f \x1funder": {"bold 04,01red under", "bold 04,01red under"},
	} {
		if got := string(AppendText([]byte("x"), in)); got != "x"+want[0] {
			t.Errorf("AppendText(%q) = %q, want %q", in, got, want[0])
		}
		if got := string(AppendAttr([]byte("x"), in)); got != "x"+want[1] {
			t.Errorf("AppendAttr(%q) = %q, want %q", in, got, want[1])
		}
	}
}

// TestEveryCharacter writes every code point, at every position in a run of
// eight, and reads it again.
func TestEveryCharacter(t *testing.T) {
	for r := rune(0); r <= 0x10FFFF; r++ {
		if r == 0x3000 {
			r = 0xD000
		}
		if r == 0x11000 {
			r = 0x10FF00
		}
		s := strings.Repeat("a", int(r)%9) + string(r) + "b"
		e := New("", "x").Set("y", s).AddText(s)
		got, err := Parse(e.String(), "")
		if err != nil {
			t.Fatalf("%U: %v", r, err)
		}
		if want := saneText(s); got.Text() != want || got.Attr("y") != want {
			t.Fatalf("%U: got %q and %q, want %q", r, got.Text(), got.Attr("y"), want)
		}
	}
}

func TestAppend(t *testing.T) {
	const client = "jabber:client"
	for _, tt := range []struct {
		name string
		e    *Element
		want string
	}{
		{"in the parent's namespace", New(client, "a"), "<a/>"},
		{"in another", New("n", "a"), "<a xmlns='n'/>"},
		{"in none", New("", "a"), "<a xmlns=''/>"},
		{"children", New(client, "a").Add(New(client, "b"), New("n", "c").Add(New("n", "d"), New(client, "e"))).AddText("<"),
			"<a><b/><c xmlns='n'><d/><e xmlns='jabber:client'/></c>&lt;</a>"},
		{"attributes", New(client, "a").Set("b", "<'\">").SetLang("de"), "<a b='&lt;&apos;&quot;&gt;' xml:lang='de'/>"},
		{"empty text", &Element{Space: client, Name: "a", Nodes: []Node{{}}}, "<a></a>"},
		{"attribute in a namespace", &Element{client, "a", []Attr{{"n", "b", "1"}, {"n", "b", "2"}, {"n", "c", "3"}, {"m", "b", "4"}}, nil},
			"<a xmlns:ns0='n' ns0:b='1' xmlns:ns2='n' ns2:c='3' xmlns:ns3='m' ns3:b='4'/>"},
		{"duplicate attributes", &Element{client, "a", []Attr{{"", "b", "1"}, {"", "b", "2"}, {" ", "b", "3"}}, nil}, "<a b='1'/>"},
		{"attributes that declare", &Element{client, "a", []Attr{{"", "xmlns", "n"}, {"", "xmlns:p", "n"}, {XMLNSNamespace, "p", "n"}}, nil}, "<a/>"},
		{"attribute xmlns in a namespace", &Element{client, "a", []Attr{{"n", "xmlns", "1"}}, nil}, "<a xmlns:ns0='n' ns0:xmlns='1'/>"},
		{"attributes without names", &Element{client, "a", []Attr{{"", "", "1"}, {"", "b c", "2"}, {"", "b='", "3"}, {"", "1", "4"}}, nil}, "<a/>"},
		{"no name", New(client, "").AddText("x"), "<_>x</_>"},
		{"hostile name", New(client, "a><b").AddText("x"), "<_>x</_>"},
		{"prefixed name", New(client, "a:b"), "<_/>"},
		{"name that is not UTF-8", New(client, "a\xff"), "<_/>"},
		{"hostile namespace", New("n' x='<>&\n\x00", "a"), "<a xmlns='n&apos;x=&apos;&lt;&gt;&amp;'/>"},
		{"in the namespace xml", New(XMLNamespace, "a").Add(New(client, "b")), "<xml:a><b/></xml:a>"},
		{"in the namespace xml with space", New(XMLNamespace+"\n", "a"), "<xml:a/>"},
		{"in the namespace xmlns", New(XMLNSNamespace, "a"), "<a xmlns=''/>"},
		{"stream error", New(StreamNamespace, "error"), "<error xmlns='http://etherx.jabber.org/streams'/>"},
	} {
		got := string(tt.e.Append([]byte("."), client))
		if got != "."+tt.want {
			t.Errorf("%s:\n got %s\nwant .%s", tt.name, got, tt.want)
		}
		reparse(t, tt.e)
	}
	for _, p := range programs {
		reparse(t, grow(p))
	}
}

// TestNames compares the names with those of encoding/xml, character by
// character.
func TestNames(t *testing.T) {
	known := func(name string) bool {
		_, err := xml.NewDecoder(strings.NewReader("<" + name + "/>")).RawToken()
		return err == nil
	}
	for r := rune(0x21); r < 0x11000; r++ {
		if r == ':' || r == '/' || r == '>' || r >= 0xD800 && r < 0xE000 {
			continue
		}
		if got, want := ValidName(string(r)), known(string(r)); got != want && r != '!' && r != '?' {
			t.Errorf("%U first: %v", r, got)
		}
		if got, want := ValidName("a"+string(r)), known("a"+string(r)); got != want {
			t.Errorf("%U later: %v", r, got)
		}
	}
	for _, s := range []string{"", ":", "a:b", ":a", "a:", "a b", "a\n", "a/", "a>", "\xff", "a\xff", "\xed\xa0\x80", "a\xc3"} {
		if ValidName(s) {
			t.Errorf("%q is valid", s)
		}
	}
	for _, s := range []string{"a", "_", "a-b.c_1", "é", "aé\u0301", "xmlns"} {
		if !ValidName(s) {
			t.Errorf("%q is not valid", s)
		}
	}
}

func TestAppendAllocs(t *testing.T) {
	e, err := Parse(chat, testSpace)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf = e.Append(buf[:0], testSpace) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
