package oscarwire

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// LooksLikeHTML reports whether a message to a UIN, which should be plain text, is AIM
// HTML, which some AIM clients send to every recipient: it begins with an <html>,
// <body>, <font> or <!doctype> tag.
func LooksLikeHTML(s string) bool {
	s = strings.TrimLeft(s, " \t\r\n")
	for _, tag := range [...]string{"html", "body", "font", "!doctype"} {
		n := len(tag) + 1
		if len(s) > n && s[0] == '<' && strings.EqualFold(s[1:n], tag) && strings.IndexByte("> \t\r\n", s[n]) >= 0 {
			return true
		}
	}
	return false
}

var toHTML = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;",
	"\r\n", "<br>", "\n", "<br>", "\r", "<br>", "  ", " &nbsp;",
)

// TextToHTML escapes plain text for AIM: markup characters become entities, newlines
// <br>, and the second of two spaces &nbsp; so that it is preserved.
func TextToHTML(s string) string { return toHTML.Replace(s) }

// TextToASCII is TextToHTML with a numeric reference for each character outside of ASCII. It
// is for texts whose charset a server does not preserve.
func TextToASCII(s string) string {
	s = TextToHTML(s)
	if isASCII([]byte(s)) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteByte(byte(r))
		} else {
			b.WriteString("&#" + strconv.Itoa(int(r)) + ";")
		}
	}
	return b.String()
}

// WrapHTML puts HTML into the document tags that AIM clients send.
func WrapHTML(s string) string { return "<HTML><BODY>" + s + "</BODY></HTML>" }

// HTMLToText converts AIM HTML to plain text. <br> and raw newlines break lines, and so
// do <p>, <div>, <li>, <tr> and similar tags at both ends; other tags and comments are
// removed, script, style, title and binary with their content; entities are decoded; a link
// whose text is not its address becomes `text <address>`. Unlike a browser it keeps
// runs of spaces. Broken markup is treated as text as far as possible. The time is
// linear in the input; the result is clean.
func HTMLToText(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return strings.Trim(Clean(s), "\n ")
	}
	return strings.Trim(Clean(string(parseHTML(s).out)), "\n ")
}

func parseHTML(s string) *htmlParser {
	p := &htmlParser{in: s, budget: 4*len(s) + 1024}
	p.out = make([]byte, 0, len(s))
	p.run()
	return p
}

type htmlParser struct {
	in  string
	out []byte
	// The open link: its address, and the start of its text in out.
	open   bool
	href   string
	anchor int
	// Limit of the search for the end of broken tags and comments.
	budget    int
	noTagEnd  bool
	noComment bool
	looks
}

func (p *htmlParser) run() {
	for p.in != "" {
		i := strings.IndexByte(p.in, '<')
		if i < 0 {
			i = len(p.in)
		}
		p.text(p.in[:i])
		p.in = p.in[i:]
		if p.in != "" && !p.markup() {
			p.text("<")
			p.in = p.in[1:]
		}
	}
	p.closeLink()
}

func (p *htmlParser) text(s string) {
	for s != "" {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			p.chars(s)
			return
		}
		p.chars(s[:i])
		s = s[i:]
		n := entityLen(s)
		if high, ok := surrogate(s[:n]); ok { // some clients refer to UTF-16 code units
			m := entityLen(s[n:])
			if low, ok := surrogate(s[n : n+m]); ok {
				if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
					p.out = utf8.AppendRune(p.out, r)
					s = s[n+m:]
					continue
				}
			}
		}
		e := html.UnescapeString(s[:n])
		p.out = append(p.out, strings.ReplaceAll(e, "\u00A0", " ")...)
		s = s[n:]
	}
}

// surrogate returns the surrogate that a numeric reference refers to.
func surrogate(entity string) (rune, bool) {
	number, ok := strings.CutPrefix(strings.TrimSuffix(entity, ";"), "&#")
	if !ok || number == "" {
		return 0, false
	}
	base := 10
	if number[0]|0x20 == 'x' {
		number, base = number[1:], 16
	}
	n, err := strconv.ParseUint(number, base, 16)
	return rune(n), err == nil && utf16.IsSurrogate(rune(n))
}

// maxEntity exceeds the length of every named entity.
const maxEntity = 40 // limit: bytes of an HTML entity, longer than any | it is text

// entityLen returns the length of a possible entity at the start of s.
func entityLen(s string) int {
	if s == "" || s[0] != '&' {
		return 0
	}
	end := min(len(s), maxEntity)
	for i := 1; i < end; i++ {
		c := s[i]
		if c == ';' {
			return i + 1
		}
		if !isAlpha(c) && (c < '0' || c > '9') && (c != '#' || i > 1) {
			return i
		}
	}
	return end
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// chars appends character data. After a line break by a tag, it skips one newline of
// the source.
func (p *htmlParser) chars(s string) {
	s = strings.TrimLeft(s, "\r")
	if p.lineStart() {
		s = strings.TrimPrefix(s, "\n")
	}
	p.out = append(p.out, s...)
}

func (p *htmlParser) lineStart() bool {
	n := len(p.out)
	return n == 0 || p.out[n-1] == '\n'
}

// markup consumes a tag, comment or declaration at the start of in. It returns false if
// the `<` is plain text.
func (p *htmlParser) markup() bool {
	s := p.in
	if strings.HasPrefix(s, "<!--") && !p.noComment {
		if i := strings.Index(s[4:], "-->"); i >= 0 {
			p.in = s[4+i+3:]
			return true
		}
		p.noComment = true
	}
	if p.noTagEnd || len(s) < 3 {
		return false
	}
	name := s[1:]
	if name[0] == '/' {
		name = name[1:]
	}
	declaration := s[1] == '!' || s[1] == '?'
	if !isAlpha(name[0]) && !declaration {
		return false
	}
	end := p.tagEnd(s)
	if end < 0 {
		p.noTagEnd = true
		return false
	}
	p.in = s[end+1:]
	if !declaration {
		p.tag(s[1:end])
	}
	return true
}

// tagEnd returns the index of the > that closes the tag at the start of s, respecting
// quotes. With broken quotes it returns the first >, or -1.
func (p *htmlParser) tagEnd(s string) int {
	quote := byte(0)
	for i := 1; i < len(s) && p.budget > 0; i++ {
		p.budget--
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '>':
			return i
		case (c == '"' || c == '\'') && s[i-1] == '=':
			quote = c
		}
	}
	return strings.IndexByte(s, '>')
}

// tag handles a tag, given without the angle brackets.
func (p *htmlParser) tag(s string) {
	closing := s[0] == '/'
	if closing {
		s = s[1:]
	}
	n := 0
	for n < len(s) && (isAlpha(s[n]) || '0' <= s[n] && s[n] <= '9') {
		n++
	}
	attrs := s[n:]
	switch name := strings.ToLower(s[:min(n, 12)]); name {
	case "br":
		p.newline()
	case "p", "div", "li", "tr", "hr", "ul", "ol", "table", "blockquote", "pre",
		"h1", "h2", "h3", "h4", "h5", "h6":
		if !p.lineStart() {
			p.newline()
		}
	case "script", "style", "title", "binary":
		if !closing {
			p.skipContent("</" + name)
		}
	case "img":
		p.text(attribute(attrs, "alt"))
	case "a":
		p.closeLink()
		if href := strings.TrimSpace(attribute(attrs, "href")); !closing && href != "" {
			p.href, p.anchor, p.open = html.UnescapeString(href), len(p.out), true
			if safeLink(p.href) {
				p.link = p.href
				p.mark()
			}
		}
	default:
		p.styleTag(name, attrs, closing)
	}
}

func (p *htmlParser) newline() {
	p.out = append(p.out, '\n')
}

// skipContent removes everything up to the closing tag, or the end.
func (p *htmlParser) skipContent(mark string) {
	for p.in != "" {
		i := strings.IndexByte(p.in, '<')
		if i < 0 {
			break
		}
		p.in = p.in[i:]
		if len(p.in) > len(mark) && strings.EqualFold(p.in[:len(mark)], mark) {
			return
		}
		p.in = p.in[1:]
	}
	p.in = ""
}

// closeLink ends the open link: the address follows its text unless they are equal.
func (p *htmlParser) closeLink() {
	if !p.open {
		return
	}
	p.open = false
	text := strings.TrimSpace(string(p.out[p.anchor:]))
	if text == "" {
		p.out = append(p.out, p.href...)
	}
	if p.link != "" {
		p.link = ""
		p.mark()
	}
	switch {
	case text == "":
	case bareAddress(text) != bareAddress(p.href) && !hasScheme(p.href, "javascript:"):
		p.out = append(append(append(p.out, " <"...), p.href...), '>')
	}
}

// bareAddress removes the parts of an address that link texts usually omit.
func bareAddress(s string) string {
	for _, scheme := range [...]string{"http://", "https://", "mailto:"} {
		if hasScheme(s, scheme) {
			s = s[len(scheme):]
			break
		}
	}
	return strings.TrimSuffix(s, "/")
}

func hasScheme(s, scheme string) bool {
	return len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme)
}

// attribute returns the value of an attribute in the rest of a tag.
func attribute(s, name string) string {
	for s != "" {
		s = strings.TrimLeft(s, " \t\r\n/\"'")
		n := strings.IndexAny(s, "= \t\r\n")
		if n < 0 {
			return ""
		}
		key := s[:n]
		s = strings.TrimLeft(s[n:], " \t\r\n")
		if !strings.HasPrefix(s, "=") {
			continue
		}
		s = strings.TrimLeft(s[1:], " \t\r\n")
		var value string
		if s != "" && (s[0] == '"' || s[0] == '\'') {
			value, s, _ = strings.Cut(s[1:], s[:1])
		} else if end := strings.IndexAny(s, " \t\r\n"); end >= 0 {
			value, s = s[:end], s[end:]
		} else {
			value, s = s, ""
		}
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}
