package oscarwire

// Rights is a list of limits as TLVs: 02/03, 03/03, 09/03. The tags differ by
// family; Limit reads a number of any width.
type Rights struct {
	TLVs TLVs
}

// Tags of the rights replies.
const (
	TagLocationMaxProfile uint16 = 0x01 // 02/03: bytes of a profile
	TagLocationMaxCaps    uint16 = 0x02 // 02/03: capabilities
	TagBuddyMaxBuddies    uint16 = 0x01 // 03/03
	TagBuddyMaxWatchers   uint16 = 0x02 // 03/03
	TagBuddyMaxTemp       uint16 = 0x04 // 03/03: temporary buddies
	TagPrivacyMaxPermit   uint16 = 0x01 // 09/03
	TagPrivacyMaxDeny     uint16 = 0x02 // 09/03
)

// ParseRights parses 02/03, 03/03 or 09/03. ErrTrailing comes with the list
// that precedes the trailing bytes.
func ParseRights(body []byte) (Rights, error) {
	l, err := ParseTLVs(body)
	return Rights{l}, wrap("rights", err)
}

// Append appends the body.
func (p Rights) Append(dst []byte) []byte { return p.TLVs.Append(dst) }

// Limit returns the limit with that tag.
func (p Rights) Limit(tag uint16) (int, bool) {
	v, ok := p.TLVs.Uint(tag)
	return int(v), ok
}

// Flags of ICBMParams.
const (
	ICBMAllowMessages  uint32 = 0x0001 // messages on the channel are allowed
	ICBMMissedCalls    uint32 = 0x0002 // report missed messages, 04/0A
	ICBMTypingEvents   uint32 = 0x0008 // typing notifications, 04/14
	ICBMHTMLAllowed    uint32 = 0x0010
	ICBMOfflineAllowed uint32 = 0x0100 // offline messages
	ICBMDefaultFlags   uint32 = ICBMAllowMessages | ICBMMissedCalls | ICBMTypingEvents
)

// ICBMParams is 04/02 (set) and 04/05 (current values). Channel 0 sets all channels.
// Warning levels are in tenths of a percent.
type ICBMParams struct {
	Channel       uint16
	Flags         uint32
	MaxLen        uint16 // bytes of a message
	MaxSenderWarn uint16
	MaxOwnWarn    uint16
	MinInterval   uint32 // milliseconds
}

// ParseICBMParams parses 04/02 or 04/05.
func ParseICBMParams(body []byte) (ICBMParams, error) {
	r := NewReader(body)
	p := ICBMParams{r.U16(), r.U32(), r.U16(), r.U16(), r.U16(), r.U32()}
	return p, wrapID(ICBMParamsReply, r.Err())
}

// Append appends the body.
func (p ICBMParams) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(p.Channel)
	w.U32(p.Flags)
	w.U16(p.MaxLen)
	w.U16(p.MaxSenderWarn)
	w.U16(p.MaxOwnWarn)
	w.U32(p.MinInterval)
	return w.B
}

// FeedbagRights is 13/03: TLV 04 contains the limit of items of each class, in the
// order of the classes, 16 bits each.
type FeedbagRights struct {
	TLVs TLVs
}

// Tags of FeedbagRights.
const TagFeedbagMaxItems uint16 = 0x04

// ParseFeedbagRights parses 13/03.
func ParseFeedbagRights(body []byte) (FeedbagRights, error) {
	l, err := ParseTLVs(body)
	return FeedbagRights{l}, wrapID(FeedbagRightsReply, err)
}

// NewFeedbagRights makes a reply with those limits, indexed by class.
func NewFeedbagRights(maxItems []uint16) FeedbagRights {
	return FeedbagRights{TLVs{{TagFeedbagMaxItems, appendU16s(nil, maxItems)}}}
}

// Max returns the limit of items of a class; false if the server does not send it.
func (p FeedbagRights) Max(class uint16) (int, bool) {
	b, _ := p.TLVs.Get(TagFeedbagMaxItems)
	i := 2 * int(class)
	if i+2 > len(b) {
		return 0, false
	}
	return int(b[i])<<8 | int(b[i+1]), true
}

// Append appends the body.
func (p FeedbagRights) Append(dst []byte) []byte { return p.TLVs.Append(dst) }
