package oscarwire

// FamilyList is a list of families: 01/03, 01/0C, the families of 01/12.
type FamilyList []uint16

// RateClassIDs is the list of rate classes that a client acknowledges, 01/08.
type RateClassIDs []uint16

func parseU16s[T ~[]uint16](id ID, body []byte) (T, error) {
	r := NewReader(body)
	l := readList(r, 2, (*Reader).U16)
	return T(l), wrapID(id, r.Err())
}

func appendU16s(dst []byte, l []uint16) []byte {
	w := Writer{dst}
	for _, v := range l {
		w.U16(v)
	}
	return w.B
}

func wrapID(id ID, err error) error {
	if err == nil {
		return nil
	}
	return wrap(id.String(), err)
}

// ParseFamilyList parses 01/03 or 01/0C.
func ParseFamilyList(body []byte) (FamilyList, error) {
	return parseU16s[FamilyList](ServiceHostFamilies, body)
}

// Append appends the body.
func (l FamilyList) Append(dst []byte) []byte { return appendU16s(dst, l) }

// ParseRateClassIDs parses 01/08.
func ParseRateClassIDs(body []byte) (RateClassIDs, error) {
	return parseU16s[RateClassIDs](ServiceRateAck, body)
}

// Append appends the body.
func (l RateClassIDs) Append(dst []byte) []byte { return appendU16s(dst, l) }

// FamilyVersion is a family and its supported version.
type FamilyVersion struct {
	Family, Version uint16
}

// FamilyVersions is 01/17 (client) and 01/18 (server).
type FamilyVersions []FamilyVersion

// ParseFamilyVersions parses 01/17 or 01/18.
func ParseFamilyVersions(body []byte) (FamilyVersions, error) {
	r := NewReader(body)
	l := readList(r, 4, func(r *Reader) FamilyVersion { return FamilyVersion{r.U16(), r.U16()} })
	return l, wrapID(ServiceHostVersions, r.Err())
}

// Append appends the body.
func (l FamilyVersions) Append(dst []byte) []byte {
	w := Writer{dst}
	for _, v := range l {
		w.U16(v.Family)
		w.U16(v.Version)
	}
	return w.B
}

// ToolVersion is an entry of 01/02: a family, its version, and the client
// library ("tool") that implements it.
type ToolVersion struct {
	Family, Version, Tool, ToolVersion uint16
}

// ClientReady is 01/02: after it the server delivers messages.
type ClientReady []ToolVersion

// ParseClientReady parses 01/02.
func ParseClientReady(body []byte) (ClientReady, error) {
	r := NewReader(body)
	l := readList(r, 8, func(r *Reader) ToolVersion {
		return ToolVersion{r.U16(), r.U16(), r.U16(), r.U16()}
	})
	return l, wrapID(ServiceClientReady, r.Err())
}

// Append appends the body.
func (l ClientReady) Append(dst []byte) []byte {
	w := Writer{dst}
	for _, v := range l {
		w.U16(v.Family)
		w.U16(v.Version)
		w.U16(v.Tool)
		w.U16(v.ToolVersion)
	}
	return w.B
}

// ServiceQuery requests the address of a service, 01/04. For a room (family 0E), TLV 01
// contains Room.
type ServiceQuery struct {
	Family uint16
	Room   *RoomID
	TLVs   TLVs // others
}

// RoomID identifies a chat room.
type RoomID struct {
	Exchange uint16
	Cookie   string
	Instance uint16
}

const tagServiceRoom uint16 = 0x01

// ParseServiceQuery parses 01/04.
func ParseServiceQuery(body []byte) (ServiceQuery, error) {
	r := NewReader(body)
	q := ServiceQuery{Family: r.U16(), TLVs: r.TLVs()}
	if b, ok := q.TLVs.Get(tagServiceRoom); ok {
		rr := NewReader(b)
		room := readRoomID(rr)
		if rr.Err() != nil {
			return q, wrapID(ServiceRequest, rr.Err())
		}
		q.Room, q.TLVs = &room, q.TLVs.Without(tagServiceRoom)
	}
	return q, wrapID(ServiceRequest, r.Err())
}

func readRoomID(r *Reader) RoomID { return RoomID{r.U16(), r.String8(), r.U16()} }

func (id RoomID) append(w *Writer) {
	w.U16(id.Exchange)
	w.String8(id.Cookie)
	w.U16(id.Instance)
}

// Append appends the body.
func (q ServiceQuery) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(q.Family)
	if q.Room != nil {
		mark := w.BeginTLV(tagServiceRoom)
		q.Room.append(&w)
		w.End16(mark)
	}
	w.TLVs(q.TLVs)
	return w.B
}

// Redirect is the answer to ServiceQuery, 01/05: the address, and the cookie for the
// first frame there.
type Redirect struct {
	Family uint16 // TLV 0D
	Addr   string // TLV 05, host:port
	Cookie []byte // TLV 06
	Other  TLVs
}

// ParseRedirect parses 01/05; ErrMissing without TLV 05 or 06.
func ParseRedirect(body []byte) (Redirect, error) {
	var p Redirect
	for _, t := range NewReader(body).TLVs() {
		switch t.Tag {
		case TagFamily:
			p.Family, _ = TLVs{t}.U16(TagFamily)
		case TagReconnectHere:
			p.Addr = string(t.Value)
		case TagCookie:
			p.Cookie = t.Value
		default:
			p.Other = append(p.Other, t)
		}
	}
	switch {
	case p.Addr == "":
		return p, missing("01/05", TagReconnectHere)
	case len(p.Cookie) == 0:
		return p, missing("01/05", TagCookie)
	}
	return p, nil
}

// Append appends the body.
func (p Redirect) Append(dst []byte) []byte {
	w := Writer{dst}
	w.TLVU16(TagFamily, p.Family)
	w.TLVString(TagReconnectHere, p.Addr)
	w.TLV(TagCookie, p.Cookie)
	w.TLVs(p.Other)
	return w.B
}

// Migration moves the client to another server, 01/12. Families is empty when all of
// them move.
type Migration struct {
	Families FamilyList
	Addr     string // TLV 05, host:port
	Cookie   []byte // TLV 06
	Other    TLVs
}

// ParseMigration parses 01/12; ErrMissing without TLV 05 or 06.
func ParseMigration(body []byte) (Migration, error) {
	r := NewReader(body)
	var m Migration
	if b := r.Bytes(2 * int(r.U16())); len(b) > 0 {
		m.Families, _ = ParseFamilyList(b)
	}
	rest := r.Rest()
	if r.Err() != nil {
		return m, wrapID(ServiceMigrate, r.Err())
	}
	p, err := ParseRedirect(rest)
	m.Addr, m.Cookie, m.Other = p.Addr, p.Cookie, p.Other
	return m, wrapID(ServiceMigrate, err)
}

// Append appends the body.
func (m Migration) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(uint16(len(m.Families)))
	w.B = m.Families.Append(w.B)
	w.TLVString(TagReconnectHere, m.Addr)
	w.TLV(TagCookie, m.Cookie)
	w.TLVs(m.Other)
	return w.B
}

// MOTD is the message of the day, 01/13. Type 4 is ordinary news.
type MOTD struct {
	Type uint16
	Text string // TLV 0B
}

// ParseMOTD parses 01/13.
func ParseMOTD(body []byte) (MOTD, error) {
	r := NewReader(body)
	m := MOTD{Type: r.U16()}
	m.Text, _ = r.TLVs().String(TagURL)
	return m, wrapID(ServiceMOTD, r.Err())
}

// Append appends the body.
func (m MOTD) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(m.Type)
	w.TLVString(TagURL, m.Text)
	return w.B
}

// Warned reports a change of the user's own warning level, 01/10; From is nil for an
// anonymous warning. Level is in tenths of a percent.
type Warned struct {
	Level uint16
	From  *UserInfo
}

// ParseWarned parses 01/10.
func ParseWarned(body []byte) (Warned, error) {
	r := NewReader(body)
	m := Warned{Level: r.U16()}
	if r.Len() > 0 {
		u := readUserInfo(r)
		m.From = &u
	}
	return m, wrapID(ServiceWarned, r.Err())
}

// Append appends the body.
func (m Warned) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(m.Level)
	if m.From != nil {
		m.From.append(&w)
	}
	return w.B
}

// Number is a body of one 32-bit number: 01/11 (idle seconds, 0 when active
// again), 01/14 and 09/04.
type Number uint32

// ParseNumber parses such a body.
func ParseNumber(body []byte) (Number, error) {
	r := NewReader(body)
	return Number(r.U32()), wrap("number", r.Err())
}

// Append appends the body.
func (n Number) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U32(uint32(n))
	return w.B
}

// Names is a list of screen names: 03/04, 03/05, 03/0A, 09/05 to 09/08.
type Names []string

// ParseNames parses such a body.
func ParseNames(body []byte) (Names, error) {
	r := NewReader(body)
	l := readList(r, 8, (*Reader).String8)
	return l, wrap("names", r.Err())
}

// Append appends the body.
func (l Names) Append(dst []byte) []byte {
	w := Writer{dst}
	for _, s := range l {
		w.String8(s)
	}
	return w.B
}
