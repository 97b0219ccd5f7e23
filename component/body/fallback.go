package body

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"transport/component/element"
	"transport/component/xep"
)

// QuoteIn returns the range, in runes, of the quotation in the body of a reply; an empty
// one for another message. (XEP-0428 §2.2)
func QuoteIn(st *element.Element) (at [2]int) {
	for fallback := range st.Children(xep.NSFallback, "fallback") {
		body := fallback.Child(xep.NSFallback, "body")
		from, err1 := strconv.Atoi(body.Attr("start"))
		to, err2 := strconv.Atoi(body.Attr("end"))
		valid := err1 == nil && err2 == nil && from >= 0 && to > from && to <= utf8.RuneCountInString(bodyText(st))
		if valid && fallback.Attr("for") == xep.NSReply {
			return [2]int{from, to}
		}
	}
	return at
}

// WithoutQuote returns the text of a reply without its quotation, unless nothing would be
// left.
func WithoutQuote(st *element.Element, text string) string {
	at, body := QuoteIn(st), []rune(bodyText(st))
	all := Clean(string(body))
	if at[0] == at[1] || !strings.Contains(text, all) {
		return text
	}
	rest := Clean(strings.TrimSpace(string(body[:at[0]]) + string(body[at[1]:])))
	rest = strings.TrimSpace(strings.Replace(text, all, rest, 1))
	if rest == "" {
		return text
	}
	return rest
}
