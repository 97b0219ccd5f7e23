package legacytest

// Script is a fuzz target's input, read as a sequence of decisions. Only one goroutine may
// use it. Once it is over, every decision is the first choice.
type Script struct{ rest []byte }

// NewScript returns a Script of an input.
func NewScript(input []byte) *Script { return &Script{input} }

// Over reports whether all decisions have been read.
func (s *Script) Over() bool { return len(s.rest) == 0 }

// Byte reads a byte.
func (s *Script) Byte() byte {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

// Choose reads a number from 0 to n-1. n is at most 256 times 256.
func (s *Script) Choose(n int) int {
	v := int(s.Byte())
	if n > 256 {
		v = v<<8 | int(s.Byte())
	}
	return v % n
}

// Chance reads a decision that is true for one of n bytes, and false at the end.
func (s *Script) Chance(n int) bool { return s.Choose(n) == n-1 }

// Bytes reads up to 255 bytes, their number first.
func (s *Script) Bytes() []byte {
	n := min(int(s.Byte()), len(s.rest))
	b := s.rest[:n:n]
	s.rest = s.rest[n:]
	return b
}

// Pick reads a choice.
func Pick[T any](s *Script, all []T) T { return all[s.Choose(len(all))] }

// maxMutated is the most that Mutate makes of an input, apart from one insertion.
const maxMutated = 1 << 16

// Mutate returns a copy of a text with up to three changes: bytes that are changed,
// removed, repeated or inserted, and words of a dictionary.
func (s *Script) Mutate(text []byte, words []string) []byte {
	b := append([]byte(nil), text...)
	for range s.Choose(4) {
		at := 0
		if len(b) > 0 {
			at = s.Choose(min(len(b), 1<<16))
		}
		end := min(at+s.Choose(32), len(b))
		switch s.Choose(6) {
		case 0:
			b = splice(b, at, min(at+1, len(b)), []byte{s.Byte()})
		case 1:
			b = splice(b, at, end, nil)
		case 2:
			if len(b) < maxMutated {
				b = splice(b, at, at, append([]byte(nil), b[at:end]...))
			}
		case 3:
			b = splice(b, at, at, s.Bytes())
		case 4:
			b = splice(b, at, end, []byte(Pick(s, words)))
		case 5: // much of one byte
			long := make([]byte, 1<<s.Choose(13))
			for i, c := 0, s.Byte(); i < len(long); i++ {
				long[i] = c
			}
			if len(b) < maxMutated {
				b = splice(b, at, at, long)
			}
		}
	}
	return b
}

// splice replaces a part of b.
func splice(b []byte, from, to int, by []byte) []byte {
	return append(b[:from:from], append(append([]byte(nil), by...), b[to:]...)...)
}
