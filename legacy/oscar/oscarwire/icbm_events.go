package oscarwire

// HostAck is the server's acknowledgement of a message, 04/0C. The server sends it for
// stored messages, too; it does not confirm delivery.
type HostAck struct {
	Cookie  Cookie
	Channel uint16
	To      string
}

// ParseHostAck parses 04/0C.
func ParseHostAck(body []byte) (HostAck, error) {
	r := NewReader(body)
	a := HostAck{r.Cookie(), r.U16(), r.String8()}
	return a, wrapID(ICBMHostAck, r.Err())
}

// Append appends the body.
func (a HostAck) Append(dst []byte) []byte {
	w := Writer{dst}
	w.Bytes(a.Cookie[:])
	w.U16(a.Channel)
	w.String8(a.To)
	return w.B
}

// TypingEvent is a typing notification.
type TypingEvent uint16

// Typing events.
const (
	TypingNone  TypingEvent = 0x00 // the text is gone or sent
	TypingText  TypingEvent = 0x01 // there is text, but no typing
	TypingBegun TypingEvent = 0x02
	TypingGone  TypingEvent = 0x0F // the window was closed
)

// Typing is 04/14, the same in both directions: Name is the recipient going
// up and the sender coming down.
type Typing struct {
	Cookie  Cookie // usually zero
	Channel uint16 // 1
	Name    string
	Event   TypingEvent
}

// ParseTyping parses 04/14.
func ParseTyping(body []byte) (Typing, error) {
	r := NewReader(body)
	t := Typing{r.Cookie(), r.U16(), r.String8(), TypingEvent(r.U16())}
	return t, wrapID(ICBMTyping, r.Err())
}

// Append appends the body.
func (t Typing) Append(dst []byte) []byte {
	w := Writer{dst}
	w.Bytes(t.Cookie[:])
	w.U16(t.Channel)
	w.String8(t.Name)
	w.U16(uint16(t.Event))
	return w.B
}

// MissedReason is the reason for lost messages.
type MissedReason uint16

// Reasons of 04/0A.
const (
	MissedInvalid         MissedReason = 0
	MissedTooLarge        MissedReason = 1
	MissedRate            MissedReason = 2
	MissedSenderTooWarned MissedReason = 3
	MissedSelfTooWarned   MissedReason = 4
)

var missedTexts = map[MissedReason]string{
	MissedInvalid:         "invalid message",
	MissedTooLarge:        "message too large",
	MissedRate:            "sender over the rate limit",
	MissedSenderTooWarned: "sender's warning level too high",
	MissedSelfTooWarned:   "own warning level too high",
}

// String returns the meaning, with the code.
func (c MissedReason) String() string { return codeText("missed", missedTexts, c) }

// Missed reports messages to the user that the server dropped.
type Missed struct {
	Channel uint16
	From    UserInfo
	Count   uint16
	Reason  MissedReason
}

// MissedMessages is 04/0A.
type MissedMessages []Missed

// ParseMissedMessages parses 04/0A.
func ParseMissedMessages(body []byte) (MissedMessages, error) {
	r := NewReader(body)
	l := readList(r, 32, func(r *Reader) Missed {
		return Missed{r.U16(), readUserInfo(r), r.U16(), MissedReason(r.U16())}
	})
	return l, wrapID(ICBMMissed, r.Err())
}

// Append appends the body.
func (l MissedMessages) Append(dst []byte) []byte {
	w := Writer{dst}
	for _, m := range l {
		w.U16(m.Channel)
		m.From.append(&w)
		w.U16(m.Count)
		w.U16(uint16(m.Reason))
	}
	return w.B
}

// Reasons of ClientAck. Clients use only the last one: the recipient's answer follows.
const (
	AckUnsupportedChannel uint16 = 1
	AckBusted             uint16 = 2
	AckChannelSpecific    uint16 = 3
)

// ClientAck is 04/0B, a recipient's answer to a message of channel 2, the same
// in both directions. For type-2 messages Data is a Type2 (ParseType2).
type ClientAck struct {
	Cookie  Cookie
	Channel uint16
	Name    string
	Reason  uint16
	Data    []byte
}

// ParseClientAck parses 04/0B.
func ParseClientAck(body []byte) (ClientAck, error) {
	r := NewReader(body)
	a := ClientAck{r.Cookie(), r.U16(), r.String8(), r.U16(), r.Rest()}
	return a, wrapID(ICBMClientAck, r.Err())
}

// Append appends the body.
func (a ClientAck) Append(dst []byte) []byte {
	w := Writer{dst}
	w.Bytes(a.Cookie[:])
	w.U16(a.Channel)
	w.String8(a.Name)
	w.U16(a.Reason)
	w.Bytes(a.Data)
	return w.B
}
