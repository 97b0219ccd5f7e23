package address

import (
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// A profile is one of stringprep (RFC 3454).
type profile struct {
	fold      bool       // map by table B.2: to lower case, ß to ss …
	forbidden *[128]bool // in ASCII
	ready     *[128]bool // in ASCII, neither forbidden nor folded
}

var (
	localProfile    = newProfile(true, " \"&'/:<>@") // RFC 6122 §A.5
	resourceProfile = newProfile(false, "")          // RFC 6122 §B.5
	domainProfile   = newProfile(true, " \"&'/<>@\\")
)

func newProfile(fold bool, forbidden string) profile {
	p := profile{fold: fold, forbidden: new([128]bool), ready: new([128]bool)}
	for c := range 128 {
		// Tables C.2.1 and, for all but resources, C.1.1.
		p.forbidden[c] = c < ' ' || c == 0x7f
	}
	for _, c := range forbidden {
		p.forbidden[c] = true
	}
	for c := range 128 {
		p.ready[c] = !p.forbidden[c] && !(fold && 'A' <= c && c <= 'Z')
	}
	return p
}

// Normalize returns a localpart in the form in which servers compare and
// deliver it: nodeprep (RFC 6122 appendix A). Code points that Unicode 3.2 does
// not know pass as they are.
func Normalize(local string) (string, error) {
	return prepare(local, localProfile)
}

// NormalizeResource returns a resource, or a nickname in a room, in the form in
// which servers compare it: resourceprep (RFC 6122 appendix B).
func NormalizeResource(resource string) (string, error) {
	return prepare(resource, resourceProfile)
}

// ValidLocal reports whether servers take s as a localpart and leave it as it
// is.
func ValidLocal(s string) bool {
	n, err := Normalize(s)
	return err == nil && n == s
}

// prepare applies a profile to s and checks the result.
func prepare(s string, p profile) (string, error) {
	if isReady(s, p) {
		return s, checkSize(s)
	}
	if len(s) > 8*maxPart {
		return "", errLong // spare the work
	}
	if !utf8.ValidString(s) {
		return "", errUTF8
	}
	s = transform(s, p)
	if err := checkSize(s); err != nil {
		return "", err
	}
	for _, r := range s {
		if r == joiner || p.forbids(r) {
			return "", errForbidden
		}
	}
	if !checkBidi(s) {
		return "", errBidi
	}
	return s, nil
}

func checkSize(s string) error {
	switch {
	case s == "":
		return errEmpty
	case len(s) > maxPart:
		return errLong
	}
	return nil
}

// isReady is the fast path: ASCII that needs nothing done.
func isReady(s string, p profile) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || !p.ready[s[i]] {
			return false
		}
	}
	return true
}

func (p profile) forbids(r rune) bool {
	if r < utf8.RuneSelf {
		return p.forbidden[r]
	}
	return in(forbiddenRanges, r)
}

// joiner is what package norm puts between marks if there are more than 30 in a
// row. Table B.1 has deleted all others, so that one in the result tells that
// servers would come to another one.
const joiner = '\u034F'

// transform maps and normalises s (RFC 3454 §3, §4). It works on stretches of
// code points that Unicode 3.2 knows; later ones stay as they are.
func transform(s string, p profile) string {
	out := make([]byte, 0, len(s)+8)
	var known []byte
	flush := func() {
		// Append would look at what comes before.
		out = append(out, norm.NFKC.Bytes(known)...)
		known = known[:0]
	}
	folder := cases.Fold()
	for _, r := range s {
		switch {
		case in(deletedRanges, r):
		case r >= 0x2F800 && decomposedLater[r] != 0:
			known = utf8.AppendRune(known, decomposedLater[r])
		case r >= utf8.RuneSelf && in(unassignedRanges, r):
			flush()
			out = utf8.AppendRune(out, r)
		case !p.fold || in(foldedLaterRanges, r):
			known = utf8.AppendRune(known, r)
		case r < utf8.RuneSelf:
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			known = append(known, byte(r))
		default:
			// Some characters have upper-case letters in their compatibility
			// decomposition, such as U+2122 (TM).
			f := folder.String(norm.NFKC.String(folder.String(string(r))))
			known = append(known, f...)
		}
	}
	flush()
	return string(out)
}

// checkBidi applies RFC 3454 §6.
func checkBidi(s string) bool {
	var left, right, firstRight, lastRight bool
	for i, r := range s {
		lastRight = false
		switch direction(r) {
		case bidi.L:
			left = true
		case bidi.R:
			right, lastRight = true, true
			if i == 0 {
				firstRight = true
			}
		}
	}
	return !right || !left && firstRight && lastRight
}

// direction returns bidi.L or bidi.R for characters that have a strong one, and
// bidi.ON for others.
func direction(r rune) bidi.Class {
	if r < utf8.RuneSelf {
		if 'a' <= r|0x20 && r|0x20 <= 'z' {
			return bidi.L
		}
		return bidi.ON
	}
	p, _ := bidi.LookupRune(r)
	switch p.Class() {
	case bidi.L:
		return bidi.L
	case bidi.R, bidi.AL:
		return bidi.R
	}
	return bidi.ON
}
