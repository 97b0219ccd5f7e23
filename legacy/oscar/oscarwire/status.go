package oscarwire

// Status is TLV 06 of a userinfo block and of 01/1E: flags in the high 16
// bits, the ICQ status in the low ones.
type Status uint32

// ICQ status bits, low half.
const (
	StatusOnline    Status = 0x0000
	StatusAway      Status = 0x0001
	StatusDND       Status = 0x0002
	StatusNA        Status = 0x0004
	StatusOccupied  Status = 0x0010
	StatusFree      Status = 0x0020
	StatusInvisible Status = 0x0100
	statusLow       Status = 0xFFFF
)

// Status flags, high half.
const (
	StatusWebAware     Status = 0x0001_0000
	StatusShowAddress  Status = 0x0002_0000
	StatusBirthday     Status = 0x0008_0000
	StatusDirectOff    Status = 0x0100_0000
	StatusDirectAuth   Status = 0x1000_0000 // direct connections after authorization
	StatusDirectListed Status = 0x2000_0000 // direct connections from the contact list
)

// Mode is an ICQ status, decoded from the combined masks in use.
type Mode uint8

// Modes.
const (
	ModeOnline Mode = iota
	ModeFree        // free for chat
	ModeAway
	ModeNA // extended away
	ModeOccupied
	ModeDND
)

var modes = [...]struct {
	name  string
	bit   Status // by which it is recognized
	usual Status // sent by clients: masks that older ones understand, too
}{
	ModeOnline:   {"online", 0, StatusOnline},
	ModeFree:     {"free for chat", StatusFree, StatusFree},
	ModeAway:     {"away", StatusAway, StatusAway},
	ModeNA:       {"not available", StatusNA, StatusNA | StatusAway},
	ModeOccupied: {"occupied", StatusOccupied, StatusOccupied | StatusAway},
	ModeDND:      {"do not disturb", StatusDND, StatusDND | StatusOccupied | StatusAway},
}

// String returns the name of the mode.
func (m Mode) String() string {
	if int(m) < len(modes) {
		return modes[m].name
	}
	return "unknown"
}

// Status returns the mask that clients usually send for the mode: DND 0013, occupied
// 0011, N/A 0005.
func (m Mode) Status() Status {
	if int(m) < len(modes) {
		return modes[m].usual
	}
	return StatusOnline
}

// Mode decodes the status by priority: DND, occupied, N/A, away, free for chat, online.
// Invisible is separate.
func (s Status) Mode() Mode {
	for m := ModeDND; m > ModeOnline; m-- {
		if s&modes[m].bit != 0 {
			return m
		}
	}
	return ModeOnline
}

// Invisible reports whether the invisible bit is set.
func (s Status) Invisible() bool { return s&StatusInvisible != 0 }

// Flags returns the high half.
func (s Status) Flags() Status { return s &^ statusLow }

// SetStatus is 01/1E. Only the parts that are set are sent and changed.
type SetStatus struct {
	Status *Status   // TLV 06
	Direct []byte    // TLV 0C, 37 bytes
	BART   BARTItems // TLV 1D: icon hash, status text
	Other  TLVs
}

// ParseSetStatus parses 01/1E.
func ParseSetStatus(body []byte) (SetStatus, error) {
	var s SetStatus
	for _, t := range NewReader(body).TLVs() {
		switch t.Tag {
		case TagUserStatus:
			v, ok := TLVs{t}.Uint(TagUserStatus)
			if !ok {
				return s, missing("01/1E", TagUserStatus)
			}
			s.Status = new(Status)
			*s.Status = Status(v)
		case TagUserDirect:
			s.Direct = t.Value
		case TagUserBART:
			l, _ := ParseBARTItems(t.Value)
			s.BART = append(BARTItems{}, l...)
		default:
			s.Other = append(s.Other, t)
		}
	}
	return s, nil
}

// Append appends the body.
func (s SetStatus) Append(dst []byte) []byte {
	w := Writer{dst}
	if s.Status != nil {
		w.TLVU32(TagUserStatus, uint32(*s.Status))
	}
	if s.Direct != nil {
		w.TLV(TagUserDirect, s.Direct)
	}
	if s.BART != nil {
		mark := w.BeginTLV(TagUserBART)
		w.B = s.BART.Append(w.B)
		w.End16(mark)
	}
	w.TLVs(s.Other)
	return w.B
}
