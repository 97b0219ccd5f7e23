package element

import (
	"strings"
	"unicode/utf8"
)

// A binding of a prefix to a namespace.
type binding struct{ prefix, space string }

// A scope is what prefixes mean at a place in the stream.
type scope struct {
	space   string // the stream's default namespace
	bound   []binding
	initial int // bindings that came with the stream's header
	frames  []frame
}

// A frame is an element that is being built.
type frame struct {
	e     *Element
	space string // the default namespace in it
	own   bool   // it declared that itself
	bound int    // how many bindings there were before it
}

// lookup returns the namespace that prefix is bound to.
func (s *scope) lookup(prefix string) (string, bool) {
	for i := len(s.bound) - 1; i >= 0; i-- {
		if s.bound[i].prefix == prefix {
			return s.bound[i].space, true
		}
	}
	return "", false
}

// clear forgets all but what the stream's header declared.
func (s *scope) clear() {
	clear(s.bound[s.initial:])
	s.bound = s.bound[:s.initial]
	clear(s.frames[:cap(s.frames)]) // do not keep the stanza in memory
	s.frames = s.frames[:0]
}

// slab is the memory of a stanza's tree.
type slab struct {
	elements []Element
	attrs    []Attr
	nodes    []Node
}

// build makes the tree of the stanza of n bytes that t.token has seen.
func (r *Reader) build(n int) (*Element, error) {
	t, names := &r.token, &r.names
	s := string(r.buf[r.start : r.start+n])
	m := slab{
		elements: make([]Element, len(t.tags)),
		attrs:    make([]Attr, t.plain),
		nodes:    make([]Node, t.nodes),
	}
	root := &m.elements[0]
	defer names.clear()
	for i := range t.ops {
		switch o := &t.ops[i]; o.kind {
		case opOpen:
			if err := r.element(s, &t.tags[o.at.lo], &m); err != nil {
				return nil, err
			}
		case opText:
			text := s[o.at.lo:o.at.hi]
			if o.cook {
				cooked, bad := cookText(text)
				if bad >= 0 {
					return nil, r.fail(int(o.at.lo)+bad, "undeclared entity or illegal character reference")
				}
				if text = cooked; text == "" {
					continue // <![CDATA[]]>
				}
			}
			top := names.frames[len(names.frames)-1].e
			top.Nodes = append(top.Nodes, Node{Text: text})
		case opClose:
			last := len(names.frames) - 1
			names.bound = names.bound[:names.frames[last].bound]
			names.frames = names.frames[:last]
		}
	}
	return root, nil
}

// rescue makes the element of the first tag in t.token, without its content. It
// returns nil if even that does not work.
func (r *Reader) rescue() *Element {
	t := &r.token
	if len(t.tags) == 0 {
		return nil
	}
	tag := t.tags[0]
	tag.nodes = 0
	hi := tag.name.hi
	if tag.attrs > 0 {
		hi = t.attrs[tag.attr+tag.attrs-1].value.hi
	}
	m := slab{elements: make([]Element, 1), attrs: make([]Attr, tag.attrs-tag.decls)}
	e := &m.elements[0]
	defer r.names.clear()
	if r.element(string(r.buf[r.start:r.start+int(hi)]), &tag, &m) != nil {
		r.err = nil
		return nil
	}
	return e
}

// element makes the next element and puts it below that which is open.
func (r *Reader) element(s string, tag *rawTag, m *slab) error {
	names := &r.names
	f := frame{e: &m.elements[0], space: names.space, bound: len(names.bound)}
	m.elements = m.elements[1:]
	if n := len(names.frames); n > 0 {
		parent := &names.frames[n-1]
		parent.e.Nodes = append(parent.e.Nodes, Node{Element: f.e})
		f.space = parent.space
	}
	if tag.nodes > 0 {
		f.e.Nodes = m.nodes[:0:tag.nodes]
		m.nodes = m.nodes[tag.nodes:]
	}
	raw := r.token.attrs[tag.attr : tag.attr+tag.attrs]
	if tag.decls > 0 {
		for i := range raw {
			if raw[i].decl {
				if err := r.declare(s, &raw[i], &f); err != nil {
					return err
				}
			}
		}
	}
	var ok bool
	if f.e.Space, f.e.Name, ok = names.resolve(s, tag.name, f.space); !ok {
		return r.fail(int(tag.name.lo), "undeclared prefix")
	}
	if n := tag.attrs - tag.decls; n > 0 {
		f.e.Attrs = m.attrs[:0:n]
		m.attrs = m.attrs[n:]
		for i := range raw {
			if raw[i].decl {
				continue
			}
			if err := r.attr(s, &raw[i], f.e); err != nil {
				return err
			}
		}
	}
	names.frames = append(names.frames, f)
	return nil
}

// resolve splits a name.
func (s *scope) resolve(doc string, n rawName, unprefixed string) (space, name string, ok bool) {
	if n.colon == 0 {
		return unprefixed, doc[n.lo:n.hi], true
	}
	space, ok = s.lookup(doc[n.lo:n.colon])
	return space, doc[n.colon+1 : n.hi], ok
}

func (r *Reader) attr(s string, raw *rawAttr, e *Element) error {
	space, name, ok := r.names.resolve(s, raw.name, "")
	if !ok {
		return r.fail(int(raw.name.lo), "undeclared prefix")
	}
	for i := range e.Attrs {
		if e.Attrs[i].Name == name && e.Attrs[i].Space == space {
			return r.fail(int(raw.name.lo), "duplicate attribute")
		}
	}
	value, err := r.value(s, raw)
	if err != nil {
		return err
	}
	e.Attrs = append(e.Attrs, Attr{Space: space, Name: name, Value: value})
	return nil
}

func (r *Reader) value(s string, raw *rawAttr) (string, error) {
	value := s[raw.value.lo:raw.value.hi]
	if !raw.cook {
		return value, nil
	}
	value, bad := cookValue(value)
	if bad >= 0 {
		return "", r.fail(int(raw.value.lo)+bad, "undeclared entity or illegal character reference")
	}
	return value, nil
}

// declare puts a declaration of a namespace into force (Namespaces in XML 1.0
// §2.2, §3).
func (r *Reader) declare(s string, raw *rawAttr, f *frame) error {
	names := &r.names
	space, err := r.value(s, raw)
	if err != nil {
		return err
	}
	if raw.name.colon == 0 {
		if space == XMLNamespace || space == XMLNSNamespace {
			return r.fail(int(raw.name.lo), "reserved namespace")
		}
		if f.own {
			return r.fail(int(raw.name.lo), "duplicate attribute")
		}
		f.space, f.own = space, true
		return nil
	}
	prefix := s[raw.name.colon+1 : raw.name.hi]
	switch {
	case prefix == "xmlns", space == XMLNSNamespace, (prefix == "xml") != (space == XMLNamespace):
		return r.fail(int(raw.name.lo), "reserved prefix or namespace")
	case space == "":
		return r.fail(int(raw.name.lo), "prefix bound to no namespace")
	}
	for _, b := range names.bound[f.bound:] {
		if b.prefix == prefix {
			return r.fail(int(raw.name.lo), "duplicate attribute")
		}
	}
	names.bound = append(names.bound, binding{prefix, space})
	return nil
}

// cookText resolves references, line ends and CDATA sections in s. bad is
// where it cannot, or negative.
func cookText(s string) (cooked string, bad int) {
	var out strings.Builder
	out.Grow(len(s))
	for i := 0; ; {
		n := passOver(s, i, cInText)
		out.WriteString(s[i:n])
		if i = n; i == len(s) {
			return out.String(), -1
		}
		switch s[i] {
		case '&':
			r, size := reference(s[i:])
			if size == 0 {
				return "", i
			}
			out.WriteRune(r)
			i += size
		case '\r':
			out.WriteByte('\n') // XML 1.0 §2.11
			i = afterLineEnd(s, i)
		case '<':
			i += len("<![CDATA[")
			end := i + strings.Index(s[i:], "]]>")
			for i < end {
				if s[i] == '\r' {
					out.WriteByte('\n')
					i = afterLineEnd(s, i)
				} else {
					out.WriteByte(s[i])
					i++
				}
			}
			i = end + len("]]>")
		default:
			out.WriteByte(s[i])
			i++
		}
	}
}

func afterLineEnd(s string, i int) int {
	if i++; i < len(s) && s[i] == '\n' {
		i++
	}
	return i
}

// cookValue resolves references and white space in an attribute's value. bad is
// where it cannot, or negative.
func cookValue(s string) (cooked string, bad int) {
	var out strings.Builder
	out.Grow(len(s))
	for i := 0; i < len(s); {
		switch s[i] {
		case '&':
			r, size := reference(s[i:])
			if size == 0 {
				return "", i
			}
			out.WriteRune(r)
			i += size
		case '\r':
			out.WriteByte(' ')
			i = afterLineEnd(s, i)
		case '\t', '\n':
			out.WriteByte(' ') // XML 1.0 §3.3.3
			i++
		default:
			out.WriteByte(s[i])
			i++
		}
	}
	return out.String(), -1
}

// reference returns what the reference at the start of s stands for and its
// size, which is 0 if it is none: there are five entities and no others (RFC
// 6120 §11.1).
func reference(s string) (r rune, size int) {
	// The longest one that is not padded with zeros is &#1114111;
	end := strings.IndexByte(s[:min(len(s), 64)], ';')
	if end < 0 {
		return 0, 0
	}
	switch body := s[1:end]; body {
	case "amp":
		r = '&'
	case "lt":
		r = '<'
	case "gt":
		r = '>'
	case "quot":
		r = '"'
	case "apos":
		r = '\''
	default:
		if r = number(body); !legal(r) {
			return 0, 0
		}
	}
	return r, end + 1
}

// number returns the character of a reference without its & and ;, or -1.
func number(s string) rune {
	s, ok := strings.CutPrefix(s, "#")
	if !ok {
		return -1
	}
	base := rune(10)
	if hex, ok := strings.CutPrefix(s, "x"); ok {
		s, base = hex, 16
	}
	if s == "" {
		return -1
	}
	var n rune
	for _, c := range []byte(s) {
		d := rune(99)
		switch {
		case '0' <= c && c <= '9':
			d = rune(c - '0')
		case 'a' <= c && c <= 'f':
			d = rune(c-'a') + 10
		case 'A' <= c && c <= 'F':
			d = rune(c-'A') + 10
		}
		if d >= base {
			return -1
		}
		if n = n*base + d; n > utf8.MaxRune {
			return -1
		}
	}
	return n
}
