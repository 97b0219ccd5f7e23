package oscarwire

import "net/netip"

// RendezvousKind is the kind of a message of channel 2.
type RendezvousKind uint16

// Rendezvous kinds.
const (
	RendezvousRequest RendezvousKind = 0
	RendezvousCancel  RendezvousKind = 1
	RendezvousAccept  RendezvousKind = 2
)

// Tags of a rendezvous.
const (
	TagRendezvousProxy    uint16 = 0x02 // address of the proxy, IPv4
	TagRendezvousClient   uint16 = 0x03 // address that the peer claims, IPv4
	TagRendezvousVerified uint16 = 0x04 // address that the server saw, IPv4
	TagRendezvousPort     uint16 = 0x05
	TagRendezvousSequence uint16 = 0x0A // 1 first, then one more for each counter-proposal
	TagRendezvousReason   uint16 = 0x0B // of a cancellation
	TagRendezvousInvite   uint16 = 0x0C // text of an invitation
	TagRendezvousF        uint16 = 0x0F // empty, in every request
	TagRendezvousUseProxy uint16 = 0x10
	TagRendezvousPortBack uint16 = 0x17 // complement of the port

	TagRendezvousProxyBack uint16 = 0x16 // complement of the proxy's address
	TagRendezvousData      uint16 = 0x2711
)

// Rendezvous is TLV 05 of a message of channel 2.
type Rendezvous struct {
	Kind       RendezvousKind
	Cookie     Cookie // that of the message
	Capability GUID
	TLVs       TLVs
}

// ParseRendezvous parses TLV 05 of a message of channel 2.
func ParseRendezvous(value []byte) (Rendezvous, error) {
	r := NewReader(value)
	v := Rendezvous{RendezvousKind(r.U16()), r.Cookie(), r.GUID(), r.TLVs()}
	return v, wrap("rendezvous", r.Err())
}

// Append appends the value of TLV 05.
func (v Rendezvous) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(uint16(v.Kind))
	w.Bytes(v.Cookie[:])
	w.Bytes(v.Capability[:])
	w.TLVs(v.TLVs)
	return w.B
}

// Addr returns an IPv4 address of the TLVs. It comes from the peer: check that it is
// public before connecting.
func (v Rendezvous) Addr(tag uint16) (netip.Addr, bool) {
	b, ok := v.TLVs.Get(tag)
	if !ok || len(b) != 4 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(b)), true
}

func rendezvous(l TLVs) (Rendezvous, error) {
	b, ok := l.Get(TagIMData)
	if !ok {
		return Rendezvous{}, missing("im", TagIMData)
	}
	return ParseRendezvous(b)
}

// Rendezvous returns the content of a message of channel 2.
func (m IncomingIM) Rendezvous() (Rendezvous, error) { return rendezvous(m.TLVs) }

// Rendezvous returns the content of a message of channel 2.
func (m OutgoingIM) Rendezvous() (Rendezvous, error) { return rendezvous(m.TLVs) }

// NewOutgoingRendezvous makes a message of channel 2, 04/06.
func NewOutgoingRendezvous(to string, v Rendezvous, flags IMFlags) OutgoingIM {
	l := TLVs{{TagIMData, v.Append(nil)}}
	return OutgoingIM{v.Cookie, IMChannelRendezvous, to, flags.appendTo(l)}
}

// NewIncomingRendezvous makes a message of channel 2, 04/07.
func NewIncomingRendezvous(from UserInfo, v Rendezvous, flags IMFlags) IncomingIM {
	l := TLVs{{TagIMData, v.Append(nil)}}
	return IncomingIM{v.Cookie, IMChannelRendezvous, from, flags.appendTo(l)}
}

// Invitation invites a user to a room; it is a rendezvous of CapChat.
type Invitation struct {
	Room RoomID
	Text string
}

// Invitation returns the room, TLV 2711; ErrMissing without it. Text that is not UTF-8
// is decoded by page.
func (v Rendezvous) Invitation(page *CodePage) (Invitation, error) {
	b, ok := v.TLVs.Get(TagRendezvousData)
	if !ok {
		return Invitation{}, missing("invitation", TagRendezvousData)
	}
	r := NewReader(b)
	i := Invitation{Room: readRoomID(r)}
	text, _ := v.TLVs.Get(TagRendezvousInvite)
	i.Text = DecodeText(CharsetASCII, text, page)
	return i, wrap("invitation", r.Err())
}

// Rendezvous makes the content of a message of channel 2.
func (i Invitation) Rendezvous(cookie Cookie) Rendezvous {
	var room Writer
	i.Room.append(&room)
	return Rendezvous{RendezvousRequest, cookie, CapChat, TLVs{
		TLV16(TagRendezvousSequence, 1), {Tag: TagRendezvousF},
		TLVText(TagRendezvousInvite, i.Text), {TagRendezvousData, room.B},
	}}
}
