package body

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"transport/component/element"
	"transport/component/stanza"
	"transport/legacy"
)

// TestShownMarkup shows formatting as styling and as XHTML. (XEP-0393 §6, XEP-0071 §7)
func TestShownMarkup(t *testing.T) {
	red := uint32(0xff0000) | legacy.HasColour
	for _, tt := range []struct {
		spans         []legacy.Span
		styled, xhtml string
	}{
		{nil, "", ""},
		{[]legacy.Span{{Text: "a "}, {Text: "b", Style: legacy.Bold}, {Text: " c"}}, "a *b* c", "a <strong>b</strong> c"},
		{[]legacy.Span{{Text: "a", Style: legacy.Italic}, {Text: "b"}}, "ab", "<em>a</em>b"},
		{[]legacy.Span{{Text: "x"}, {Text: "b", Style: legacy.Bold}}, "xb", "x<strong>b</strong>"},
		{[]legacy.Span{{Text: " b ", Style: legacy.Bold}}, " b ", "<strong> b </strong>"},
		{[]legacy.Span{{Text: "a*b", Style: legacy.Bold}}, "a*b", "<strong>a*b</strong>"},
		{[]legacy.Span{{Text: "a\nb", Style: legacy.Bold}}, "a\nb", "<strong>a<br/>b</strong>"},
		{[]legacy.Span{{Text: "a", Style: legacy.Strike | legacy.Underline}}, "~a~", "<span style='text-decoration: underline line-through'>a</span>"},
		{[]legacy.Span{{Text: "<a>", Style: legacy.Monospace | legacy.Bold}}, "`<a>`", "<strong><code>&lt;a></code></strong>"},
		{[]legacy.Span{{Text: "a", Fore: red, Back: legacy.HasColour}}, "a", "<span style='color: #ff0000; background-color: #000000'>a</span>"},
		{[]legacy.Span{{Text: "here", Link: "http://x/?a='&b"}, {Text: " <http://x/?a='&b>"}}, "here <http://x/?a='&b>",
			"<a href='http://x/?a=&apos;&amp;b'>here</a> &lt;http://x/?a='&amp;b>"},
	} {
		text := textOfSpans(tt.spans)
		if got := Styled(text, tt.spans); got != tt.styled {
			t.Errorf("%+v is styled %q, want %q", tt.spans, got, tt.styled)
		}
		want := ""
		if tt.xhtml != "" {
			want = "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>" + tt.xhtml + "</p></body></html>"
		}
		got := string(AppendXHTML(nil, tt.spans))
		if read := func(s string) string {
			e, err := stanza.Parse([]byte(s))
			return strings.TrimSpace(e.String() + errorText(err))
		}; want != "" && read(got) != read(want) {
			t.Errorf("%+v is\n%s, want\n%s", tt.spans, read(got), read(want))
		}
		if want == "" && got != "" {
			t.Errorf("%+v is %s", tt.spans, got)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func messageOf(t testing.TB, inside string) *element.Element {
	t.Helper()
	e, err := stanza.Parse([]byte("<message xmlns='jabber:component:accept'>" + inside + "</message>"))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestOutgoingMarkup reads formatting as clients write it. (XEP-0071 §7, §8; XEP-0393 §6)
func TestOutgoingMarkup(t *testing.T) {
	red := uint32(0xff0000) | legacy.HasColour
	xhtml := func(body string) string {
		return "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>" + body + "</body></html>"
	}
	for _, tt := range []struct {
		text, inside string
		want         []legacy.Span
	}{
		{"plain", "", nil},
		{"*a* b", "", []legacy.Span{{Text: "*a*", Style: legacy.Bold}, {Text: " b"}}},
		{"*a* b", "<unstyled xmlns='urn:xmpp:styling:0'/>", nil},
		{"2*3*4", "", nil},
		{"* a *", "", nil},
		{"*a\nb*", "", nil},
		{"(_a_), ~b~ `c`", "", []legacy.Span{{Text: "("}, {Text: "_a_", Style: legacy.Italic}, {Text: "), "}, {Text: "~b~", Style: legacy.Strike}, {Text: " "}, {Text: "`c`", Style: legacy.Monospace}}},
		{"x", xhtml("<p>no format</p>"), nil},
		{"x", xhtml("<p>a <strong>b<em>c</em></strong></p><p>d</p>"), []legacy.Span{{Text: "a "}, {Text: "b", Style: legacy.Bold}, {Text: "c\n", Style: legacy.Bold | legacy.Italic}, {Text: "d"}}},
		{"x", xhtml("<p style='color: red; font-weight: bold'>a<br/>b</p>"), []legacy.Span{{Text: "a\nb", Style: legacy.Bold, Fore: red}}},
		{"x", xhtml("<p>\n  a\n<b>b</b>\nc\n</p>\n"), []legacy.Span{{Text: "a "}, {Text: "b", Style: legacy.Bold}, {Text: " c"}}},
		{"x", xhtml("<ul><li>a</li><li><u>b</u></li></ul>"), []legacy.Span{{Text: "• a\n• "}, {Text: "b", Style: legacy.Underline}}},
		{"x", xhtml("<a href='http://x/'>here</a>!"), []legacy.Span{{Text: "here", Link: "http://x/"}, {Text: " <http://x/>!"}}},
		{"x", xhtml("<a href='http://x/'>http://x/</a>"), []legacy.Span{{Text: "http://x/", Link: "http://x/"}}},
		{"x", xhtml("<b><a href='javascript:alert(1)'>here</a></b>"), []legacy.Span{{Text: "here", Style: legacy.Bold}}},
		{"x", xhtml("<b>a</b><script>alert(1)</script><img src='cid:1' alt='smile'/>"), []legacy.Span{{Text: "a", Style: legacy.Bold}, {Text: "smile"}}},
		{"corrected", xhtml("<b>a</b>") + "<replace xmlns='urn:xmpp:message-correct:0' id='1'/>", nil},
	} {
		got, text := Markup(messageOf(t, tt.inside), tt.text)
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s:\n got %+v\nwant %+v", tt.text, tt.inside, got, tt.want)
		}
		if want := textOfSpans(got); got != nil && text != want || got == nil && text != tt.text {
			t.Errorf("%s %s: the text is %q", tt.text, tt.inside, text)
		}
	}
}

// FuzzOutgoingMarkup: whatever XHTML or styling comes, the spans are few, and together
// they are the text.
func FuzzOutgoingMarkup(f *testing.F) {
	f.Add("*a* _b_", "<p>a <strong style='color: #f00'>b</strong><a href='x:y'>z</a></p>")
	f.Add("`*~_", "<ul><li/><br/><li>&amp;</li></ul>")
	f.Add("", "<blockquote><p/></blockquote><img alt='x'/>")
	f.Fuzz(func(t *testing.T, text, body string) {
		text = Clean(strings.ToValidUTF8(text, ""))
		inside := ""
		if body != "" {
			inside = "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>" + body + "</body></html>"
		}
		e, err := stanza.Parse([]byte("<message xmlns='jabber:component:accept'>" + inside + "</message>"))
		if err != nil {
			return
		}
		spans, said := Markup(e, text)
		if len(spans) > maxSpans+1 || !utf8.ValidString(said) {
			t.Fatalf("%d spans, %q", len(spans), said)
		}
		if spans != nil && textOfSpans(spans) != said {
			t.Fatalf("%q is not %+v", said, spans)
		}
		for _, s := range spans {
			if s.Link != "" && !safeLink(s.Link) {
				t.Fatalf("leads to %q", s.Link)
			}
		}
		if _, err := stanza.Parse(AppendXHTML(nil, spans)); spans != nil && err != nil {
			t.Fatalf("%s: %v", AppendXHTML(nil, spans), err)
		}
		Styled(said, spans)
	})
}
