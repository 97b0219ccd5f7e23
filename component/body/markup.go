package body

import (
	"cmp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// Styled returns a text with message styling directives for its formatting. A span whose
// directives clients would not recognise stays plain. (XEP-0393 §6)
func Styled(text string, spans []legacy.Span) string {
	if spans == nil {
		return text
	}
	var b strings.Builder
	for i, s := range spans {
		mark := ""
		switch {
		case s.Style&legacy.Monospace != 0:
			mark = "`"
		case s.Style&legacy.Bold != 0:
			mark = "*"
		case s.Style&legacy.Italic != 0:
			mark = "_"
		case s.Style&legacy.Strike != 0:
			mark = "~"
		}
		before, _ := utf8.DecodeLastRuneInString(b.String())
		after := ' '
		if i+1 < len(spans) {
			after, _ = utf8.DecodeRuneInString(spans[i+1].Text)
		}
		if mark == "" || strings.TrimSpace(s.Text) != s.Text || s.Text == "" || strings.Contains(s.Text, "\n") || strings.Contains(s.Text, mark) ||
			b.Len() > 0 && !unicode.IsSpace(before) && !unicode.IsPunct(before) || unicode.IsLetter(after) || unicode.IsDigit(after) {
			b.WriteString(s.Text)
			continue
		}
		b.WriteString(mark + s.Text + mark)
	}
	return b.String()
}

// AppendXHTML appends formatted text as an <html/> element, and nothing without spans.
// (XEP-0071 §7)
func AppendXHTML(dst []byte, spans []legacy.Span) []byte {
	if spans == nil {
		return dst
	}
	dst = append(dst, "<html xmlns='"+xep.NSXHTMLIM+"'><body xmlns='"+xep.NSXHTML+"'><p>"...)
	for _, s := range spans {
		var closing []string
		open := func(tag, attrs string) {
			dst = append(append(append(append(dst, '<'), tag...), attrs...), '>')
			closing = append(closing, tag)
		}
		if style := cssOf(s); style != "" {
			open("span", " style='"+style+"'")
		}
		if s.Link != "" {
			open("a", string(stanza.AppendAttr(nil, "href", s.Link)))
		}
		if s.Style&legacy.Bold != 0 {
			open("strong", "")
		}
		if s.Style&legacy.Italic != 0 {
			open("em", "")
		}
		if s.Style&legacy.Monospace != 0 {
			open("code", "")
		}
		for i, line := range strings.Split(s.Text, "\n") {
			if i > 0 {
				dst = append(dst, "<br/>"...)
			}
			dst = element.AppendText(dst, line)
		}
		for i := len(closing) - 1; i >= 0; i-- {
			dst = append(append(append(dst, "</"...), closing[i]...), '>')
		}
	}
	return append(dst, "</p></body></html>"...)
}

// cssOf returns the CSS for the formatting that has no XHTML element. (XEP-0071 §7.7)
func cssOf(s legacy.Span) string {
	var all []string
	colour := func(c uint32) string {
		return "#" + strconv.FormatUint(uint64(c&0xffffff|legacy.HasColour), 16)[1:]
	}
	if s.Fore != 0 {
		all = append(all, "color: "+colour(s.Fore))
	}
	if s.Back != 0 {
		all = append(all, "background-color: "+colour(s.Back))
	}
	switch {
	case s.Style&legacy.Underline != 0 && s.Style&legacy.Strike != 0:
		all = append(all, "text-decoration: underline line-through")
	case s.Style&legacy.Underline != 0:
		all = append(all, "text-decoration: underline")
	case s.Style&legacy.Strike != 0:
		all = append(all, "text-decoration: line-through")
	}
	return strings.Join(all, "; ")
}

// Markup returns the formatting of a message, nil for plain text, and its text. The
// formatting is that of the message's XHTML, or else of its message styling, whose
// directives stay in the text. The XHTML of a correction, or of a reply with a quotation, is
// ignored: it is not that of the text.
func Markup(st *element.Element, text string) ([]legacy.Span, string) {
	at := QuoteIn(st)
	if html := st.Child(xep.NSXHTMLIM, "html"); html != nil && st.Child(xep.NSCorrect, "replace") == nil && at[0] == at[1] {
		if body := html.Child(xep.NSXHTML, "body"); body != nil {
			var w xhtmlReader
			w.read(body, legacy.Span{})
			if spans := w.finish(); spans != nil {
				return spans, textOfSpans(spans)
			}
			return nil, text
		}
	}
	if st.Child(xep.NSStyling, "unstyled") != nil || !strings.ContainsAny(text, "*_~`") {
		return nil, text
	}
	return styledSpans(text), text
}

func textOfSpans(spans []legacy.Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.Text)
	}
	return b.String()
}

const maxSpans = 200 // limit: formatted spans of a message | the rest is plain

// xhtmlReader translates XHTML to spans. It supports the recommended profile, and reads
// only the text of all other elements. (XEP-0071 §6, §8)
type xhtmlReader struct{ spans []legacy.Span }

func (w *xhtmlReader) add(text string, look legacy.Span) {
	if text == "" {
		return
	}
	if n := len(w.spans); n > 0 {
		last := w.spans[n-1]
		last.Text, look.Text = "", ""
		if last == look || n >= maxSpans {
			w.spans[n-1].Text += text
			return
		}
	}
	look.Text = text
	w.spans = append(w.spans, look)
}

// newline ends the current line, unless it is empty.
func (w *xhtmlReader) newline() {
	if n := len(w.spans); n > 0 && !strings.HasSuffix(w.spans[n-1].Text, "\n") {
		w.spans[n-1].Text += "\n"
	}
}

func (w *xhtmlReader) read(e *element.Element, look legacy.Span) {
	for _, node := range e.Nodes {
		child := node.Element
		if child == nil {
			text := collapse(Clean(node.Text))
			if n := len(w.spans); n == 0 || strings.HasSuffix(w.spans[n-1].Text, "\n") || strings.HasSuffix(w.spans[n-1].Text, " ") {
				text = strings.TrimLeft(text, " ")
			}
			w.add(text, look)
			continue
		}
		inner := look
		switch child.Name {
		case "strong", "b":
			inner.Style |= legacy.Bold
		case "em", "i", "cite":
			inner.Style |= legacy.Italic
		case "u", "ins":
			inner.Style |= legacy.Underline
		case "s", "del", "strike":
			inner.Style |= legacy.Strike
		case "code", "tt", "pre":
			inner.Style |= legacy.Monospace
		case "br":
			w.add("\n", look)
			continue
		case "p", "div", "blockquote", "ul", "ol", "h1", "h2", "h3":
			w.newline()
		case "li":
			w.newline()
			w.add("• ", look)
		case "img":
			w.add(cmp.Or(child.Attr("alt"), child.Attr("src")), look)
			continue
		case "script", "style":
			continue
		}
		href := Clean(child.Attr("href"))
		if child.Name == "a" && safeLink(href) {
			inner.Link = href
		}
		w.read(child, applyCSS(inner, child.Attr("style")))
		if child.Name == "a" && href != "" && child.Text() != href && !strings.HasPrefix(href, "javascript:") {
			w.add(" <"+href+">", look)
		}
		if child.Name == "p" || child.Name == "div" || child.Name == "li" {
			w.newline()
		}
	}
}

// safeLink reports whether an address is permitted as the link of a Span.
func safeLink(address string) bool {
	scheme, rest, _ := strings.Cut(address, ":")
	switch strings.ToLower(scheme) {
	case "http", "https", "mailto", "xmpp":
		return rest != "" && !strings.ContainsAny(address, " \t\n\"<>")
	}
	return false
}

// collapse replaces each run of line breaks and tabs by one space, as HTML does.
func collapse(s string) string {
	if !strings.ContainsAny(s, "\n\t") {
		return s
	}
	text := strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\t' }), " ")
	if s[0] == '\n' || s[0] == '\t' {
		text = " " + text
	}
	if last := s[len(s)-1]; (last == '\n' || last == '\t') && text != " " {
		text += " "
	}
	return text
}

// finish removes white space at the end and returns the spans, nil if none has formatting.
func (w *xhtmlReader) finish() []legacy.Span {
	for n := len(w.spans); n > 0; n = len(w.spans) {
		last := &w.spans[n-1]
		if last.Text = strings.TrimRight(last.Text, "\n "); last.Text != "" {
			break
		}
		w.spans = w.spans[:n-1]
	}
	for _, s := range w.spans {
		if s.Style != 0 || s.Fore != 0 || s.Back != 0 || s.Link != "" {
			return w.spans
		}
	}
	return nil
}

// marks maps styling directives to styles. (XEP-0393 §6)
var marks = map[byte]legacy.Style{'*': legacy.Bold, '_': legacy.Italic, '~': legacy.Strike, '`': legacy.Monospace}

// styledSpans finds the spans of a text that clients would style. It ignores nested
// styles and blocks. (XEP-0393 §6.2)
func styledSpans(text string) []legacy.Span {
	var spans []legacy.Span
	plain := 0
	for i := 0; i < len(text) && len(spans) < maxSpans; i++ {
		style, is := marks[text[i]]
		if !is || i > 0 && !isBoundary(text[i-1]) || i+1 >= len(text) || text[i+1] == ' ' || text[i+1] == text[i] {
			continue
		}
		line := text[i+1:]
		if end := strings.IndexByte(line, '\n'); end >= 0 {
			line = line[:end]
		}
		end := strings.IndexByte(line, text[i])
		if end <= 0 || line[end-1] == ' ' || end+1 < len(line) && !isBoundary(line[end+1]) {
			continue
		}
		stop := i + 1 + end + 1
		if plain < i {
			spans = append(spans, legacy.Span{Text: text[plain:i]})
		}
		spans = append(spans, legacy.Span{Text: text[i:stop], Style: style})
		plain, i = stop, stop-1
	}
	if spans == nil {
		return nil
	}
	if plain < len(text) {
		spans = append(spans, legacy.Span{Text: text[plain:]})
	}
	return spans
}

// isBoundary reports whether emphasis may begin after a byte, or end before it.
func isBoundary(b byte) bool { return strings.IndexByte(" \t\n.,;:!?()\"'", b) >= 0 }

// applyCSS adds the formatting of a style attribute to a span. (XEP-0071 §7.7)
func applyCSS(look legacy.Span, style string) legacy.Span {
	for rule := range strings.SplitSeq(style, ";") {
		name, value, _ := strings.Cut(strings.ToLower(rule), ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(name) {
		case "font-weight":
			if value == "bold" || value == "bolder" || value >= "600" && value <= "900" {
				look.Style |= legacy.Bold
			}
		case "font-style":
			if value == "italic" || value == "oblique" {
				look.Style |= legacy.Italic
			}
		case "text-decoration":
			if strings.Contains(value, "underline") {
				look.Style |= legacy.Underline
			}
			if strings.Contains(value, "line-through") {
				look.Style |= legacy.Strike
			}
		case "color":
			look.Fore = colourOf(value)
		case "background-color", "background":
			look.Back = colourOf(value)
		}
	}
	return look
}

// colourNames are the colour names of CSS 1.
var colourNames = map[string]uint32{
	"black": 0x000000, "silver": 0xc0c0c0, "gray": 0x808080, "white": 0xffffff, "maroon": 0x800000, "red": 0xff0000,
	"purple": 0x800080, "fuchsia": 0xff00ff, "green": 0x008000, "lime": 0x00ff00, "olive": 0x808000, "yellow": 0xffff00,
	"navy": 0x000080, "blue": 0x0000ff, "teal": 0x008080, "aqua": 0x00ffff, "orange": 0xffa500,
}

// colourOf parses a CSS colour. It returns 0 for an unknown one.
func colourOf(value string) uint32 {
	if c, ok := colourNames[value]; ok {
		return c | legacy.HasColour
	}
	hex, ok := strings.CutPrefix(value, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	if n, err := strconv.ParseUint(hex, 16, 24); ok && err == nil && len(hex) == 6 {
		return uint32(n) | legacy.HasColour
	}
	return 0
}

// IsUnstyled reports whether a text from a network contains styling directives that are
// not meant as such, because it has no markup. (XEP-0393 §6.1)
func IsUnstyled(text string, markup []legacy.Span) bool {
	return markup == nil && strings.ContainsAny(text, "*_~`>")
}

// Unstyled tells clients that a body contains no styling directives. (XEP-0393 §6)
const Unstyled = "<unstyled xmlns='" + xep.NSStyling + "'/>"
