package files

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"time"

	"transport/legacy"
)

// senderLen is the length of senderCode.
const senderLen = 16

// day is the period of Options.SenderDay.
const day = 24 * time.Hour

// sender is what the store has of one sender. It exists only as long as that is anything.
type sender struct {
	files     []*entry // oldest first
	receiving int64    // cost of the files being stored
}

// senderCode returns the part of a file's name that identifies its sender: a hash, since
// addresses can be long and can contain any character. "" stands for an unknown sender.
func senderCode(from string) string {
	if from == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(from))
	return base32.StdEncoding.EncodeToString(sum[:])[:senderLen]
}

func (sd *sender) add(e *entry) { sd.files = append(sd.files, e) }

func (sd *sender) drop(e *entry) {
	if i := slices.Index(sd.files, e); i >= 0 { // 0: the oldest of all is the oldest of its sender
		sd.files = slices.Delete(sd.files, i, i+1)
	}
}

// owner returns a sender's record, a new one if there is none. The caller holds s.mu.
func (s *Store) owner(code string) *sender {
	sd := s.senders[code]
	if sd == nil {
		sd = &sender{}
		s.senders[code] = sd
	}
	return sd
}

// forget removes the record of a sender without files. The caller holds s.mu.
func (s *Store) forget(code string) {
	if sd := s.senders[code]; sd != nil && len(sd.files) == 0 && sd.receiving == 0 {
		delete(s.senders, code)
	}
}

// admit reserves the size of a file of the sender's quotas, until dismiss. Its error says
// which quota is exceeded.
func (s *Store) admit(e *entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sd := s.owner(e.sender)
	defer s.forget(e.sender)
	total := sd.receiving + e.cost()
	recent, now := total, s.o.Now()
	for _, f := range sd.files {
		total += f.cost()
		if now.Sub(f.stored) < day {
			recent += f.cost()
		}
	}
	switch {
	case e.sender == "":
	case s.o.SenderDay > 0 && recent > s.o.SenderDay:
		return legacy.Errorf(legacy.RateLimited, "This gateway accepts files of %d bytes a day from each sender, and that would be exceeded. Ask for a link instead, or for the file tomorrow.", s.o.SenderDay)
	case s.o.SenderTotal > 0 && total > s.o.SenderTotal:
		return legacy.Errorf(legacy.RateLimited, "This gateway stores files of %d bytes from each sender, and that would be exceeded. Ask for a link instead, or for the file once older ones have been deleted.", s.o.SenderTotal)
	}
	sd.receiving += e.cost()
	return nil
}

// dismiss ends the reservation of a file. The caller holds s.mu.
func (s *Store) dismiss(e *entry) {
	s.owner(e.sender).receiving -= e.cost()
	s.forget(e.sender)
}
