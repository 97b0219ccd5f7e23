package oscarwire

import (
	"fmt"
	"time"
)

// ICQCommand is a command of family 15.
type ICQCommand uint16

// Commands of 15/02 and 15/03 (Shutko).
const (
	ICQOfflineQuery   ICQCommand = 0x003C // ask for offline messages, old form
	ICQOfflineDelete  ICQCommand = 0x003E
	ICQOfflineMessage ICQCommand = 0x0041
	ICQOfflineDone    ICQCommand = 0x0042
	ICQMetaRequest    ICQCommand = 0x07D0
	ICQMetaReply      ICQCommand = 0x07DA
)

const tagICQData uint16 = 0x01

// ICQData is the body of 15/02 and 15/03: TLV 01, little-endian inside. The
// SNAC's FlagMore says that more replies follow.
type ICQData struct {
	UIN      uint32 // own
	Command  ICQCommand
	Sequence uint16 // a reply repeats the request's
	Data     []byte
}

// ParseICQData parses 15/02 or 15/03. It ignores the inner length.
func ParseICQData(body []byte) (ICQData, error) {
	b, ok := NewReader(body).TLVs().Get(tagICQData)
	if !ok {
		return ICQData{}, missing("family 15", tagICQData)
	}
	r := NewReader(b)
	r.U16LE()
	d := ICQData{r.U32LE(), ICQCommand(r.U16LE()), r.U16LE(), r.Rest()}
	return d, wrap("family 15", r.Err())
}

// Append appends the body.
func (d ICQData) Append(dst []byte) []byte {
	w := Writer{dst}
	mark := w.BeginTLV(tagICQData)
	inner := w.Begin16()
	w.U32LE(d.UIN)
	w.U16LE(uint16(d.Command))
	w.U16LE(d.Sequence)
	w.Bytes(d.Data)
	w.End16LE(inner)
	w.End16(mark)
	return w.B
}

// OldOffline is an offline message of the old form, ICQOfflineMessage.
type OldOffline struct {
	From  uint32
	Sent  time.Time // UTC
	Type  MessageType
	Flags uint8
	Text  []byte // in the account's code page
}

// OldOffline parses the data of ICQOfflineMessage.
func (d ICQData) OldOffline() (OldOffline, error) {
	r := NewReader(d.Data)
	m := OldOffline{From: r.U32LE()}
	year, month, day := int(r.U16LE()), time.Month(r.U8()), int(r.U8())
	hour, minute := int(r.U8()), int(r.U8())
	m.Sent = time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
	m.Type, m.Flags, m.Text = MessageType(r.U8()), r.U8(), r.CString16LE()
	return m, wrap("old offline message", r.Err())
}

// NewOldOffline makes the 15/03 of an offline message.
func NewOldOffline(uin uint32, sequence uint16, m OldOffline) ICQData {
	var w Writer
	w.U32LE(m.From)
	w.U16LE(uint16(m.Sent.Year()))
	for _, v := range [...]int{int(m.Sent.Month()), m.Sent.Day(), m.Sent.Hour(), m.Sent.Minute()} {
		w.U8(uint8(v))
	}
	w.U8(uint8(m.Type))
	w.U8(m.Flags)
	w.CString16LE(m.Text)
	return ICQData{uin, ICQOfflineMessage, sequence, w.B}
}

// MetaSubtype is the subject of a meta request or reply.
type MetaSubtype uint16

// Meta requests.
const (
	MetaSetBasic       MetaSubtype = 0x03EA
	MetaSetWork        MetaSubtype = 0x03F3
	MetaSetMore        MetaSubtype = 0x03FD
	MetaSetNotes       MetaSubtype = 0x0406
	MetaSetFull        MetaSubtype = 0x0C3A // TLVs
	MetaFullInfo       MetaSubtype = 0x04B2
	MetaShortInfo      MetaSubtype = 0x04BA
	MetaSelfInfo       MetaSubtype = 0x04D0
	MetaSearchName     MetaSubtype = 0x0515
	MetaSearchUIN      MetaSubtype = 0x051F
	MetaSearchEmail    MetaSubtype = 0x0529
	MetaSearchWhite    MetaSubtype = 0x0533
	MetaSearchWhiteTLV MetaSubtype = 0x055F
	MetaSearchUINTLV   MetaSubtype = 0x0569
	MetaSearchEmailTLV MetaSubtype = 0x0573
)

// Meta replies.
const (
	MetaSetBasicAck     MetaSubtype = 0x0064
	MetaHomeReply       MetaSubtype = 0x00C8
	MetaWorkReply       MetaSubtype = 0x00D2
	MetaMoreReply       MetaSubtype = 0x00DC
	MetaNotesReply      MetaSubtype = 0x00E6
	MetaEmailsReply     MetaSubtype = 0x00EB
	MetaInterestsReply  MetaSubtype = 0x00F0
	MetaAffiliatesReply MetaSubtype = 0x00FA
	MetaShortReply      MetaSubtype = 0x0104
	MetaHomepageReply   MetaSubtype = 0x010E
	MetaSearchRow       MetaSubtype = 0x01A4
	MetaSearchLast      MetaSubtype = 0x01AE
	MetaSetFullAck      MetaSubtype = 0x0C3F
)

// Result bytes of meta replies.
const (
	MetaOK       uint8 = 0x0A
	MetaFailed   uint8 = 0x14
	MetaReadOnly uint8 = 0x1E
	MetaNotFound uint8 = 0x32
)

// Tags of meta requests made of TLVs, whose tag and length are little-endian.
const (
	TagMetaUIN   uint16 = 0x0136
	TagMetaEmail uint16 = 0x015E
)

// MetaRequest splits the data of ICQMetaRequest into subtype and arguments.
func (d ICQData) MetaRequest() (MetaSubtype, []byte, error) {
	r := NewReader(d.Data)
	s, args := MetaSubtype(r.U16LE()), r.Rest()
	return s, args, wrap("meta request", r.Err())
}

// NewMetaRequest makes the 15/02 of a meta request.
func NewMetaRequest(uin uint32, sequence uint16, s MetaSubtype, args []byte) ICQData {
	var w Writer
	w.U16LE(uint16(s))
	w.Bytes(args)
	return ICQData{uin, ICQMetaRequest, sequence, w.B}
}

// MetaUINArgs returns the arguments of MetaShortInfo, MetaFullInfo, MetaSelfInfo and
// MetaSearchUIN; ParseMetaUIN parses them and those of MetaSearchUINTLV.
func MetaUINArgs(uin uint32) []byte {
	var w Writer
	w.U32LE(uin)
	return w.B
}

// MetaUINTLVArgs returns the arguments of MetaSearchUINTLV.
func MetaUINTLVArgs(uin uint32) []byte {
	var w Writer
	w.U16LE(TagMetaUIN)
	w.U16LE(4)
	w.U32LE(uin)
	return w.B
}

// ParseMetaUIN returns the UIN in a request.
func ParseMetaUIN(s MetaSubtype, args []byte) (uint32, error) {
	r := NewReader(args)
	if s == MetaSearchUINTLV {
		for r.U16LE() != TagMetaUIN && r.Err() == nil {
			r.Skip(int(r.U16LE()))
		}
		r.U16LE()
	}
	uin := r.U32LE()
	return uin, wrap("meta uin", r.Err())
}

// MetaReply splits the data of ICQMetaReply.
type MetaReply struct {
	Subtype MetaSubtype
	Result  uint8 // MetaOK, MetaNotFound …
	Data    []byte
}

// MetaReply parses the data of ICQMetaReply.
func (d ICQData) MetaReply() (MetaReply, error) {
	r := NewReader(d.Data)
	m := MetaReply{MetaSubtype(r.U16LE()), r.U8(), r.Rest()}
	return m, wrap("meta reply", r.Err())
}

// Wrap makes the 15/03 of the reply.
func (m MetaReply) Wrap(uin uint32, sequence uint16) ICQData {
	var w Writer
	w.U16LE(uint16(m.Subtype))
	w.U8(m.Result)
	w.Bytes(m.Data)
	return ICQData{uin, ICQMetaReply, sequence, w.B}
}

// OK reports whether the request succeeded.
func (m MetaReply) OK() bool { return m.Result == MetaOK }

// MetaUser is a user in short info or a search result. Text is in the account's code
// page.
type MetaUser struct {
	UIN      uint32 // searches only
	Nick     []byte
	First    []byte
	Last     []byte
	Email    []byte
	OpenAuth bool   // may be added without authorization (older Open OSCAR Servers: the contrary)
	Status   uint16 // searches only: 0 offline, 1 online, 2 not published
	Gender   uint8  // 0 unknown, 1 female, 2 male
	Age      uint16 // searches only
}

func (m *MetaUser) readNames(r *Reader) {
	for _, p := range [...]*[]byte{&m.Nick, &m.First, &m.Last, &m.Email} {
		*p = r.CString16LE()
	}
	m.OpenAuth = r.U8() == 1
}

func (m MetaUser) appendNames(w *Writer) {
	for _, b := range [...][]byte{m.Nick, m.First, m.Last, m.Email} {
		w.CString16LE(b)
	}
	var open uint8
	if m.OpenAuth {
		open = 1
	}
	w.U8(open)
}

// ShortInfo parses the data of MetaShortReply.
func (m MetaReply) ShortInfo() (MetaUser, error) {
	r := NewReader(m.Data)
	var u MetaUser
	u.readNames(r)
	if r.Len() >= 2 { // unknown byte, gender
		r.U8()
		u.Gender = r.U8()
	}
	return u, wrap("short info", r.Err())
}

// NewShortInfo makes the reply MetaShortReply.
func NewShortInfo(u MetaUser) MetaReply {
	var w Writer
	u.appendNames(&w)
	w.U8(0)
	w.U8(u.Gender)
	return MetaReply{MetaShortReply, MetaOK, w.B}
}

// SearchRow parses the data of MetaSearchRow and MetaSearchLast; left is the number of
// matches that the server did not send, in the last row only. Check Result first: a
// failure has no row. A row with UIN 0 also means that there is no match.
func (m MetaReply) SearchRow() (u MetaUser, left uint32, err error) {
	r := NewReader(m.Data)
	// Some servers exclude the UIN from the size (Shutko's example of 01A4), so the size is
	// only used to skip unknown fields.
	end := int(r.U16LE()) + 2
	if r.Err() == nil && end > len(m.Data) {
		err = wrap("search row", fmt.Errorf("%w: row of %d bytes, %d there", ErrShort, end-2, r.Len()))
	}
	u.UIN = r.U32LE()
	u.readNames(r)
	u.Status = r.U16LE()
	if r.Len() >= 3 {
		u.Gender, u.Age = r.U8(), r.U16LE()
	}
	if used := len(m.Data) - r.Len(); r.Len() > 0 && used < end {
		r.Skip(min(end-used, r.Len()))
	}
	if m.Subtype == MetaSearchLast && r.Len() >= 4 {
		left = r.U32LE()
	}
	if r.Err() != nil {
		err = wrap("search row", r.Err())
	}
	return u, left, err
}

// NewSearchRow makes the reply MetaSearchRow, or MetaSearchLast if last.
func NewSearchRow(u MetaUser, last bool, left uint32) MetaReply {
	var w Writer
	mark := w.Begin16()
	w.U32LE(u.UIN)
	u.appendNames(&w)
	w.U16LE(u.Status)
	w.U8(u.Gender)
	w.U16LE(u.Age)
	w.End16LE(mark)
	m := MetaReply{Subtype: MetaSearchRow, Result: MetaOK}
	if last {
		m.Subtype = MetaSearchLast
		w.U32LE(left)
	}
	m.Data = w.B
	return m
}
