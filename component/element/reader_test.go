package element

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const testSpace = "jabber:component:accept"

// dump writes e without ambiguity. Names in testSpace have no namespace, those
// without a namespace have {}.
func dump(e *Element) string {
	var b strings.Builder
	var walk func(e *Element)
	walk = func(e *Element) {
		if e.Space != testSpace {
			fmt.Fprintf(&b, "{%s}", e.Space)
		}
		b.WriteString(e.Name)
		for _, a := range e.Attrs {
			b.WriteString(" ")
			if a.Space != "" {
				fmt.Fprintf(&b, "{%s}", a.Space)
			}
			fmt.Fprintf(&b, "%s=%q", a.Name, a.Value)
		}
		b.WriteString("(")
		for i, n := range e.Nodes {
			if i > 0 {
				b.WriteString(" ")
			}
			if n.Element != nil {
				walk(n.Element)
			} else {
				fmt.Fprintf(&b, "%q", n.Text)
			}
		}
		b.WriteString(")")
	}
	walk(e)
	return b.String()
}

// readAll returns the dumps of all stanzas, then the error that ended them.
func readAll(r *Reader) string {
	var out []string
	for {
		e, err := r.Next()
		var over *LimitError
		switch {
		case errors.As(err, &over):
			s := "over " + over.What
			if over.Stanza != nil {
				s += " " + dump(over.Stanza)
			}
			out = append(out, s)
		case err != nil:
			if _, again := r.Next(); again != err {
				return fmt.Sprintf("error %v changed to %v", err, again)
			}
			return strings.Join(append(out, err.Error()), "\n")
		default:
			out = append(out, dump(e))
		}
	}
}

// divisions are ways to hand out the same bytes.
var divisions = map[string]func(string) io.Reader{
	"whole":    func(s string) io.Reader { return strings.NewReader(s) },
	"one byte": func(s string) io.Reader { return iotest.OneByteReader(strings.NewReader(s)) },
	"half":     func(s string) io.Reader { return iotest.HalfReader(strings.NewReader(s)) },
	"data+eof": func(s string) io.Reader { return iotest.DataErrReader(strings.NewReader(s)) },
	"sevens":   func(s string) io.Reader { return &chunks{s: s, n: 7} },
}

// chunks hands out n bytes at a time.
type chunks struct {
	s string
	n int
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.s == "" {
		return 0, io.EOF
	}
	n := copy(p, c.s[:min(c.n, len(c.s))])
	c.s = c.s[n:]
	return n, nil
}

const (
	endOfInput  = "\nunexpected EOF"
	endOfStream = "\nEOF"
)

var wellFormed = []struct{ name, in, want string }{
	{"nothing", "", "unexpected EOF"},
	{"keep-alive", " \n\t\r\n ", "unexpected EOF"},
	{"end of stream", "</stream:stream>", "EOF"},
	{"end of stream with space", " </stream:stream \n>trailing", "EOF"},
	{"empty element", "<a/>", "a()" + endOfInput},
	{"empty element with space", "<a />", "a()" + endOfInput},
	{"start and end", "<a></a>", "a()" + endOfInput},
	{"space in tags", "<a\n\tb = 'c'\r></a \n>", `a b="c"()` + endOfInput},
	{"two stanzas", "<a/> <b/>\n</stream:stream>", "a()\nb()" + endOfStream},
	{"nested", "<a><b><c/></b><d/></a>", "a(b(c()) d())" + endOfInput},
	{"same name nested", "<a><a></a></a>", "a(a())" + endOfInput},
	{"text", "<a>x</a>", `a("x")` + endOfInput},
	{"mixed", "<a>x<b/>y<b>z</b> </a>", `a("x" b() "y" b("z") " ")` + endOfInput},
	{"entities", "<a>&lt;&gt;&amp;&quot;&apos;</a>", `a("<>&\"'")` + endOfInput},
	{"references", "<a>&#65;&#x42;&#x1F600;&#x10FFFF;&#9;&#xD;</a>", `a("AB😀\U0010ffff\t\r")` + endOfInput},
	{"padded reference", "<a>&#x000000041;</a>", `a("A")` + endOfInput},
	{"not unescaped twice", "<a>&amp;lt;</a>", `a("&lt;")` + endOfInput},
	{"line ends", "<a>1\r\n2\r3\n4\n\r5</a>", `a("1\n2\n3\n4\n\n5")` + endOfInput},
	{"brackets", "<a>] ]] > ]>] ]</a>", `a("] ]] > ]>] ]")` + endOfInput},
	{"greater in text", "<a>></a>", `a(">")` + endOfInput},
	{"quotes in text", `<a>'"</a>`, `a("'\"")` + endOfInput},
	{"delete and C1 are legal", "<a>\u007f\u0085</a>", `a("\x7f\u0085")` + endOfInput},
	{"highest characters", "<a>\uD7FF\uE000\uFFFD\U00010000\U0010FFFF</a>", "a(\"\\ud7ff\\ue000\uFFFD\U00010000\\U0010ffff\")" + endOfInput},
	{"cdata", "<a><![CDATA[<b>&amp;]]]]></a>", `a("<b>&amp;]]")` + endOfInput},
	{"cdata joins text", "<a>x<![CDATA[y]]>z<![CDATA[]]><b/><![CDATA[&]]></a>", `a("xyz" b() "&")` + endOfInput},
	{"empty cdata", "<a><![CDATA[]]></a>", `a()` + endOfInput},
	{"cdata line ends", "<a><![CDATA[1\r\n2\r3]]>\r\n</a>", `a("1\n2\n3\n")` + endOfInput},
	{"cdata with references around", "<a>&lt;<![CDATA[&lt;]]>&lt;</a>", `a("<&lt;<")` + endOfInput},
	{"attributes", `<a b="1" c='2' d=""/>`, `a b="1" c="2" d=""()` + endOfInput},
	{"other quotes", `<a b="'" c='"'/>`, `a b="'" c="\""()` + endOfInput},
	{"greater and slash in a value", `<a b="/>" c='>'>x</a>`, `a b="/>" c=">"("x")` + endOfInput},
	{"references in a value", `<a b="&lt;&#x41;&amp;&#10;"/>`, `a b="<A&\n"()` + endOfInput},
	{"white space in a value", "<a b='1\t2\n3\r\n4\r5'/>", `a b="1 2 3 4 5"()` + endOfInput},
	{"names", "<a-b.c_1 Ä-é='x'/>", `a-b.c_1 Ä-é="x"()` + endOfInput},
	{"name of marks", "<é\u0301/>", "é\u0301()" + endOfInput},
	{"default namespace", "<a xmlns='n'><b/></a>", "{n}a({n}b())" + endOfInput},
	{"namespace ends with its element", "<a><b xmlns='n'/><c/></a><d/>", "a({n}b() c())\nd()" + endOfInput},
	{"no namespace", "<a xmlns=''><b/></a>", "{}a({}b())" + endOfInput},
	{"prefixes", "<p:a xmlns:p='n' p:x='1' x='2'><b/></p:a>", `{n}a {n}x="1" x="2"(b())` + endOfInput},
	{"prefix declared after use", "<p:a p:x='1' xmlns:p='n'/>", `{n}a {n}x="1"()` + endOfInput},
	{"prefix redeclared", "<p:a xmlns:p='n'><p:b xmlns:p='m'/><p:c/></p:a>", "{n}a({m}b() {n}c())" + endOfInput},
	{"prefix redeclared on itself", "<p:a xmlns:p='n'><p:p xmlns:p='m'><p:p/></p:p></p:a>", "{n}a({m}p({m}p()))" + endOfInput},
	{"two prefixes, one namespace", "<a xmlns:p='n' xmlns:q='n' p:x='1' q:y='2'/>", `a {n}x="1" {n}y="2"()` + endOfInput},
	{"reference in a namespace", "<a xmlns='&#x6E;&amp;'/>", "{n&}a()" + endOfInput},
	{"xml:lang", "<a xml:lang='de'/>", `a {http://www.w3.org/XML/1998/namespace}lang="de"()` + endOfInput},
	{"xml declared", "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='de'/>", `a {http://www.w3.org/XML/1998/namespace}lang="de"()` + endOfInput},
	{"xml as element's prefix", "<xml:a/>", `{http://www.w3.org/XML/1998/namespace}a()` + endOfInput},
	{"default namespace is not for attributes", "<a xmlns='n' b='1'/>", `{n}a b="1"()` + endOfInput},
	{"xmlnsx is no declaration", "<a xmlnsx='n'/>", `a xmlnsx="n"()` + endOfInput},
	{"element called xmlns", "<xmlns/>", "xmlns()" + endOfInput},
	{"stream error", "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
		"{http://etherx.jabber.org/streams}error({urn:ietf:params:xml:ns:xmpp-streams}conflict())" + endOfStream},
}

func TestReader(t *testing.T) {
	for _, tt := range wellFormed {
		for how, open := range divisions {
			if got := readAll(NewReader(open(tt.in), testSpace, Limits{})); got != tt.want {
				t.Errorf("%s, %s:\n got %s\nwant %s", tt.name, how, got, tt.want)
			}
		}
	}
}

var malformed = []struct{ name, in, msg string }{
	{"text between stanzas", "x<a/>", "text between stanzas"},
	{"BOM", "\uFEFF<a/>", "text between stanzas"},
	{"reference between stanzas", "&#32;<a/>", "text between stanzas"},
	{"cdata between stanzas", "<![CDATA[ ]]><a/>", "text between stanzas"},
	{"XML declaration", "<?xml version='1.0'?><a/>", "processing instruction"},
	{"processing instruction", "<a><?p i?></a>", "processing instruction"},
	{"comment", "<!-- c --><a/>", "comment or document type"},
	{"comment inside", "<a><!-- c --></a>", "comment or document type"},
	{"doctype", "<!DOCTYPE a><a/>", "comment or document type"},
	{"internal subset", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "comment or document type"},
	{"almost cdata", "<a><![CDATX[ ]]></a>", "comment or document type"},
	{"cdata in lower case", "<a><![cdata[ ]]></a>", "comment or document type"},
	{"end of another", "<a></b>", "end tag does not match"},
	{"end of a longer name", "<a></ab>", "end tag does not match"},
	{"end of a shorter name", "<ab></a>", "end tag does not match"},
	{"end in other case", "<a></A>", "end tag does not match"},
	{"end of outer first", "<a><b></a></b>", "end tag does not match"},
	{"end without start", "</a>", "end tag does not match"},
	{"end of another stream", "</stream:streams>", "end tag does not match"},
	{"end of stream without prefix", "</stream>", "end tag does not match"},
	{"end of an endless stream name", "</" + strings.Repeat("a", 2000), "end tag too long"},
	{"end of stream inside", "<a></stream:stream>", "end tag does not match"},
	{"end by another prefix", "<p:a xmlns:p='n' xmlns:q='n'></q:a>", "end tag does not match"},
	{"attribute on an end tag", "<a></a b='c'>", "end tag does not match"},
	{"space before an end tag's name", "<a></ a>", "end tag does not match"},
	{"unnamed end tag", "<a></>", "end tag does not match"},
	{"empty tag", "<>", "invalid name"},
	{"space before a name", "< a/>", "invalid name"},
	{"digit first", "<1/>", "invalid name"},
	{"hyphen first", "<-a/>", "invalid name"},
	{"combining mark first", "<\u0301/>", "invalid name"},
	{"sign in a name", "<a\u00D7/>", "invalid name"},
	{"name of the fifth edition only", "<\U00010000/>", "invalid name"},
	{"control in a name", "<a\x01/>", "no white space before an attribute"},
	{"invalid UTF-8 in a name", "<a\xff/>", "invalid name"},
	{"less in a tag", "<a <b/>", "invalid name"},
	{"colon first", "<:a/>", "invalid name"},
	{"colon last", "<stream:/>", "invalid name"},
	{"two colons", "<stream:a:b/>", "invalid name"},
	{"digit after the prefix", "<stream:1/>", "invalid name"},
	{"colon first in an attribute", "<a :b='c'/>", "invalid name"},
	{"attribute without a value", "<a b/>", "no equals sign after an attribute's name"},
	{"attribute without a value, longer", "<a b c='d'/>", "no equals sign after an attribute's name"},
	{"value without quotes", "<a b=c/>", "no quotes around an attribute's value"},
	{"value missing", "<a b=/>", "no quotes around an attribute's value"},
	{"attributes without space", "<a b='c'd='e'/>", "no white space before an attribute"},
	{"less in a value", "<a b='<'/>", "< in an attribute's value"},
	{"less in a value in double quotes", `<a b="x<"/>`, "< in an attribute's value"},
	{"slash in a tag", "<a / >", "slash in a tag"},
	{"slash before an attribute", "<a /b='c'>", "slash in a tag"},
	{"two slashes", "<a //>", "slash in a tag"},
	{"quote after the name", "<a 'b'/>", "invalid name"},
	{"duplicate attribute", "<a b='1' b='2'/>", "duplicate attribute"},
	{"duplicate by namespace", "<a xmlns:p='n' xmlns:q='n' p:b='1' q:b='2'/>", "duplicate attribute"},
	{"duplicate declaration", "<a xmlns:p='n' xmlns:p='m'/>", "duplicate attribute"},
	{"duplicate default namespace", "<a xmlns='n' xmlns='n'/>", "duplicate attribute"},
	{"duplicate xml:lang", "<a xml:lang='n' xml:lang='m'/>", "duplicate attribute"},
	{"undeclared prefix", "<p:a/>", "undeclared prefix"},
	{"undeclared prefix inside", "<a><p:b/></a>", "undeclared prefix"},
	{"undeclared attribute prefix", "<a p:b='c'/>", "undeclared prefix"},
	{"prefix out of scope", "<a><b xmlns:p='n'/><p:c/></a>", "undeclared prefix"},
	{"prefix of the stanza before", "<a xmlns:p='n'/><p:c/>", "undeclared prefix"},
	{"prefix xmlns on an element", "<xmlns:a/>", "undeclared prefix"},
	{"prefix bound to nothing", "<a xmlns:p=''/>", "prefix bound to no namespace"},
	{"prefix xmlns declared", "<a xmlns:xmlns='n'/>", "reserved prefix or namespace"},
	{"prefix xml bound to another", "<a xmlns:xml='n'/>", "reserved prefix or namespace"},
	{"another prefix for xml", "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", "reserved prefix or namespace"},
	{"another prefix for xmlns", "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", "reserved prefix or namespace"},
	{"xml as default namespace", "<a xmlns='http://www.w3.org/XML/1998/namespace'/>", "reserved namespace"},
	{"xmlns as default namespace", "<a xmlns='http://www.w3.org/2000/xmlns/'/>", "reserved namespace"},
	{"undeclared entity", "<a>&nbsp;</a>", "undeclared entity or illegal character reference"},
	{"entity in upper case", "<a>&AMP;</a>", "undeclared entity or illegal character reference"},
	{"entity in a value", "<a b='&b;'/>", "undeclared entity or illegal character reference"},
	{"entity in a namespace", "<a xmlns='&b;'/>", "undeclared entity or illegal character reference"},
	{"bare ampersand", "<a>a & b</a>", "undeclared entity or illegal character reference"},
	{"ampersand at the end", "<a>&</a>", "undeclared entity or illegal character reference"},
	{"entity without semicolon", "<a>&amp</a>", "undeclared entity or illegal character reference"},
	{"empty reference", "<a>&;&#;&#x;</a>", "undeclared entity or illegal character reference"},
	{"empty decimal", "<a>&#;</a>", "undeclared entity or illegal character reference"},
	{"empty hexadecimal", "<a>&#x;</a>", "undeclared entity or illegal character reference"},
	{"x in upper case", "<a>&#X41;</a>", "undeclared entity or illegal character reference"},
	{"hexadecimal in decimal", "<a>&#4A;</a>", "undeclared entity or illegal character reference"},
	{"signed reference", "<a>&#+65;</a>", "undeclared entity or illegal character reference"},
	{"reference to U+0000", "<a>&#0;</a>", "undeclared entity or illegal character reference"},
	{"reference to U+0002", "<a>&#x2;</a>", "undeclared entity or illegal character reference"},
	{"reference to a surrogate", "<a>&#xD800;</a>", "undeclared entity or illegal character reference"},
	{"reference to U+FFFE", "<a>&#xFFFE;</a>", "undeclared entity or illegal character reference"},
	{"reference beyond Unicode", "<a>&#x110000;</a>", "undeclared entity or illegal character reference"},
	{"reference that overflows", "<a>&#x100000041;</a>", "undeclared entity or illegal character reference"},
	{"illegal reference in a value", "<a b='&#x1;'/>", "undeclared entity or illegal character reference"},
	{"NUL", "<a>\x00</a>", "illegal character"},
	{"control", "<a>\x02</a>", "illegal character"},
	{"control in a value", "<a b='\x1f'/>", "illegal character"},
	{"control in cdata", "<a><![CDATA[\x0b]]></a>", "illegal character"},
	{"U+FFFE", "<a>\uFFFE</a>", "illegal character"},
	{"U+FFFF in a value", "<a b='\uFFFF'/>", "illegal character"},
	{"invalid UTF-8", "<a>\xff</a>", "invalid UTF-8"},
	{"continuation byte", "<a>\x80</a>", "invalid UTF-8"},
	{"cut character", "<a>\xe2\x82</a>", "invalid UTF-8"},
	{"overlong", "<a>\xc0\xbc</a>", "invalid UTF-8"},
	{"encoded surrogate", "<a>\xed\xa0\x80</a>", "invalid UTF-8"},
	{"beyond Unicode", "<a>\xf4\x90\x80\x80</a>", "invalid UTF-8"},
	{"latin-1 in a value", "<a b='\xe9'/>", "invalid UTF-8"},
	{"invalid UTF-8 in cdata", "<a><![CDATA[\xff]]></a>", "invalid UTF-8"},
	{"]]> in text", "<a>]]></a>", "]]> in text"},
	{"]]> after cdata", "<a><![CDATA[x]]>]]></a>", "]]> in text"},
	{"]]]> in text", "<a>]]]></a>", "]]> in text"},
}

func TestMalformed(t *testing.T) {
	for _, tt := range malformed {
		for how, open := range divisions {
			r := NewReader(open("<ok/>"+tt.in), testSpace, Limits{})
			if _, err := r.Next(); err != nil {
				t.Errorf("%s, %s: the stanza before: %v", tt.name, how, err)
				continue
			}
			var err error
			for err == nil {
				_, err = r.Next()
			}
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Msg != tt.msg {
				t.Errorf("%s, %s: error %v, want %s", tt.name, how, err, tt.msg)
			}
		}
	}
}

func TestSyntaxErrorOffset(t *testing.T) {
	for in, want := range map[string]int64{
		"<a/>x":                  4,
		"<a/> <b>\x01</b>":       8,
		"<a/><b c='&amp;&x;'/>":  15,
		"<a/>\n<b><c/></d>":      12,
		"<a><b>&lt;&lt;&b;</b>":  -1, // the stanza is not complete
		"<a><b>&lt;&b;</b></a>":  10,
		"<a p:b='c'/>":           3,
		"<a>1<![CDATA[&lt;]]>&x": -1,
	} {
		for how, open := range divisions {
			var got int64 = -1
			var syntax *SyntaxError
			r := NewReader(open(in), testSpace, Limits{})
			for {
				if _, err := r.Next(); errors.As(err, &syntax) {
					got = syntax.Offset
					break
				} else if err != nil {
					break
				}
			}
			if got != want {
				t.Errorf("%q, %s: offset %d, want %d", in, how, got, want)
			}
		}
	}
}

// TestTruncated cuts documents at every byte: nothing but a lack of bytes may
// come of it, or the error that the whole has.
func TestTruncated(t *testing.T) {
	for _, tt := range wellFormed {
		for i := range len(tt.in) {
			got := readAll(NewReader(strings.NewReader(tt.in[:i]), testSpace, Limits{}))
			last := got[strings.LastIndexByte(got, '\n')+1:]
			rest := strings.TrimSuffix(got, last)
			if last != "EOF" && last != "unexpected EOF" || !strings.HasPrefix(tt.want, rest) {
				// What ends inside a character is not UTF-8, or not a name.
				t.Errorf("%s cut to %q: %s", tt.name, tt.in[:i], got)
			}
		}
	}
}

// TestDivided splits documents in two at every byte.
func TestDivided(t *testing.T) {
	for _, tt := range wellFormed {
		for i := range len(tt.in) {
			in := io.MultiReader(strings.NewReader(tt.in[:i]), strings.NewReader(tt.in[i:]))
			if got := readAll(NewReader(in, testSpace, Limits{})); got != tt.want {
				t.Errorf("%s split at %d:\n got %s\nwant %s", tt.name, i, got, tt.want)
			}
		}
	}
}

func TestBind(t *testing.T) {
	in := "<db:a/><db:b xmlns:db='n'/><db:c/></s:stream>"
	r := NewReader(strings.NewReader(in), testSpace, Limits{}).Bind("db", "d").Bind("s", StreamNamespace)
	if got, want := readAll(r), "{d}a()\n{n}b()\n{d}c()"+endOfStream; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStreamNamespaceAsDefault(t *testing.T) {
	// RFC 6120 §4.8.2 allows the stream's namespace to be the default one.
	r := NewReader(strings.NewReader("<error/></stream>"), StreamNamespace, Limits{})
	if got, want := readAll(r), "{"+StreamNamespace+"}error()"+endOfStream; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestReadErrors has an error after every byte, such as a deadline, after which
// the Reader must go on.
func TestReadErrors(t *testing.T) {
	deadline := errors.New("deadline")
	src := &interrupted{s: chat + chat + "</stream:stream>", err: deadline}
	r := NewReader(src, testSpace, Limits{})
	n, errs := 0, 0
	for {
		e, err := r.Next()
		if err == deadline {
			errs++
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil || e.Attr("id") != "b4a5c1de-91f2" {
			t.Fatal(dump(e), err)
		}
		n++
	}
	if n != 2 || errs < 2*len(chat) {
		t.Errorf("%d stanzas, %d errors", n, errs)
	}
}

type interrupted struct {
	s   string
	err error
	odd bool
}

func (r *interrupted) Read(p []byte) (int, error) {
	if r.odd = !r.odd; r.odd {
		return 0, r.err
	}
	n := copy(p, r.s[:1])
	r.s = r.s[n:]
	return n, nil
}

func TestNoProgress(t *testing.T) {
	r := NewReader(iotest.ErrReader(nil), testSpace, Limits{})
	if _, err := r.Next(); err != io.ErrNoProgress {
		t.Error(err)
	}
}

// TestOwned changes elements and checks that their neighbours, which lie beside
// them in memory, and the next stanza do not change.
func TestOwned(t *testing.T) {
	r := NewReader(strings.NewReader(strings.Repeat("<a x='1'><b y='2'>t</b><c z='3'/></a>", 2)), testSpace, Limits{})
	first, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	first.Set("new", "1")
	first.Child("", "b").Set("new", "2").AddText("u").Add(New("", "d"))
	if got, want := dump(first), `a x="1" new="1"(b y="2" new="2"("t" "u" {}d()) c z="3"())`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	second, err := r.Next()
	if got, want := dump(second), `a x="1"(b y="2"("t") c z="3"())`; err != nil || got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAllocs(t *testing.T) {
	r := NewReader(&endless{text: chat, n: 1 << 30}, testSpace, Limits{})
	if n := testing.AllocsPerRun(100, func() { _, _ = r.Next() }); n > 4 {
		t.Errorf("%v allocations for a message", n)
	}
}
