package oscarwire

import "fmt"

// SignOnCode is the reason of a refused sign-on (TLV 08). It is an error.
type SignOnCode uint16

// Sign-on refusals.
const (
	SignOnUnknownUser     SignOnCode = 0x01
	SignOnUnavailable     SignOnCode = 0x02
	SignOnOther           SignOnCode = 0x03
	SignOnBadPassword2    SignOnCode = 0x04
	SignOnBadPassword     SignOnCode = 0x05
	SignOnInternalClient  SignOnCode = 0x06
	SignOnInvalidAccount  SignOnCode = 0x07
	SignOnDeletedAccount  SignOnCode = 0x08
	SignOnExpiredAccount  SignOnCode = 0x09
	SignOnNoDatabase      SignOnCode = 0x0A
	SignOnNoResolver      SignOnCode = 0x0B
	SignOnBadDatabase     SignOnCode = 0x0C
	SignOnBadStatus       SignOnCode = 0x0D
	SignOnBadResolver     SignOnCode = 0x0E
	SignOnInternal        SignOnCode = 0x0F
	SignOnOffline         SignOnCode = 0x10
	SignOnSuspended       SignOnCode = 0x11
	SignOnDatabaseSend    SignOnCode = 0x12
	SignOnDatabaseLink    SignOnCode = 0x13
	SignOnReservationMap  SignOnCode = 0x14
	SignOnReservationLink SignOnCode = 0x15
	SignOnTooManyHost     SignOnCode = 0x16
	SignOnTooManyHost2    SignOnCode = 0x17
	SignOnRateLimited     SignOnCode = 0x18
	SignOnTooHeavyWarned  SignOnCode = 0x19
	SignOnReservationWait SignOnCode = 0x1A
	SignOnUpgradeNeeded   SignOnCode = 0x1B
	SignOnUpgradeAdvised  SignOnCode = 0x1C
	SignOnRateLimited2    SignOnCode = 0x1D
	SignOnCannotRegister  SignOnCode = 0x1E
	SignOnInvalidSecurID  SignOnCode = 0x20
	SignOnUnderage        SignOnCode = 0x22
)

var signOnTexts = map[SignOnCode]string{
	SignOnUnknownUser:     "unknown user",
	SignOnUnavailable:     "service temporarily unavailable",
	SignOnOther:           "unspecified error",
	SignOnBadPassword2:    "wrong user name or password",
	SignOnBadPassword:     "wrong password",
	SignOnInternalClient:  "internal client error",
	SignOnInvalidAccount:  "invalid account",
	SignOnDeletedAccount:  "account deleted",
	SignOnExpiredAccount:  "account expired",
	SignOnNoDatabase:      "server cannot reach its database",
	SignOnNoResolver:      "server cannot reach its resolver",
	SignOnBadDatabase:     "bad database fields",
	SignOnBadStatus:       "bad database status",
	SignOnBadResolver:     "bad resolver fields",
	SignOnInternal:        "internal server error",
	SignOnOffline:         "service temporarily offline",
	SignOnSuspended:       "account suspended",
	SignOnDatabaseSend:    "database send error",
	SignOnDatabaseLink:    "database link error",
	SignOnReservationMap:  "reservation map error",
	SignOnReservationLink: "reservation link error",
	SignOnTooManyHost:     "too many sign-ons from this address",
	SignOnTooManyHost2:    "too many sign-ons from this address",
	SignOnRateLimited:     "signing on too often, wait some minutes",
	SignOnTooHeavyWarned:  "warning level too high to sign on",
	SignOnReservationWait: "reservation timed out",
	SignOnUpgradeNeeded:   "client too old",
	SignOnUpgradeAdvised:  "client old, upgrade recommended",
	SignOnRateLimited2:    "signing on too often from this address, wait some minutes",
	SignOnCannotRegister:  "cannot register on the network",
	SignOnInvalidSecurID:  "invalid security id",
	SignOnUnderage:        "account suspended because of age",
}

// Error returns the meaning, with the code.
func (c SignOnCode) Error() string { return codeText("sign-on refused", signOnTexts, c) }

func codeText[C ~uint16](what string, texts map[C]string, c C) string {
	if t, ok := texts[c]; ok {
		return fmt.Sprintf("%s: %s (code %02X)", what, t, uint16(c))
	}
	return fmt.Sprintf("%s: code %02X", what, uint16(c))
}

// LoginReply is the authorizer's answer: the body of 17/03, or the payload of
// channel 4 after a roasted sign-on. Either Addr and Cookie are set or Code.
type LoginReply struct {
	ScreenName string     // TLV 01; absent from some refusals
	Addr       string     // TLV 05, host:port of BOS
	Cookie     []byte     // TLV 06
	Code       SignOnCode // TLV 08, 0 for success
	ErrorURL   string     // TLV 04
	Other      TLVs       // every other TLV
}

// ParseLoginReply parses 17/03 or the payload of channel 4. ErrMissing if
// there is neither an error code nor both address and cookie: a frame of
// channel 4 after 17/03 is empty and gives that.
func ParseLoginReply(b []byte) (LoginReply, error) {
	var p LoginReply
	for _, t := range NewReader(b).TLVs() {
		switch t.Tag {
		case TagScreenName:
			p.ScreenName = string(t.Value)
		case TagReconnectHere:
			p.Addr = string(t.Value)
		case TagCookie:
			p.Cookie = t.Value
		case TagSignOnError:
			code, _ := TLVs{t}.Uint(TagSignOnError)
			p.Code = SignOnCode(code)
		case TagErrorURL:
			p.ErrorURL = string(t.Value)
		default:
			p.Other = append(p.Other, t)
		}
	}
	switch {
	case p.Code != 0:
		return p, nil
	case p.Addr == "":
		return p, missing("17/03", TagReconnectHere)
	case len(p.Cookie) == 0:
		return p, missing("17/03", TagCookie)
	}
	return p, nil
}

// Err returns the refusal, nil after a success.
func (p LoginReply) Err() error {
	if p.Code != 0 {
		return p.Code
	}
	return nil
}

// Append appends the body.
func (p LoginReply) Append(dst []byte) []byte {
	w := Writer{dst}
	if p.ScreenName != "" {
		w.TLVString(TagScreenName, p.ScreenName)
	}
	if p.Code != 0 {
		w.TLVU16(TagSignOnError, uint16(p.Code))
		if p.ErrorURL != "" {
			w.TLVString(TagErrorURL, p.ErrorURL)
		}
	} else {
		w.TLVString(TagReconnectHere, p.Addr)
		w.TLV(TagCookie, p.Cookie)
	}
	w.TLVs(p.Other)
	return w.B
}

// DisconnectCode is the reason for the end of a session (channel 4, TLV 09).
type DisconnectCode uint16

// Disconnect reasons. Open OSCAR Server uses 01 for a newer sign-on and for
// rates alike.
const (
	DisconnectUnknown   DisconnectCode = 0x00 // no TLV 09: no reason given
	DisconnectNewSignOn DisconnectCode = 0x01
)

// SignOff is the payload of channel 4 that ends a session.
type SignOff struct {
	Code    DisconnectCode
	CodeLen int    // bytes of TLV 09 on the wire: 1 or 2; 0 is taken as 2
	URL     string // TLV 0B
	TLVs    TLVs   // everything, as parsed; not appended
}

// ParseSignOff parses the payload of a frame of ChannelSignOff on a BOS or other
// service connection. It accepts any payload, even an empty one.
func ParseSignOff(payload []byte) SignOff {
	l := NewReader(payload).TLVs()
	var s SignOff
	s.TLVs = l
	if v, ok := l.Uint(TagDisconnect); ok {
		s.Code = DisconnectCode(v)
	}
	b, _ := l.Get(TagDisconnect)
	s.CodeLen = len(b)
	s.URL, _ = l.String(TagURL)
	return s
}

// Append appends the payload: TLV 09 unless the code is DisconnectUnknown, and
// 0B unless the URL is empty.
func (s SignOff) Append(dst []byte) []byte {
	w := Writer{dst}
	if s.Code != DisconnectUnknown {
		if s.CodeLen == 1 {
			w.TLVU8(TagDisconnect, uint8(s.Code))
		} else {
			w.TLVU16(TagDisconnect, uint16(s.Code))
		}
	}
	if s.URL != "" {
		w.TLVString(TagURL, s.URL)
	}
	return w.B
}
