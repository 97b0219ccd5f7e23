package oscarwire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// FLAP channels.
const (
	ChannelSignOn    uint8 = 1 // version number and TLVs, first frame each way
	ChannelData      uint8 = 2 // one SNAC
	ChannelError     uint8 = 3 // FLAP-level error
	ChannelSignOff   uint8 = 4 // TLVs: redirect, error or disconnect reason
	ChannelKeepAlive uint8 = 5 // empty
)

// Sizes of a FLAP frame in bytes.
const (
	FLAPHeaderLen = 6
	MaxPayload    = 0xFFFF // limit: bytes of a frame | the connection ends, and is opened again
)

const flapStart = 0x2A

// Errors of the frame layer.
var (
	// ErrStartMarker means that a frame does not begin with 2A: the stream is out of sync
	// and unusable.
	ErrStartMarker = errors.New("oscarwire: bad flap start marker")
	// ErrTruncated means that the stream ended inside a frame.
	ErrTruncated = errors.New("oscarwire: truncated flap frame")
	// ErrOversize means that a payload exceeds the reader's limit or the 16-bit length
	// field.
	ErrOversize = errors.New("oscarwire: oversize flap payload")
)

// Frame is one FLAP frame.
type Frame struct {
	Channel uint8
	Seq     uint16
	Payload []byte
	// Short is set for the 4-byte sign-off `2a 04 seq seq` that servers send
	// right before they close; it has no length field and no payload.
	Short bool
}

// SNAC parses the frame's payload as a SNAC; it fails with ErrMalformed on any
// channel but ChannelData.
func (f Frame) SNAC() (SNAC, error) {
	if f.Channel != ChannelData {
		return SNAC{}, fmt.Errorf("%w: snac on flap channel %d", ErrMalformed, f.Channel)
	}
	return ParseSNAC(f.Payload)
}

// FrameReader reads FLAP frames from a byte stream. It reads exactly the bytes
// of each frame; wrap the stream in a bufio.Reader to save system calls.
type FrameReader struct {
	r   io.Reader
	max int
	buf []byte
	hdr [FLAPHeaderLen]byte
}

// NewFrameReader returns a reader of r that rejects payloads of more than maxPayload
// bytes; 0 means MaxPayload.
func NewFrameReader(r io.Reader, maxPayload int) *FrameReader {
	if maxPayload <= 0 || maxPayload > MaxPayload {
		maxPayload = MaxPayload
	}
	return &FrameReader{r: r, max: maxPayload}
}

// ReadFrame returns the next frame with a payload of its own, which the caller
// may keep. It fails with io.EOF at the end between two frames, ErrTruncated
// inside one, ErrStartMarker, ErrOversize, or the error of the stream.
func (fr *FrameReader) ReadFrame() (Frame, error) {
	f, n, err := fr.header()
	if err != nil || f.Short || n == 0 {
		return f, err
	}
	f.Payload = make([]byte, n)
	return f, fr.fill(f.Payload)
}

// ReadFrameReuse is ReadFrame without the allocation: the payload is valid
// only until the next call.
func (fr *FrameReader) ReadFrameReuse() (Frame, error) {
	f, n, err := fr.header()
	if err != nil || f.Short || n == 0 {
		return f, err
	}
	if cap(fr.buf) < n {
		fr.buf = make([]byte, n, max(n, 1024))
	}
	f.Payload = fr.buf[:n]
	return f, fr.fill(f.Payload)
}

func (fr *FrameReader) header() (Frame, int, error) {
	n, err := io.ReadFull(fr.r, fr.hdr[:])
	if n > 0 && fr.hdr[0] != flapStart {
		return Frame{}, 0, fmt.Errorf("%w: %02x", ErrStartMarker, fr.hdr[0])
	}
	f := Frame{Channel: fr.hdr[1], Seq: binary.BigEndian.Uint16(fr.hdr[2:])}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		if n == 4 && fr.hdr[1] == ChannelSignOff {
			f.Short = true
			return f, 0, nil
		}
		return Frame{}, 0, fmt.Errorf("%w: %d bytes of header", ErrTruncated, n)
	}
	if err != nil {
		return Frame{}, 0, err
	}
	size := int(binary.BigEndian.Uint16(fr.hdr[4:]))
	if size > fr.max {
		return f, 0, fmt.Errorf("%w: %d bytes, at most %d allowed", ErrOversize, size, fr.max)
	}
	return f, size, nil
}

func (fr *FrameReader) fill(p []byte) error {
	n, err := io.ReadFull(fr.r, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %d of %d payload bytes", ErrTruncated, n, len(p))
	}
	return err
}

// AppendFLAP appends one frame to dst. It fails with ErrOversize, and leaves
// dst as it was, when the payload has more than MaxPayload bytes.
func AppendFLAP(dst []byte, ch uint8, seq uint16, payload []byte) ([]byte, error) {
	if len(payload) > MaxPayload {
		return dst, fmt.Errorf("%w: %d bytes", ErrOversize, len(payload))
	}
	dst = append(dst, flapStart, ch)
	dst = binary.BigEndian.AppendUint16(dst, seq)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(payload)))
	return append(dst, payload...), nil
}

// AppendShortSignOff appends the 4-byte sign-off without a length field that
// servers send to a session which another sign-on has replaced.
func AppendShortSignOff(dst []byte, seq uint16) []byte {
	return binary.BigEndian.AppendUint16(append(dst, flapStart, ChannelSignOff), seq)
}

// BeginFrame appends a frame header with no length yet; EndFrame, given
// len(dst) from before the call, fills it in.
func BeginFrame(dst []byte, ch uint8, seq uint16) []byte {
	dst = append(dst, flapStart, ch)
	dst = binary.BigEndian.AppendUint16(dst, seq)
	return append(dst, 0, 0)
}

// BeginSNAC appends a frame header for ChannelData and a SNAC header; the body
// is then appended by the caller, and EndFrame closes the frame.
func BeginSNAC(dst []byte, seq uint16, h Header) []byte {
	return h.Append(BeginFrame(dst, ChannelData, seq))
}

// EndFrame writes the length of the frame that begins at dst[start]. It fails
// with ErrOversize, cutting the frame off dst, when its payload is too large.
func EndFrame(dst []byte, start int) ([]byte, error) {
	n := len(dst) - start - FLAPHeaderLen
	if n < 0 || n > MaxPayload {
		return dst[:start], fmt.Errorf("%w: %d bytes", ErrOversize, n)
	}
	binary.BigEndian.PutUint16(dst[start+4:], uint16(n))
	return dst, nil
}

// Appender is a payload or SNAC body that can append its wire form to dst.
type Appender interface {
	Append(dst []byte) []byte
}

// Raw is an encoded body.
type Raw []byte

// Append appends the bytes unchanged.
func (b Raw) Append(dst []byte) []byte { return append(dst, b...) }

// FrameWriter writes FLAP frames, numbering them. It is not safe for concurrent use.
type FrameWriter struct {
	w    io.Writer
	seq  uint16
	buf  []byte
	hold int // bytes to collect, 0 for a Write of each frame
}

// NewFrameWriter returns a writer whose first frame is numbered seq. Each frame is one
// Write.
func NewFrameWriter(w io.Writer, seq uint16) *FrameWriter {
	return &FrameWriter{w: w, seq: seq}
}

// NewFrameCollector returns a FrameWriter that collects frames until Flush, or until they
// have size bytes. It has no buffer while it has no frames.
func NewFrameCollector(w io.Writer, seq uint16, size int) *FrameWriter {
	return &FrameWriter{w: w, seq: seq, hold: size}
}

// Flush writes the collected frames.
func (fw *FrameWriter) Flush() error {
	if fw.hold == 0 || len(fw.buf) == 0 {
		return nil
	}
	b := fw.buf
	fw.buf = nil
	_, err := fw.w.Write(b)
	return err
}

// Seq returns the sequence number of the next frame.
func (fw *FrameWriter) Seq() uint16 { return fw.seq }

// SetSeq sets the sequence number of the next frame.
func (fw *FrameWriter) SetSeq(seq uint16) { fw.seq = seq }

// WriteFrame writes one frame; a nil payload is an empty one.
func (fw *FrameWriter) WriteFrame(ch uint8, payload Appender) error {
	return fw.finish(BeginFrame(fw.begin(), ch, fw.seq), payload)
}

// WriteSNAC writes one SNAC in a frame of its own; a nil body is an empty one.
func (fw *FrameWriter) WriteSNAC(h Header, body Appender) error {
	return fw.finish(BeginSNAC(fw.begin(), fw.seq, h), body)
}

// begin returns the buffer to which a frame is appended.
func (fw *FrameWriter) begin() []byte {
	const usual = 512 // bytes of a few frames
	switch {
	case fw.hold == 0:
		return fw.buf[:0]
	case fw.buf == nil:
		return make([]byte, 0, usual)
	}
	return fw.buf
}

func (fw *FrameWriter) finish(b []byte, body Appender) error {
	if body != nil {
		b = body.Append(b)
	}
	b, err := EndFrame(b, len(fw.buf))
	if fw.hold > 0 {
		fw.buf = b
	} else {
		fw.buf = b[:0]
	}
	if err != nil {
		return err
	}
	fw.seq++
	if fw.hold == 0 {
		_, err = fw.w.Write(b)
	} else if len(b) >= fw.hold {
		err = fw.Flush()
	}
	return err
}
