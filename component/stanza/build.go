package stanza

import "transport/component/element"

// AppendPresence appends a presence without payload. typ and id may be "".
func AppendPresence(dst []byte, from, to, typ, id string) []byte {
	dst = append(dst, "<presence"...)
	dst = AppendAttr(dst, "from", from)
	dst = AppendAttr(dst, "to", to)
	dst = AppendAttr(dst, "type", typ)
	dst = AppendAttr(dst, "id", id)
	return append(dst, "/>"...)
}

// AppendMessageStart appends the start tag of a chat message.
func AppendMessageStart(dst []byte, from, to, id string) []byte {
	dst = append(dst, "<message type='chat'"...)
	dst = AppendAttr(dst, "from", from)
	dst = AppendAttr(dst, "to", to)
	dst = AppendAttr(dst, "id", id)
	return append(dst, '>')
}

// AppendAttr appends an attribute, unless it is empty.
func AppendAttr(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, ' ')
	dst = append(dst, name...)
	dst = append(dst, `="`...)
	dst = element.AppendAttr(dst, value)
	return append(dst, '"')
}

// AppendChild appends a child with text, unless the text is empty.
func AppendChild(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	dst = append(append(append(dst, '<'), name...), '>')
	dst = element.AppendText(dst, text)
	return append(append(append(dst, "</"...), name...), '>')
}
