package element

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

const testHeader = "<stream:stream xmlns='" + testSpace + "' xmlns:stream='" + StreamNamespace + "'>"

// stdlib reads the first n stanzas by encoding/xml.
func stdlib(in string, n int) ([]*Element, error) {
	d := xml.NewDecoder(strings.NewReader(testHeader + in))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var out []*Element
	for len(out) < n {
		t, err := d.Token()
		if err != nil {
			return out, err
		}
		if start, ok := t.(xml.StartElement); ok {
			e, err := stdlibElement(d, start)
			if err != nil {
				return out, err
			}
			out = append(out, e)
		}
	}
	return out, nil
}

func stdlibElement(d *xml.Decoder, start xml.StartElement) (*Element, error) {
	e := New(start.Name.Space, start.Name.Local)
	for _, a := range start.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		e.Attrs = append(e.Attrs, Attr{a.Name.Space, a.Name.Local, a.Value})
	}
	for {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			c, err := stdlibElement(d, t)
			if err != nil {
				return nil, err
			}
			e.Add(c)
		case xml.CharData:
			if len(t) > 0 {
				e.joinText(string(t))
			}
		case xml.EndElement:
			return e, nil
		default:
			return nil, fmt.Errorf("unexpected %T", t)
		}
	}
}

// spaces replaces white space in attributes, which encoding/xml does not
// normalise, and the namespace of elements called xmlns, which it forgets.
func spaces(e *Element) *Element {
	e = e.Clone()
	var walk func(e *Element)
	walk = func(e *Element) {
		to := strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace
		e.Space = to(e.Space)
		if e.Name == "xmlns" {
			e.Space = ""
		}
		for i := range e.Attrs {
			a := &e.Attrs[i]
			a.Space, a.Value = to(a.Space), to(a.Value)
		}
		for c := range e.Elements() {
			walk(c)
		}
	}
	walk(e)
	return e
}

func FuzzReader(f *testing.F) {
	for _, tt := range wellFormed {
		f.Add(tt.in)
	}
	for _, tt := range malformed {
		f.Add(tt.in)
	}
	f.Add(chat)
	f.Add(presence)
	f.Fuzz(checkReader)
}

// TestSoup glues pieces of XML together, which gets further than bytes do.
func TestSoup(t *testing.T) {
	pieces := []string{
		"<a", "<b", "</a>", "</b>", "<stream:a", "<p:a", "</p:a>", ">", ">", ">", "/>", "/>", " ", " b='", "' ", "'", "'", `"`,
		` c="`, `" `, " xmlns='n'", " xmlns=''", " xmlns:p='n'", " xmlns:p='m'", " xml:lang='en'", " p:b='1'", " xmlns:q='n'", " q:b=''",
		"<![CDATA[", "]]>", "]", "&lt;", "&amp;", "&#x41;", "&#0;", "&x;", "&", ";", "\r", "\n", "\r\n", "\t", "é", "\uFFFE", "\xc3", "\xa9",
		"x", "y", "<", "<!--", "-->", "<?", "=", ":", "1", "</stream:stream>", "<a>", "<b>", "<a/>", "xmlns", "\x01", "\U0001F600", "\xf0\x9f",
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 8_000 {
		var in strings.Builder
		for range 1 + rnd.IntN(24) {
			in.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		checkReader(t, in.String())
	}
}

// checkReader compares what is read from in with what encoding/xml reads, and
// with itself.
func checkReader(t *testing.T, in string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("input: %q", in)
		}
	}()
	var ours []*Element
	r := NewReader(strings.NewReader(in), testSpace, Limits{})
	for {
		e, err := r.Next()
		if err != nil {
			if _, over := err.(*LimitError); over {
				return // the rest is skipped by one and read by the other
			}
			break
		}
		ours = append(ours, e)
	}
	theirs, err := stdlib(in, len(ours))
	if err != nil {
		t.Fatalf("encoding/xml refuses what was read: %v", err)
	}
	for i, e := range ours {
		if got, want := dump(spaces(e)), dump(spaces(theirs[i])); got != want {
			t.Fatalf("stanza %d:\n got %s\nwant %s", i, got, want)
		}
		reparse(t, e)
	}

	// Nothing depends on how the input is divided, with any limits.
	for _, l := range []Limits{{}, {Stanza: 40, Depth: 3, Attrs: 2, Name: 6, Elements: 4}} {
		want := readAll(NewReader(strings.NewReader(in), testSpace, l))
		for how, open := range divisions {
			if got := readAll(NewReader(open(in), testSpace, l)); got != want {
				t.Fatalf("%s, %+v:\n got %s\nwant %s", how, l, got, want)
			}
		}
	}
}

// reparse checks that e, written out, is read by both parsers as what it
// should be.
func reparse(t *testing.T, e *Element) {
	t.Helper()
	want := dump(sane(e))
	for _, around := range []string{testSpace, "", "other"} {
		out := string(e.Append(nil, around))
		got, err := Parse(out, around)
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if got := dump(got); got != want {
			t.Fatalf("%q:\n got %s\nwant %s", out, got, want)
		}
		if around != testSpace {
			continue
		}
		theirs, err := stdlib(out, 1)
		if err != nil {
			t.Fatalf("%q: encoding/xml: %v", out, err)
		}
		if got, want := dump(spaces(theirs[0])), dump(spaces(sane(e))); got != want {
			t.Fatalf("%q: encoding/xml:\n got %s\nwant %s", out, got, want)
		}
		back, err := FromTokens(sane(e).Reader())
		if err != nil || dump(back) != want {
			t.Fatalf("%q: from tokens: %s, %v", out, dump(back), err)
		}
	}
}

// sane returns what is to be read where e was written. It is as simple as can
// be, to check Append by.
func sane(e *Element) *Element {
	out := New(saneSpace(e.Space), e.Name)
	if !saneName(e.Name) {
		out.Name = "_"
	}
	for _, a := range e.Attrs {
		space := saneSpace(a.Space)
		if !saneName(a.Name) || a.Space == XMLNSNamespace || space == "" && a.Name == "xmlns" {
			continue
		}
		if _, ok := out.attr(space, a.Name); !ok {
			out.Attrs = append(out.Attrs, Attr{space, a.Name, saneText(a.Value)})
		}
	}
	for _, n := range e.Nodes {
		if n.Element != nil {
			out.Add(sane(n.Element))
		} else if s := saneText(n.Text); s != "" {
			out.joinText(s)
		}
	}
	return out
}

func saneName(s string) bool {
	for i, r := range s {
		if i == 0 && !nameRune(r, true) || !nameRune(r, false) {
			return false
		}
	}
	return s != "" && utf8.ValidString(s)
}

func saneText(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if r >= ' ' && r != 0xFFFE && r != 0xFFFF || strings.ContainsRune("\t\n\r", r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func saneSpace(s string) string {
	s = strings.Join(strings.FieldsFunc(saneText(s), func(r rune) bool {
		return strings.ContainsRune(" \t\n\r", r)
	}), "")
	if s == XMLNSNamespace {
		return ""
	}
	return s
}

// grow makes an element of arbitrary bytes: a letter says what to do, up to the
// next semicolon is what to do it with.
func grow(program string) *Element {
	root := New("", "")
	path := []*Element{root}
	space := ""
	for step := range strings.SplitSeq(program, ";") {
		if step == "" {
			continue
		}
		e, arg := path[len(path)-1], step[1:]
		switch step[0] {
		case 's':
			space = arg
		case 'X':
			space = XMLNamespace
		case 'N':
			space = XMLNSNamespace
		case 'e':
			c := New(space, arg)
			e.Nodes = append(e.Nodes, Node{Element: c})
			path = append(path, c)
		case 'u':
			if len(path) > 1 {
				path = path[:len(path)-1]
			}
		case 'n':
			e.Space, e.Name = space, arg
		case 'a':
			name, value, _ := strings.Cut(arg, "=")
			e.Attrs = append(e.Attrs, Attr{space, name, value})
		default:
			e.Nodes = append(e.Nodes, Node{Text: step})
		}
	}
	return root
}

var programs = []string{
	"",
	"nmessage;ato=a@b;afrom='\"<>&;ebody;]]>;\x02\x03 bold;u;es",
	"sn;a=x;a a=x;aa:b=x;axmlns=x;axmlns:p=x;aa=1;aa=2",
	"surn:x;nq;aa=1;aa=2;ab=3;s;aa=4;axmlns=5",
	"X;nx;alang=de;aspace=preserve;sn;ec;X;ed",
	"N;nx;alang=de;ec",
	"s" + XMLNSNamespace + " ;nx;axmlns=de;aa=b",
	"s" + XMLNamespace + "\n;nx;alang=de;ec",
	"s\xff\ufffe\x00 a\nb'\"<&;nx;aa=b;ec;u;s;ed;e\xff;e\u0301;eé\u0301",
	"\ufffe\uffff\xed\xa0\x80\xff\xfe\t\r\n\u0085\u2028",
	"nstream:stream;e/;e>;e<;e?xml;e!--;exmlns;exml;eXML",
	"x;y;<!--;u;u;u;ea;ea;ea;x",
}

func FuzzAppend(f *testing.F) {
	for _, p := range programs {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, program string) {
		e := grow(program)
		if strings.Count(program, ";") > 60 {
			return // over the reader's limits
		}
		if len(program) > 1000 {
			return
		}
		before := dump(e)
		reparse(t, e)
		if dump(e) != before || dump(e.Clone()) != before {
			t.Fatal("changed")
		}
	})
}

// FuzzValues puts any text everywhere.
func FuzzValues(f *testing.F) {
	for _, tt := range wellFormed {
		f.Add(tt.in)
	}
	f.Add("\x00\x01\x02\t\n\r\x1f \u007f\u0080\ud7ff\ue000\ufffd\ufffe\uffff\U00010000\xed\xb0\x80\xc0\x80\xf5")
	f.Fuzz(func(t *testing.T, s string) {
		want := saneText(s)
		for _, doc := range []string{
			"<a b='" + string(AppendAttr(nil, s)) + "'/>",
			`<a b="` + string(AppendAttr(nil, s)) + `"/>`,
			"<a>" + string(AppendText(nil, s)) + "</a>",
		} {
			e, err := Parse(doc, testSpace)
			if err != nil {
				t.Fatalf("%q: %v", doc, err)
			}
			if got := e.Attr("b") + e.Text(); got != want {
				t.Fatalf("%q: got %q, want %q", doc, got, want)
			}
			theirs, err := stdlib(doc, 1)
			if err != nil {
				t.Fatalf("%q: encoding/xml: %v", doc, err)
			}
			if got := theirs[0].Attr("b") + theirs[0].Text(); got != want {
				t.Fatalf("%q: encoding/xml: got %q, want %q", doc, got, want)
			}
		}
	})
}
