package oscarwire

import (
	"strings"
	"time"
)

// Message channels.
const (
	IMChannelText       uint16 = 1 // plain messages
	IMChannelRendezvous uint16 = 2 // rendezvous: files, ICQ type-2 messages
	IMChannelICQ        uint16 = 4 // old ICQ messages
)

// Tags of messages.
const (
	TagIMText        uint16 = 0x02 // channel 1: fragments
	TagIMRequestAck  uint16 = 0x03 // empty: ask for 04/0C
	TagIMAuto        uint16 = 0x04 // empty: automatic response
	TagIMData        uint16 = 0x05 // channels 2 and 4
	TagIMStore       uint16 = 0x06 // empty: store if offline
	TagIMIconInfo    uint16 = 0x08
	TagIMIconRequest uint16 = 0x09
	TagIMWantsTyping uint16 = 0x0B // empty: typing events are supported
	TagIMTime        uint16 = 0x16 // time_t of an offline message
)

// IMFlags are the empty TLVs of a message.
type IMFlags uint8

// Message flags.
const (
	IMRequestAck  IMFlags = 1 << iota // 03
	IMStore                           // 06
	IMAuto                            // 04
	IMWantsTyping                     // 0B
)

var imFlagTags = [...]struct {
	flag IMFlags
	tag  uint16
}{
	{IMRequestAck, TagIMRequestAck}, {IMAuto, TagIMAuto},
	{IMStore, TagIMStore}, {IMWantsTyping, TagIMWantsTyping},
}

func (f IMFlags) appendTo(l TLVs) TLVs {
	for _, t := range imFlagTags {
		if f&t.flag != 0 {
			l = append(l, TLV{Tag: t.tag})
		}
	}
	return l
}

func imFlags(l TLVs) (f IMFlags) {
	for _, t := range imFlagTags {
		if l.Has(t.tag) {
			f |= t.flag
		}
	}
	return f
}

// OutgoingIM is 04/06, a message from a client to the server.
type OutgoingIM struct {
	Cookie  Cookie
	Channel uint16
	To      string
	TLVs    TLVs
}

// ParseOutgoingIM parses 04/06.
func ParseOutgoingIM(body []byte) (OutgoingIM, error) {
	r := NewReader(body)
	m := OutgoingIM{r.Cookie(), r.U16(), r.String8(), r.TLVs()}
	return m, wrapID(ICBMSend, r.Err())
}

// Append appends the body.
func (m OutgoingIM) Append(dst []byte) []byte {
	w := Writer{dst}
	w.Bytes(m.Cookie[:])
	w.U16(m.Channel)
	w.String8(m.To)
	w.TLVs(m.TLVs)
	return w.B
}

// Flags returns which of the empty TLVs the message has.
func (m OutgoingIM) Flags() IMFlags { return imFlags(m.TLVs) }

// IncomingIM is 04/07, a message from the server to a client.
type IncomingIM struct {
	Cookie  Cookie
	Channel uint16
	From    UserInfo
	TLVs    TLVs
}

// ParseIncomingIM parses 04/07.
func ParseIncomingIM(body []byte) (IncomingIM, error) {
	r := NewReader(body)
	m := IncomingIM{Cookie: r.Cookie(), Channel: r.U16(), From: readUserInfo(r)}
	m.TLVs = r.TLVs()
	return m, wrapID(ICBMIncoming, r.Err())
}

// Append appends the body.
func (m IncomingIM) Append(dst []byte) []byte {
	w := Writer{dst}
	w.Bytes(m.Cookie[:])
	w.U16(m.Channel)
	m.From.append(&w)
	w.TLVs(m.TLVs)
	return w.B
}

// Flags returns which of the empty TLVs the message has.
func (m IncomingIM) Flags() IMFlags { return imFlags(m.TLVs) }

// Time returns when an offline message was sent; false for a live one.
func (m IncomingIM) Time() (time.Time, bool) {
	return tlvTime(m.TLVs, TagIMTime)
}

// IMText is the content of a message of channel 1, TLV 02: fragment 0501 lists the
// sender's features, and each 0101 contains text.
type IMText struct {
	Features []byte
	Parts    []IMPart
}

// IMPart is a stretch of text in one encoding.
type IMPart struct {
	Charset uint16 // CharsetASCII, CharsetUTF16 or CharsetLatin1
	Subset  uint16
	Data    []byte
}

// Fragment types of IMText.
const (
	fragmentFeatures uint16 = 0x0501
	fragmentText     uint16 = 0x0101
)

// Features that clients send: BitLBee and libpurple send DefaultFeatures to AIM users
// and FeaturesICQ to UINs.
var (
	DefaultFeatures = []byte{1, 1, 1, 2}
	FeaturesICQ     = []byte{1}
)

// ParseIMText parses TLV 02 of a message of channel 1. If the length of a text fragment
// exceeds the data, the text ends with the data, because some clients send a wrong
// length; ErrShort is returned with it. ErrMissing without any text.
func ParseIMText(value []byte) (IMText, error) {
	r := NewReader(value)
	var t IMText
	for r.Len() > 0 {
		kind, data := r.U16(), []byte(nil)
		size := int(r.U16())
		if r.Err() != nil {
			break
		}
		lying := size > r.Len()
		data = r.Bytes(min(size, r.Len()))
		switch kind {
		case fragmentFeatures:
			t.Features = data
		case fragmentText:
			f := NewReader(data)
			p := IMPart{Charset: f.U16(), Subset: f.U16(), Data: f.Rest()}
			if f.Err() != nil {
				return t, wrap("im text", f.Err())
			}
			t.Parts = append(t.Parts, p)
		}
		if lying {
			r.fail(size)
		}
	}
	if len(t.Parts) == 0 && r.Err() == nil {
		return t, missing("im text", fragmentText)
	}
	return t, wrap("im text", r.Err())
}

// Append appends the value of TLV 02.
func (t IMText) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(fragmentFeatures)
	w.Bytes16(t.Features)
	for _, p := range t.Parts {
		w.U16(fragmentText)
		mark := w.Begin16()
		w.U16(p.Charset)
		w.U16(p.Subset)
		w.Bytes(p.Data)
		w.End16(mark)
	}
	return w.B
}

// Text decodes and joins the parts, without the data of Inline. Text that is neither ASCII, UTF-8 nor in its
// declared encoding is decoded by page; see DecodeText.
func (t IMText) Text(page *CodePage) string {
	if len(t.Parts) == 1 {
		text, _ := cutInline(t.Parts[0].Data)
		return DecodeText(t.Parts[0].Charset, text, page)
	}
	var sb strings.Builder
	for _, p := range t.Parts {
		text, _ := cutInline(p.Data)
		sb.WriteString(DecodeText(p.Charset, text, page))
	}
	return sb.String()
}

// NewIMText makes the content of one part with the text s; see Encoder.
func NewIMText(s string, enc Encoder, features []byte) IMText {
	charset, data := enc.Encode(s)
	return IMText{features, []IMPart{{Charset: charset, Data: data}}}
}

func imText(l TLVs) (IMText, error) {
	b, ok := l.Get(TagIMText)
	if !ok {
		return IMText{}, missing("im", TagIMText)
	}
	return ParseIMText(b)
}

// Text returns the content of a message of channel 1. It may have parts even
// with an error; see ParseIMText.
func (m IncomingIM) Text() (IMText, error) { return imText(m.TLVs) }

// Text returns the content of a message of channel 1, like IncomingIM.Text.
func (m OutgoingIM) Text() (IMText, error) { return imText(m.TLVs) }

func textTLVs(t IMText, flags IMFlags) TLVs {
	size := 8 + len(t.Features)
	for _, p := range t.Parts {
		size += 8 + len(p.Data)
	}
	l := make(TLVs, 1, 2+len(imFlagTags))
	l[0] = TLV{TagIMText, t.Append(make([]byte, 0, size))}
	return flags.appendTo(l)
}

// NewOutgoingText makes a message of channel 1, 04/06.
func NewOutgoingText(cookie Cookie, to string, t IMText, flags IMFlags) OutgoingIM {
	return OutgoingIM{cookie, IMChannelText, to, textTLVs(t, flags)}
}

// NewIncomingText makes a message of channel 1, 04/07; sent is the zero time
// for a live message.
func NewIncomingText(cookie Cookie, from UserInfo, t IMText, flags IMFlags, sent time.Time) IncomingIM {
	l := textTLVs(t, flags)
	if !sent.IsZero() {
		l = append(l, TLV32(TagIMTime, uint32(sent.Unix())))
	}
	return IncomingIM{cookie, IMChannelText, from, l}
}
