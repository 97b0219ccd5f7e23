package element

import (
	"io"
	"strings"
)

// A skipper passes over the rest of a stanza that is over a limit. It follows
// the structure (tags, quotes, CDATA) without looking at names or characters.
type skipper struct {
	over  *LimitError // what to return at the end, nil unless skipping
	state skipState
	depth int
	n     int64 // bytes passed
	match int   // of "[CDATA[" or "]]>"
}

type skipState uint8

const (
	skText   skipState = iota // character data
	skLess                    // behind <
	skStart                   // in a start tag
	skSlash                   // behind a slash in a start tag
	skEnd                     // in an end tag
	skSingle                  // in a value in single quotes
	skDouble                  // in one in double quotes
	skBang                    // behind <!
	skCDATA                   // in a CDATA section
)

// overLimit begins to skip the stanza from its last token on. It returns
// errMore.
func (r *Reader) overLimit(what string) error {
	t := &r.token
	r.skip = skipper{
		over:  &LimitError{What: what, Stanza: r.rescue()},
		depth: len(t.open),
		n:     int64(t.pos),
	}
	r.consume(t.pos)
	t.reset()
	return errMore
}

// skipMore goes on skipping through what is in the buffer.
func (r *Reader) skipMore() error {
	k := &r.skip
	data := r.buf[r.start:r.end]
	if limit := int64(r.lim.Stanza)*skipFactor - k.n; int64(len(data)) > limit {
		data = data[:max(limit, 0)]
	}
	n, done, bad := k.run(data)
	k.n += int64(n)
	r.consume(n)
	switch {
	case bad != "":
		return r.fail(0, bad)
	case done:
		err := k.over
		r.skip = skipper{}
		return err
	case r.start < r.end:
		r.err = ErrEndless
		return r.err
	}
	return errMore
}

// run passes over data, up to the end of the stanza.
func (k *skipper) run(data []byte) (n int, done bool, bad string) {
	for i, c := range data {
		switch k.state {
		case skText:
			if c == '<' {
				k.state = skLess
			}
		case skLess:
			switch c {
			case '/':
				k.state = skEnd
			case '!':
				k.state, k.match = skBang, 0
			case '?':
				return i, false, "processing instruction"
			default:
				k.state = skStart
				k.depth++
			}
		case skStart, skSlash:
			switch {
			case c == '>':
				if k.state == skSlash {
					k.depth--
				}
				k.state = skText
			case k.state == skSlash:
				return i, false, "slash in a tag"
			case c == '/':
				k.state = skSlash
			case c == '\'':
				k.state = skSingle
			case c == '"':
				k.state = skDouble
			case c == '<':
				return i, false, "< in a tag"
			}
		case skSingle, skDouble:
			switch {
			case c == '<':
				return i, false, "< in an attribute's value"
			case c == '\'' && k.state == skSingle, c == '"' && k.state == skDouble:
				k.state = skStart
			}
		case skEnd:
			switch c {
			case '>':
				k.state = skText
				k.depth--
			case '<':
				return i, false, "< in a tag"
			}
		case skBang:
			const want = "[CDATA["
			if c != want[k.match] {
				return i, false, "comment or document type"
			}
			if k.match++; k.match == len(want) {
				k.state, k.match = skCDATA, 0
			}
		case skCDATA:
			switch {
			case c == ']':
				k.match = min(k.match+1, 2)
			case c == '>' && k.match == 2:
				k.state = skText
			default:
				k.match = 0
			}
		}
		if k.depth == 0 && k.state == skText {
			return i + 1, true, ""
		}
	}
	return len(data), false, ""
}

// streamEnd checks the stream's end tag.
func (r *Reader) streamEnd() error {
	data := string(r.buf[r.start:r.end])
	tag, _, _ := strings.Cut(data[len("</"):], ">")
	name := strings.TrimRight(tag, " \t\r\n")
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		prefix, local = "", name
	}
	space, ok := r.names.lookup(prefix)
	if !ok && prefix == "" {
		space = r.names.space
	}
	if space != StreamNamespace || local != "stream" {
		return r.fail(0, "end tag does not match")
	}
	r.err = io.EOF
	return r.err
}
