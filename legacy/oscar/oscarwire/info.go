package oscarwire

// UserDetails is what the replies to MetaFullInfo say together. Text is in the
// account's code page. (Shutko, "META_USER_INFO")
type UserDetails struct {
	Nick, First, Last, Email      []byte // 00C8
	City, State, Phone, Mobile    []byte
	Country                       uint16 // a telephone prefix
	Age                           uint16 // 00DC
	Gender                        uint8  // 1 female, 2 male
	Homepage                      []byte
	BirthYear                     uint16 // 0 unknown
	BirthMonth, BirthDay          uint8
	Emails                        [][]byte // 00EB
	Company, Department, Position []byte   // 00D2
	Notes                         []byte   // 00E6
}

// Take adds what one of the replies to MetaFullInfo says; others are skipped.
// Fields behind the end of a reply stay as they are.
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
		text(&d.Nick, &d.First, &d.Last, &d.Email, &d.City, &d.State, &d.Phone, &skip, &skip, &d.Mobile, &skip)
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
	}
	return wrap("user details", r.Err())
}

// Replies are the replies to MetaFullInfo in their usual order, the last one
// empty.
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
	return []MetaReply{
		reply(MetaHomeReply, func(w *Writer) {
			text(w, d.Nick, d.First, d.Last, d.Email, d.City, d.State, d.Phone, nil, nil, d.Mobile, nil)
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
		reply(MetaInterestsReply, func(w *Writer) { w.U8(0) }),
		reply(MetaAffiliatesReply, func(w *Writer) { w.Bytes([]byte{0, 0}) }),
	}
}

// Tags of white pages searches, little-endian TLVs of strings as CString16LE.
const (
	TagMetaFirst uint16 = 0x0140
	TagMetaLast  uint16 = 0x014A
	TagMetaNick  uint16 = 0x0154
)

// MetaTextTLVArgs are the arguments of MetaSearchWhiteTLV and
// MetaSearchEmailTLV: texts by their tags.
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

// ParseMetaTextTLVs returns such texts by their tags; TLVs that hold no text are
// skipped.
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
