package element

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendText appends s as character data. It escapes & < and > (the last one
// so that ]]> cannot occur) and writes a carriage return as a reference, since
// a parser turns a literal one into a line feed (XML 1.0 §2.11). Characters
// that XML cannot carry at all are dropped: the controls other than tab, line
// feed and carriage return, U+FFFE and U+FFFF (XML 1.0 §2.2). A run of bytes
// that is not UTF-8, encoded surrogates included, becomes one U+FFFD.
func AppendText(dst []byte, s string) []byte {
	return appendEscaped(dst, s, cOutText)
}

// AppendAttr appends s for use in an attribute's value, in quotes of either
// kind. It differs from AppendText in that it escapes quotes too and writes tab
// and line feed as references, which attribute-value normalisation would turn
// into spaces (XML 1.0 §3.3.3).
func AppendAttr(dst []byte, s string) []byte {
	return appendEscaped(dst, s, cOutAttr)
}

// appendEscaped copies runs of bytes that are of the class plain, and looks at
// the others one by one.
func appendEscaped(dst []byte, s string, plain uint8) []byte {
	run := 0 // s[run:i] is to be copied
	for i := 0; i < len(s); {
		for len(s)-i >= 8 && allOf(s[i:i+8], plain) {
			i += 8
		}
		for end := min(i+8, len(s)); i < end; {
			c := s[i]
			if class[c]&plain != 0 {
				i++
				continue
			}
			size, with := 1, ""
			if c < utf8.RuneSelf {
				with = escapes[c]
			} else if size, with = foreign(s[i:]); with == asIs {
				i += size
				continue
			}
			dst = append(dst, s[run:i]...)
			dst = append(dst, with...)
			i += size
			run = i
		}
	}
	return append(dst, s[run:]...)
}

// asIs is what foreign returns for characters that need no replacement.
const asIs = "as is"

// foreign returns the size of what s begins with, beyond ASCII, and what is
// written in its place.
func foreign(s string) (size int, with string) {
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && size == 1:
		for size < len(s) && invalidAt(s, size) {
			size++
		}
		return size, "\uFFFD"
	case r == 0xFFFE || r == 0xFFFF:
		return size, ""
	}
	return size, asIs
}

func invalidAt(s string, i int) bool {
	r, size := utf8.DecodeRuneInString(s[i:])
	return r == utf8.RuneError && size == 1
}

// escapes has nothing for the controls: they are dropped.
var escapes = [utf8.RuneSelf]string{
	'&': "&amp;", '<': "&lt;", '>': "&gt;", '\'': "&apos;", '"': "&quot;",
	'\t': "&#x9;", '\n': "&#xA;", '\r': "&#xD;",
}

// fallbackName stands for a name that XML does not allow.
const fallbackName = "_"

// Append appends e as it is written where the default namespace is
// parentSpace, and returns the longer slice. A namespace is declared only where
// it differs from that around it, so that a stanza in the stream's namespace
// has no xmlns. Attributes in a namespace get a prefix declared on the spot,
// except for xml:lang and the like.
//
// Whatever e holds, the result is well-formed, with namespaces too: an element
// whose name is none is called "_", an attribute whose name is none, or that
// has been written already, is left out, and see [AppendText] for values. A nil
// e is written as nothing.
func (e *Element) Append(dst []byte, parentSpace string) []byte {
	if e == nil {
		return dst
	}
	name := e.Name
	if !ValidName(name) {
		name = fallbackName
	}
	space := e.Space
	if space != parentSpace {
		space = cleanSpace(space)
	}
	// Namespaces in XML 1.0 §3: xml is the only prefix for its namespace,
	// which cannot be the default one.
	prefix := ""
	if space == XMLNamespace {
		prefix, space = "xml:", parentSpace
	}
	dst = append(dst, '<')
	dst = append(dst, prefix...)
	dst = append(dst, name...)
	if space != parentSpace {
		dst = append(dst, " xmlns='"...)
		dst = AppendAttr(dst, space)
		dst = append(dst, '\'')
	}
	for i := range e.Attrs {
		dst = e.appendAttr(dst, i)
	}
	if len(e.Nodes) == 0 {
		return append(dst, '/', '>')
	}
	dst = append(dst, '>')
	for i := range e.Nodes {
		if n := &e.Nodes[i]; n.Element != nil {
			dst = n.Element.Append(dst, space)
		} else {
			dst = AppendText(dst, n.Text)
		}
	}
	dst = append(dst, '<', '/')
	dst = append(dst, prefix...)
	dst = append(dst, name...)
	return append(dst, '>')
}

// appendAttr appends the i-th attribute unless it cannot be written.
func (e *Element) appendAttr(dst []byte, i int) []byte {
	a := &e.Attrs[i]
	space, ok := a.writable()
	if !ok {
		return dst
	}
	// XML 1.0 §3.1: a name may occur once. The first one counts, as it does
	// for Attr.
	for j := range e.Attrs[:i] {
		if b := &e.Attrs[j]; b.Name == a.Name {
			if s, ok := b.writable(); ok && s == space {
				return dst
			}
		}
	}
	dst = append(dst, ' ')
	switch space {
	case "":
	case XMLNamespace:
		dst = append(dst, "xml:"...)
	default:
		dst = append(dst, "xmlns:ns"...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, "='"...)
		dst = AppendAttr(dst, space)
		dst = append(dst, "' ns"...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, ':')
	}
	dst = append(dst, a.Name...)
	dst = append(dst, '=', '\'')
	dst = AppendAttr(dst, a.Value)
	return append(dst, '\'')
}

// writable returns the namespace to write a in, and whether it can be written:
// an attribute called xmlns would declare a namespace.
func (a *Attr) writable() (space string, ok bool) {
	if a.Space != "" {
		if a.Space == XMLNSNamespace {
			return "", false
		}
		space = cleanSpace(a.Space)
	}
	return space, ValidName(a.Name) && (a.Name != "xmlns" || space != "")
}

// cleanSpace returns the namespace that a parser will see for s. White space
// is no part of a namespace, and a line feed in one even ends an ejabberd
// stream, whose parser uses it as separator. Nothing can be put in the
// namespace of xmlns.
func cleanSpace(s string) string {
	for i := 0; i < len(s); i++ {
		for len(s)-i > 8 && allOf(s[i:i+8], cOutSpace) {
			i += 8
		}
		if class[s[i]]&cOutSpace == 0 {
			s = strings.Map(func(r rune) rune {
				if r == ' ' || r == '\t' || r == '\n' || r == '\r' || !legal(r) {
					return -1
				}
				return r
			}, strings.ToValidUTF8(s, "\uFFFD"))
			break
		}
	}
	if s == XMLNSNamespace {
		return ""
	}
	return s
}

// String returns e as a document of its own, for logs and tests.
func (e *Element) String() string {
	return string(e.Append(nil, ""))
}
