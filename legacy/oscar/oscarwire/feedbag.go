package oscarwire

import "encoding/binary"

// Classes of feedbag items.
const (
	FeedbagBuddy       uint16 = 0x00
	FeedbagGroup       uint16 = 0x01 // item id 0; group 0 is the master group
	FeedbagPermit      uint16 = 0x02
	FeedbagDeny        uint16 = 0x03
	FeedbagPrivacy     uint16 = 0x04 // permit/deny mode, TLV CA
	FeedbagPreferences uint16 = 0x05 // TLV C9, D6
	FeedbagIgnore      uint16 = 0x0E
	FeedbagLastUpdate  uint16 = 0x0F // name "LastUpdateDate"
	FeedbagNonICQ      uint16 = 0x10 // phone numbers, "1#EXT"
	FeedbagImportTime  uint16 = 0x13
	FeedbagIcon        uint16 = 0x14 // BART: name is the type, "1"
	FeedbagRemoved     uint16 = 0x19 // removed buddies, "phantoms"
)

// Tags of feedbag items.
const (
	TagFeedbagAwaitAuth   uint16 = 0x66 // empty: awaiting authorization
	TagFeedbagOrder       uint16 = 0xC8 // ids in their order, 16 bits each
	TagFeedbagPreferences uint16 = 0xC9 // 32 bits
	TagFeedbagPrivacyMode uint16 = 0xCA // 8 bits
	TagFeedbagVisibility  uint16 = 0xCB // classes that may see us, 32 bits
	TagFeedbagIdleShown   uint16 = 0xCD
	TagFeedbagIconHash    uint16 = 0xD5 // flags8 len8 hash
	TagFeedbagPrefs2      uint16 = 0xD6
	TagFeedbagAlias       uint16 = 0x131 // UTF-8
	TagFeedbagEmail       uint16 = 0x137
	TagFeedbagPhone       uint16 = 0x13A // SMS number
	TagFeedbagComment     uint16 = 0x13C
	TagFeedbagAlert       uint16 = 0x13D
)

// Privacy modes, TLV CA.
const (
	PrivacyAllowAll     uint8 = 1
	PrivacyBlockAll     uint8 = 2
	PrivacyPermitListed uint8 = 3
	PrivacyDenyListed   uint8 = 4
	PrivacyAllowBuddies uint8 = 5
)

// PreferenceTyping is the bit of TLV C9 that enables typing events.
const PreferenceTyping uint32 = 0x0040_0000

// FeedbagItem is an entry of the server-stored list.
type FeedbagItem struct {
	Name    string
	GroupID uint16
	ItemID  uint16
	Class   uint16
	TLVs    TLVs
}

// FeedbagItems is the body of 13/08, 13/09 and 13/0A.
type FeedbagItems []FeedbagItem

func readFeedbagItem(r *Reader) FeedbagItem {
	return FeedbagItem{r.String16(), r.U16(), r.U16(), r.U16(), r.TLVsLen(int(r.U16()))}
}

func (i FeedbagItem) append(w *Writer) {
	w.String16(i.Name)
	w.U16(i.GroupID)
	w.U16(i.ItemID)
	w.U16(i.Class)
	mark := w.Begin16()
	w.TLVs(i.TLVs)
	w.End16(mark)
}

// Alias returns TLV 131, which old clients store in their code page.
func (i FeedbagItem) Alias(page *CodePage) string {
	b, _ := i.TLVs.Get(TagFeedbagAlias)
	return DecodeText(CharsetASCII, b, page)
}

// AwaitsAuth reports whether the item has TLV 66.
func (i FeedbagItem) AwaitsAuth() bool { return i.TLVs.Has(TagFeedbagAwaitAuth) }

// Order returns the ids of TLV C8: of groups in the master group, of buddies in
// any other.
func (i FeedbagItem) Order() []uint16 {
	b, _ := i.TLVs.Get(TagFeedbagOrder)
	l := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		l = append(l, binary.BigEndian.Uint16(b))
	}
	return l
}

// SetOrder sets TLV C8.
func (i *FeedbagItem) SetOrder(ids []uint16) {
	i.TLVs = i.TLVs.Set(TagFeedbagOrder, appendU16s(nil, ids))
}

// Clone returns a copy that shares no memory with the item.
func (i FeedbagItem) Clone() FeedbagItem {
	i.TLVs = i.TLVs.Clone()
	return i
}

const feedbagItemLen = 10 // at least

// ParseFeedbagItems parses 13/08, 13/09 or 13/0A.
func ParseFeedbagItems(body []byte) (FeedbagItems, error) {
	r := NewReader(body)
	l := readList(r, 2*feedbagItemLen, readFeedbagItem)
	return l, wrap("feedbag items", r.Err())
}

// Append appends the items.
func (l FeedbagItems) Append(dst []byte) []byte {
	w := Writer{dst}
	for i := range l {
		l[i].append(&w)
	}
	return w.B
}

// FeedbagList is 13/06, the list or a part of it: while the SNAC has FlagMore
// another part follows, and only the last part's Modified counts.
type FeedbagList struct {
	Version  uint8 // 0
	Items    FeedbagItems
	Modified uint32 // time_t
}

// ParseFeedbagList parses 13/06.
func ParseFeedbagList(body []byte) (FeedbagList, error) {
	r := NewReader(body)
	p := FeedbagList{Version: r.U8()}
	n := int(r.U16())
	p.Items = make(FeedbagItems, 0, min(n, r.Len()/feedbagItemLen))
	for range n {
		i := readFeedbagItem(r)
		if r.Err() != nil {
			break
		}
		p.Items = append(p.Items, i)
	}
	p.Modified = r.U32()
	return p, wrapID(FeedbagReply, r.Err())
}

// Append appends the body.
func (p FeedbagList) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U8(p.Version)
	w.U16(uint16(len(p.Items)))
	w.B = p.Items.Append(w.B)
	w.U32(p.Modified)
	return w.B
}

// FeedbagStamp is the time of a list's last change and its number of items: 13/05
// requests the list if it is newer, 13/0F reports that it is not.
type FeedbagStamp struct {
	Modified uint32 // time_t
	Count    uint16
}

// ParseFeedbagStamp parses 13/05 or 13/0F.
func ParseFeedbagStamp(body []byte) (FeedbagStamp, error) {
	r := NewReader(body)
	p := FeedbagStamp{r.U32(), r.U16()}
	return p, wrapID(FeedbagNotModified, r.Err())
}

// Append appends the body.
func (p FeedbagStamp) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U32(p.Modified)
	w.U16(p.Count)
	return w.B
}

// FeedbagStatus is the result of an edit. It is an error unless FeedbagOK.
type FeedbagStatus uint16

// Results of edits, 13/0E.
const (
	FeedbagOK            FeedbagStatus = 0x00
	FeedbagDatabase      FeedbagStatus = 0x01
	FeedbagNotFound      FeedbagStatus = 0x02
	FeedbagExists        FeedbagStatus = 0x03
	FeedbagUnavailable   FeedbagStatus = 0x05
	FeedbagBad           FeedbagStatus = 0x0A
	FeedbagDatabaseDown  FeedbagStatus = 0x0B
	FeedbagLimit         FeedbagStatus = 0x0C
	FeedbagICQToAIM      FeedbagStatus = 0x0D
	FeedbagNeedsAuth     FeedbagStatus = 0x0E
	FeedbagNoNetwork     FeedbagStatus = 0x10
	FeedbagBadLogin      FeedbagStatus = 0x11
	FeedbagBuddiesLimit  FeedbagStatus = 0x12
	FeedbagBotOverLimit  FeedbagStatus = 0x14
	FeedbagNotLocal      FeedbagStatus = 0x1A
	FeedbagServerTimeout FeedbagStatus = 0x1B
)

var feedbagTexts = map[FeedbagStatus]string{
	FeedbagOK:            "ok",
	FeedbagDatabase:      "database error",
	FeedbagNotFound:      "no such item",
	FeedbagExists:        "item exists already",
	FeedbagUnavailable:   "service unavailable",
	FeedbagBad:           "invalid item",
	FeedbagDatabaseDown:  "database down",
	FeedbagLimit:         "too many items of this kind",
	FeedbagICQToAIM:      "icq users cannot add aim users",
	FeedbagNeedsAuth:     "authorization required",
	FeedbagNoNetwork:     "no such network",
	FeedbagBadLogin:      "bad login id",
	FeedbagBuddiesLimit:  "too many buddies",
	FeedbagBotOverLimit:  "bot over its limit",
	FeedbagNotLocal:      "not a local user",
	FeedbagServerTimeout: "timed out",
}

// Error returns the meaning, with the code.
func (c FeedbagStatus) Error() string { return codeText("contact list", feedbagTexts, c) }

// Err returns nil for FeedbagOK.
func (c FeedbagStatus) Err() error {
	if c == FeedbagOK {
		return nil
	}
	return c
}

// FeedbagStatuses is 13/0E: one result for each item of the edit, in order.
type FeedbagStatuses []FeedbagStatus

// ParseFeedbagStatuses parses 13/0E.
func ParseFeedbagStatuses(body []byte) (FeedbagStatuses, error) {
	r := NewReader(body)
	l := readList(r, 2, func(r *Reader) FeedbagStatus { return FeedbagStatus(r.U16()) })
	return l, wrapID(FeedbagAck, r.Err())
}

// Append appends the body.
func (l FeedbagStatuses) Append(dst []byte) []byte {
	w := Writer{dst}
	for _, c := range l {
		w.U16(uint16(c))
	}
	return w.B
}
