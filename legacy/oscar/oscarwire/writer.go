package oscarwire

import "encoding/binary"

// Writer appends numbers, strings and TLVs to B. Numbers are big-endian unless the
// method's name ends in LE. A string that exceeds its length field is truncated; the
// frame stays well-formed.
type Writer struct {
	B []byte
}

// U8 appends a byte.
func (w *Writer) U8(v uint8) { w.B = append(w.B, v) }

// U16 appends a big-endian 16-bit number.
func (w *Writer) U16(v uint16) { w.B = binary.BigEndian.AppendUint16(w.B, v) }

// U32 appends a big-endian 32-bit number.
func (w *Writer) U32(v uint32) { w.B = binary.BigEndian.AppendUint32(w.B, v) }

// U16LE appends a little-endian 16-bit number.
func (w *Writer) U16LE(v uint16) { w.B = binary.LittleEndian.AppendUint16(w.B, v) }

// U32LE appends a little-endian 32-bit number.
func (w *Writer) U32LE(v uint32) { w.B = binary.LittleEndian.AppendUint32(w.B, v) }

// Bytes appends bytes unchanged.
func (w *Writer) Bytes(b []byte) { w.B = append(w.B, b...) }

// String appends a string unchanged.
func (w *Writer) String(s string) { w.B = append(w.B, s...) }

// Bytes8 appends an 8-bit length and at most 255 bytes.
func (w *Writer) Bytes8(b []byte) {
	b = b[:min(len(b), 0xFF)]
	w.U8(uint8(len(b)))
	w.Bytes(b)
}

// Bytes16 appends a 16-bit length and at most 65535 bytes.
func (w *Writer) Bytes16(b []byte) {
	b = b[:min(len(b), 0xFFFF)]
	w.U16(uint16(len(b)))
	w.Bytes(b)
}

// String8 appends an 8-bit length and at most 255 bytes.
func (w *Writer) String8(s string) {
	s = s[:min(len(s), 0xFF)]
	w.U8(uint8(len(s)))
	w.String(s)
}

// String16 appends a 16-bit length and at most 65535 bytes.
func (w *Writer) String16(s string) {
	s = s[:min(len(s), 0xFFFF)]
	w.U16(uint16(len(s)))
	w.String(s)
}

// CString16LE appends the string form of family 15 and channel 4: a
// little-endian 16-bit length which counts the NUL, at most 65534 bytes, NUL.
func (w *Writer) CString16LE(b []byte) {
	b = b[:min(len(b), 0xFFFE)]
	w.U16LE(uint16(len(b) + 1))
	w.Bytes(b)
	w.U8(0)
}

// TLV appends a TLV.
func (w *Writer) TLV(tag uint16, value []byte) {
	w.U16(tag)
	w.Bytes16(value)
}

// TLVString appends a TLV with a string value.
func (w *Writer) TLVString(tag uint16, value string) {
	w.U16(tag)
	w.String16(value)
}

// TLVU8 appends a TLV with a 1-byte value.
func (w *Writer) TLVU8(tag uint16, v uint8) {
	w.U32(uint32(tag)<<16 | 1)
	w.U8(v)
}

// TLVU16 appends a TLV with a 2-byte value.
func (w *Writer) TLVU16(tag, v uint16) {
	w.U32(uint32(tag)<<16 | 2)
	w.U16(v)
}

// TLVU32 appends a TLV with a 4-byte value.
func (w *Writer) TLVU32(tag uint16, v uint32) {
	w.U32(uint32(tag)<<16 | 4)
	w.U32(v)
}

// TLVs appends every TLV of the list.
func (w *Writer) TLVs(l TLVs) {
	for _, t := range l {
		w.TLV(t.Tag, t.Value)
	}
}

// Begin16 appends a 16-bit length to be filled in by End16, which takes the
// mark that Begin16 returns. BeginTLV is the same after a tag.
func (w *Writer) Begin16() int {
	w.U16(0)
	return len(w.B)
}

// BeginTLV appends a tag and a length to be filled in by End16.
func (w *Writer) BeginTLV(tag uint16) int {
	w.U16(tag)
	return w.Begin16()
}

// End16 sets the length of the data appended since Begin16 or BeginTLV, truncated to
// 65535 bytes.
func (w *Writer) End16(mark int) {
	n := w.cut(mark)
	binary.BigEndian.PutUint16(w.B[mark-2:], n)
}

// End16LE is End16 for a little-endian length.
func (w *Writer) End16LE(mark int) {
	n := w.cut(mark)
	binary.LittleEndian.PutUint16(w.B[mark-2:], n)
}

func (w *Writer) cut(mark int) uint16 {
	n := min(len(w.B)-mark, 0xFFFF)
	w.B = w.B[:mark+n]
	return uint16(n)
}
