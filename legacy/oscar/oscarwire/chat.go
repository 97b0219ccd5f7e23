package oscarwire

import "strings"

// Tags of rooms and of 0D/09.
const (
	TagNavRedirect    uint16 = 0x01
	TagNavMaxRooms    uint16 = 0x02
	TagNavExchange    uint16 = 0x03 // 0D/09: exchange and its TLVs
	TagNavRoom        uint16 = 0x04 // 0D/09: Room
	TagRoomName       uint16 = 0x6A // full name
	TagRoomFlags      uint16 = 0xC9
	TagRoomCreated    uint16 = 0xCA // time_t
	TagRoomMaxMessage uint16 = 0xD1 // bytes
	TagRoomMaxUsers   uint16 = 0xD2
	TagRoomTitle      uint16 = 0xD3
	TagRoomPermission uint16 = 0xD5
	TagRoomCharset    uint16 = 0xD6
	TagRoomLanguage   uint16 = 0xD7
	TagRoomMaxVisible uint16 = 0xDA
)

// Room describes a room: 0D/08 (with cookie "create", instance FFFF, detail
// level 1), TLV 04 of 0D/09, and 0E/02.
type Room struct {
	RoomID
	Detail uint8
	TLVs   TLVs
}

// RoomCreate is the cookie by which 0D/08 creates or finds a room.
const RoomCreate = "create"

// ParseRoom parses a room.
func ParseRoom(b []byte) (Room, error) {
	r := NewReader(b)
	m := Room{RoomID: readRoomID(r), Detail: r.U8()}
	m.TLVs = r.TLVsN(int(r.U16()))
	return m, wrap("room", r.Err())
}

// Append appends the room.
func (m Room) Append(dst []byte) []byte {
	w := Writer{dst}
	m.RoomID.append(&w)
	w.U8(m.Detail)
	w.U16(uint16(len(m.TLVs)))
	w.TLVs(m.TLVs)
	return w.B
}

// Title returns the room's title, or its full name.
func (m Room) Title(page *CodePage) string {
	b, ok := m.TLVs.Get(TagRoomTitle)
	if !ok {
		b, _ = m.TLVs.Get(TagRoomName)
	}
	return DecodeText(CharsetASCII, b, page)
}

// MaxMessage returns the limits of a message in the room: the total number of bytes,
// and the number of bytes of visible text; 0 is unknown.
func (m Room) MaxMessage() (all, visible int) {
	a, _ := m.TLVs.U16(TagRoomMaxMessage)
	v, _ := m.TLVs.U16(TagRoomMaxVisible)
	return int(a), int(v)
}

// Name returns the room's name, the third part of its cookie: "4-0-chess", or
// "!aol://2719:10-4-chess"; the whole cookie if it has no such parts.
func (id RoomID) Name() string {
	if parts := strings.SplitN(id.Cookie, "-", 3); len(parts) == 3 {
		return parts[2]
	}
	return id.Cookie
}

// NewRoomCreate makes 0D/08: create or find the room on an exchange.
func NewRoomCreate(exchange uint16, title string) Room {
	return Room{
		RoomID: RoomID{exchange, RoomCreate, 0xFFFF}, Detail: 1,
		TLVs: TLVs{TLVText(TagRoomTitle, title), TLVText(TagRoomCharset, "us-ascii"), TLVText(TagRoomLanguage, "en")},
	}
}

// NavReply is 0D/09: a room, or the exchanges, as TLVs.
type NavReply struct {
	TLVs TLVs
}

// ParseNavReply parses 0D/09.
func ParseNavReply(body []byte) (NavReply, error) {
	l, err := ParseTLVs(body)
	return NavReply{l}, wrapID(ChatNavReply, err)
}

// Append appends the body.
func (p NavReply) Append(dst []byte) []byte { return p.TLVs.Append(dst) }

// Room returns TLV 04; ErrMissing without one.
func (p NavReply) Room() (Room, error) {
	b, ok := p.TLVs.Get(TagNavRoom)
	if !ok {
		return Room{}, missing("0D/09", TagNavRoom)
	}
	return ParseRoom(b)
}

// NewNavRoom makes the 0D/09 that answers 0D/08.
func NewNavRoom(m Room) NavReply {
	return NavReply{TLVs{{TagNavRoom, m.Append(nil)}}}
}

// Tags of ChatMessage and of its TLV 05.
const (
	TagChatPublic   uint16 = 0x01 // empty: to the whole room
	TagChatSender   uint16 = 0x03 // userinfo block
	TagChatReflect  uint16 = 0x06 // empty: send it back to us, too
	TagChatMessage  uint16 = 0x05
	TagChatText     uint16 = 0x01
	TagChatCharset  uint16 = 0x02
	TagChatLanguage uint16 = 0x03
)

const (
	chatUTF16  = "unicode-2-0"
	chatASCII  = "us-ascii"
	chatLatin1 = "iso-8859-1"
)

// ChatMessage is a message in a room: 0E/05 sent, 0E/06 received.
type ChatMessage struct {
	Cookie  Cookie
	Channel uint16 // 3
	TLVs    TLVs
}

// ParseChatMessage parses 0E/05 or 0E/06.
func ParseChatMessage(body []byte) (ChatMessage, error) {
	r := NewReader(body)
	m := ChatMessage{r.Cookie(), r.U16(), r.TLVs()}
	return m, wrapID(ChatIncoming, r.Err())
}

// Append appends the body.
func (m ChatMessage) Append(dst []byte) []byte {
	w := Writer{dst}
	w.Bytes(m.Cookie[:])
	w.U16(m.Channel)
	w.TLVs(m.TLVs)
	return w.B
}

// Sender returns the userinfo block of TLV 03; false in 0E/05.
func (m ChatMessage) Sender() (UserInfo, bool) {
	b, ok := m.TLVs.Get(TagChatSender)
	if !ok {
		return UserInfo{}, false
	}
	u, _, err := ParseUserInfo(b)
	return u, err == nil
}

// Text decodes TLV 01 of TLV 05, usually HTML; ErrMissing without it.
func (m ChatMessage) Text(page *CodePage) (string, error) {
	b, ok := m.TLVs.Get(TagChatMessage)
	if !ok {
		return "", missing("chat message", TagChatMessage)
	}
	l := NewReader(b).TLVs()
	text, ok := l.Get(TagChatText)
	if !ok {
		return "", missing("chat message", TagChatText)
	}
	name, _ := l.String(TagChatCharset)
	switch strings.ToLower(name) {
	case chatUTF16:
		return DecodeText(CharsetUTF16, text, page), nil
	case chatLatin1:
		return DecodeText(CharsetLatin1, text, page), nil
	}
	return decodeLabelled(text, page), nil
}

// Size returns the number of bytes of the text.
func (m ChatMessage) Size() int {
	b, _ := m.TLVs.Get(TagChatMessage)
	text, _ := NewReader(b).TLVs().Get(TagChatText)
	return len(text)
}

// NewChatMessage makes 0E/05, or 0E/06 with a sender. Text is in the room's format,
// usually HTML.
func NewChatMessage(cookie Cookie, text string, enc Encoder, sender *UserInfo) ChatMessage {
	m := ChatMessage{Cookie: cookie, Channel: 3}
	charset, data := enc.Encode(text)
	name := chatASCII
	switch charset {
	case CharsetUTF16:
		name = chatUTF16
	case CharsetLatin1:
		name = chatLatin1
	}
	if sender != nil {
		m.TLVs = append(m.TLVs, TLV{TagChatSender, sender.Append(nil)})
	}
	m.TLVs = append(m.TLVs, TLV{Tag: TagChatPublic})
	if sender == nil {
		m.TLVs = append(m.TLVs, TLV{Tag: TagChatReflect})
	}
	content := TLVs{{TagChatText, data}, TLVText(TagChatCharset, name), TLVText(TagChatLanguage, "en")}
	m.TLVs = append(m.TLVs, TLV{TagChatMessage, content.Append(nil)})
	return m
}
