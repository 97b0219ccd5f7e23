package oscarwire

import (
	"encoding/binary"
	"fmt"
)

// SNACHeaderLen is the size in bytes of a SNAC header without extra header.
const SNACHeaderLen = 10

// SNAC flags.
const (
	FlagMore  uint16 = 0x0001 // more replies to the same request follow
	FlagExtra uint16 = 0x8000 // a length-prefixed extra header precedes the body
)

// ID identifies a kind of SNAC: the family in the high 16 bits, the subtype in the low
// ones. families.go has the constants.
type ID uint32

// MakeID combines a family and a subtype.
func MakeID(family, subtype uint16) ID { return ID(family)<<16 | ID(subtype) }

// Family returns the SNAC family (service).
func (id ID) Family() uint16 { return uint16(id >> 16) }

// Subtype returns the subtype within the family.
func (id ID) Subtype() uint16 { return uint16(id) }

// String returns family/subtype in hexadecimal, as in specifications: "04/07".
func (id ID) String() string { return fmt.Sprintf("%02X/%02X", id.Family(), id.Subtype()) }

// Header is a SNAC header. Extra is the content of the extra header; it is
// written and read only with FlagExtra.
type Header struct {
	ID        ID
	Flags     uint16
	RequestID uint32
	Extra     []byte
}

// More reports whether more replies to the same request follow.
func (h Header) More() bool { return h.Flags&FlagMore != 0 }

// Append appends the header, with the extra header if FlagExtra is set.
func (h Header) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.ID))
	dst = binary.BigEndian.AppendUint16(dst, h.Flags)
	dst = binary.BigEndian.AppendUint32(dst, h.RequestID)
	if h.Flags&FlagExtra != 0 {
		w := Writer{dst}
		w.Bytes16(h.Extra)
		dst = w.B
	}
	return dst
}

// SNAC is a header and its body.
type SNAC struct {
	Header
	Body []byte
}

// ParseSNAC parses the payload of a frame of ChannelData. Body and Extra point into it.
// An incomplete header or extra header returns ErrShort.
func ParseSNAC(payload []byte) (SNAC, error) {
	r := NewReader(payload)
	var s SNAC
	s.ID, s.Flags, s.RequestID = ID(r.U32()), r.U16(), r.U32()
	if s.Flags&FlagExtra != 0 {
		s.Extra = r.Bytes16()
	}
	s.Body = r.Rest()
	return s, wrap("snac header", r.Err())
}

// Append appends header and body.
func (s SNAC) Append(dst []byte) []byte { return append(s.Header.Append(dst), s.Body...) }
