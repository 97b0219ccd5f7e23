package element

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	e, err := Parse("<a b='1' xml:lang='de'>x<b xmlns='n'><c xmlns=''/></b>y</a>", testSpace)
	if err != nil {
		t.Fatal(err)
	}
	start := func(space, name string, attrs ...xml.Attr) xml.StartElement {
		return xml.StartElement{Name: xml.Name{Space: space, Local: name}, Attr: attrs}
	}
	want := []xml.Token{
		start(testSpace, "a", xml.Attr{Name: xml.Name{Local: "b"}, Value: "1"},
			xml.Attr{Name: xml.Name{Space: XMLNamespace, Local: "lang"}, Value: "de"}),
		xml.CharData("x"),
		start("n", "b"),
		start("", "c", xml.Attr{Name: xml.Name{Local: "xmlns"}}),
		start("", "c").End(),
		start("n", "b").End(),
		xml.CharData("y"),
		start(testSpace, "a").End(),
	}
	r := e.Reader()
	for i, w := range want {
		got, err := r.Token()
		if err != nil || !equalTokens(got, w) {
			t.Fatalf("token %d: %v, %v, want %v", i, got, err, w)
		}
	}
	for range 2 {
		if tok, err := r.Token(); tok != nil || err != io.EOF {
			t.Errorf("after the end: %v, %v", tok, err)
		}
	}
}

func equalTokens(a, b xml.Token) bool {
	var s [2]strings.Builder
	for i, t := range []xml.Token{a, b} {
		switch t := t.(type) {
		case xml.StartElement:
			s[i].WriteString("start " + t.Name.Space + " " + t.Name.Local)
			for _, a := range t.Attr {
				s[i].WriteString(" " + a.Name.Space + " " + a.Name.Local + "=" + a.Value)
			}
		case xml.EndElement:
			s[i].WriteString("end " + t.Name.Space + " " + t.Name.Local)
		case xml.CharData:
			s[i].WriteString("text " + string(t))
		}
	}
	return s[0].String() == s[1].String()
}

func TestFromTokens(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"resolved", "<a xmlns='n' b='1'>x<c/>y</a>", `{n}a b="1"("x" {n}c() "y")`},
		{"prefixes", "<p:a xmlns:p='n' p:b='1' xml:lang='de'><p:c/></p:a>", `{n}a {n}b="1" {` + XMLNamespace + `}lang="de"({n}c())`},
		{"back to none", "<a xmlns='n'><c xmlns=''/></a>", "{n}a({}c())"},
		{"passed over", "<?xml version='1.0'?> <!-- c --><a>x<!-- c -->y<?p i?></a>", `{}a("xy")`},
		{"cdata", "<a>x<![CDATA[<]]></a>", `{}a("x<")`},
	} {
		e, err := FromTokens(xml.NewDecoder(strings.NewReader(tt.in)))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if got := dump(e); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// tokens hands out made-up tokens, the last one together with io.EOF.
type tokens []xml.Token

func (t *tokens) Token() (xml.Token, error) {
	if len(*t) == 0 {
		return nil, io.EOF
	}
	tok := (*t)[0]
	if *t = (*t)[1:]; len(*t) == 0 {
		return tok, io.EOF
	}
	return tok, nil
}

// TestFromPayload has tokens as mellium's payloads make them: without
// namespaces where an encoder would inherit them.
func TestFromPayload(t *testing.T) {
	start := func(name xml.Name, attrs ...xml.Attr) xml.StartElement {
		return xml.StartElement{Name: name, Attr: attrs}
	}
	x, field := xml.Name{Space: "jabber:x:data", Local: "x"}, xml.Name{Local: "field"}
	got, err := FromTokens(&tokens{
		xml.CharData(" "),
		start(x, xml.Attr{Name: xml.Name{Local: "type"}, Value: "form"}),
		start(field, xml.Attr{Name: xml.Name{Space: "xml", Local: "lang"}, Value: "de"}),
		xml.CharData("a"), xml.CharData("b"),
		xml.EndElement{Name: field},
		start(field, xml.Attr{Name: xml.Name{Local: "xmlns"}, Value: "n"}, xml.Attr{Name: xml.Name{Local: "xml:lang"}, Value: "en"},
			xml.Attr{Name: xml.Name{Local: "xmlns:p"}, Value: "n"}, xml.Attr{Name: xml.Name{Space: "xmlns", Local: "p"}, Value: "n"}),
		start(field), xml.EndElement{Name: field},
		xml.EndElement{Name: field},
		xml.EndElement{Name: x},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `<x xmlns='jabber:x:data' type='form'><field xml:lang='de'>ab</field><field xmlns='n' xml:lang='en'><field/></field></x>`
	if got.String() != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFromTokensErrors(t *testing.T) {
	start, end := xml.StartElement{Name: xml.Name{Local: "a"}}, xml.EndElement{Name: xml.Name{Local: "a"}}
	for name, tt := range map[string]struct {
		in   tokens
		want error
	}{
		"nothing":   {nil, io.EOF},
		"only text": {tokens{xml.CharData("x")}, io.EOF},
		"cut":       {tokens{start, start, end}, io.ErrUnexpectedEOF},
		"whole":     {tokens{start, start, end, end}, nil},
	} {
		if e, err := FromTokens(&tt.in); err != tt.want || (e != nil) != (err == nil) {
			t.Errorf("%s: %v, %v", name, e, err)
		}
	}
	if _, err := FromTokens(&tokens{end, start}); err == nil {
		t.Error("an end tag first")
	}
	var syntax *xml.SyntaxError
	if _, err := FromTokens(xml.NewDecoder(strings.NewReader("<a><b></a>"))); !errors.As(err, &syntax) {
		t.Error(err)
	}
}

func TestUnmarshal(t *testing.T) {
	e, err := Parse(`<query xmlns='jabber:iq:version' xml:lang='de'><name>n &amp; m</name><version x='1'/><os xmlns='n'>no</os></query>`, "")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		XMLName xml.Name `xml:"jabber:iq:version query"`
		Lang    string   `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
		Name    string   `xml:"name"`
		Version struct {
			X string `xml:"x,attr"`
		} `xml:"version"`
		OS string `xml:"jabber:iq:version os"`
	}
	if err := Unmarshal(e, &v); err != nil || v.Lang != "de" || v.Name != "n & m" || v.Version.X != "1" || v.OS != "" {
		t.Errorf("%+v, %v", v, err)
	}
	var wrong struct {
		XMLName xml.Name `xml:"other query"`
	}
	if err := Unmarshal(e, &wrong); err == nil {
		t.Error("another namespace")
	}
	if err := Unmarshal(nil, &v); err == nil {
		t.Error("no element")
	}
}
