package oscarwire

import (
	"reflect"
	"strings"
	"testing"
)

func TestHTMLToRuns(t *testing.T) {
	bold, link := Look{Bold: true}, Look{Link: "http://x/"}
	red := Look{Fore: 0xFF0000 | Coloured}
	for _, c := range []struct {
		in   string
		want []Run
	}{
		{"plain", nil},
		{"<HTML><BODY BGCOLOR=\"#ffffff\"><FONT FACE=\"Arial\" SIZE=2 COLOR=\"#000000\" BACK=\"#ffffff\">x</FONT></BODY></HTML>", nil},
		{"<b></b>x", nil},
		{"<b> </b>x", nil},
		{"a <b>b</b> c", []Run{{Text: "a "}, {"b", bold}, {Text: " c"}}},
		{"<B>b", []Run{{"b", bold}}},
		{"<b>a<b>b</b>c</b>d", []Run{{"abc", bold}, {Text: "d"}}},
		{"</b>a<b>b</b></b></b><b>c</b>", []Run{{Text: "a"}, {"bc", bold}}},
		{"<b>a</b><b>b</b>", []Run{{"ab", bold}}},
		{"<b>a<br>b</b>", []Run{{"a\nb", bold}}},
		{" <b> a </b> ", []Run{{"a", bold}}},
		{"<strong>a</strong><em>b</em><u>c</u><strike>d</strike><tt>e</tt>", []Run{{"a", bold}, {"b", Look{Italic: true}},
			{"c", Look{Underline: true}}, {"d", Look{Strike: true}}, {"e", Look{Fixed: true}}}},
		{"<b><i>a</b>b</i>", []Run{{"a", Look{Bold: true, Italic: true}}, {"b", Look{Italic: true}}}},
		{"<font color=#ff0000>a<font size=3>b</font>c</font>d", []Run{{"abc", red}, {Text: "d"}}},
		{"<font color=\"red\">a</font>", []Run{{"a", red}}},
		{"<FONT COLOR=Red>a</FONT>", []Run{{"a", red}}},
		{"<font color=#F00>a</font>", []Run{{"a", red}}},
		{"<font color=ff0000>a</font>", []Run{{"a", red}}},
		{"<font color='rebeccapurple'>a</font>", []Run{{"a", Look{Fore: 0x663399 | Coloured}}}},
		{"<font back=lime color=navy>a</font>", []Run{{"a", Look{Fore: 0x80 | Coloured, Back: 0x00FF00 | Coloured}}}},
		{"<font color=reddish>a</font>", nil},
		{"<font color=black>a</font>", nil}, // the default
		{"<font back='#00FF00'>a</font>", []Run{{"a", Look{Back: 0x00FF00 | Coloured}}}},
		{"<font color=#000000 back=#00ff00>a</font>", []Run{{"a", Look{Fore: Coloured, Back: 0x00FF00 | Coloured}}}},
		{`<a href="http://x/">here</a>.`, []Run{{"here", link}, {Text: " <http://x/>."}}},
		{`<a href="http://x/">x</a>`, []Run{{"x", link}}},
		{`<a href="http://x/"></a>`, []Run{{"http://x/", link}}},
		{`<b><a href="http://x/">x</a></b>`, []Run{{"x", Look{Bold: true, Link: "http://x/"}}}},
		{`<a href="javascript:alert(1)">t</a>`, nil},
		{`<a href="JavaScript:alert(1)">t</a>`, nil},
		{`<a href=" data:text/html,x">t</a>`, nil},
		{`<a href="http://x/&quot; onclick=&quot;y">t</a>`, nil},
		{`<a href="mailto:a@b">a@b</a>`, []Run{{"a@b", Look{Link: "mailto:a@b"}}}},
		{"<script><b>x</b></script>y", nil},
		{"<b>\x00x\x07</b>", []Run{{"x", bold}}},
	} {
		text, got := HTMLToRuns(c.in)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q:\n got %+v\nwant %+v", c.in, got, c.want)
		}
		if want := HTMLToText(c.in); text != want {
			t.Errorf("%q: %q, as text %q", c.in, text, want)
		}
	}
}

func TestRunsToHTML(t *testing.T) {
	for _, c := range []struct {
		in   []Run
		want string
	}{
		{[]Run{{Text: "a <b> & \"c\"\nd"}}, "a &lt;b&gt; &amp; &quot;c&quot;<br>d"},
		{[]Run{{"a", Look{Bold: true, Italic: true}}, {"b", Look{Underline: true, Strike: true}}}, "<B><I>a</I></B><U><S>b</S></U>"},
		{[]Run{{"a", Look{Fore: 0xFF | Coloured, Back: Coloured}}, {"b", Look{Fixed: true}}},
			`<FONT COLOR="#0000ff" BACK="#000000">a</FONT><FONT FACE="Courier New">b</FONT>`},
		{[]Run{{"here", Look{Link: "http://x/?a&b"}}, {Text: " <http://x/?a&b>"}, {Text: " now"}}, `<A HREF="http://x/?a&amp;b">here</A> now`},
		{[]Run{{"here", Look{Link: "http://x/"}}, {Text: " <http://y/>"}}, `<A HREF="http://x/">here</A> &lt;<A HREF="http://y/">http://y/</A>&gt;`},
		{[]Run{{"x http://x/ y", Look{Bold: true}}}, `<B>x <A HREF="http://x/">http://x/</A> y</B>`},
	} {
		if got := RunsToHTML(c.in); got != c.want {
			t.Errorf("%+v:\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

func TestLinkedHTML(t *testing.T) {
	const x, y = `<A HREF="http://x/">http://x/</A>`, `<A HREF="https://y/z?a=1&amp;b=(2">https://y/z?a=1&amp;b=(2</A>`
	for in, want := range map[string]string{
		"": "", "no link": "no link", "http://x/": x, "see http://x/, or (https://y/z?a=1&b=(2).": "see " + x + ", or (" + y + ").",
		"http": "http", "http:// x": "http:// x", "xhttp://x/": "xhttp://x/", "http://": "http://", "<http://x/>": "&lt;" + x + "&gt;",
		"http:x https:y http://x/": "http:x https:y " + x, "*http://x/*": "*" + x + "*", "http://x/\nhttp://x/": x + "<br>" + x,
	} {
		if got := LinkedHTML(in); got != want {
			t.Errorf("%q:\n got %s\nwant %s", in, got, want)
		}
	}
}

// Nested formatting of a hostile sender costs no more than text.
func TestRunsAreBounded(t *testing.T) {
	for _, in := range []string{
		strings.Repeat("<b>x</b><i>y</i>", 5000), strings.Repeat("<font color=#112233><b>", 5000) + "x",
		strings.Repeat(`<a href="http://x/">`, 5000), strings.Repeat("http://x/ ", 8000), strings.Repeat("http", 20000), strings.Repeat("<font>", 10000) + "x" + strings.Repeat("</font>", 10000),
	} {
		text, runs := HTMLToRuns(in)
		LinkedHTML(in)
		if len(runs) > maxRuns+1 || len(text) > 4*len(in)+16 {
			t.Errorf("%.30q…: %d runs, %d bytes", in, len(runs), len(text))
		}
	}
}

// FuzzRuns checks that runs equal the text, are clean, and survive encoding and
// decoding.
func FuzzRuns(f *testing.F) {
	for _, s := range []string{"<b>a</b> <a href='http://x/'>y</a>", "<font color=#ff0000>a<i>b</font>c", "a\r<b>\nb", "http://x/ <u>http://y/</u>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, runs := HTMLToRuns(s)
		if !isClean(text) || strings.Trim(text, "\n ") != text {
			t.Fatalf("%q became %q", s, text)
		}
		if runs == nil {
			return
		}
		joined := ""
		for _, r := range runs {
			joined += r.Text
			if r.Link != "" && !safeLink(r.Link) {
				t.Fatalf("%q leads to %q", s, r.Link)
			}
		}
		if joined != text {
			t.Fatalf("%q is %q, in runs %q", s, text, joined)
		}
		LinkedHTML(s)
		if strings.ContainsRune(s, '\u00A0') || strings.Contains(text, " <") {
			return
		}
		if again, _ := HTMLToRuns(RunsToHTML(runs)); again != text && !strings.Contains(text, "http") && !strings.Contains(text, "xmpp:") && !strings.Contains(text, "mailto:") && !strings.Contains(s, "href") {
			t.Fatalf("%q: %q came back as %q", s, text, again)
		}
	})
}
