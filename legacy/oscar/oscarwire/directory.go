package oscarwire

// Tags of AIM's directory: of people in 02/09, 02/0C, 0F/02 and 0F/03. Texts are in
// TagDirCharset. (AOL, "ODir")
const (
	TagDirFirst   uint16 = 0x01
	TagDirLast    uint16 = 0x02
	TagDirEmail   uint16 = 0x05
	TagDirCountry uint16 = 0x06
	TagDirState   uint16 = 0x07
	TagDirCity    uint16 = 0x08
	TagDirName    uint16 = 0x09 // the screen name
	TagDirKind    uint16 = 0x0A // of a search: 16 bits, 0 by name, 1 by e-mail address or interest
	TagDirNick    uint16 = 0x0C
	TagDirZip     uint16 = 0x0D
	TagDirCharset uint16 = 0x1C // "us-ascii"
	TagDirStreet  uint16 = 0x21
)

// Results of a directory search, 0F/03.
const (
	DirectoryTooMany     uint16 = 0x03 // found
	DirectoryNameMissing uint16 = 0x04 // the first name, or the last
	DirectoryOK          uint16 = 0x05
)

// DirectoryAnswer is 0F/03: people, each by their tags.
type DirectoryAnswer struct {
	Status, Unknown uint16
	Found           []TLVs
}

// ParseDirectoryAnswer parses 0F/03.
func ParseDirectoryAnswer(body []byte) (DirectoryAnswer, error) {
	r := NewReader(body)
	a := DirectoryAnswer{Status: r.U16()}
	if r.Len() == 0 { // of a search that has failed
		return a, wrapID(DirectoryReply, r.Err())
	}
	a.Unknown = r.U16()
	for n := r.U16(); n > 0 && r.Err() == nil; n-- {
		if l := r.TLVsN(int(r.U16())); r.Err() == nil {
			a.Found = append(a.Found, l)
		}
	}
	return a, wrapID(DirectoryReply, r.Err())
}

// Append appends the body.
func (a DirectoryAnswer) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(a.Status)
	w.U16(a.Unknown)
	w.U16(uint16(len(a.Found)))
	for _, l := range a.Found {
		w.U16(uint16(len(l)))
		w.TLVs(l)
	}
	return w.B
}

// DirectoryInfo is 02/0C: a user's directory entry.
type DirectoryInfo struct {
	Status uint16
	TLVs   TLVs
}

// DirectoryInfoOK is the Status of an answer with an entry.
const DirectoryInfoOK uint16 = 1

// ParseDirectoryInfo parses 02/0C.
func ParseDirectoryInfo(body []byte) (DirectoryInfo, error) {
	r := NewReader(body)
	d := DirectoryInfo{Status: r.U16()}
	if r.Len() > 0 {
		d.TLVs = r.TLVsN(int(r.U16()))
	}
	return d, wrapID(LocationDirReply, r.Err())
}

// Append appends the body.
func (d DirectoryInfo) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(d.Status)
	w.U16(uint16(len(d.TLVs)))
	w.TLVs(d.TLVs)
	return w.B
}
