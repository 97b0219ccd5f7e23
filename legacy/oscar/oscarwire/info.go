package oscarwire

import "strconv"

// UserDetails combines the replies to MetaFullInfo. Text is in the account's code page.
// (Shutko, "META_USER_INFO")
type UserDetails struct {
	Nick, First, Last, Email      []byte // 00C8
	City, State, Phone, Mobile    []byte
	Street, Zip                   []byte
	Country                       uint16 // a telephone prefix
	Age                           uint16 // 00DC
	Gender                        uint8  // 1 female, 2 male
	Homepage                      []byte
	BirthYear                     uint16 // 0 unknown
	BirthMonth, BirthDay          uint8
	Emails                        [][]byte // 00EB
	Company, Department, Position []byte   // 00D2
	Notes                         []byte   // 00E6
	Interests                     [][]byte // 00F0
	Affiliations                  [][]byte // 00FA, past ones too
}

// Take adds the fields of a reply to MetaFullInfo; it skips other replies. Fields
// missing at the end of a reply stay unchanged.
func (d *UserDetails) Take(m MetaReply) error {
	if !m.OK() {
		return nil
	}
	r := NewReader(m.Data)
	text := func(fields ...*[]byte) {
		for _, f := range fields {
			if s := r.CString16LE(); r.Err() == nil {
				*f = s
			}
		}
	}
	var skip []byte
	switch m.Subtype {
	case MetaHomeReply:
		text(&d.Nick, &d.First, &d.Last, &d.Email, &d.City, &d.State, &d.Phone, &skip, &d.Street, &d.Mobile, &d.Zip)
		d.Country = r.U16LE()
	case MetaMoreReply:
		d.Age, d.Gender = r.U16LE(), r.U8()
		text(&d.Homepage)
		d.BirthYear, d.BirthMonth, d.BirthDay = r.U16LE(), r.U8(), r.U8()
	case MetaEmailsReply:
		for n := r.U8(); n > 0 && r.Err() == nil; n-- {
			r.U8() // whether it is published
			if s := r.CString16LE(); r.Err() == nil {
				d.Emails = append(d.Emails, s)
			}
		}
	case MetaWorkReply:
		text(&skip, &skip, &skip, &skip, &skip, &skip)
		r.U16LE()
		text(&d.Company, &d.Department, &d.Position)
	case MetaNotesReply:
		text(&d.Notes)
	case MetaInterestsReply:
		d.Interests = appendKeywords(d.Interests, r)
	case MetaAffiliatesReply:
		d.Affiliations = appendKeywords(d.Affiliations, r)
		d.Affiliations = appendKeywords(d.Affiliations, r)
	}
	return wrap("user details", r.Err())
}

// appendKeywords reads a list of texts, each with the number of its category.
func appendKeywords(l [][]byte, r *Reader) [][]byte {
	for n := r.U8(); n > 0 && r.Err() == nil; n-- {
		r.U16LE()
		if s := r.CString16LE(); r.Err() == nil && len(s) > 0 {
			l = append(l, s)
		}
	}
	return l
}

// Replies returns the replies to MetaFullInfo in their usual order, the last one empty.
func (d UserDetails) Replies() []MetaReply {
	reply := func(s MetaSubtype, write func(w *Writer)) MetaReply {
		var w Writer
		write(&w)
		return MetaReply{s, MetaOK, w.B}
	}
	text := func(w *Writer, fields ...[]byte) {
		for _, f := range fields {
			w.CString16LE(f)
		}
	}
	keywords := func(w *Writer, l [][]byte) {
		w.U8(uint8(len(l)))
		for _, s := range l {
			w.U16LE(0)
			text(w, s)
		}
	}
	return []MetaReply{
		reply(MetaHomeReply, func(w *Writer) {
			text(w, d.Nick, d.First, d.Last, d.Email, d.City, d.State, d.Phone, nil, d.Street, d.Mobile, d.Zip)
			w.U16LE(d.Country)
			w.Bytes([]byte{0, 1, 0, 0, 0})
		}),
		reply(MetaMoreReply, func(w *Writer) {
			w.U16LE(d.Age)
			w.U8(d.Gender)
			text(w, d.Homepage)
			w.U16LE(d.BirthYear)
			w.Bytes([]byte{d.BirthMonth, d.BirthDay, 0, 0, 0})
		}),
		reply(MetaEmailsReply, func(w *Writer) {
			w.U8(uint8(len(d.Emails)))
			for _, mail := range d.Emails {
				w.U8(0)
				text(w, mail)
			}
		}),
		reply(MetaHomepageReply, func(w *Writer) { w.U8(0) }),
		reply(MetaWorkReply, func(w *Writer) {
			text(w, nil, nil, nil, nil, nil, nil)
			w.U16LE(0)
			text(w, d.Company, d.Department, d.Position)
			w.U16LE(0)
			text(w, nil)
		}),
		reply(MetaNotesReply, func(w *Writer) { text(w, d.Notes) }),
		reply(MetaInterestsReply, func(w *Writer) { keywords(w, d.Interests) }),
		reply(MetaAffiliatesReply, func(w *Writer) {
			keywords(w, d.Affiliations)
			w.U8(0)
		}),
	}
}

// Tags of white pages searches and of MetaSetFull: little-endian TLVs with CString16LE
// values, unless noted otherwise. (Shutko, "META_SET_FULLINFO_REQUEST")
const (
	TagMetaFirst    uint16 = 0x0140
	TagMetaLast     uint16 = 0x014A
	TagMetaNick     uint16 = 0x0154
	TagMetaGender   uint16 = 0x017C // 8 bits
	TagMetaCity     uint16 = 0x0190
	TagMetaState    uint16 = 0x019A
	TagMetaCountry  uint16 = 0x01A4 // 16 bits
	TagMetaCompany  uint16 = 0x01AE
	TagMetaDept     uint16 = 0x01B8
	TagMetaPosition uint16 = 0x01C2
	TagMetaHomepage uint16 = 0x0213
	TagMetaBirthday uint16 = 0x023A // year, month, day, 16 bits each
	TagMetaNotes    uint16 = 0x0258
	TagMetaStreet   uint16 = 0x0262
	TagMetaZip      uint16 = 0x026C // a number, 32 bits: other postal codes cannot be represented
	TagMetaPhone    uint16 = 0x0276
	TagMetaMobile   uint16 = 0x028A
)

// taggedText is a text field with its tag.
type taggedText struct {
	tag  uint16
	text *[]byte
}

// texts returns the text fields with their tags.
func (d *UserDetails) texts() []taggedText {
	return []taggedText{
		{TagMetaNick, &d.Nick}, {TagMetaFirst, &d.First}, {TagMetaLast, &d.Last}, {TagMetaEmail, &d.Email},
		{TagMetaCity, &d.City}, {TagMetaState, &d.State}, {TagMetaPhone, &d.Phone}, {TagMetaMobile, &d.Mobile},
		{TagMetaHomepage, &d.Homepage}, {TagMetaCompany, &d.Company}, {TagMetaPosition, &d.Position}, {TagMetaDept, &d.Department}, {TagMetaNotes, &d.Notes},
		{TagMetaStreet, &d.Street},
	}
}

// MetaSetFullArgs returns the arguments of MetaSetFull for the fields that are set. The
// server keeps the others.
func MetaSetFullArgs(d UserDetails) []byte {
	var w Writer
	put := func(tag uint16, write func()) {
		w.U16LE(tag)
		mark := w.Begin16()
		write()
		w.End16LE(mark)
	}
	for _, t := range d.texts() {
		if len(*t.text) > 0 {
			put(t.tag, func() {
				if w.CString16LE(*t.text); t.tag == TagMetaEmail {
					w.U8(0) // publish it
				}
			})
		}
	}
	if d.Gender != 0 {
		put(TagMetaGender, func() { w.U8(d.Gender) })
	}
	if d.Country != 0 {
		put(TagMetaCountry, func() { w.U16LE(d.Country) })
	}
	if zip, err := strconv.ParseUint(string(d.Zip), 10, 32); err == nil {
		put(TagMetaZip, func() { w.U32LE(uint32(zip)) })
	}
	if d.BirthYear != 0 {
		put(TagMetaBirthday, func() {
			w.U16LE(d.BirthYear)
			w.U16LE(uint16(d.BirthMonth))
			w.U16LE(uint16(d.BirthDay))
		})
	}
	return w.B
}

// TakeSetFull applies the arguments of MetaSetFull.
func (d *UserDetails) TakeSetFull(args []byte) error {
	r := NewReader(args)
	for r.Len() > 0 && r.Err() == nil {
		tag, n := r.U16LE(), r.U16LE()
		value := NewReader(r.Bytes(int(n)))
		if r.Err() != nil {
			break
		}
		switch tag {
		case TagMetaGender:
			d.Gender = value.U8()
			continue
		case TagMetaCountry:
			d.Country = value.U16LE()
			continue
		case TagMetaZip:
			d.Zip = strconv.AppendUint(nil, uint64(value.U32LE()), 10)
			continue
		case TagMetaBirthday:
			d.BirthYear, d.BirthMonth, d.BirthDay = value.U16LE(), uint8(value.U16LE()), uint8(value.U16LE())
			continue
		}
		for _, t := range d.texts() {
			if t.tag != tag {
				continue
			}
			if s := value.CString16LE(); value.Err() == nil {
				*t.text = s
			}
		}
	}
	return wrap("meta set", r.Err())
}

// MetaTextTLVArgs returns the arguments of MetaSearchWhiteTLV and MetaSearchEmailTLV:
// texts by their tags.
func MetaTextTLVArgs(tags []uint16, texts [][]byte) []byte {
	var w Writer
	for i, tag := range tags {
		w.U16LE(tag)
		mark := w.Begin16()
		w.CString16LE(texts[i])
		w.End16LE(mark)
	}
	return w.B
}

// ParseMetaTextTLVs returns the texts by their tags; it skips TLVs without a text.
func ParseMetaTextTLVs(args []byte) (map[uint16][]byte, error) {
	found := make(map[uint16][]byte)
	r := NewReader(args)
	for r.Len() > 0 && r.Err() == nil {
		tag, n := r.U16LE(), r.U16LE()
		value := NewReader(r.Bytes(int(n)))
		if s := value.CString16LE(); value.Err() == nil && r.Err() == nil {
			found[tag] = s
		}
	}
	return found, wrap("meta texts", r.Err())
}
