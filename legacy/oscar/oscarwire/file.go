package oscarwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// FileInfo is TLV 2711 of a rendezvous that offers files.
type FileInfo struct {
	Kind  uint16 // FileSingle or FileSeveral
	Count uint16
	Size  uint32 // bytes of all of them together
	Name  []byte // in an unspecified encoding; for several files, the folder's name
}

// The values of FileInfo.Kind.
const (
	FileSingle  uint16 = 1
	FileSeveral uint16 = 2
)

// ParseFileInfo parses TLV 2711. The name ends with the first NUL, or the data.
func ParseFileInfo(value []byte) (FileInfo, error) {
	r := NewReader(value)
	v := FileInfo{Kind: r.U16(), Count: r.U16(), Size: r.U32(), Name: untilNUL(r.Rest())}
	return v, wrap("file info", r.Err())
}

// Append appends the value of TLV 2711.
func (v FileInfo) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(v.Kind)
	w.U16(v.Count)
	w.U32(v.Size)
	w.Bytes(v.Name)
	w.U8(0)
	return w.B
}

// FileInfo returns the offered files.
func (v Rendezvous) FileInfo() (FileInfo, error) {
	b, ok := v.TLVs.Get(TagRendezvousData)
	if !ok {
		return FileInfo{}, missing("rendezvous", TagRendezvousData)
	}
	return ParseFileInfo(b)
}

func untilNUL(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// Kinds of OFT headers.
const (
	OFTPrompt       uint16 = 0x0101 // from the sender: the next file
	OFTAck          uint16 = 0x0202 // from the receiver: send it
	OFTDone         uint16 = 0x0204 // from the receiver: received
	OFTResume       uint16 = 0x0205 // from the receiver: send the rest of it
	OFTResumeOffer  uint16 = 0x0106 // from the sender: from where
	OFTResumeAccept uint16 = 0x0207 // from the receiver: go on
)

// OFT is a header of OFT2, which comes before and after each file on a connection
// between peers. (libpurple, oft.c)
type OFT struct {
	Kind                  uint16
	Cookie                Cookie // of the rendezvous, in headers of the receiver
	Encryption            uint16
	Compression           uint16
	Files, FilesLeft      uint16 // FilesLeft includes the file that follows
	Parts, PartsLeft      uint16 // 2 with the resource fork of a Macintosh
	TotalSize, Size       uint32 // bytes of all files, and of this one
	Modified              uint32 // time_t
	Checksum              uint32 // see Checksum; NoChecksum or 0 if unknown
	ForkReceivedChecksum  uint32
	ForkSize, Created     uint32
	ForkChecksum          uint32
	Received              uint32 // bytes
	ReceivedChecksum      uint32
	Version               [32]byte // "Cool FileXfer" or "OFT_Windows ICBMFT V1.1 32"
	Flags                 uint8
	NameOffset, SizeShift uint8
	Unused                [69]byte
	Mac                   [16]byte
	Charset, Language     uint16
	Name                  []byte // U+0001 separates folders
}

// NoChecksum is the checksum of no data, and also stands for an unknown one.
const NoChecksum uint32 = 0xFFFF_0000

const (
	oftMagic   = "OFT2"
	oftFixed   = 192  // bytes before the name
	oftNameMin = 64   // minimum space of the name, in bytes
	oftMax     = 2048 // maximum accepted size of a header, in bytes
)

// ErrMagic means that a stream does not begin with "OFT2".
var ErrMagic = errors.New("oscarwire: no oft2 header")

// ReadOFT reads a header, and nothing beyond it. It fails with io.EOF where the
// stream ends before one, ErrTruncated inside one, ErrMagic, ErrShort for a length
// that is less than a header's, ErrOversize, or the error of the stream.
func ReadOFT(r io.Reader) (OFT, error) {
	var start [6]byte
	if n, err := io.ReadFull(r, start[:]); err != nil {
		return OFT{}, cutShort(err, n)
	}
	if string(start[:4]) != oftMagic {
		return OFT{}, fmt.Errorf("%w: %x", ErrMagic, start[:4])
	}
	size := int(binary.BigEndian.Uint16(start[4:]))
	if size > oftMax {
		return OFT{}, fmt.Errorf("%w: %d bytes of oft header", ErrOversize, size)
	}
	b := append(make([]byte, 0, max(size, len(start))), start[:]...)
	b = b[:cap(b)]
	if n, err := io.ReadFull(r, b[len(start):]); err != nil {
		return OFT{}, cutShort(err, len(start)+n)
	}
	return ParseOFT(b)
}

// cutShort converts the error of a stream that ended after n bytes of a structure.
func cutShort(err error, n int) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) && n > 0 {
		return fmt.Errorf("%w: after %d bytes", ErrTruncated, n)
	}
	return err
}

// ParseOFT parses a header with its first six bytes, "OFT2" and the length. The
// name ends with the first NUL.
func ParseOFT(b []byte) (OFT, error) {
	r := NewReader(b)
	if magic := r.Bytes(len(oftMagic)); r.Err() == nil && string(magic) != oftMagic {
		return OFT{}, fmt.Errorf("%w: %x", ErrMagic, magic)
	}
	if size := int(r.U16()); r.Err() == nil && size != len(b) {
		return OFT{}, fmt.Errorf("oft: %w: length %d of %d bytes", ErrShort, size, len(b))
	}
	h := OFT{
		Kind: r.U16(), Cookie: r.Cookie(), Encryption: r.U16(), Compression: r.U16(),
		Files: r.U16(), FilesLeft: r.U16(), Parts: r.U16(), PartsLeft: r.U16(),
		TotalSize: r.U32(), Size: r.U32(), Modified: r.U32(), Checksum: r.U32(),
		ForkReceivedChecksum: r.U32(), ForkSize: r.U32(), Created: r.U32(), ForkChecksum: r.U32(),
		Received: r.U32(), ReceivedChecksum: r.U32(),
	}
	copy(h.Version[:], r.Bytes(len(h.Version)))
	h.Flags, h.NameOffset, h.SizeShift = r.U8(), r.U8(), r.U8()
	copy(h.Unused[:], r.Bytes(len(h.Unused)))
	copy(h.Mac[:], r.Bytes(len(h.Mac)))
	h.Charset, h.Language = r.U16(), r.U16()
	h.Name = untilNUL(r.Rest())
	if h.Charset == CharsetUTF16 && r.Err() == nil {
		h.Name = untilNUL16(b[oftFixed:])
	}
	return h, wrap("oft", r.Err())
}

func untilNUL16(b []byte) []byte {
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return b[:i]
		}
	}
	return b
}

// Append appends the header.
func (h OFT) Append(dst []byte) []byte {
	name := h.Name[:min(len(h.Name), oftMax-oftFixed-2)]
	w := Writer{dst}
	start := len(w.B)
	w.String(oftMagic)
	w.U16(uint16(oftFixed + max(oftNameMin, len(name)+2)))
	w.U16(h.Kind)
	w.Bytes(h.Cookie[:])
	for _, v := range []uint16{h.Encryption, h.Compression, h.Files, h.FilesLeft, h.Parts, h.PartsLeft} {
		w.U16(v)
	}
	for _, v := range []uint32{h.TotalSize, h.Size, h.Modified, h.Checksum, h.ForkReceivedChecksum, h.ForkSize,
		h.Created, h.ForkChecksum, h.Received, h.ReceivedChecksum} {
		w.U32(v)
	}
	w.Bytes(h.Version[:])
	w.Bytes([]byte{h.Flags, h.NameOffset, h.SizeShift})
	w.Bytes(h.Unused[:])
	w.Bytes(h.Mac[:])
	w.U16(h.Charset)
	w.U16(h.Language)
	w.Bytes(name)
	w.Bytes(make([]byte, max(oftNameMin, len(name)+2)-(len(w.B)-start-oftFixed)))
	return w.B
}

// Checksum is the checksum of OFT2 over the bytes written to it: 16-bit big-endian
// words, subtracted in ones' complement. The zero value is that of no data. It is an
// io.Writer that never fails.
type Checksum struct {
	sum uint32 // of all words, modulo 2^16-1
	odd bool   // the next byte is the low one of its word
}

// Write adds bytes.
func (c *Checksum) Write(b []byte) (int, error) {
	sum := uint64(c.sum)
	for _, v := range b {
		if c.odd {
			sum += uint64(v)
		} else {
			sum += uint64(v) << 8
		}
		c.odd = !c.odd
	}
	c.sum = uint32(sum % 0xFFFF)
	return len(b), nil
}

// Sum returns the checksum as in a header.
func (c *Checksum) Sum() uint32 { return (0xFFFF - c.sum) << 16 }

// Fits reports whether a header's checksum matches the bytes or is unknown. In ones'
// complement, 0 and FFFF are the same number.
func (c *Checksum) Fits(header uint32) bool {
	return header == 0 || header == NoChecksum || (header>>16)%0xFFFF == (c.Sum()>>16)%0xFFFF
}
