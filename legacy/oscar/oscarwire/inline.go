package oscarwire

import (
	"bytes"
	"strconv"
	"strings"
)

// Inline is a picture or a sound that an old AIM client has put into a message, behind its
// text: <BINARY><DATA ID="1" SIZE="1234">…</DATA></BINARY>.
type Inline struct {
	ID   string
	Data []byte
}

const maxInline = 10 // limit: pictures in one message | the rest is dropped

// Inline returns the pictures and sounds in a message. They are not part of Text.
func (t IMText) Inline() (all []Inline) {
	for _, p := range t.Parts {
		_, found := cutInline(p.Data)
		all = append(all, found...)
	}
	return all[:min(len(all), maxInline)]
}

// cutInline splits the bytes of a message, in any encoding, into the text and what follows
// it. The data are not encoded, and may be shorter than their SIZE.
func cutInline(b []byte) (text []byte, found []Inline) {
	start := findTag(b, "<BINARY>")
	if start < 0 {
		return b, nil
	}
	rest := bytes.TrimLeft(b[start+len("<BINARY>"):], " \r\n")
	if findTag(rest, "<DATA ") != 0 {
		return b, nil // a text about it
	}
	for findTag(rest, "<DATA ") == 0 && len(found) < maxInline {
		end := bytes.IndexByte(rest, '>')
		if end < 0 {
			break
		}
		attributes := string(rest[len("<DATA"):end])
		rest = rest[end+1:]
		size, err := strconv.Atoi(strings.TrimSpace(attribute(attributes, "size")))
		if err != nil || size < 0 || size > len(rest) {
			size = max(findTag(rest, "</DATA>"), 0)
		}
		if size > 0 {
			found = append(found, Inline{Clean(attribute(attributes, "id")), rest[:size]})
		}
		rest = bytes.TrimLeft(rest[size:], " \r\n")
		if findTag(rest, "</DATA>") == 0 {
			rest = bytes.TrimLeft(rest[len("</DATA>"):], " \r\n")
		}
	}
	return b[:start], found
}

// findTag returns the offset of a tag in any case, -1 if there is none.
func findTag(b []byte, tag string) int {
	for at := 0; ; at++ {
		i := bytes.IndexByte(b[at:], '<')
		if i < 0 || at+i+len(tag) > len(b) {
			return -1
		}
		if at += i; strings.EqualFold(string(b[at:at+len(tag)]), tag) {
			return at
		}
	}
}
