package config

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// path is the path of a value in a TOML document. The id contains the index of array
// elements (network[1].driver). The form for messages does not (network.driver), because
// messages have a line number.
type path struct{ id, shown string }

// key returns the path of a key in the table p.
func (p path) key(name string) path {
	name = quoteKey(name)
	if p.id == "" {
		return path{name, name}
	}
	return path{p.id + "." + name, p.shown + "." + name}
}

// index returns the path of an element of the array p.
func (p path) index(i int) path {
	return path{p.id + "[" + strconv.Itoa(i) + "]", p.shown}
}

// quoteKey returns a key in TOML syntax, bare if possible. It escapes control characters,
// so that messages can contain the result.
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

// maxNesting limits the nesting of tables, arrays and dotted keys. The TOML library needs
// cubic time for nested tables.
const maxNesting = 16 // limit: nested tables and arrays in a configuration file | the program does not start

// positions are the lines on which the tables, keys and array elements of a TOML document
// begin, by path.id. The TOML library does not export the positions of keys, and has only
// one position for all elements of an array of tables.
type positions struct {
	lines map[string]int
	// tooDeep is the first line that exceeds maxNesting, 0 if none does.
	tooDeep int
}

// line returns the line of a path, or of the innermost table around it that is defined.
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

// parentID returns a path's id without its last key or index.
func parentID(id string) string {
	if strings.HasSuffix(id, `"`) { // a quoted key, which may contain any character
		i := len(id) - 2
		for i > 0 && (id[i] != '"' || escapedAt(id, i)) {
			i--
		}
		return strings.TrimSuffix(id[:max(i, 0)], ".")
	}
	return id[:max(strings.LastIndexAny(id, ".["), 0)]
}

// escapedAt reports whether an odd number of backslashes precedes the byte at i.
func escapedAt(s string, i int) bool {
	n := 0
	for i-1-n >= 0 && s[i-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// locate returns the positions in a TOML 1.1 document. It stops silently at a syntax
// error, which the TOML library reports.
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

// scanner scans a TOML document. Its methods return false at a syntax error.
type scanner struct {
	data   []byte
	pos    int
	line   int
	found  positions
	tables map[string]int // number of elements of each array of tables, by path.id
}

// mark stores the line of a path, unless it already has one.
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

// header scans a [table] or [[array of tables]] header and returns the path of the table.
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

// nested reports whether a depth exceeds maxNesting, and stores the first such line.
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

// value scans a value of any type, and stores the positions of its contents below at.
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
	// A number, a boolean or a date. A date may contain one space, before the time.
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

// multiline scans to the end of a string that began with three quotes. Up to two quotes
// before the final three belong to the string.
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

// newline counts the line end at the current position, if any.
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

// spaces skips spaces and tabs.
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

// endOfLine skips the rest of a line, which may contain only a comment.
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
