package oscarwire

// BART item types.
const (
	BARTIconSmall  uint16 = 0x0000
	BARTIcon       uint16 = 0x0001 // Data is the MD5 of the image
	BARTStatusText uint16 = 0x0002 // Data is a text, see BARTItem.Text
	BARTSound      uint16 = 0x0003
	BARTRichText   uint16 = 0x0004
	BARTLargeIcon  uint16 = 0x000C
	BARTMood       uint16 = 0x000E // ICQ mood (x-status), "icqmood12"
)

// BART item flags.
const (
	BARTFlagCustom   uint8 = 0x01
	BARTFlagData     uint8 = 0x04 // Data is the content itself, not a hash
	BARTFlagUnknown  uint8 = 0x40 // the server does not have it: upload it
	BARTFlagRedirect uint8 = 0x80
)

// BARTNone is the hash that stands for "no icon".
var BARTNone = []byte{0x02, 0x01, 0xD2, 0x04, 0x72}

// BARTItem is an asset of a user: an icon by its hash, or a status text.
type BARTItem struct {
	Type  uint16
	Flags uint8
	Data  []byte // hash, or content with BARTFlagData
}

// BARTItems is TLV 1D of the userinfo block and of 01/1E, and the body of 01/21.
type BARTItems []BARTItem

func readBARTItem(r *Reader) BARTItem { return BARTItem{r.U16(), r.U8(), r.Bytes8()} }

func (i BARTItem) append(w *Writer) {
	w.U16(i.Type)
	w.U8(i.Flags)
	w.Bytes8(i.Data)
}

// ParseBARTItems parses a list of items.
func ParseBARTItems(b []byte) (BARTItems, error) {
	r := NewReader(b)
	l := readList(r, 12, readBARTItem)
	return l, wrap("bart items", r.Err())
}

// Append appends the list.
func (l BARTItems) Append(dst []byte) []byte {
	w := Writer{dst}
	for _, i := range l {
		i.append(&w)
	}
	return w.B
}

// MaxStatusText is the maximum length of a status text in bytes.
const MaxStatusText = 0xFF - 4 // limit: bytes of a status text | it is cut

// NewStatusText makes the item of an available message (AOL: BART type 2); an
// empty text clears it. The text is cut, at a rune's end, to 251 bytes.
func NewStatusText(text string) BARTItem {
	if text == "" {
		return BARTItem{Type: BARTStatusText}
	}
	w := Writer{}
	w.String16(cutText(text, MaxStatusText))
	w.U16(0) // no encoding TLV: UTF-8
	return BARTItem{BARTStatusText, BARTFlagData, w.B}
}

// Text returns the text of a BARTStatusText item: 16-bit length, UTF-8, then
// optionally a 16-bit count of TLVs of which 01 names an encoding.
func (i BARTItem) Text(page *CodePage) (string, bool) {
	if i.Type != BARTStatusText {
		return "", false
	}
	r := NewReader(i.Data)
	b := r.Bytes16()
	if r.Err() != nil || len(b) == 0 {
		return "", false
	}
	enc, _ := r.TLVsN(int(r.U16())).String(1)
	charset := CharsetASCII // which means: try UTF-8 first
	if enc == "unicode-2-0" || enc == "utf-16be" {
		charset = CharsetUTF16
	}
	return DecodeText(charset, b, page), true
}

// StatusText returns the text of the first non-empty BARTStatusText item.
func (l BARTItems) StatusText(page *CodePage) (string, bool) {
	for _, i := range l {
		if s, ok := i.Text(page); ok {
			return s, true
		}
	}
	return "", false
}

// Icon returns the item of the buddy icon; false without one or with BARTNone.
func (l BARTItems) Icon() (BARTItem, bool) {
	for _, i := range l {
		if i.Type == BARTIcon && len(i.Data) > 0 && string(i.Data) != string(BARTNone) {
			return i, true
		}
	}
	return BARTItem{}, false
}

// IconQuery requests an asset of a user, 10/04.
type IconQuery struct {
	Name  string
	Items BARTItems
}

// ParseIconQuery parses 10/04.
func ParseIconQuery(body []byte) (IconQuery, error) {
	r := NewReader(body)
	q := IconQuery{Name: r.String8()}
	for range r.U8() {
		i := readBARTItem(r)
		if r.Err() != nil {
			break
		}
		q.Items = append(q.Items, i)
	}
	return q, wrapID(BARTDownload, r.Err())
}

// Append appends the body.
func (q IconQuery) Append(dst []byte) []byte {
	w := Writer{dst}
	w.String8(q.Name)
	w.U8(uint8(len(q.Items)))
	return q.Items.Append(w.B)
}

// IconReply contains an asset, 10/05. Data is empty if there is none.
type IconReply struct {
	Name string
	Item BARTItem
	Data []byte
}

// ParseIconReply parses 10/05.
func ParseIconReply(body []byte) (IconReply, error) {
	r := NewReader(body)
	p := IconReply{r.String8(), readBARTItem(r), r.Bytes16()}
	return p, wrapID(BARTDownloadReply, r.Err())
}

// Append appends the body.
func (p IconReply) Append(dst []byte) []byte {
	w := Writer{dst}
	w.String8(p.Name)
	p.Item.append(&w)
	w.Bytes16(p.Data)
	return w.B
}

// IconUpload stores an asset, 10/02.
type IconUpload struct {
	Type uint16
	Data []byte
}

// ParseIconUpload parses 10/02.
func ParseIconUpload(body []byte) (IconUpload, error) {
	r := NewReader(body)
	u := IconUpload{r.U16(), r.Bytes16()}
	return u, wrapID(BARTUpload, r.Err())
}

// Append appends the body.
func (u IconUpload) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(u.Type)
	w.Bytes16(u.Data)
	return w.B
}

// IconUploadReply is the result of an upload, 10/03.
type IconUploadReply struct {
	Code uint8 // 0 stored
	Item BARTItem
}

// Codes of IconUploadReply.
const (
	BARTUploadOK         uint8 = 0
	BARTUploadInvalid    uint8 = 1
	BARTUploadNoCustom   uint8 = 2
	BARTUploadTooSmall   uint8 = 3
	BARTUploadTooBig     uint8 = 4
	BARTUploadWrongType  uint8 = 5
	BARTUploadBanned     uint8 = 6
	BARTUploadNotListed  uint8 = 7
	BARTUploadOtherError uint8 = 0xFF
)

// ParseIconUploadReply parses 10/03.
func ParseIconUploadReply(body []byte) (IconUploadReply, error) {
	r := NewReader(body)
	p := IconUploadReply{Code: r.U8()}
	if r.Len() > 0 {
		p.Item = readBARTItem(r)
	}
	return p, wrapID(BARTUploadReply, r.Err())
}

// Append appends the body.
func (p IconUploadReply) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U8(p.Code)
	p.Item.append(&w)
	return w.B
}
