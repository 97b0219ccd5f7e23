package element

import (
	"bytes"
	"unicode/utf8"
)

// What an attempt at a token comes to.
type status uint8

const (
	stOK        status = iota
	stMore             // the token's end is not there yet
	stDone             // the stanza is complete
	stStreamEnd        // the end tag of the stream has come
	stOver             // over a limit, see token.msg
	stBad              // not well-formed, see token.msg and token.at
)

// What is over a limit, see LimitError.What.
const (
	limSize     = "size"
	limDepth    = "depth"
	limAttrs    = "attributes"
	limName     = "name length"
	limPrefixes = "prefixes"
	limElements = "elements"
)

type span struct{ lo, hi int32 }

// A rawName is where a name is. colon is where its prefix ends, or 0.
type rawName struct {
	span
	colon int32
}

type rawAttr struct {
	name  rawName
	value span
	cook  bool // the value is not meant as it stands
	decl  bool // a declaration of a namespace
}

type rawTag struct {
	name     rawName
	attr     int32 // the first of its attributes in token.attrs
	attrs    int32 // how many it has
	decls    int32 // how many of these declare namespaces
	nodes    int32 // how many children it has
	prefixes int32 // how many prefixes are declared in it and around it
}

type opKind uint8

const (
	opOpen opKind = iota // at.lo is the index of the tag
	opText               // at is where the text is
	opClose
)

// An op is a step in building a stanza's tree.
type op struct {
	at   span
	kind opKind
	cook bool // the text is not meant as it stands
}

// A token keeps what has been seen of a stanza. Positions are relative to the
// stanza's start, so that the buffer may move.
type token struct {
	pos  int // where the next token begins
	seek seeker

	ops   []op
	tags  []rawTag
	attrs []rawAttr
	open  []int32 // the tags around pos

	nodes, plain int // all nodes, and all attributes that are no declarations

	keep bool // of a first tag that is cut off keep what there is

	at  int    // where it went wrong
	msg string // what
}

func (t *token) reset() {
	t.pos, t.seek = 0, seeker{}
	t.ops, t.tags, t.attrs, t.open = t.ops[:0], t.tags[:0], t.attrs[:0], t.open[:0]
	t.nodes, t.plain, t.keep = 0, 0, false
}

func (t *token) bad(at int, msg string) status {
	t.at, t.msg = at, msg
	return stBad
}

func (t *token) over(what string) status {
	t.msg = what
	return stOver
}

// run goes on with the stanza whose bytes so far are data. It returns stOK
// never. If final is true, a token whose end is missing is looked at too.
func (t *token) run(data []byte, final bool, lim *Limits) status {
	for {
		if t.pos == len(data) || !t.seek.found(data, t.pos) && !final {
			return stMore
		}
		around := len(t.open)
		next, st := t.next(data, t.pos, lim)
		if st == stMore {
			t.seek.start(data, t.pos)
		}
		if st != stOK {
			return st
		}
		if next > lim.Stanza {
			// The skipper begins with this token.
			t.open = t.open[:around]
			return t.over(limSize)
		}
		t.pos = next
		t.seek.kind = seekNone
		if len(t.open) == 0 {
			return stDone
		}
	}
}

// next looks at the token at data[p].
func (t *token) next(data []byte, p int, lim *Limits) (int, status) {
	if data[p] != '<' {
		if len(t.open) == 0 {
			return 0, t.bad(p, "text between stanzas")
		}
		return t.text(data, p)
	}
	if p+1 == len(data) {
		return 0, stMore
	}
	switch data[p+1] {
	case '/':
		return t.endTag(data, p, lim)
	case '!':
		return t.cdata(data, p)
	case '?':
		// RFC 6120 §11.1; a text declaration is none, but has no place here.
		return 0, t.bad(p, "processing instruction")
	}
	return t.startTag(data, p, lim)
}

// startTag looks at the start tag at data[p]. If that is over a limit, t.tags
// ends with what there is of it.
func (t *token) startTag(data []byte, p int, lim *Limits) (int, status) {
	if len(t.open) >= lim.Depth {
		return 0, t.over(limDepth)
	}
	if len(t.tags) >= lim.Elements {
		return 0, t.over(limElements)
	}
	name, i, st := t.name(data, p+1, lim)
	if st != stOK {
		return 0, st
	}
	tag := rawTag{name: name, attr: int32(len(t.attrs))}
	if n := len(t.open); n > 0 {
		tag.prefixes = t.tags[t.open[n-1]].prefixes
	}
	empty := false
attrs:
	for {
		before := i
		i = skipSpace(data, i)
		if i == len(data) {
			return t.partial(&tag, stMore)
		}
		switch {
		case data[i] == '>':
			i++
			break attrs
		case data[i] == '/':
			if i+1 == len(data) {
				return t.partial(&tag, stMore)
			}
			if data[i+1] != '>' {
				return 0, t.bad(i, "slash in a tag")
			}
			i += 2
			empty = true
			break attrs
		case i == before:
			return 0, t.bad(i, "no white space before an attribute")
		}
		var a rawAttr
		if a, i, st = t.attr(data, i, lim); st != stOK {
			return t.partial(&tag, st)
		}
		if int(tag.attrs) == lim.Attrs || len(t.attrs) == attrsPerElement*lim.Elements {
			return t.partial(&tag, t.over(limAttrs))
		}
		t.attrs = append(t.attrs, a)
		tag.attrs++
		if a.decl {
			tag.decls++
			if a.name.colon > 0 {
				if tag.prefixes++; int(tag.prefixes) > lim.Attrs {
					return t.partial(&tag, t.over(limPrefixes))
				}
			}
		}
	}
	index := int32(len(t.tags))
	t.tags = append(t.tags, tag)
	t.ops = append(t.ops, op{kind: opOpen, at: span{lo: index}})
	t.plain += int(tag.attrs - tag.decls)
	t.child()
	if empty {
		t.ops = append(t.ops, op{kind: opClose})
	} else {
		t.open = append(t.open, index)
	}
	return i, stOK
}

// child counts one more child of the innermost open element.
func (t *token) child() {
	if n := len(t.open); n > 0 {
		t.tags[t.open[n-1]].nodes++
		t.nodes++
	}
}

// partial takes back the attributes of a tag that could not be finished. For
// the first tag of a stanza it leaves them to rescue.
func (t *token) partial(tag *rawTag, st status) (int, status) {
	if len(t.tags) == 0 && (st == stOver || t.keep) {
		t.tags = append(t.tags, *tag)
		return 0, st
	}
	t.attrs = t.attrs[:tag.attr]
	return 0, st
}

// attr looks at the attribute at data[p].
func (t *token) attr(data []byte, p int, lim *Limits) (a rawAttr, next int, st status) {
	name, i, st := t.name(data, p, lim)
	if st != stOK {
		return a, 0, st
	}
	a.name = name
	if i = skipSpace(data, i); i == len(data) {
		return a, 0, stMore
	}
	if data[i] != '=' {
		return a, 0, t.bad(i, "no equals sign after an attribute's name")
	}
	if i = skipSpace(data, i+1); i == len(data) {
		return a, 0, stMore
	}
	quote := data[i]
	if quote != '"' && quote != '\'' {
		return a, 0, t.bad(i, "no quotes around an attribute's value")
	}
	i++
	lo := i
	for {
		if i = passOver(data, i, cInAttr); i == len(data) {
			return a, 0, stMore
		}
		switch c := data[i]; {
		case c == quote:
			a.value = span{int32(lo), int32(i)}
			raw := data[a.name.lo:a.name.hi]
			a.decl = len(raw) >= 5 && string(raw[:5]) == "xmlns" && (len(raw) == 5 || raw[5] == ':')
			if a.decl && i-lo > lim.Name {
				return a, 0, t.over(limName)
			}
			return a, i + 1, stOK
		case c == '\'' || c == '"':
			i++
		case c == '&' || c == '\t' || c == '\n' || c == '\r':
			a.cook = true
			i++
		case c == '<':
			return a, 0, t.bad(i, "< in an attribute's value")
		default:
			size, st := t.char(data, i)
			if st != stOK {
				return a, 0, st
			}
			i += size
		}
	}
}

// name looks at the name at data[p].
func (t *token) name(data []byte, p int, lim *Limits) (n rawName, next int, st status) {
	first := true // of the name or of what follows its prefix
	i := p
	for ; ; i++ {
		if i-p > lim.Name {
			return n, 0, t.over(limName)
		}
		if i == len(data) {
			return n, 0, stMore
		}
		c := data[i]
		if class[c]&cName != 0 {
			if first {
				if class[c]&cStart == 0 {
					return n, 0, t.bad(i, "invalid name")
				}
				first = false
			}
			continue
		}
		if c == ':' && n.colon == 0 && !first {
			n.colon = int32(i)
			first = true
			continue
		}
		if c < utf8.RuneSelf {
			break
		}
		if !utf8.FullRune(data[i:]) {
			return n, 0, stMore
		}
		r, size := utf8.DecodeRune(data[i:])
		if !nameRune(r, first) {
			return n, 0, t.bad(i, "invalid name")
		}
		first = false
		i += size - 1
	}
	if first || data[i] == ':' {
		return n, 0, t.bad(i, "invalid name")
	}
	n.span = span{int32(p), int32(i)}
	return n, i, stOK
}

// char looks at a byte at data[p] that is in no class, or at the character that
// it begins, and returns the size of that.
func (t *token) char(data []byte, p int) (int, status) {
	r, size := utf8.DecodeRune(data[p:])
	if r == utf8.RuneError && size == 1 {
		if !utf8.FullRune(data[p:]) {
			return 0, stMore
		}
		return 0, t.bad(p, "invalid UTF-8")
	}
	if !legal(r) {
		return 0, t.bad(p, "illegal character")
	}
	return size, stOK
}

func skipSpace(data []byte, i int) int {
	for i < len(data) && class[data[i]]&cSpace != 0 {
		i++
	}
	return i
}

// text looks at the character data at data[p].
func (t *token) text(data []byte, p int) (int, status) {
	i, cook := p, false
	for {
		if i = passOver(data, i, cInText); i == len(data) {
			return 0, stMore
		}
		switch data[i] {
		case '<':
			t.addText(p, i, cook)
			return i, stOK
		case '&', '\r':
			cook = true
			i++
		case ']':
			if bytes.HasPrefix(data[i:], cdataEnd) {
				return 0, t.bad(i, "]]> in text")
			}
			i++
		default:
			size, st := t.char(data, i)
			if st != stOK {
				return 0, st
			}
			i += size
		}
	}
}

// addText adds the text in data[p:next], which is one with a text right before
// it: a CDATA section is not a node of its own.
func (t *token) addText(p, next int, cook bool) {
	if last := &t.ops[len(t.ops)-1]; last.kind == opText {
		last.at.hi = int32(next)
		last.cook = last.cook || cook
		return
	}
	t.ops = append(t.ops, op{kind: opText, at: span{int32(p), int32(next)}, cook: cook})
	t.child()
}

var (
	cdataStart = []byte("<![CDATA[")
	cdataEnd   = []byte("]]>")
)

// cdata looks at the CDATA section at data[p].
func (t *token) cdata(data []byte, p int) (int, status) {
	n := min(len(cdataStart), len(data)-p)
	if !bytes.Equal(data[p:p+n], cdataStart[:n]) {
		// RFC 6120 §11.1
		return 0, t.bad(p, "comment or document type")
	}
	if n < len(cdataStart) {
		return 0, stMore
	}
	if len(t.open) == 0 {
		return 0, t.bad(p, "text between stanzas")
	}
	i := p + n
	for {
		if i = passOver(data, i, cInText); i == len(data) {
			return 0, stMore
		}
		switch data[i] {
		case ']':
			if bytes.HasPrefix(data[i:], cdataEnd) {
				i += len(cdataEnd)
				t.addText(p, i, true)
				return i, stOK
			}
			i++
		case '<', '&', '\r':
			i++
		default:
			size, st := t.char(data, i)
			if st != stOK {
				return 0, st
			}
			i += size
		}
	}
}

// endTag looks at the end tag at data[p].
func (t *token) endTag(data []byte, p int, lim *Limits) (int, status) {
	if len(t.open) == 0 {
		// The stream's; streamEnd looks at its name.
		bound := max(lim.Name, len("stream:stream")) + len("</>")
		if bytes.IndexByte(data[p:min(len(data), p+bound)], '>') >= 0 {
			return 0, stStreamEnd
		}
		if len(data)-p >= bound {
			return 0, t.bad(p, "end tag too long")
		}
		return 0, stMore
	}
	name := t.tags[t.open[len(t.open)-1]].name
	want := data[name.lo:name.hi]
	i := p + 2
	if n := min(len(want), len(data)-i); !bytes.Equal(data[i:i+n], want[:n]) {
		return 0, t.bad(p, "end tag does not match")
	}
	if i = skipSpace(data, i+len(want)); i >= len(data) {
		return 0, stMore
	}
	if data[i] != '>' {
		return 0, t.bad(p, "end tag does not match")
	}
	t.open = t.open[:len(t.open)-1]
	t.ops = append(t.ops, op{kind: opClose})
	return i + 1, stOK
}
