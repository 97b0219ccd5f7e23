package oscarwire

import "strings"

// Tags of 02/04 and of the part of 02/06 after the userinfo block.
const (
	TagProfileType uint16 = 0x01 // MIME type
	TagProfile     uint16 = 0x02
	TagAwayType    uint16 = 0x03 // MIME type
	TagAway        uint16 = 0x04
	TagCaps        uint16 = 0x05
)

// MIME types of profile and away text.
const (
	MIMEASCII = `text/aolrtf; charset="us-ascii"`
	MIMEUTF16 = `text/aolrtf; charset="unicode-2-0"`
	MIMEUTF8  = `text/aolrtf; charset="utf-8"`
)

// LocationInfo is the user's own profile, away text and capabilities (02/04), or a
// peer's (after the userinfo block of 02/06). Only fields that are not nil are sent; an
// empty away text ends the away state.
type LocationInfo struct {
	Profile *string // HTML
	Away    *string // HTML
	Caps    []GUID
	Other   TLVs
}

// ParseLocationInfo parses 02/04. The texts are decoded by their MIME types, those without
// one by page; see decodeLabelled.
func ParseLocationInfo(body []byte, page *CodePage) (LocationInfo, error) {
	l := NewReader(body).TLVs()
	var p LocationInfo
	p.Profile = mimeText(l, TagProfileType, TagProfile, page)
	p.Away = mimeText(l, TagAwayType, TagAway, page)
	if b, ok := l.Get(TagCaps); ok {
		p.Caps = append([]GUID{}, ParseCapabilities(b)...)
	}
	for _, t := range l {
		if t.Tag > TagCaps {
			p.Other = append(p.Other, t)
		}
	}
	return p, nil
}

func mimeText(l TLVs, typeTag, textTag uint16, page *CodePage) *string {
	b, ok := l.Get(textTag)
	if !ok {
		return nil
	}
	mime, _ := l.String(typeTag)
	var s string
	switch mime = strings.ToLower(mime); {
	case strings.Contains(mime, "unicode-2-0"), strings.Contains(mime, "utf-16"):
		s = DecodeText(CharsetUTF16, b, page)
	case strings.Contains(mime, "iso-8859-1"):
		s = DecodeText(CharsetLatin1, b, page)
	default:
		s = decodeLabelled(b, page)
	}
	return &s
}

// appendMIMEText appends a text with its MIME type. An empty text has an empty type,
// which is omitted unless typed is set.
func appendMIMEText(w *Writer, typeTag, textTag uint16, s *string, typed bool) {
	if s == nil {
		return
	}
	charset, b := EncodeText(*s)
	switch {
	case len(b) > 0:
		mime := MIMEASCII
		if charset == CharsetUTF16 {
			mime = MIMEUTF16
		}
		w.TLVString(typeTag, mime)
	case typed:
		w.TLVString(typeTag, "")
	}
	w.TLV(textTag, b)
}

// Append appends the body in the order profile, away, capabilities.
func (p LocationInfo) Append(dst []byte) []byte { return p.append(dst, false) }

func (p LocationInfo) append(dst []byte, typed bool) []byte {
	w := Writer{dst}
	appendMIMEText(&w, TagProfileType, TagProfile, p.Profile, typed)
	appendMIMEText(&w, TagAwayType, TagAway, p.Away, typed)
	if p.Caps != nil {
		mark := w.BeginTLV(TagCaps)
		w.B = AppendCapabilities(w.B, p.Caps)
		w.End16(mark)
	}
	w.TLVs(p.Other)
	return w.B
}

// The flags of LocationQueryNew, 02/15.
const (
	LocationProfile uint32 = 0x01
	LocationAway    uint32 = 0x02
	LocationCaps    uint32 = 0x04
)

// LocationQueryNew requests a user's texts, 02/15. The answer is 02/06.
type LocationQueryNew struct {
	Flags uint32
	Name  string
}

// ParseLocationQueryNew parses 02/15.
func ParseLocationQueryNew(body []byte) (LocationQueryNew, error) {
	r := NewReader(body)
	q := LocationQueryNew{r.U32(), r.String8()}
	return q, wrapID(LocationQuery2, r.Err())
}

// Append appends the body.
func (q LocationQueryNew) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U32(q.Flags)
	w.String8(q.Name)
	return w.B
}

// Types of LocationQueryOld.
const (
	LocationOldProfile uint16 = 0x01
	LocationOldAway    uint16 = 0x03
	LocationOldCaps    uint16 = 0x04
)

// LocationQueryOld is the older 02/05, which requests one text.
type LocationQueryOld struct {
	Type uint16
	Name string
}

// ParseLocationQueryOld parses 02/05.
func ParseLocationQueryOld(body []byte) (LocationQueryOld, error) {
	r := NewReader(body)
	q := LocationQueryOld{r.U16(), r.String8()}
	return q, wrapID(LocationQuery, r.Err())
}

// Append appends the body.
func (q LocationQueryOld) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(q.Type)
	w.String8(q.Name)
	return w.B
}

// LocationReplyInfo is 02/06.
type LocationReplyInfo struct {
	User UserInfo
	Info LocationInfo
}

// ParseLocationReply parses 02/06. page is as for ParseLocationInfo.
func ParseLocationReply(body []byte, page *CodePage) (LocationReplyInfo, error) {
	u, rest, err := ParseUserInfo(body)
	p := LocationReplyInfo{User: u}
	if err != nil {
		return p, wrapID(LocationReply, err)
	}
	p.Info, err = ParseLocationInfo(rest, page)
	return p, wrapID(LocationReply, err)
}

// Append appends the body. Every text has a type, as in Open OSCAR Server: BarnOwl
// crashes without one.
func (p LocationReplyInfo) Append(dst []byte) []byte {
	return p.Info.append(p.User.Append(dst), true)
}
