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

// decode converts a received line to UTF-8.
func (c *client) decode(line string) string {
	if utf8.ValidString(line) {
		return line
	}
	if s, err := c.encodingOf(line).NewDecoder().String(line); err == nil {
		return s
	}
	return strings.ToValidUTF8(line, "\uFFFD")
}

// encodingOf returns the encoding of a received line that is not UTF-8: the channel's
// setting if the line is about a channel that has one, otherwise the server's.
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

// encode converts a text to the encoding that the user has set for this server.
func (c *client) encode(text string) string { return encodeTo(c.profile.out, text) }

// encodeFor converts a text to the encoding of a channel, if the user has set one,
// otherwise to that of the server.
func (c *client) encodeFor(to legacy.Peer, text string) string {
	if to.Room {
		if out, ok := charset(c.s.setting(to.ID)["encoding_out"]); ok {
			return encodeTo(out, text)
		}
	}
	return c.encode(text)
}

// encodeTo converts a text to an encoding, nil for UTF-8.
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

// charset returns an encoding by its WHATWG label, with or without hyphens. It also
// knows iconv's "latin-1", which biboumi's users have. The encoding must be a superset
// of ASCII, because the protocol itself is ASCII.
func charset(name string) (encoding.Encoding, bool) {
	const ascii = "#a ~"
	if name == "" { // the usual case of a channel
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
