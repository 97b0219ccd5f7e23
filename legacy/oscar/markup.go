package oscar

import (
	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// htmlOf formats a text as HTML for AIM users.
func htmlOf(text string, markup []legacy.Span) string {
	if markup == nil {
		return oscarwire.WrapHTML(oscarwire.LinkedHTML(text))
	}
	runs := make([]oscarwire.Run, len(markup))
	for i, s := range markup {
		runs[i] = oscarwire.Run{Text: s.Text, Look: oscarwire.Look{
			Bold: s.Style&legacy.Bold != 0, Italic: s.Style&legacy.Italic != 0, Underline: s.Style&legacy.Underline != 0,
			Strike: s.Style&legacy.Strike != 0, Fixed: s.Style&legacy.Monospace != 0,
			Fore: s.Fore, Back: s.Back, Link: s.Link, // colours are encoded alike
		}}
	}
	return oscarwire.WrapHTML(oscarwire.RunsToHTML(runs))
}

// textOf parses the HTML of an AIM user.
func textOf(html string) (string, []legacy.Span) {
	text, runs := oscarwire.HTMLToRuns(html)
	if runs == nil {
		return text, nil
	}
	spans := make([]legacy.Span, len(runs))
	for i, r := range runs {
		spans[i] = legacy.Span{Text: r.Text, Fore: r.Fore, Back: r.Back, Link: r.Link}
		for _, style := range [...]struct {
			on bool
			as legacy.Style
		}{{r.Bold, legacy.Bold}, {r.Italic, legacy.Italic}, {r.Underline, legacy.Underline}, {r.Strike, legacy.Strike}, {r.Fixed, legacy.Monospace}} {
			if style.on {
				spans[i].Style |= style.as
			}
		}
	}
	return text, spans
}
