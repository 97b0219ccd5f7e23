package irc

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// decode reads a line that should be UTF-8.
func (c *client) decode(line string) string {
	if utf8.ValidString(line) {
		return line
	}
	if s, err := c.encodingOf(line).NewDecoder().String(line); err == nil {
		return s
	}
	return strings.ToValidUTF8(line, "\uFFFD")
}

// encodingOf is the encoding of a line that is no UTF-8: that of the channel of which
// it tells, if the user has set one, or else of the server.
func (c *client) encodingOf(line string) encoding.Encoding {
	m, _ := ircwire.Parse(line)
	for _, p := range m.Params[:min(len(m.Params), 3)] {
		if ch := c.channels.byName[c.fold(p)]; ch != nil {
			if in, ok := charset(c.s.setting(ch.peer.ID)["encoding_in"]); ok {
				return in
			}
		}
	}
	return c.profile.in
}

// encode writes a text as the user wants it for this server.
func (c *client) encode(text string) string { return encodeTo(c.profile.out, text) }

// encodeFor writes a text as the user wants it for this channel, if they have said so.
func (c *client) encodeFor(to legacy.Peer, text string) string {
	if to.Room {
		if out, ok := charset(c.s.setting(to.ID)["encoding_out"]); ok {
			return encodeTo(out, text)
		}
	}
	return c.encode(text)
}

// encodeTo writes a text in an encoding, nil for UTF-8.
func encodeTo(out encoding.Encoding, text string) string {
	if out == nil || out == unicode.UTF8 {
		return text
	}
	var b strings.Builder
	encoder := out.NewEncoder()
	for _, r := range text {
		if s, err := encoder.String(string(r)); err == nil {
			b.WriteString(s)
		} else {
			b.WriteByte('?')
		}
	}
	return b.String()
}

// charset is an encoding by its name on the Web, with or without hyphens: "latin-1" is
// what iconv has, and thus biboumi's users. It must know ASCII as such, of which
// the protocol is made.
func charset(name string) (encoding.Encoding, bool) {
	const ascii = "#a ~"
	if name == "" { // as for most channels
		return nil, false
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		e, err = htmlindex.Get(strings.NewReplacer("-", "", "_", "").Replace(name))
	}
	if err != nil {
		return nil, false
	}
	in, err := e.NewDecoder().String(ascii)
	return e, err == nil && in == ascii
}
