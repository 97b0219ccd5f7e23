package oscarwire

import "crypto/md5"

// TLV tags of sign-on: FLAP channels 1 and 4, family 17.
const (
	TagScreenName    uint16 = 0x01
	TagRoasted       uint16 = 0x02 // roasted password
	TagClientName    uint16 = 0x03
	TagErrorURL      uint16 = 0x04
	TagReconnectHere uint16 = 0x05 // host:port of the next server
	TagCookie        uint16 = 0x06
	TagSignOnError   uint16 = 0x08
	TagDisconnect    uint16 = 0x09
	TagURL           uint16 = 0x0B
	TagFamily        uint16 = 0x0D
	TagCountry       uint16 = 0x0E
	TagLanguage      uint16 = 0x0F
	TagEmail         uint16 = 0x11
	TagRegStatus     uint16 = 0x13
	TagDistribution  uint16 = 0x14
	TagClientID      uint16 = 0x16
	TagMajor         uint16 = 0x17
	TagMinor         uint16 = 0x18
	TagLesser        uint16 = 0x19
	TagBuild         uint16 = 0x1A
	TagHash          uint16 = 0x25
	TagMultiConn     uint16 = 0x4A
	TagSecurID       uint16 = 0x4B
	TagStrongHash    uint16 = 0x4C
	TagPasswordURL   uint16 = 0x54
	TagMachineInfo   uint16 = 0x5A
	TagUseSSL        uint16 = 0x8C // of 01/04, empty: requests the address of a TLS port
	TagSSLState      uint16 = 0x8E
)

// Values of TLV 4A. Without the TLV (0 here) the older session ends, too.
const (
	MultiConnAbsent uint8 = 0x00
	MultiConnAllow  uint8 = 0x01 // several sign-ons of one account at once
	MultiConnSingle uint8 = 0x03 // end the older session
)

// FLAPVersion is the version in the first frame of a connection.
const FLAPVersion uint32 = 1

var roastKey = [16]byte{
	0xF3, 0x26, 0x81, 0xC4, 0x39, 0x86, 0xDB, 0x92,
	0x71, 0xA3, 0xB9, 0xE6, 0x53, 0x7A, 0x95, 0x7C,
}

// Roast XORs a password with the fixed key of the ICQ sign-on (Shutko, "roasting");
// applying it twice restores the password. It provides no secrecy.
func Roast(password []byte) []byte {
	out := make([]byte, len(password))
	for i, c := range password {
		out[i] = c ^ roastKey[i%len(roastKey)]
	}
	return out
}

const hashSalt = "AOL Instant Messenger (SM)"

// HashStrong returns the hash of 17/02 with TLV 4C: MD5(key + MD5(password) + "AOL
// Instant Messenger (SM)").
func HashStrong(key, password []byte) [md5.Size]byte {
	inner := md5.Sum(password)
	return hash(key, inner[:])
}

// HashWeak returns the hash of 17/02 without TLV 4C: MD5(key + password + "AOL Instant
// Messenger (SM)").
func HashWeak(key, password []byte) [md5.Size]byte { return hash(key, password) }

func hash(key, secret []byte) [md5.Size]byte {
	b := make([]byte, 0, len(key)+len(secret)+len(hashSalt))
	b = append(append(append(b, key...), secret...), hashSalt...)
	return md5.Sum(b)
}

// SignOn is the payload of FLAP channel 1: version and TLVs. It is sent empty
// by both sides first; TLV 06 (cookie) or a roasted sign-on may follow the
// version at once.
type SignOn struct {
	Version uint32
	TLVs    TLVs
}

// ParseSignOn parses the payload of a frame of ChannelSignOn.
func ParseSignOn(payload []byte) (SignOn, error) {
	r := NewReader(payload)
	s := SignOn{Version: r.U32(), TLVs: r.TLVs()}
	return s, wrap("sign-on frame", r.Err())
}

// Append appends the payload.
func (s SignOn) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U32(s.Version)
	w.TLVs(s.TLVs)
	return w.B
}

// Hello is the first frame without TLVs, of a server and of a BUCP client.
func Hello() SignOn { return SignOn{Version: FLAPVersion} }

// CookieSignOn is the first frame of a connection to BOS or another service:
// TLV 06, and 4A unless multi is MultiConnAbsent.
func CookieSignOn(cookie []byte, multi uint8) SignOn {
	s := SignOn{Version: FLAPVersion, TLVs: TLVs{{TagCookie, cookie}}}
	if multi != MultiConnAbsent {
		s.TLVs = append(s.TLVs, TLV8(TagMultiConn, multi))
	}
	return s
}

// Cookie returns TLV 06; false if absent or empty.
func (s SignOn) Cookie() ([]byte, bool) {
	b, ok := s.TLVs.Get(TagCookie)
	return b, ok && len(b) > 0
}

// MultiConn returns TLV 4A, MultiConnAbsent without one.
func (s SignOn) MultiConn() uint8 {
	v, _ := s.TLVs.U8(TagMultiConn)
	return v
}

// ClientInfo is the identification of the client: TLVs 03, 16-1A, 14, 0F, 0E.
type ClientInfo struct {
	Name         string // "ICQ Client", "Purple/2.14.12"
	ID           uint16 // 16
	Major        uint16 // 17
	Minor        uint16 // 18
	Lesser       uint16 // 19
	Build        uint16 // 1A
	Distribution uint32 // 14
	Language     string // 0F, "en"
	Country      string // 0E, "us"
}

// clientNumbers are the tags of the 16-bit numbers, in wire order.
var clientNumbers = [...]uint16{TagClientID, TagMajor, TagMinor, TagLesser, TagBuild}

func (c *ClientInfo) numbers() [len(clientNumbers)]*uint16 {
	return [...]*uint16{&c.ID, &c.Major, &c.Minor, &c.Lesser, &c.Build}
}

func clientInfo(l TLVs) (c ClientInfo) {
	c.Name, _ = l.String(TagClientName)
	for i, p := range c.numbers() {
		*p, _ = l.U16(clientNumbers[i])
	}
	c.Distribution, _ = l.U32(TagDistribution)
	c.Language, _ = l.String(TagLanguage)
	c.Country, _ = l.String(TagCountry)
	return c
}

func (c ClientInfo) append(w *Writer) {
	w.TLVString(TagClientName, c.Name)
	for i, p := range c.numbers() {
		w.TLVU16(clientNumbers[i], *p)
	}
	w.TLVU32(TagDistribution, c.Distribution)
	w.TLVString(TagLanguage, c.Language)
	w.TLVString(TagCountry, c.Country)
}

// RoastedSignOn is the ICQ sign-on in one frame of channel 1: TLV 01, 02 and
// the client's. The answer is a LoginReply on channel 4.
type RoastedSignOn struct {
	ScreenName string
	Password   []byte // in clear; roasted on the wire
	Client     ClientInfo
	MultiConn  uint8 // TLV 4A, MultiConnAbsent for none
}

// Roasted interprets the TLVs of a first frame as a roasted sign-on; false
// without TLV 01 or 02.
func (s SignOn) Roasted() (RoastedSignOn, bool) {
	name, okName := s.TLVs.String(TagScreenName)
	pass, okPass := s.TLVs.Get(TagRoasted)
	return RoastedSignOn{
		ScreenName: name, Password: Roast(pass), Client: clientInfo(s.TLVs), MultiConn: s.MultiConn(),
	}, okName && okPass
}

// Append appends the payload of the frame.
func (s RoastedSignOn) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U32(FLAPVersion)
	w.TLVString(TagScreenName, s.ScreenName)
	w.TLV(TagRoasted, Roast(s.Password))
	s.Client.append(&w)
	appendMultiConn(&w, s.MultiConn)
	return w.B
}

func appendMultiConn(w *Writer, v uint8) {
	if v != MultiConnAbsent {
		w.TLVU8(TagMultiConn, v)
	}
}

// ChallengeRequest requests the key of an MD5 sign-on, 17/06. SecurID and MachineInfo
// are the empty TLVs 4B and 5A that AIM clients add.
type ChallengeRequest struct {
	ScreenName           string
	SecurID, MachineInfo bool
}

// ParseChallengeRequest parses 17/06; ErrMissing without TLV 01.
func ParseChallengeRequest(body []byte) (ChallengeRequest, error) {
	l := NewReader(body).TLVs()
	name, ok := l.String(TagScreenName)
	c := ChallengeRequest{name, l.Has(TagSecurID), l.Has(TagMachineInfo)}
	if !ok {
		return c, missing("17/06", TagScreenName)
	}
	return c, nil
}

// Append appends the body.
func (c ChallengeRequest) Append(dst []byte) []byte {
	w := Writer{dst}
	w.TLVString(TagScreenName, c.ScreenName)
	if c.SecurID {
		w.TLV(TagSecurID, nil)
	}
	if c.MachineInfo {
		w.TLV(TagMachineInfo, nil)
	}
	return w.B
}

// Challenge is the key of an MD5 sign-on, 17/07.
type Challenge struct {
	Key []byte
}

// ParseChallenge parses 17/07.
func ParseChallenge(body []byte) (Challenge, error) {
	r := NewReader(body)
	c := Challenge{r.Bytes16()}
	return c, wrap("17/07", r.Err())
}

// Append appends the body.
func (c Challenge) Append(dst []byte) []byte {
	w := Writer{dst}
	w.Bytes16(c.Key)
	return w.B
}

// Login is the MD5 sign-on, 17/02.
type Login struct {
	ScreenName string
	Hash       []byte // HashStrong or HashWeak
	Strong     bool   // TLV 4C
	Client     ClientInfo
	MultiConn  uint8 // TLV 4A, MultiConnAbsent for none
}

// ParseLogin parses 17/02; ErrMissing without TLV 01 or 25.
func ParseLogin(body []byte) (Login, error) {
	l := NewReader(body).TLVs()
	var s Login
	var ok bool
	s.Strong, s.Client = l.Has(TagStrongHash), clientInfo(l)
	s.MultiConn, _ = l.U8(TagMultiConn)
	if s.ScreenName, ok = l.String(TagScreenName); !ok {
		return s, missing("17/02", TagScreenName)
	}
	if s.Hash, ok = l.Get(TagHash); !ok {
		return s, missing("17/02", TagHash)
	}
	return s, nil
}

// Append appends the body.
func (s Login) Append(dst []byte) []byte {
	w := Writer{dst}
	w.TLVString(TagScreenName, s.ScreenName)
	w.TLV(TagHash, s.Hash)
	if s.Strong {
		w.TLV(TagStrongHash, nil)
	}
	s.Client.append(&w)
	appendMultiConn(&w, s.MultiConn)
	return w.B
}
