package oscarwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of the bodies. The error of a ParseX function wraps one of them.
var (
	// ErrShort means that the data ended before the structure did.
	ErrShort = errors.New("oscarwire: data too short")
	// ErrMissing means that a required TLV is absent or too short.
	ErrMissing = errors.New("oscarwire: required tlv missing")
	// ErrMalformed means that a value is invalid.
	ErrMalformed = errors.New("oscarwire: malformed data")
	// ErrTrailing means that bytes followed the last complete TLV.
	ErrTrailing = errors.New("oscarwire: trailing bytes after tlvs")
)

func wrap(place string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", place, err)
}

func missing(place string, tag uint16) error {
	return fmt.Errorf("%s: %w: %02X", place, ErrMissing, tag)
}

// Reader reads numbers, strings and TLVs from a byte slice. After the first failure
// every method returns a zero value and Err returns the failure, so that a caller can
// read a whole structure before it checks the error. Numbers are big-endian unless the
// method's name ends in LE.
type Reader struct {
	buf []byte
	off int
	err error
}

// NewReader returns a reader of b.
func NewReader(b []byte) *Reader { return &Reader{buf: b} }

// Err returns the first failure, which wraps ErrShort.
func (r *Reader) Err() error { return r.err }

// Len returns the number of remaining bytes; 0 after a failure.
func (r *Reader) Len() int {
	if r.err != nil {
		return 0
	}
	return len(r.buf) - r.off
}

// Bytes returns the next n bytes as a subslice of the input.
func (r *Reader) Bytes(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.buf)-r.off {
		r.fail(n)
		return nil
	}
	b := r.buf[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

func (r *Reader) fail(n int) {
	r.err = fmt.Errorf("%w: need %d bytes at offset %d of %d", ErrShort, n, r.off, len(r.buf))
}

// Skip skips n bytes.
func (r *Reader) Skip(n int) { r.Bytes(n) }

// Rest returns all remaining bytes, nil if there are none.
func (r *Reader) Rest() []byte {
	if r.Len() == 0 {
		return nil
	}
	return r.Bytes(r.Len())
}

// U8 reads a byte.
func (r *Reader) U8() uint8 {
	if b := r.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 reads a big-endian 16-bit number.
func (r *Reader) U16() uint16 {
	if b := r.Bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// U32 reads a big-endian 32-bit number.
func (r *Reader) U32() uint32 {
	if b := r.Bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// U16LE reads a little-endian 16-bit number.
func (r *Reader) U16LE() uint16 {
	if b := r.Bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// U32LE reads a little-endian 32-bit number.
func (r *Reader) U32LE() uint32 {
	if b := r.Bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// GUID reads 16 bytes in network order.
func (r *Reader) GUID() (g GUID) {
	copy(g[:], r.Bytes(len(g)))
	return g
}

// Cookie reads the 8 bytes that identify a message.
func (r *Reader) Cookie() (c Cookie) {
	copy(c[:], r.Bytes(len(c)))
	return c
}

// Bytes8 reads a byte string with an 8-bit length.
func (r *Reader) Bytes8() []byte { return r.Bytes(int(r.U8())) }

// Bytes16 reads a byte string with a big-endian 16-bit length.
func (r *Reader) Bytes16() []byte { return r.Bytes(int(r.U16())) }

// String8 reads a string with an 8-bit length.
func (r *Reader) String8() string { return string(r.Bytes8()) }

// String16 reads a string with a big-endian 16-bit length.
func (r *Reader) String16() string { return string(r.Bytes16()) }

// CString16LE reads the string form of family 15 and channel 4: a
// little-endian 16-bit length, which counts the NUL at the end, and the bytes.
// The bytes are returned up to the first NUL.
func (r *Reader) CString16LE() []byte {
	b := r.Bytes(int(r.U16LE()))
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return b
}

// TLVs reads TLVs up to the end of the data. It skips an incomplete TLV at the end.
func (r *Reader) TLVs() TLVs {
	l, _ := ParseTLVs(r.Rest())
	return l
}

// TLVsLen reads the TLVs inside the next n bytes.
func (r *Reader) TLVsLen(n int) TLVs {
	l, _ := ParseTLVs(r.Bytes(n))
	return l
}

// TLVsN reads count TLVs. If the data ends before that, it returns the complete ones,
// and Err reports the failure.
func (r *Reader) TLVsN(count int) TLVs {
	if count <= 0 || r.err != nil {
		return nil
	}
	l := make(TLVs, 0, min(count, r.Len()/4))
	for range count {
		t := TLV{Tag: r.U16(), Value: r.Bytes16()}
		if r.err != nil {
			break
		}
		l = append(l, t)
	}
	return l
}

// readList reads elements with f until the data ends. It drops an incomplete element
// and Err reports it.
func readList[T any](r *Reader, size int, f func(*Reader) T) []T {
	var l []T
	if n := r.Len() / size; n > 0 {
		l = make([]T, 0, n)
	}
	for r.Len() > 0 {
		v := f(r)
		if r.err != nil {
			break
		}
		l = append(l, v)
	}
	return l
}
