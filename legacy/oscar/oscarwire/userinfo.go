package oscarwire

import "time"

// Tags of the userinfo block.
const (
	TagUserClass      uint16 = 0x01
	TagUserCreated    uint16 = 0x02 // time_t, account created (AOL)
	TagUserSignedOn   uint16 = 0x03 // time_t
	TagUserIdle       uint16 = 0x04 // minutes
	TagUserMember     uint16 = 0x05 // time_t, member since
	TagUserStatus     uint16 = 0x06 // 32 bits
	TagUserAddress    uint16 = 0x0A // IPv4
	TagUserDirect     uint16 = 0x0C // direct connection data, 37 bytes
	TagUserCaps       uint16 = 0x0D // 16 bytes each
	TagUserOnlineSecs uint16 = 0x0F // seconds since sign-on
	TagUserShortCaps  uint16 = 0x19 // 2 bytes each
	TagUserBART       uint16 = 0x1D // icons, status text
	TagUserUnknown1E  uint16 = 0x1E
)

// Class flags, TLV 01.
const (
	ClassUnconfirmed   uint32 = 0x0001
	ClassAdministrator uint32 = 0x0002
	ClassAOL           uint32 = 0x0004
	ClassCommercial    uint32 = 0x0008
	ClassAIM           uint32 = 0x0010
	ClassAway          uint32 = 0x0020
	ClassICQ           uint32 = 0x0040
	ClassWireless      uint32 = 0x0080
	ClassBot           uint32 = 0x0400
)

// UserInfo is the block that describes a user in presence and messages: name,
// warning level in tenths of a percent, TLVs.
type UserInfo struct {
	Name    string
	Warning uint16
	TLVs    TLVs
}

// UserInfos is a list of such blocks: 03/0B, 03/0C, 0E/03, 0E/04, and 01/0F.
type UserInfos []UserInfo

// readUserInfo reads a block; only the TLVs may be incomplete.
func readUserInfo(r *Reader) UserInfo {
	return UserInfo{Name: r.String8(), Warning: r.U16(), TLVs: r.TLVsN(int(r.U16()))}
}

// ParseUserInfo parses one block and returns the rest. With an error it returns the
// complete TLVs.
func ParseUserInfo(b []byte) (u UserInfo, rest []byte, err error) {
	r := NewReader(b)
	u = readUserInfo(r)
	return u, r.Rest(), wrap("userinfo", r.Err())
}

// ParseUserInfos parses a body of blocks.
func ParseUserInfos(body []byte) (UserInfos, error) {
	r := NewReader(body)
	l := readList(r, 32, readUserInfo)
	return l, wrap("userinfo", r.Err())
}

func (u UserInfo) append(w *Writer) {
	w.String8(u.Name)
	w.U16(u.Warning)
	w.U16(uint16(len(u.TLVs)))
	w.TLVs(u.TLVs)
}

// Append appends the block.
func (u UserInfo) Append(dst []byte) []byte {
	w := Writer{dst}
	u.append(&w)
	return w.B
}

// Append appends the blocks.
func (l UserInfos) Append(dst []byte) []byte {
	w := Writer{dst}
	for i := range l {
		l[i].append(&w)
	}
	return w.B
}

// Class returns the class flags; Open OSCAR Server sends 16 bits, AOL 32 too.
func (u UserInfo) Class() uint32 {
	v, _ := u.TLVs.Uint(TagUserClass)
	return v
}

// Away reports whether the away class flag is set.
func (u UserInfo) Away() bool { return u.Class()&ClassAway != 0 }

// Status returns TLV 06; false for AIM users of servers that omit it. Some
// send only the low 16 bits.
func (u UserInfo) Status() (Status, bool) {
	v, ok := u.TLVs.Uint(TagUserStatus)
	return Status(v), ok
}

// tlvTime reads a time_t; 0 counts as absent.
func tlvTime(l TLVs, tag uint16) (time.Time, bool) {
	v, ok := l.U32(tag)
	if !ok || v == 0 {
		return time.Time{}, false
	}
	return time.Unix(int64(v), 0).UTC(), true
}

// SignedOn returns when the user came online.
func (u UserInfo) SignedOn() (time.Time, bool) { return tlvTime(u.TLVs, TagUserSignedOn) }

// MemberSince returns when the account was created.
func (u UserInfo) MemberSince() (time.Time, bool) { return tlvTime(u.TLVs, TagUserMember) }

// Idle returns the user's idle time; the protocol's unit is minutes.
func (u UserInfo) Idle() (time.Duration, bool) {
	v, ok := u.TLVs.U16(TagUserIdle)
	return time.Duration(v) * time.Minute, ok && v > 0
}

// Capabilities returns the long (0D) and short (19) capabilities.
func (u UserInfo) Capabilities() []GUID {
	long, _ := u.TLVs.Get(TagUserCaps)
	short, _ := u.TLVs.Get(TagUserShortCaps)
	l := ParseCapabilities(long)
	for ; len(short) >= 2; short = short[2:] {
		l = append(l, ShortCapability(uint16(short[0])<<8|uint16(short[1])))
	}
	return l
}

// BART returns the icons and texts of TLV 1D.
func (u UserInfo) BART() BARTItems {
	b, _ := u.TLVs.Get(TagUserBART)
	l, _ := ParseBARTItems(b)
	return l
}

// StatusText returns the available message or status note; false without one.
func (u UserInfo) StatusText(page *CodePage) (string, bool) { return u.BART().StatusText(page) }
