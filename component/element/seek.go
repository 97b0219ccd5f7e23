package element

import "bytes"

// A seeker finds the end of a token that was cut off, searching each byte only
// once.
type seeker struct {
	kind  seekKind
	from  int  // where the search goes on
	quote byte // the kind seekTag: in an attribute's value, or 0
	equal bool // the kind seekTag: behind an equals sign
}

type seekKind uint8

const (
	seekNone  seekKind = iota // nothing is known
	seekText                  // character data ends at <
	seekCDATA                 // at ]]>
	seekTag                   // at > outside quotes
)

// start begins the search for the end of the token at data[p], which is not in
// data, or goes on with one that was stopped early.
func (s *seeker) start(data []byte, p int) {
	if s.kind != seekNone {
		return
	}
	switch rest := data[p:]; {
	case rest[0] != '<':
		*s = seeker{kind: seekText, from: len(data)}
	case bytes.HasPrefix(rest, cdataStart):
		*s = seeker{kind: seekCDATA, from: max(p+len(cdataStart), len(data)-len(cdataEnd)+1)}
	case len(rest) > 1 && rest[1] != '!':
		// Where quotes are open is not known: begin again.
		*s = seeker{kind: seekTag, from: p}
		s.found(data, p)
	}
}

// found reports whether the token at data[p] is worth another attempt.
func (s *seeker) found(data []byte, p int) bool {
	switch s.kind {
	case seekText:
		if bytes.IndexByte(data[s.from:], '<') >= 0 {
			return true
		}
		s.from = len(data)
		return false
	case seekCDATA:
		if bytes.Contains(data[s.from:], cdataEnd) {
			return true
		}
		s.from = max(s.from, len(data)-len(cdataEnd)+1)
		return false
	case seekTag:
		return s.tag(data)
	}
	return true
}

// tag goes on looking for the end of a tag, or for something that cannot be in
// one, so that errors show as soon as they arrive.
func (s *seeker) tag(data []byte) bool {
	for s.from < len(data) {
		if s.quote != 0 {
			i := bytes.IndexByte(data[s.from:], s.quote)
			if i < 0 {
				s.from = len(data)
				return false
			}
			s.from += i + 1
			s.quote = 0
			continue
		}
		c := data[s.from]
		s.from++
		switch {
		case c == '>':
			return true
		case class[c]&cSpace != 0:
		case c == '=':
			s.equal = true
		case s.equal:
			s.equal = false
			if c != '"' && c != '\'' {
				return true
			}
			s.quote = c
		}
	}
	return false
}
