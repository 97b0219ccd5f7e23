package oscarwire

// ErrorCode is the reason of a SNAC error; subtype 01 of every family. It is an error.
type ErrorCode uint16

// SNAC error codes.
const (
	CodeBadHeader       ErrorCode = 0x01
	CodeServerRate      ErrorCode = 0x02
	CodeClientRate      ErrorCode = 0x03
	CodeNotLoggedOn     ErrorCode = 0x04
	CodeUnavailable     ErrorCode = 0x05
	CodeNotDefined      ErrorCode = 0x06
	CodeObsolete        ErrorCode = 0x07
	CodeNotSupported    ErrorCode = 0x08
	CodeClientSupport   ErrorCode = 0x09
	CodeRefused         ErrorCode = 0x0A
	CodeReplyTooBig     ErrorCode = 0x0B
	CodeResponsesLost   ErrorCode = 0x0C
	CodeRequestDenied   ErrorCode = 0x0D
	CodeBusted          ErrorCode = 0x0E
	CodeNoRights        ErrorCode = 0x0F
	CodeBlockedLocally  ErrorCode = 0x10
	CodeSenderTooWarned ErrorCode = 0x11
	CodePeerTooWarned   ErrorCode = 0x12
	CodeUserUnavailable ErrorCode = 0x13
	CodeNoMatch         ErrorCode = 0x14
	CodeListOverflow    ErrorCode = 0x15
	CodeAmbiguous       ErrorCode = 0x16
	CodeQueueFull       ErrorCode = 0x17
	CodeNotOnAOL        ErrorCode = 0x18
	CodeTimeout         ErrorCode = 0x19
)

var errorTexts = map[ErrorCode]string{
	CodeBadHeader:       "invalid snac header",
	CodeServerRate:      "server rate limit exceeded",
	CodeClientRate:      "client rate limit exceeded",
	CodeNotLoggedOn:     "recipient is not logged on",
	CodeUnavailable:     "service unavailable",
	CodeNotDefined:      "service not defined",
	CodeObsolete:        "obsolete snac",
	CodeNotSupported:    "not supported by server",
	CodeClientSupport:   "not supported by the peer's client",
	CodeRefused:         "refused by the peer's client",
	CodeReplyTooBig:     "reply too big",
	CodeResponsesLost:   "responses lost",
	CodeRequestDenied:   "request denied",
	CodeBusted:          "malformed request",
	CodeNoRights:        "insufficient rights",
	CodeBlockedLocally:  "recipient is blocked",
	CodeSenderTooWarned: "own warning level too high",
	CodePeerTooWarned:   "recipient's warning level too high",
	CodeUserUnavailable: "user temporarily unavailable",
	CodeNoMatch:         "no match",
	CodeListOverflow:    "list overflow",
	CodeAmbiguous:       "request ambiguous",
	CodeQueueFull:       "server queue full",
	CodeNotOnAOL:        "not while on aol",
	CodeTimeout:         "timed out",
}

// Error returns the meaning, with the code.
func (c ErrorCode) Error() string { return codeText("refused", errorTexts, c) }

// SNACError is subtype 01 of every family. TLV 08 may hold a subcode.
type SNACError struct {
	Code ErrorCode
	TLVs TLVs
}

// TagSubcode is the TLV of a SNACError with a more specific code.
const TagSubcode uint16 = 0x08

// ParseSNACError parses subtype 01.
func ParseSNACError(body []byte) (SNACError, error) {
	r := NewReader(body)
	e := SNACError{ErrorCode(r.U16()), r.TLVs()}
	return e, wrap("snac error", r.Err())
}

// Subcode returns TLV 08.
func (e SNACError) Subcode() (uint16, bool) { return e.TLVs.U16(TagSubcode) }

// Append appends the body.
func (e SNACError) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(uint16(e.Code))
	w.TLVs(e.TLVs)
	return w.B
}
