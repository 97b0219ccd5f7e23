package oscarwire

import "time"

// RateClass is one class of 01/07 and its current level. A level is the moving average
// of the time between two SNACs of the class, in milliseconds. A high level is good;
// every SNAC that follows closely lowers it.
type RateClass struct {
	ID         uint16
	Window     uint32 // number of SNACs averaged over
	Clear      uint32 // the level above which a limit is lifted
	Alert      uint32 // below: the client should slow down
	Limit      uint32 // below: SNACs are dropped
	Disconnect uint32 // below: the session is ended
	Current    uint32
	Max        uint32
	Last       uint32 // milliseconds since the class's last SNAC; Open OSCAR Server sends a time_t
	Dropping   uint8  // "state": 1 while SNACs of the class are dropped
}

// maxElapsed limits the time added to a level; beyond it every class is at Max.
const maxElapsed = 24 * time.Hour

// Next returns the level after a SNAC sent elapsed after the previous one:
// (Current*(Window-1) + elapsed in ms) / Window, at most Max. A window of 0 counts as
// 1, a negative time as 0. (AOL, "Rate Limits".)
func (c RateClass) Next(elapsed time.Duration) uint32 {
	window := uint64(max(c.Window, 1))
	ms := uint64(min(max(elapsed, 0), maxElapsed) / time.Millisecond)
	level := (uint64(c.Current)*(window-1) + ms) / window
	return uint32(min(level, uint64(c.Max)))
}

// Wait returns the remaining delay, elapsed after the last SNAC of the class, until the
// level after sending is at least level: from 0 to 24 h. A level above Max counts as
// Max.
func (c RateClass) Wait(elapsed time.Duration, level uint32) time.Duration {
	window := uint64(max(c.Window, 1))
	level = min(level, c.Max)
	need, have := uint64(level)*window, uint64(c.Current)*(window-1)
	if need <= have {
		return 0
	}
	ms := min(need-have, uint64(maxElapsed/time.Millisecond))
	return max(time.Duration(ms)*time.Millisecond-max(elapsed, 0), 0)
}

// Burst returns the number of SNACs that can be sent at once, elapsed after the last
// one, with the level after each at least level; at most limit.
func (c RateClass) Burst(elapsed time.Duration, level uint32, limit int) int {
	for n := range limit {
		next := c.Next(elapsed)
		if next < level {
			return n
		}
		c.Current, elapsed = next, 0
	}
	return limit
}

const rateClassLen = 35

func readRateClass(r *Reader) RateClass {
	return RateClass{
		r.U16(), r.U32(), r.U32(), r.U32(), r.U32(), r.U32(), r.U32(), r.U32(), r.U32(), r.U8(),
	}
}

func (c RateClass) append(w *Writer) {
	w.U16(c.ID)
	for _, v := range [...]uint32{
		c.Window, c.Clear, c.Alert, c.Limit, c.Disconnect, c.Current, c.Max, c.Last,
	} {
		w.U32(v)
	}
	w.U8(c.Dropping)
}

// RateMembers lists the SNACs that count towards a class.
type RateMembers struct {
	Class uint16
	SNACs []ID
}

// RateParams is 01/07.
type RateParams struct {
	Classes []RateClass
	Members []RateMembers
}

// ParseRateParams parses 01/07.
func ParseRateParams(body []byte) (RateParams, error) {
	r := NewReader(body)
	var p RateParams
	n := int(r.U16())
	p.Classes = make([]RateClass, 0, min(n, r.Len()/rateClassLen))
	for range n {
		c := readRateClass(r)
		if r.Err() != nil {
			return p, wrapID(ServiceRateReply, r.Err())
		}
		p.Classes = append(p.Classes, c)
	}
	for r.Len() > 0 {
		m := RateMembers{Class: r.U16()}
		b := r.Bytes(4 * int(r.U16()))
		if r.Err() != nil {
			break
		}
		m.SNACs = readList(NewReader(b), 4, func(r *Reader) ID { return ID(r.U32()) })
		p.Members = append(p.Members, m)
	}
	return p, wrapID(ServiceRateReply, r.Err())
}

// Append appends the body.
func (p RateParams) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(uint16(len(p.Classes)))
	for _, c := range p.Classes {
		c.append(&w)
	}
	for _, m := range p.Members {
		w.U16(m.Class)
		w.U16(uint16(len(m.SNACs)))
		for _, id := range m.SNACs {
			w.U32(uint32(id))
		}
	}
	return w.B
}

// ClassIDs returns the list with which a client acknowledges, 01/08.
func (p RateParams) ClassIDs() RateClassIDs {
	l := make(RateClassIDs, len(p.Classes))
	for i, c := range p.Classes {
		l[i] = c.ID
	}
	return l
}

// ByID returns the class of each SNAC. SNACs that are not in the map have no limit.
func (p RateParams) ByID() map[ID]uint16 {
	m := make(map[ID]uint16)
	for _, l := range p.Members {
		for _, id := range l.SNACs {
			m[id] = l.Class
		}
	}
	return m
}

// RateCode is the kind of a rate change, 01/0A.
type RateCode uint16

// Rate changes.
const (
	RateChanged RateCode = 1 // parameters changed
	RateWarning RateCode = 2 // below alert
	RateLimited RateCode = 3 // below limit: SNACs are dropped now
	RateCleared RateCode = 4 // above clear again
)

var rateTexts = map[RateCode]string{
	RateChanged: "parameters changed", RateWarning: "slow down",
	RateLimited: "limited", RateCleared: "clear",
}

// String returns the meaning, with the code.
func (c RateCode) String() string { return codeText("rate", rateTexts, c) }

// RateChange is 01/0A.
type RateChange struct {
	Code  RateCode
	Class RateClass
}

// ParseRateChange parses 01/0A. Last and Dropping may be absent.
func ParseRateChange(body []byte) (RateChange, error) {
	r := NewReader(body)
	m := RateChange{Code: RateCode(r.U16())}
	rest := r.Rest()
	if n := len(rest); n >= rateClassLen-5 && n < rateClassLen {
		rest = append(append([]byte{}, rest...), make([]byte, rateClassLen-n)...)
	}
	rr := NewReader(rest)
	m.Class = readRateClass(rr)
	return m, wrapID(ServiceRateChange, rr.Err())
}

// Append appends the body.
func (m RateChange) Append(dst []byte) []byte {
	w := Writer{dst}
	w.U16(uint16(m.Code))
	m.Class.append(&w)
	return w.B
}
