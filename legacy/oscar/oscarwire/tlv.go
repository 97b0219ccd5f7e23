package oscarwire

import (
	"encoding/binary"
	"fmt"
)

// TLV is a tagged value.
type TLV struct {
	Tag   uint16
	Value []byte
}

// TLVs is a list of TLVs in wire order. A tag may occur more than once: the
// accessors use the first, All returns every one.
type TLVs []TLV

// ParseTLVs parses TLVs up to the end of b. Values point into b. If an incomplete TLV
// follows, it returns the list with ErrTrailing.
func ParseTLVs(b []byte) (TLVs, error) {
	n, end := 0, 0
	for len(b)-end >= 4 {
		size := 4 + int(binary.BigEndian.Uint16(b[end+2:]))
		if size > len(b)-end {
			break
		}
		end += size
		n++
	}
	var err error
	if end < len(b) {
		err = fmt.Errorf("%w: %d bytes after %d tlvs", ErrTrailing, len(b)-end, n)
	}
	if n == 0 {
		return nil, err
	}
	l := make(TLVs, n)
	for i := range l {
		size := 4 + int(binary.BigEndian.Uint16(b[2:]))
		l[i] = TLV{Tag: binary.BigEndian.Uint16(b), Value: b[4:size:size]}
		b = b[size:]
	}
	return l, err
}

// Append appends the list.
func (l TLVs) Append(dst []byte) []byte {
	w := Writer{dst}
	w.TLVs(l)
	return w.B
}

// Get returns the value of the first TLV with that tag.
func (l TLVs) Get(tag uint16) ([]byte, bool) {
	for i := range l {
		if l[i].Tag == tag {
			return l[i].Value, true
		}
	}
	return nil, false
}

// Has reports whether there is a TLV with that tag, empty or not.
func (l TLVs) Has(tag uint16) bool {
	_, ok := l.Get(tag)
	return ok
}

// All returns the values of every TLV with that tag, in order.
func (l TLVs) All(tag uint16) [][]byte {
	var v [][]byte
	for i := range l {
		if l[i].Tag == tag {
			v = append(v, l[i].Value)
		}
	}
	return v
}

// U8 returns the first byte of the value; false if absent or empty.
func (l TLVs) U8(tag uint16) (uint8, bool) {
	if b, ok := l.Get(tag); ok && len(b) >= 1 {
		return b[0], true
	}
	return 0, false
}

// U16 returns the first two bytes of the value as a big-endian number; false
// if absent or shorter.
func (l TLVs) U16(tag uint16) (uint16, bool) {
	if b, ok := l.Get(tag); ok && len(b) >= 2 {
		return binary.BigEndian.Uint16(b), true
	}
	return 0, false
}

// U32 returns the first four bytes of the value as a big-endian number; false
// if absent or shorter.
func (l TLVs) U32(tag uint16) (uint32, bool) {
	if b, ok := l.Get(tag); ok && len(b) >= 4 {
		return binary.BigEndian.Uint32(b), true
	}
	return 0, false
}

// Uint returns a number of one, two or four bytes; false if absent or of another
// length.
func (l TLVs) Uint(tag uint16) (uint32, bool) {
	b, _ := l.Get(tag)
	switch len(b) {
	case 1:
		return uint32(b[0]), true
	case 2:
		return uint32(binary.BigEndian.Uint16(b)), true
	case 4:
		return binary.BigEndian.Uint32(b), true
	}
	return 0, false
}

// String returns the value as a string.
func (l TLVs) String(tag uint16) (string, bool) {
	b, ok := l.Get(tag)
	return string(b), ok
}

// Set replaces the value of the first TLV with that tag, or adds one, and
// returns the list.
func (l TLVs) Set(tag uint16, value []byte) TLVs {
	for i := range l {
		if l[i].Tag == tag {
			l[i].Value = value
			return l
		}
	}
	return append(l, TLV{tag, value})
}

// Without returns a copy of the list without the given tag.
func (l TLVs) Without(tag uint16) TLVs {
	out := make(TLVs, 0, len(l))
	for _, t := range l {
		if t.Tag != tag {
			out = append(out, t)
		}
	}
	return out
}

// Clone returns a copy that shares no memory with the list.
func (l TLVs) Clone() TLVs {
	if l == nil {
		return nil
	}
	out := make(TLVs, len(l))
	for i, t := range l {
		out[i] = TLV{t.Tag, append([]byte{}, t.Value...)}
	}
	return out
}

// TLVBytes makes a TLV of bytes.
func TLVBytes(tag uint16, v []byte) TLV { return TLV{tag, v} }

// TLVText makes a TLV of a string.
func TLVText(tag uint16, v string) TLV { return TLV{tag, []byte(v)} }

// TLV8 makes a TLV of one byte.
func TLV8(tag uint16, v uint8) TLV { return TLV{tag, []byte{v}} }

// TLV16 makes a TLV of a big-endian 16-bit number.
func TLV16(tag, v uint16) TLV { return TLV{tag, binary.BigEndian.AppendUint16(nil, v)} }

// TLV32 makes a TLV of a big-endian 32-bit number.
func TLV32(tag uint16, v uint32) TLV { return TLV{tag, binary.BigEndian.AppendUint32(nil, v)} }
