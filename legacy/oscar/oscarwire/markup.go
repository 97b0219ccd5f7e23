package oscarwire

import (
	"html"
	"strconv"
	"strings"
)

// Run is a run of text with one look.
type Run struct {
	Text string
	Look
}

// Look is the formatting of a text in AIM HTML. The zero Look is plain text.
type Look struct {
	Bold, Italic, Underline, Strike, Fixed bool
	// Fore and Back are colours: Coloured | 0xRRGGBB, or 0 for none.
	Fore, Back uint32
	Link       string // an address with a scheme of linkSchemes, "" for none
}

// Coloured distinguishes black from no colour in a Look.
const Coloured = 1 << 24

const (
	maxRuns = 200 // limit: formatted runs of a text | the rest is one run
	maxFont = 32  // limit: nested <font> | inner ones have no effect
)

// linkSchemes are the schemes of links that are safe to follow.
var linkSchemes = [...]string{"http://", "https://", "mailto:", "xmpp:"}

func safeLink(address string) bool {
	if strings.ContainsAny(address, " \t\r\n\"<>") || address != Clean(address) {
		return false
	}
	for _, scheme := range linkSchemes {
		if hasScheme(address, scheme) && len(address) > len(scheme) {
			return true
		}
	}
	return false
}

// HTMLToRuns parses AIM HTML like HTMLToText, with its formatting. The runs
// concatenated are the text; they are nil if all of it is plain. It ignores font sizes
// and faces, and black, which clients use for the default colour.
func HTMLToRuns(s string) (text string, runs []Run) {
	p := parseHTML(s)
	if len(p.marks) == 0 {
		return strings.Trim(Clean(string(p.out)), "\n "), nil
	}
	p.marks = append(p.marks, mark{at: len(p.out)})
	runs = append(runs, Run{Text: Clean(string(p.out[:p.marks[0].at]))})
	for i, m := range p.marks[:len(p.marks)-1] {
		runs = append(runs, Run{Clean(string(p.out[m.at:p.marks[i+1].at])), m.look})
	}
	return finishRuns(runs)
}

// finishRuns trims white space around the text and joins adjacent runs with the same
// look.
func finishRuns(runs []Run) (string, []Run) {
	for i := range runs { // from the start, up to the first text
		if runs[i].Text = strings.TrimLeft(runs[i].Text, "\n "); runs[i].Text != "" {
			break
		}
	}
	for i := len(runs) - 1; i >= 0; i-- {
		if runs[i].Text = strings.TrimRight(runs[i].Text, "\n "); runs[i].Text != "" {
			break
		}
	}
	var text strings.Builder
	all, plain := runs[:0], true
	for _, r := range runs {
		text.WriteString(r.Text)
		switch n := len(all); {
		case r.Text == "":
		case n > 0 && all[n-1].Look == r.Look:
			all[n-1].Text += r.Text
		default:
			plain = plain && r.Look == Look{}
			all = append(all, r)
		}
	}
	if plain {
		return text.String(), nil
	}
	return text.String(), all
}

// RunsToHTML formats runs as AIM HTML, with the addresses in them as links.
func RunsToHTML(runs []Run) string {
	var b strings.Builder
	for i, r := range runs {
		if i > 0 && runs[i-1].Link != "" && r.Text == " <"+runs[i-1].Link+">" {
			continue // the fallback for clients without links
		}
		var closing []string
		open := func(tag, attributes string) {
			b.WriteString("<" + tag + attributes + ">")
			closing = append(closing, "</"+tag+">")
		}
		if r.Fore != 0 || r.Back != 0 || r.Fixed {
			attributes := ""
			if r.Fixed {
				attributes = ` FACE="Courier New"`
			}
			if r.Fore != 0 {
				attributes += ` COLOR="` + colourName(r.Fore) + `"`
			}
			if r.Back != 0 {
				attributes += ` BACK="` + colourName(r.Back) + `"`
			}
			open("FONT", attributes)
		}
		for _, style := range [...]struct {
			on  bool
			tag string
		}{{r.Bold, "B"}, {r.Italic, "I"}, {r.Underline, "U"}, {r.Strike, "S"}} {
			if style.on {
				open(style.tag, "")
			}
		}
		if r.Link != "" {
			open("A", ` HREF="`+html.EscapeString(r.Link)+`"`)
			b.WriteString(TextToHTML(r.Text))
		} else {
			b.WriteString(LinkedHTML(r.Text))
		}
		for i := len(closing) - 1; i >= 0; i-- {
			b.WriteString(closing[i])
		}
	}
	return b.String()
}

// LinkedHTML is TextToHTML with Web addresses as links, which the classic clients do
// not detect.
func LinkedHTML(s string) string {
	var b strings.Builder
	for s != "" {
		start := strings.Index(s, "http")
		if start < 0 {
			break
		}
		end := len(s)
		if n := strings.IndexAny(s[start:], " \t\n\r<>\""); n >= 0 {
			end = start + n
		}
		address := strings.TrimRight(s[start:end], ".,;:!?)'*_~`")
		before := start > 0 && isAlpha(s[start-1])
		if !safeLink(address) || before || !strings.Contains(address, "://") {
			b.WriteString(TextToHTML(s[:end]))
			s = s[end:]
			continue
		}
		b.WriteString(TextToHTML(s[:start]) + `<A HREF="` + html.EscapeString(address) + `">` + TextToHTML(address) + "</A>")
		s = s[start+len(address):]
	}
	b.WriteString(TextToHTML(s))
	return b.String()
}

func colourName(c uint32) string {
	return "#" + strconv.FormatUint(uint64(c&0xFFFFFF|Coloured), 16)[1:]
}

// mark is the start of another look.
type mark struct {
	at   int // in htmlParser.out
	look Look
}

// looks is a parser's current formatting.
type looks struct {
	marks                                  []mark
	bold, italic, underline, strike, fixed int // how many are open
	fonts                                  []Look
	link                                   string
}

// styleTag handles a tag that changes the formatting.
func (p *htmlParser) styleTag(name, attrs string, closing bool) {
	var open *int
	switch name {
	case "b", "strong":
		open = &p.bold
	case "i", "em":
		open = &p.italic
	case "u":
		open = &p.underline
	case "s", "strike", "del":
		open = &p.strike
	case "tt", "code":
		open = &p.fixed
	case "font":
		p.fontTag(attrs, closing)
		return
	default:
		return
	}
	if *open++; closing {
		*open = max(*open-2, 0)
	}
	p.mark()
}

func (p *htmlParser) fontTag(attrs string, closing bool) {
	n := len(p.fonts)
	switch {
	case closing:
		p.fonts = p.fonts[:max(n-1, 0)]
	case n < maxFont:
		look := Look{}
		if n > 0 {
			look = p.fonts[n-1]
		}
		if c := parseColour(attribute(attrs, "color")); c != 0 {
			look.Fore = c
		}
		if c := parseColour(attribute(attrs, "back")); c != 0 {
			look.Back = c
		}
		p.fonts = append(p.fonts, look)
	}
	p.mark()
}

// mark records the current look.
func (p *htmlParser) mark() {
	now := Look{Bold: p.bold > 0, Italic: p.italic > 0, Underline: p.underline > 0, Strike: p.strike > 0, Fixed: p.fixed > 0, Link: p.link}
	if n := len(p.fonts); n > 0 {
		now.Fore, now.Back = p.fonts[n-1].Fore, p.fonts[n-1].Back
	}
	if now.Back == 0xFFFFFF|Coloured {
		now.Back = 0
	}
	if now.Back == 0 && now.Fore == Coloured {
		now.Fore = 0
	}
	n := len(p.marks)
	switch {
	case n == 0 && now == Look{}, n > 0 && p.marks[n-1].look == now, n >= maxRuns:
	case n > 0 && p.marks[n-1].at == len(p.out):
		p.marks[n-1].look = now
	default:
		if n == maxRuns-1 {
			now = Look{}
		}
		p.marks = append(p.marks, mark{len(p.out), now})
	}
}
