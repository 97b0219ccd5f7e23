package oscarwire

// Capabilities. Most are 0946xxxx-4C7F-11D1-8222-444553540000, of which TLV 19
// sends the xxxx alone.
var (
	CapVoice       = ShortCapability(0x1341)
	CapDirectIM    = ShortCapability(0x1345)
	CapIcon        = ShortCapability(0x1346)
	CapFile        = ShortCapability(0x1343) // file transfer
	CapGetFile     = ShortCapability(0x1348)
	CapICQRelay    = ShortCapability(0x1349) // ICQ type-2 messages, channel 2
	CapGames       = ShortCapability(0x134A)
	CapBuddyList   = ShortCapability(0x134B)
	CapInterop     = ShortCapability(0x134D) // AIM and ICQ talk to each other
	CapUTF8        = ShortCapability(0x134E) // also marks UTF-8 in type-2 messages
	CapShort       = ShortCapability(0x0000) // short capabilities are understood
	CapChat        = GUID{0x74, 0x8F, 0x24, 0x20, 0x62, 0x87, 0x11, 0xD1, 0x82, 0x22, 0x44, 0x45, 0x53, 0x54}
	CapXHTML       = ShortCapability(0x0002) // ICQ 6: XHTML messages
	CapTyping      = GUID{0x56, 0x3F, 0xC8, 0x09, 0x0B, 0x6F, 0x41, 0xBD, 0x9F, 0x79, 0x42, 0x26, 0x09, 0xDF, 0xA2, 0xF3}
	CapHTMLIM      = GUID{0x01, 0x38, 0xCA, 0x7B, 0x76, 0x9A, 0x49, 0x15, 0x88, 0xF2, 0x13, 0xFC, 0x00, 0x97, 0x9E, 0xA8}
	CapXtraz       = GUID{0x1A, 0x09, 0x3C, 0x6C, 0xD7, 0xFD, 0x4E, 0xC5, 0x9D, 0x51, 0xA6, 0x47, 0x4E, 0x34, 0xF5, 0xA0}
	CapRTF         = GUID{0x97, 0xB1, 0x27, 0x51, 0x24, 0x3C, 0x43, 0x34, 0xAD, 0x22, 0xD6, 0xAB, 0xF7, 0x3F, 0x14, 0x92}
	CapSecureIM    = ShortCapability(0x0001)
	shortCapSuffix = [12]byte{0x4C, 0x7F, 0x11, 0xD1, 0x82, 0x22, 0x44, 0x45, 0x53, 0x54}
)

// ShortCapability gives the capability 0946xxxx-4C7F-11D1-8222-444553540000.
func ShortCapability(v uint16) GUID {
	g := GUID{0x09, 0x46, byte(v >> 8), byte(v)}
	copy(g[4:], shortCapSuffix[:])
	return g
}

// Short returns the 16 bits by which a capability can be abbreviated.
func (g GUID) Short() (uint16, bool) {
	v := uint16(g[2])<<8 | uint16(g[3])
	return v, g == ShortCapability(v)
}

// ParseCapabilities reads a list of 16-byte capabilities; an incomplete one at
// the end is skipped.
func ParseCapabilities(b []byte) []GUID {
	if len(b) < len(GUID{}) {
		return nil
	}
	l := make([]GUID, 0, len(b)/len(GUID{}))
	for ; len(b) >= len(GUID{}); b = b[len(GUID{}):] {
		l = append(l, GUID(b[:len(GUID{})]))
	}
	return l
}

// AppendCapabilities appends the list.
func AppendCapabilities(dst []byte, l []GUID) []byte {
	for _, g := range l {
		dst = append(dst, g[:]...)
	}
	return dst
}
