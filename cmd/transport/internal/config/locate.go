package config

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// path names a value in a TOML document. Its id tells apart the elements of
// arrays (network[1].driver), what is shown does not (network.driver): there a
// line number does that better.
type path struct{ id, shown string }

// key is the path of a key in the table p.
func (p path) key(name string) path {
	name = quoteKey(name)
	if p.id == "" {
		return path{name, name}
	}
	return path{p.id + "." + name, p.shown + "." + name}
}

// index is the path of an element of the array p.
func (p path) index(i int) path {
	return path{p.id + "[" + strconv.Itoa(i) + "]", p.shown}
}

// quoteKey is a key as it is written in TOML: bare if it can be. Control
// characters are escaped, so that it can also be shown.
func quoteKey(name string) string {
	if name == "" {
		return `""`
	}
	for i := 0; i < len(name); i++ {
		if !bareKeyChar(name[i]) {
			return strconv.Quote(name)
		}
	}
	return name
}

func bareKeyChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// maxNesting bounds how deep tables, arrays and dotted keys may be nested. The
// TOML library takes cubic time over nested tables.
const maxNesting = 16

// positions are the lines of a TOML document on which its tables, keys and array
// elements begin, by path.id. The TOML library keeps the positions of keys to
// itself, and one for all elements of an array of tables.
type positions struct {
	lines map[string]int
	// tooDeep is the first line on which something is nested too deeply, 0 if none.
	tooDeep int
}

// line is where a path is defined or, if it is not, the innermost table around
// it that is.
func (p positions) line(at path) int {
	for id := at.id; id != ""; id = parentID(id) {
		if n, ok := p.lines[id]; ok {
			return n
		}
	}
	return 1
}

// has reports whether a path is defined.
func (p positions) has(at path) bool {
	_, ok := p.lines[at.id]
	return ok
}

// parentID takes the last key or index off a path's id.
func parentID(id string) string {
	if strings.HasSuffix(id, `"`) { // a quoted key, which may hold anything
		i := len(id) - 2
		for i > 0 && (id[i] != '"' || escapedAt(id, i)) {
			i--
		}
		return strings.TrimSuffix(id[:max(i, 0)], ".")
	}
	return id[:max(strings.LastIndexAny(id, ".["), 0)]
}

// escapedAt reports whether the byte at i stands behind an odd number of
// backslashes.
func escapedAt(s string, i int) bool {
	n := 0
	for i-1-n >= 0 && s[i-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// locate finds the positions in a TOML document. It accepts all that is TOML 1.1
// and does not judge what is not: it stops at what it cannot understand, and
// leaves it to the TOML library to say why.
func locate(data []byte) positions {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	s := &scanner{
		data:   append(bytes.Clone(data), '\n'),
		line:   1,
		found:  positions{lines: make(map[string]int)},
		tables: make(map[string]int),
	}
	s.document()
	return s.found
}

// scanner walks over a TOML document. Its methods return false where they cannot
// go on.
type scanner struct {
	data   []byte
	pos    int
	line   int
	found  positions
	tables map[string]int // number of elements of each array of tables, by path.id
}

// mark notes that something is defined on a line, unless it was before.
func (s *scanner) mark(at path, line int) {
	if _, ok := s.found.lines[at.id]; !ok {
		s.found.lines[at.id] = line
	}
}

func (s *scanner) document() {
	table := path{}
	for {
		s.blank()
		if s.pos >= len(s.data) {
			return
		}
		ok := false
		if s.peek("[") {
			table, ok = s.header()
		} else {
			ok = s.keyValue(table, 0)
		}
		if !ok || !s.endOfLine() {
			return
		}
	}
}

// header scans a [table] or [[array of tables]] header and returns the table
// that it opens.
func (s *scanner) header() (path, bool) {
	line, array := s.line, s.skip("[[")
	if !array {
		s.skip("[")
	}
	names, ok := s.keyNames()
	if !ok || s.nested(len(names)) {
		return path{}, false
	}
	if array && !s.skip("]]") || !array && !s.skip("]") {
		return path{}, false
	}
	at := path{}
	for i, name := range names {
		at = at.key(name)
		s.mark(at, line)
		n := s.tables[at.id]
		switch {
		case i == len(names)-1 && array:
			s.tables[at.id] = n + 1
			at = at.index(n)
			s.mark(at, line)
		case n > 0: // [a.b] below [[a]] belongs to the last a
			at = at.index(n - 1)
		}
	}
	return at, true
}

// keyValue scans one key = value of a table.
func (s *scanner) keyValue(table path, depth int) bool {
	line := s.line
	names, ok := s.keyNames()
	depth += len(names)
	if !ok || s.nested(depth) {
		return false
	}
	s.spaces()
	if !s.skip("=") {
		return false
	}
	at := table
	for _, name := range names {
		at = at.key(name)
		s.mark(at, line)
	}
	s.spaces()
	return s.value(at, depth)
}

// nested reports, and notes, that a depth is too much.
func (s *scanner) nested(depth int) bool {
	if depth <= maxNesting {
		return false
	}
	if s.found.tooDeep == 0 {
		s.found.tooDeep = s.line
	}
	return true
}

// keyNames scans a bare, quoted or dotted key.
func (s *scanner) keyNames() ([]string, bool) {
	var names []string
	for {
		s.spaces()
		name, ok := s.keyName()
		if !ok {
			return nil, false
		}
		names = append(names, name)
		s.spaces()
		if !s.skip(".") {
			return names, true
		}
	}
}

func (s *scanner) keyName() (string, bool) {
	start := s.pos
	switch {
	case s.peek(`"`):
		if !s.basicString() {
			return "", false
		}
		return unescape(string(s.data[start+1 : s.pos-1])), true
	case s.peek("'"):
		if !s.literalString() {
			return "", false
		}
		return string(s.data[start+1 : s.pos-1]), true
	}
	for s.pos < len(s.data) && bareKeyChar(s.data[s.pos]) {
		s.pos++
	}
	return string(s.data[start:s.pos]), s.pos > start
}

// value scans any value. What is inside of it is noted below at.
func (s *scanner) value(at path, depth int) bool {
	switch {
	case s.skip(`"""`):
		return s.multiline('"')
	case s.skip("'''"):
		return s.multiline('\'')
	case s.peek(`"`):
		return s.basicString()
	case s.peek("'"):
		return s.literalString()
	case s.skip("["):
		return s.array(at, depth+1)
	case s.skip("{"):
		return s.inlineTable(at, depth)
	}
	// A number, a boolean or a date. A date may hold one space, before its time.
	start := s.pos
	s.pos += max(bytes.IndexAny(s.data[s.pos:], ",]}#\r\n"), 0)
	return len(bytes.TrimSpace(s.data[start:s.pos])) > 0
}

func (s *scanner) array(at path, depth int) bool {
	for i := 0; ; i++ {
		s.blank()
		switch {
		case s.pos >= len(s.data):
			return false
		case s.skip("]"):
			return true
		}
		elem := at.index(i)
		s.mark(elem, s.line)
		if s.nested(depth) || !s.value(elem, depth) {
			return false
		}
		s.blank()
		if !s.skip(",") && !s.peek("]") {
			return false
		}
	}
}

func (s *scanner) inlineTable(at path, depth int) bool {
	for {
		s.blank()
		if s.skip("}") {
			return true
		}
		if !s.keyValue(at, depth) {
			return false
		}
		s.blank()
		if !s.skip(",") && !s.peek("}") {
			return false
		}
	}
}

// basicString scans a "string" on one line.
func (s *scanner) basicString() bool {
	for s.pos++; s.pos < len(s.data); s.pos++ {
		switch s.data[s.pos] {
		case '\\':
			s.pos++
		case '\n':
			return false
		case '"':
			s.pos++
			return true
		}
	}
	s.pos = len(s.data)
	return false
}

// literalString scans a 'string' on one line.
func (s *scanner) literalString() bool {
	n := bytes.IndexAny(s.data[s.pos+1:], "'\n")
	if n < 0 || s.data[s.pos+1+n] == '\n' {
		return false
	}
	s.pos += n + 2
	return true
}

// multiline scans to the end of a string that three quotes opened. Up to two
// more quotes before the last three belong to the string.
func (s *scanner) multiline(quote byte) bool {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '\\' && quote == '"':
			s.pos++
			s.newline()
		case c == quote:
			n := 0
			for n < 5 && s.pos+n < len(s.data) && s.data[s.pos+n] == quote {
				n++
			}
			s.pos += n
			if n >= 3 {
				return true
			}
			continue
		default:
			s.newline()
		}
		s.pos++
	}
	s.pos = len(s.data)
	return false
}

// newline counts the line end at the current position, if there is one.
func (s *scanner) newline() {
	if s.pos < len(s.data) && s.data[s.pos] == '\n' {
		s.line++
	}
}

func (s *scanner) peek(token string) bool { return bytes.HasPrefix(s.data[s.pos:], []byte(token)) }

func (s *scanner) skip(token string) bool {
	if !s.peek(token) {
		return false
	}
	s.pos += len(token)
	return true
}

// spaces skips what may stand between the parts of a line.
func (s *scanner) spaces() {
	for s.pos < len(s.data) && (s.data[s.pos] == ' ' || s.data[s.pos] == '\t') {
		s.pos++
	}
}

// blank skips space, comments and line ends.
func (s *scanner) blank() {
	for {
		s.spaces()
		switch {
		case s.skip("\n"):
			s.line++
		case s.skip("\r\n"):
			s.line++
		case s.peek("#"):
			n := bytes.IndexByte(s.data[s.pos:], '\n')
			if n < 0 {
				n = len(s.data) - s.pos
			}
			s.pos += n
		default:
			return
		}
	}
}

// endOfLine skips the rest of a line on which only a comment may follow.
func (s *scanner) endOfLine() bool {
	line := s.line
	s.blank()
	return s.line > line || s.pos >= len(s.data)
}

// unescape resolves the escapes of a basic string.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	simple := map[byte]byte{'b': '\b', 't': '\t', 'n': '\n', 'f': '\f', 'r': '\r', 'e': 0x1b, '"': '"', '\\': '\\'}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		if n := digits[text[i]]; n > 0 && i+n < len(text) {
			if r, err := strconv.ParseUint(text[i+1:i+1+n], 16, 32); err == nil && r <= utf8.MaxRune {
				b.WriteRune(rune(r))
				i += n
				continue
			}
		}
		if c, ok := simple[text[i]]; ok {
			b.WriteByte(c)
		} else {
			b.WriteString(text[i-1 : i+1])
		}
	}
	return b.String()
}
