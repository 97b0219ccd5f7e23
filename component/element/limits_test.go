package element

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	many := func(n int, s string) string { return strings.Repeat(s, n) }
	attrs := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(" a" + string(rune('a'+i)) + "=''")
		}
		return b.String()
	}
	small := Limits{Stanza: 200, Depth: 4, Attrs: 3, Name: 8, Elements: 6}
	const next = "\nnext()" + endOfInput
	for _, tt := range []struct{ name, in, want string }{
		{"size that fits", "<a>" + many(193, "x") + "</a>", `a("` + many(193, "x") + `")`},
		{"size of text", "<a id='1'>" + many(200, "x") + "</a>", `over size a id="1"()`},
		{"size by one byte", "<a>" + many(194, "x") + "</a>", "over size a()"},
		{"size of the first tag", "<a id='1' b='" + many(200, "x") + "'/>", `over size a id="1"()`},
		{"size of the first tag, not empty", "<a id='1' b='" + many(200, "x") + "'><b/></a>", `over size a id="1"()`},
		{"size of a value inside", "<a id='1'><b c='>" + many(300, "/>") + "'/></a>", `over size a id="1"()`},
		{"size of cdata", "<a id='1'><![CDATA[" + many(300, "</a>]]") + "]]></a>", `over size a id="1"()`},
		{"size of many texts", "<a>" + many(5, "<b>"+many(50, "x")+"</b>") + "</a>", "over size a()"},
		{"size of the end tag", "<a>" + many(193, "x") + "</a >", "over size a()"},
		{"depth that fits", many(4, "<a>") + many(4, "</a>"), "a(a(a(a())))"},
		{"depth", "<a id='1'>" + many(4, "<b>") + "</b></b></b></b></a>", `over depth a id="1"()`},
		{"depth of an empty element", many(4, "<a>") + "<b/>" + many(4, "</a>"), "over depth a()"},
		{"elements that fit", "<a>" + many(5, "<b/>") + "</a>", "a(b() b() b() b() b())"},
		{"elements", "<a>" + many(6, "<b/>") + "x</a>", "over elements a()"},
		{"attributes that fit", "<a" + attrs(3) + "/>", `a aa="" ab="" ac=""()`},
		{"attributes", "<a id='1'" + attrs(3) + "><b/></a>", `over attributes a id="1" aa="" ab=""()`},
		{"attributes inside", "<a id='1'><b" + attrs(4) + "/></a>", `over attributes a id="1"()`},
		{"declarations are attributes", "<a xmlns='n' xmlns:p='n' p:a='1' p:b='2'/>", `over attributes {n}a {n}a="1"()`},
		{"prefixes that fit", "<a><b xmlns:p='n' xmlns:q='n' xmlns:r='n'/><c xmlns:p='n'/></a>", "a(b() c())"},
		{"prefixes", "<a id='1' xmlns:p='n'><b xmlns:q='n' xmlns:r='n'><p:c xmlns:s='n'/></b></a>", `over prefixes a id="1"()`},
		{"name that fits", "<abcdefgh/>", "abcdefgh()"},
		{"name", "<abcdefghi/>", "over name length"},
		{"name inside", "<a id='1'><abcdefghi></abcdefghi></a>", `over name length a id="1"()`},
		{"name with its prefix", "<a id='1'><stream:ab/></a>", `over name length a id="1"()`},
		{"name of an attribute", "<a id='1' abcdefghi=''>x</a>", `over name length a id="1"()`},
		{"namespace", "<a id='1' xmlns='urn:abcde'>x</a>", `over name length a id="1"()`},
		{"namespace that fits", "<a xmlns='urn:abcd'/>", "{urn:abcd}a()"},
		{"undeclared prefix in the tag that is over", "<p:a" + attrs(4) + "/>", "over attributes"},
	} {
		for how, open := range divisions {
			got := readAll(NewReader(open(tt.in+"\n<next/>"), testSpace, small))
			if want := tt.want + next; got != want {
				t.Errorf("%s, %s:\n got %s\nwant %s", tt.name, how, got, want)
			}
		}
	}
}

// TestSkipped checks what is noticed in a stanza that is over a limit already.
func TestSkipped(t *testing.T) {
	for in, want := range map[string]string{
		"<!-- -->":                    "comment or document type",
		"<!DOCT>":                     "comment or document type",
		"<?p?>":                       "processing instruction",
		"<b / c>":                     "slash in a tag",
		"<b <c/>>":                    "< in a tag",
		"<b c='<'":                    "< in an attribute's value",
		`<b c="<"`:                    "< in an attribute's value",
		"<b>":                         "unexpected EOF",
		"":                            "",
		"<b/>":                        "",
		"<b></b>":                     "",
		"<b c=\"'/>\" d='\"/>'></b>":  "",
		"<![CDATA[</a><b>]]]]]><b/>":  "",
		"<b></b </a>":                 "< in a tag",
		"<b><c/><d><e/></d></b><f />": "",
	} {
		for how, open := range divisions {
			r := NewReader(open("<a><over><depth/></over>"+in+"</a><next/>"), testSpace, Limits{Depth: 2})
			got := ""
			_, err := r.Next()
			var syntax *SyntaxError
			var over *LimitError
			switch {
			case errors.As(err, &syntax):
				got = syntax.Msg
			case errors.As(err, &over) && over.What == "depth":
				if e, err := r.Next(); err != nil || e.Name != "next" {
					got = "lost its place"
				}
			default:
				got = err.Error()
			}
			if got != want {
				t.Errorf("%q, %s: got %q, want %q", in, how, got, want)
			}
		}
	}
}

func TestLimitErrorText(t *testing.T) {
	_, err := Parse("<a><b><secret/></b></a>", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewReader(strings.NewReader("<a><secret/></a>"), "", Limits{Depth: 1}).Next()
	if err == nil || err.Error() != "element: stanza over the limit of depth" {
		t.Error(err)
	}
	_, err = NewReader(strings.NewReader("<a><secret</a>"), "", Limits{}).Next()
	if err == nil || err.Error() != "element: byte 10 of the stream: no white space before an attribute" {
		t.Error(err)
	}
}

// heap calls f and returns by how much the heap grew at most, as far as
// samples at every read show.
func heap(t *testing.T, src io.Reader, f func(io.Reader)) uint64 {
	t.Helper()
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most uint64
	n := 0
	f(readerFunc(func(p []byte) (int, error) {
		if n++; n%64 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > before.HeapAlloc {
				most = max(most, now.HeapAlloc-before.HeapAlloc)
			}
		}
		return src.Read(p)
	}))
	return most
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestMemory feeds stanzas without an end.
func TestMemory(t *testing.T) {
	const million = 1 << 20
	for name, src := range map[string]io.Reader{
		"text":        io.MultiReader(strings.NewReader("<a>"), &endless{text: "x", n: 100 * million}),
		"value":       io.MultiReader(strings.NewReader("<a b='"), &endless{text: "x", n: 100 * million}),
		"name":        io.MultiReader(strings.NewReader("<"), &endless{text: "x", n: 100 * million}),
		"attributes":  io.MultiReader(strings.NewReader("<a"), &endless{text: " b=''", n: 20 * million}),
		"open tags":   &endless{text: "<a>", n: 30 * million},
		"empty tags":  io.MultiReader(strings.NewReader("<a>"), &endless{text: "<b/>", n: 25 * million}),
		"cdata":       io.MultiReader(strings.NewReader("<a><![CDATA["), &endless{text: "]]", n: 50 * million}),
		"cdata parts": io.MultiReader(strings.NewReader("<a>"), &endless{text: "<![CDATA[]]>", n: 10 * million}),
		"end tag":     io.MultiReader(strings.NewReader("<a></a"), &endless{text: " ", n: 100 * million}),
	} {
		var err error
		most := heap(t, src, func(src io.Reader) {
			_, err = NewReader(src, testSpace, Limits{}).Next()
		})
		if err != ErrEndless {
			t.Errorf("%s: %v", name, err)
		}
		// The buffer (1 MiB and the one that it outgrew), and at most
		// 10 000 elements with 40 000 attributes.
		if most > 6*million {
			t.Errorf("%s: the heap grew by %d bytes", name, most)
		}
	}
}

// TestNested reads 200 000 nested elements, which encoding/xml accepts.
func TestNested(t *testing.T) {
	in := strings.Repeat("<a>", 200_000) + strings.Repeat("</a>", 200_000) + "<next/>"
	r := NewReader(strings.NewReader(in), testSpace, Limits{})
	if got, want := readAll(r), "over depth a()\nnext()"+endOfInput; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestLargest has a stanza of exactly the greatest size, handed out byte by
// byte: the work must be linear.
func TestLargest(t *testing.T) {
	for name, parts := range map[string][2]string{
		"text":  {"<a>", "</a>"},
		"value": {"<a b='", "'/>"},
		"cdata": {"<a><![CDATA[", "]]></a>"},
	} {
		in := parts[0] + strings.Repeat("é", (1<<19)-16) + parts[1]
		in += strings.Repeat(" ", 1<<20-len(in))
		in = strings.Replace(in, parts[1], strings.Repeat("x", len(in)-len(strings.TrimRight(in, " ")))+parts[1], 1)
		in = strings.TrimRight(in, " ")
		if len(in) != 1<<20 {
			t.Fatal(len(in))
		}
		r := NewReader(&chunks{s: in, n: 1}, testSpace, Limits{})
		if _, err := r.Next(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(r.buf) > 1<<20+chunk {
			t.Errorf("%s: buffer of %d bytes", name, len(r.buf))
		}
	}
}

// TestSlab checks that hostile stanzas within the limits cost no more than
// their size warrants.
func TestSlab(t *testing.T) {
	in := "<a>" + strings.Repeat("<b c='' d='' e='' f=''/>x", 9_999) + "</a>"
	e, err := NewReader(strings.NewReader(in), testSpace, Limits{}).Next()
	if err != nil || e.Count() != 9_999 {
		t.Fatal(e.Count(), err)
	}
	in = "<a>" + strings.Repeat("<b c='' d='' e='' f='' g=''/>", 9_999) + "</a>"
	_, err = NewReader(strings.NewReader(in), testSpace, Limits{}).Next()
	var over *LimitError
	if !errors.As(err, &over) || over.What != "attributes" {
		t.Error(err)
	}
}
