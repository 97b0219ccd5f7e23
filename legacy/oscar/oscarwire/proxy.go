package oscarwire

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
)

// ProxyPort is the port of rendezvous proxies.
const ProxyPort uint16 = 5190

// Kinds of frames between a peer and a rendezvous proxy. (libpurple, peer_proxy.c)
const (
	ProxyError   uint16 = 1 // from the proxy; the payload begins with a code
	ProxyCreate  uint16 = 2 // from the first peer; the payload is a ProxyRequest
	ProxyCreated uint16 = 3 // the payload is a ProxyPlace
	ProxyJoin    uint16 = 4 // from the second peer; the payload is a ProxyPeer
	ProxyReady   uint16 = 5 // to both: the peers' data follows
)

// Codes of ProxyError.
const (
	ProxyBadRequest uint16 = 0x0D
	ProxyTimeout    uint16 = 0x10 // the first peer was too slow
	ProxyNobodyCame uint16 = 0x1A
)

const (
	proxyVersion = 0x044A
	proxyHeader  = 10   // bytes behind the length
	proxyMax     = 1024 // maximum accepted payload in bytes
)

// ProxyFrame is a frame between a peer and a rendezvous proxy.
type ProxyFrame struct {
	Kind    uint16
	Flags   uint16
	Payload []byte
}

// ReadProxyFrame reads a frame, and nothing beyond it. It fails with io.EOF where
// the stream ends before one, ErrTruncated inside one, ErrShort, ErrOversize,
// ErrMalformed for another version, or the error of the stream.
func ReadProxyFrame(r io.Reader) (ProxyFrame, error) {
	var b [2 + proxyHeader]byte
	if n, err := io.ReadFull(r, b[:]); err != nil {
		return ProxyFrame{}, cutShort(err, n)
	}
	size := int(binary.BigEndian.Uint16(b[:])) - proxyHeader
	switch version := binary.BigEndian.Uint16(b[2:]); {
	case version != proxyVersion:
		return ProxyFrame{}, fmt.Errorf("proxy frame: %w: version %04X", ErrMalformed, version)
	case size < 0:
		return ProxyFrame{}, fmt.Errorf("proxy frame: %w: length %d", ErrShort, size+proxyHeader)
	case size > proxyMax:
		return ProxyFrame{}, fmt.Errorf("%w: %d bytes of proxy frame", ErrOversize, size)
	}
	f := ProxyFrame{Kind: binary.BigEndian.Uint16(b[4:]), Flags: binary.BigEndian.Uint16(b[10:]), Payload: make([]byte, size)}
	if n, err := io.ReadFull(r, f.Payload); err != nil && size > 0 {
		return f, cutShort(err, len(b)+n)
	}
	return f, nil
}

// Append appends the frame.
func (f ProxyFrame) Append(dst []byte) []byte {
	payload := f.Payload[:min(len(f.Payload), proxyMax)]
	w := Writer{dst}
	w.U16(uint16(proxyHeader + len(payload)))
	w.U16(proxyVersion)
	w.U16(f.Kind)
	w.U32(0)
	w.U16(f.Flags)
	w.Bytes(payload)
	return w.B
}

// Code returns the code of a ProxyError.
func (f ProxyFrame) Code() (uint16, bool) {
	r := NewReader(f.Payload)
	code := r.U16()
	return code, r.Err() == nil
}

// ProxyPeer is the payload of ProxyJoin.
type ProxyPeer struct {
	Name   string
	PIN    uint16 // the port of the rendezvous
	Cookie Cookie // of the rendezvous
	TLVs   TLVs   // 1 has the capability
}

// TagProxyCapability is the TLV of a ProxyPeer with the capability of the rendezvous.
const TagProxyCapability uint16 = 0x01

// ParseProxyPeer parses the payload of ProxyJoin.
func ParseProxyPeer(payload []byte) (ProxyPeer, error) {
	r := NewReader(payload)
	p := ProxyPeer{r.String8(), r.U16(), r.Cookie(), r.TLVs()}
	return p, wrap("proxy", r.Err())
}

// Append appends the payload.
func (p ProxyPeer) Append(dst []byte) []byte {
	w := Writer{dst}
	w.String8(p.Name)
	w.U16(p.PIN)
	w.Bytes(p.Cookie[:])
	w.TLVs(p.TLVs)
	return w.B
}

// ProxyRequest is the payload of ProxyCreate.
type ProxyRequest struct {
	Name   string
	Cookie Cookie // of the rendezvous
	TLVs   TLVs   // 1 has the capability
}

// ParseProxyRequest parses the payload of ProxyCreate.
func ParseProxyRequest(payload []byte) (ProxyRequest, error) {
	r := NewReader(payload)
	p := ProxyRequest{r.String8(), r.Cookie(), r.TLVs()}
	return p, wrap("proxy", r.Err())
}

// Append appends the payload.
func (p ProxyRequest) Append(dst []byte) []byte {
	w := Writer{dst}
	w.String8(p.Name)
	w.Bytes(p.Cookie[:])
	w.TLVs(p.TLVs)
	return w.B
}

// ProxyPlace is the payload of ProxyCreated: the address for the other peer.
type ProxyPlace struct {
	PIN  uint16
	Addr netip.Addr // of the proxy, of version 4
}

// ParseProxyPlace parses the payload of ProxyCreated.
func ParseProxyPlace(payload []byte) (ProxyPlace, error) {
	r := NewReader(payload)
	p := ProxyPlace{PIN: r.U16()}
	p.Addr, _ = netip.AddrFromSlice(r.Bytes(4))
	return p, wrap("proxy", r.Err())
}

// Append appends the payload.
func (p ProxyPlace) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(p.PIN)
	addr := p.Addr.Unmap().As4()
	w.Bytes(addr[:])
	return w.B
}
