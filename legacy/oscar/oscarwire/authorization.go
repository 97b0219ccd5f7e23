package oscarwire

// AuthRequest requests authorization: 13/18 (Name is the recipient) and 13/19 (Name is
// the sender). 13/14 and 13/15 pre-authorize.
type AuthRequest struct {
	Name   string
	Reason string
	Rest   []byte // usually two zero bytes
}

func readReason(r *Reader) string { return string(r.Bytes16()) }

// ParseAuthRequest parses 13/14, 13/15, 13/18 or 13/19.
func ParseAuthRequest(body []byte) (AuthRequest, error) {
	r := NewReader(body)
	m := AuthRequest{r.String8(), readReason(r), r.Rest()}
	return m, wrap("authorization request", r.Err())
}

// Append appends the body; without Rest, two zero bytes.
func (m AuthRequest) Append(dst []byte) []byte {
	w := Writer{dst}
	w.String8(m.Name)
	w.String16(m.Reason)
	if m.Rest == nil {
		w.U16(0)
	}
	w.Bytes(m.Rest)
	return w.B
}

// AuthReply answers an authorization request: 13/1A (Name is the recipient) and 13/1B
// (Name is the sender).
type AuthReply struct {
	Name    string
	Granted bool
	Reason  string
	Rest    []byte
}

// ParseAuthReply parses 13/1A or 13/1B.
func ParseAuthReply(body []byte) (AuthReply, error) {
	r := NewReader(body)
	m := AuthReply{r.String8(), r.U8() == 1, readReason(r), r.Rest()}
	return m, wrap("authorization reply", r.Err())
}

// Append appends the body, with Rest as it is.
func (m AuthReply) Append(dst []byte) []byte {
	w := Writer{dst}
	w.String8(m.Name)
	var granted uint8
	if m.Granted {
		granted = 1
	}
	w.U8(granted)
	w.String16(m.Reason)
	w.Bytes(m.Rest)
	return w.B
}

// AuthName is a name alone: "you were added by", 13/1C; "remove me from the
// list of", 13/16. Open OSCAR Server adds two zero bytes to 13/1C.
type AuthName struct {
	Name string
	Rest []byte
}

// ParseAuthName parses 13/16, 13/17 or 13/1C.
func ParseAuthName(body []byte) (AuthName, error) {
	r := NewReader(body)
	m := AuthName{r.String8(), r.Rest()}
	return m, wrap("authorization name", r.Err())
}

// Append appends the body, with Rest as it is.
func (m AuthName) Append(dst []byte) []byte {
	w := Writer{dst}
	w.String8(m.Name)
	w.Bytes(m.Rest)
	return w.B
}
