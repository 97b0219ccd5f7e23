package oscarwire

import "strings"

// MessageType is the type of an ICQ message: channel 4, type-2 messages, old
// offline messages.
type MessageType uint8

// Message types (Shutko, "message types").
const (
	MessagePlain         MessageType = 0x01
	MessageChat          MessageType = 0x02
	MessageFile          MessageType = 0x03
	MessageURL           MessageType = 0x04 // description FE address
	MessageAuthRequest   MessageType = 0x06 // nick FE first FE last FE e-mail FE unknown FE reason
	MessageAuthDenied    MessageType = 0x07 // reason
	MessageAuthGranted   MessageType = 0x08
	MessageServer        MessageType = 0x09
	MessageAdded         MessageType = 0x0C // nick FE first FE last FE e-mail
	MessageWebPager      MessageType = 0x0D // name FE FE FE e-mail FE FE text
	MessageEmailPager    MessageType = 0x0E // likewise
	MessageContacts      MessageType = 0x13 // count FE (uin FE nick FE)…
	MessagePlugin        MessageType = 0x1A // x-status and others
	MessageAwayQuery     MessageType = 0xE8 // fetch automatic response
	MessageOccupiedQuery MessageType = 0xE9
	MessageNAQuery       MessageType = 0xEA
	MessageDNDQuery      MessageType = 0xEB
	MessageFreeQuery     MessageType = 0xEC
)

// Message flags.
const (
	MessageFlagNormal uint8 = 0x01
	MessageFlagAuto   uint8 = 0x03
	MessageFlagMulti  uint8 = 0x80
)

// ICQMessage is TLV 05 of a message of channel 4, little-endian.
type ICQMessage struct {
	UIN   uint32
	Type  MessageType
	Flags uint8
	Text  []byte // in the account's code page, without NUL
}

// ParseICQMessage parses TLV 05 of a message of channel 4.
func ParseICQMessage(value []byte) (ICQMessage, error) {
	r := NewReader(value)
	m := ICQMessage{r.U32LE(), MessageType(r.U8()), r.U8(), r.CString16LE()}
	return m, wrap("icq message", r.Err())
}

// Append appends the value of TLV 05.
func (m ICQMessage) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U32LE(m.UIN)
	w.U8(uint8(m.Type))
	w.U8(m.Flags)
	w.CString16LE(m.Text)
	return w.B
}

// SplitFE splits the text of a message type with several fields, decoding them.
func SplitFE(text []byte, page *CodePage) []string {
	parts := strings.Split(string(text), "\xFE")
	for i, p := range parts {
		parts[i] = page.Decode([]byte(p))
	}
	return parts
}

// JoinFE encodes and joins the fields of such a text.
func JoinFE(fields []string, page *CodePage) []byte {
	var b []byte
	for i, f := range fields {
		if i > 0 {
			b = append(b, 0xFE)
		}
		b = append(b, page.Encode(f)...)
	}
	return b
}

func icqMessage(l TLVs) (ICQMessage, error) {
	b, ok := l.Get(TagIMData)
	if !ok {
		return ICQMessage{}, missing("im", TagIMData)
	}
	return ParseICQMessage(b)
}

// ICQMessage returns the content of a message of channel 4.
func (m IncomingIM) ICQMessage() (ICQMessage, error) { return icqMessage(m.TLVs) }

// ICQMessage returns the content of a message of channel 4.
func (m OutgoingIM) ICQMessage() (ICQMessage, error) { return icqMessage(m.TLVs) }

// NewOutgoingICQ makes a message of channel 4, 04/06.
func NewOutgoingICQ(cookie Cookie, to string, c ICQMessage, flags IMFlags) OutgoingIM {
	l := TLVs{{TagIMData, c.Append(nil)}}
	return OutgoingIM{cookie, IMChannelICQ, to, flags.appendTo(l)}
}

// NewIncomingICQ makes a message of channel 4, 04/07.
func NewIncomingICQ(cookie Cookie, from UserInfo, c ICQMessage, flags IMFlags) IncomingIM {
	l := TLVs{{TagIMData, c.Append(nil)}}
	return IncomingIM{cookie, IMChannelICQ, from, flags.appendTo(l)}
}

// Type2 is TLV 2711 of a rendezvous with CapICQRelay, and the data of the
// client ack that answers it: an ICQ message, little-endian (Shutko, "TLV
// 2711").
type Type2 struct {
	Version     uint16 // protocol, 0007 to 000A
	Plugin      GUID   // zero for messages
	Features    uint32
	Sequence    uint16 // counts down from FFFF; an ack repeats it
	Type        MessageType
	Flags       uint8
	Status      uint16 // sender's ICQ status; in an ack 0 for accepted
	Priority    uint16 // 1 normal; see Accept… in acks
	Text        []byte // without NUL
	Foreground  uint32 // 00BBGGRR
	Background  uint32
	UTF8        bool   // Text is UTF-8
	Rest        []byte // after the text, if there are no colours in it
	HasColours  bool
	unknownByte uint8
}

const (
	type2HeaderLen  = 0x1B
	type2TrailerLen = 0x0E
	type2Unknown    = 3
	utf8GUIDText    = "{0946134E-4C7F-11D1-8222-444553540000}"
)

// ParseType2 parses TLV 2711 or the data of a client ack. Unknown bytes at the
// end of both headers are skipped.
func ParseType2(value []byte) (Type2, error) {
	r := NewReader(value)
	h := NewReader(r.Bytes(int(r.U16LE())))
	var m Type2
	m.Version, m.Plugin = h.U16LE(), h.GUID()
	h.U16LE()
	m.Features, m.unknownByte, m.Sequence = h.U32LE(), h.U8(), h.U16LE()
	r.Skip(int(r.U16LE())) // sequence again, 12 zero bytes
	m.Type, m.Flags = MessageType(r.U8()), r.U8()
	m.Status, m.Priority = r.U16LE(), r.U16LE()
	m.Text = r.CString16LE()
	if err := h.Err(); err != nil {
		return m, wrap("type-2 header", err)
	}
	if err := r.Err(); err != nil {
		return m, wrap("type-2 message", err)
	}
	m.readTail(r)
	return m, nil
}

// readTail reads colours and the GUID of UTF-8, which are optional.
func (m *Type2) readTail(r *Reader) {
	if m.Type == MessagePlain && isUTF8GUID(r.buf[r.off:]) { // some clients omit the colours
		r.Skip(4 + len(utf8GUIDText))
		m.UTF8, m.Rest = true, r.Rest()
		return
	}
	if r.Len() < 8 || m.Type != MessagePlain {
		m.Rest = r.Rest()
		return
	}
	m.Foreground, m.Background, m.HasColours = r.U32LE(), r.U32LE(), true
	if r.Len() < 4 {
		m.Rest = r.Rest()
		return
	}
	guid := r.Bytes(min(int(r.U32LE()), r.Len()))
	m.UTF8 = strings.EqualFold(strings.TrimRight(string(guid), "\x00"), utf8GUIDText)
	m.Rest = r.Rest()
}

// isUTF8GUID reports whether bytes begin with the GUID of UTF-8 and its length.
func isUTF8GUID(b []byte) bool {
	r := NewReader(b)
	return r.U32LE() == uint32(len(utf8GUIDText)) && strings.EqualFold(string(r.Bytes(len(utf8GUIDText))), utf8GUIDText)
}

// Append appends the value of TLV 2711.
func (m Type2) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16LE(type2HeaderLen)
	w.U16LE(m.Version)
	w.Bytes(m.Plugin[:])
	w.U16LE(0)
	w.U32LE(m.Features)
	w.U8(m.unknownByte)
	w.U16LE(m.Sequence)
	w.U16LE(type2TrailerLen)
	w.U16LE(m.Sequence)
	w.Bytes(make([]byte, 12))
	w.U8(uint8(m.Type))
	w.U8(m.Flags)
	w.U16LE(m.Status)
	w.U16LE(m.Priority)
	w.CString16LE(m.Text)
	if m.HasColours {
		w.U32LE(m.Foreground)
		w.U32LE(m.Background)
	}
	if m.UTF8 && m.Type == MessagePlain {
		w.U32LE(uint32(len(utf8GUIDText)))
		w.String(utf8GUIDText)
	}
	w.Bytes(m.Rest)
	return w.B
}

// String decodes the text: UTF-8 if so marked, else in page (valid UTF-8 is
// taken as such).
func (m Type2) String(page *CodePage) string {
	if m.UTF8 {
		return Clean(strings.ToValidUTF8(string(m.Text), "\uFFFD"))
	}
	return page.Decode(m.Text)
}

// NewType2Text makes a plain message in UTF-8 with usual headers.
func NewType2Text(text string, sequence uint16, status Status) Type2 {
	return Type2{
		Version: 8, Features: type2Unknown, Sequence: sequence,
		Type: MessagePlain, Flags: MessageFlagNormal, Status: uint16(status), Priority: 1,
		Text: []byte(text), Background: 0x00FFFFFF, HasColours: true, UTF8: true,
	}
}

// Ack returns the message with which a recipient accepts m: the same headers,
// status 0, an empty text.
func (m Type2) Ack() Type2 {
	a := m
	a.Status, a.Priority, a.Text, a.UTF8, a.Rest = 0, 0, nil, false, nil
	return a
}

// Rendezvous wraps m as a proposal with CapICQRelay and the TLVs 0A, 0F, 2711.
func (m Type2) Rendezvous(cookie Cookie) Rendezvous {
	return Rendezvous{
		Kind: RendezvousRequest, Cookie: cookie, Capability: CapICQRelay,
		TLVs: TLVs{TLV16(TagRendezvousSequence, 1), {Tag: TagRendezvousF}, {TagRendezvousData, m.Append(nil)}},
	}
}

// Type2 returns the ICQ message inside; ErrMissing for another capability or
// without TLV 2711.
func (v Rendezvous) Type2() (Type2, error) {
	b, ok := v.TLVs.Get(TagRendezvousData)
	if !ok || v.Capability != CapICQRelay {
		return Type2{}, missing("type-2 message", TagRendezvousData)
	}
	return ParseType2(b)
}
