package oscarwire

import (
	"strings"
	"testing"
	"time"
)

func TestHTMLToText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"", ""},
		{"<HTML><BODY>hello <b>barnowl</b></BODY></HTML>", "hello barnowl"},
		{`<HTML><BODY BGCOLOR="#ffffff"><FONT FACE="Arial" SIZE=2 COLOR="#000000">x</FONT></BODY></HTML>`, "x"},
		{"<HTML>\n<BODY>\nx\n</BODY>\n</HTML>", "x"},
		{"a<br>b<BR/>c<br />d", "a\nb\nc\nd"},
		{"a<br><br>b", "a\n\nb"},
		{"a<br>\nb", "a\nb"},
		{"a\nb", "a\nb"},
		{"<p>a</p><p>b</p>", "a\nb"},
		{"<div>a</div>b", "a\nb"},
		{"a<hr>b", "a\nb"},
		{"<ul><li>a<li>b</ul>c", "a\nb\nc"},
		{"a &lt;b&gt; &amp;amp; &quot;&#39;&#x263A;&nbsp;&hearts;", "a <b> &amp; \"'\u263a \u2665"},
		{"&eacute;&EACUTE;&nosuch; & &; &#; &#0; &#xD800; &#99999999;x", "\u00e9&EACUTE;&nosuch; & &; &#; \uFFFD \uFFFD \uFFFDx"},
		{"&amp", "&"},
		{"a  b", "a  b"},
		{"a &nbsp;b", "a  b"},
		{"1 < 2 and 3 > 2", "1 < 2 and 3 > 2"},
		{"I <3 you", "I <3 you"},
		{"a <b", "a <b"},
		{"<", "<"},
		{"<>", "<>"},
		{"</>", "</>"},
		{"</ b>x", "</ b>x"},
		{"x<b>y", "xy"},
		{"x</b>y", "xy"},
		{"<b", "<b"},
		{`<a href="http://x/">here</a>.`, "here <http://x/>."},
		{`<a href="http://x/">http://x/</a>`, "http://x/"},
		{`<a href="http://x/">x</a>`, "x"},
		{`<A HREF='mailto:a@b'>a@b</A>`, "a@b"},
		{`<a target=_blank href=http://x/y>t</a>`, "t <http://x/y>"},
		{`<a href="http://x/?a=1&amp;b=2">t</a>`, "t <http://x/?a=1&b=2>"},
		{`<a href="http://x/"></a>`, "http://x/"},
		{`<a href="http://x/">open`, "open <http://x/>"},
		{`<a href="u1">a<a href="u2">b</a>`, "a <u1>b <u2>"},
		{`<a href="javascript:alert(1)">t</a>`, "t"},
		{`<a name="n">t</a>`, "t"},
		{`<a href="a>b">t</a>`, "t <a>b>"},
		{`<a href="a>t</a> tail`, "t <a> tail"},
		{"<script>if (a < b) x()</script>y", "y"},
		{"<STYLE type='x'>p > a {}</STYLE>y", "y"},
		{"<title>t</title>y", "y"},
		{"x<script>y", "x"},
		{"<head><title>t</title></head><body>y", "y"},
		{"a<!-- <b> -->b", "ab"},
		{"a<!-- no end", "a<!-- no end"},
		{"<!DOCTYPE html>x", "x"},
		{"<?xml version='1.0'?>x", "x"},
		{"<! no end", "<! no end"},
		{`<img src="s.gif" alt=":)">x`, ":)x"},
		{"<blink>x</blink><o:p>y</o:p>", "xy"},
		{"<b>\x00x\x07</b>", "x"},
		{`Don't <b class="it's">do</b> it`, "Don't do it"},
		{"<p class=x'y>z</p>", "z"},
	} {
		if got := HTMLToText(c.in); got != c.want {
			t.Errorf("%q:\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestTextToHTML(t *testing.T) {
	for in, want := range map[string]string{
		"a < b & \"c\"": "a &lt; b &amp; &quot;c&quot;",
		"a\nb\r\nc\rd":  "a<br>b<br>c<br>d",
		"a  b   c":      "a &nbsp;b &nbsp; c",
		"1 < 2 <tag>":   "1 &lt; 2 &lt;tag&gt;",
		"h\u00e9":       "h\u00e9",
	} {
		got := TextToHTML(in)
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		back := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(in)
		if HTMLToText(WrapHTML(got)) != back {
			t.Errorf("%q: back %q", in, HTMLToText(WrapHTML(got)))
		}
	}
}

func TestLooksLikeHTML(t *testing.T) {
	for in, want := range map[string]bool{
		"<HTML><BODY>x": true, " \n<html >x": true, "<font size=1>x": true, "<!DOCTYPE html>": true, "<body\n>": true,
		"": false, "<": false, "<html": false, "<htmlx>": false, "x <html>": false, "<b>x</b>": false, "1 < 2": false,
	} {
		if LooksLikeHTML(in) != want {
			t.Errorf("%q", in)
		}
	}
}

// Input for which a careless parser would rescan the rest at every step.
func TestHTMLIsLinear(t *testing.T) {
	const n = 1 << 20
	for _, unit := range []string{
		"<", "<a", "<a ", "</", "<!--", "<!", "<a href=\"", "<a href='\"", "<a href=\">\" ", "<a x=\">\"", "&", "&a", "&#",
		"<script>", "<script", "<a href=x>", "<a href=\"x\">y", "<a =", "<a = = ", "\r", "\n", "<br>\n", "<img alt=&>", "<title></title",
	} {
		in := strings.Repeat(unit, n/len(unit))
		start := time.Now()
		out := HTMLToText(in)
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("%q: %v", unit, d)
		}
		if len(out) > 4*len(in)+64 {
			t.Errorf("%q: %d bytes became %d", unit, len(in), len(out))
		}
	}
}
