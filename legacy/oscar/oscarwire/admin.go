package oscarwire

// Tags of family 07, which changes the account. (AOL, "Admin")
const (
	TagAdminNewPassword uint16 = 0x02
	TagAdminError       uint16 = 0x08 // 16 bits, see AdminCode
	TagAdminEmail       uint16 = 0x11
	TagAdminOldPassword uint16 = 0x12
)

// AdminCode is the reason of a refused change.
type AdminCode uint16

// Some of the codes.
const (
	AdminWrongPassword     AdminCode = 0x02 // the old one
	AdminBadPassword       AdminCode = 0x07
	AdminBadEmail          AdminCode = 0x08
	AdminWrongOldPassword  AdminCode = 0x0A
	AdminPasswordLength    AdminCode = 0x0C
	AdminEmailLength       AdminCode = 0x0D
	AdminOldPasswordLength AdminCode = 0x0E
	AdminPending           AdminCode = 0x1D
	AdminNoEmail           AdminCode = 0x20
	AdminBadEmailHost      AdminCode = 0x22
	AdminBadEmailName      AdminCode = 0x23
)

var adminTexts = map[AdminCode]string{
	AdminWrongPassword: "wrong old password", AdminBadPassword: "unusable password", AdminBadEmail: "unusable e-mail address",
	AdminWrongOldPassword: "wrong old password", AdminPasswordLength: "length of the password", AdminEmailLength: "length of the e-mail address",
	AdminOldPasswordLength: "length of the old password", AdminPending: "another request is pending", AdminNoEmail: "no e-mail address",
	AdminBadEmailHost: "e-mail host", AdminBadEmailName: "unknown e-mail host",
}

// Error returns the meaning of the code.
func (c AdminCode) Error() string { return codeText("change refused", adminTexts, c) }

// AdminAnswer is 07/03 and 07/05.
type AdminAnswer struct {
	Permissions uint16
	TLVs        TLVs
}

// ParseAdminAnswer parses 07/03 or 07/05.
func ParseAdminAnswer(body []byte) (AdminAnswer, error) {
	r := NewReader(body)
	a := AdminAnswer{Permissions: r.U16()}
	a.TLVs = r.TLVsN(int(r.U16()))
	return a, wrap("admin answer", r.Err())
}

// Err returns the reason of a refusal, nil for a success.
func (a AdminAnswer) Err() error {
	if code, ok := a.TLVs.U16(TagAdminError); ok {
		return AdminCode(code)
	}
	return nil
}

// Append appends the body.
func (a AdminAnswer) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(a.Permissions)
	w.U16(uint16(len(a.TLVs)))
	w.TLVs(a.TLVs)
	return w.B
}

// Results of an account confirmation, 07/07.
const (
	ConfirmMailed  uint16 = 0x00 // a message with further steps was sent
	ConfirmAlready uint16 = 0x1E
	ConfirmCannot  uint16 = 0x23 // now, or without an e-mail address
)

// AdminConfirmation is 07/07.
type AdminConfirmation struct {
	Status uint16
	TLVs   TLVs
}

// ParseAdminConfirmation parses 07/07.
func ParseAdminConfirmation(body []byte) (AdminConfirmation, error) {
	r := NewReader(body)
	m := AdminConfirmation{Status: r.U16()}
	m.TLVs = r.TLVs()
	return m, wrap("account confirmation", r.Err())
}

// Append appends the body.
func (m AdminConfirmation) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(m.Status)
	w.TLVs(m.TLVs)
	return w.B
}
