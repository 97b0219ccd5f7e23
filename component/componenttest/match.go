package componenttest

import (
	"strings"

	"transport/component/element"
)

const space = "jabber:component:accept" // XEP-0114 §3

// Match reports whether a stanza looks like a pattern. A pattern is XML: the
// stanza has the pattern's name, its attributes with the same values (an empty
// one is missing or empty), and for each of the pattern's children a child of
// its own that matches. A pattern's text, if there is any, is contained in the
// stanza's. Whatever the pattern does not mention may be there.
func Match(e *element.Element, pattern string) bool { return match(e, parse(pattern)) }

// parse reads XML that a test has in its source.
func parse(xml string) *element.Element {
	e, err := element.Parse(xml, space)
	if err != nil {
		panic("componenttest: " + err.Error() + " in " + xml)
	}
	return e
}

func match(e, pattern *element.Element) bool {
	if !e.Is(pattern.Space, pattern.Name) || !strings.Contains(e.Text(), strings.TrimSpace(pattern.Text())) {
		return false
	}
	for _, a := range pattern.Attrs {
		value := e.Attr(a.Name)
		if a.Space == element.XMLNamespace && a.Name == "lang" {
			value = e.Lang()
		}
		if value != a.Value {
			return false
		}
	}
	used := make(map[*element.Element]bool)
	for want := range pattern.Elements() {
		found := false
		for child := range e.Elements() {
			if !used[child] && match(child, want) {
				used[child], found = true, true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}
