package address

import "strings"

// escaped are the characters that XEP-0106 escapes, with their codes (XEP-0106
// §3.2).
var escaped = [...]struct {
	char byte
	code string
}{
	{' ', "20"}, {'"', "22"}, {'&', "26"}, {'\'', "27"}, {'/', "2f"},
	{':', "3a"}, {'<', "3c"}, {'>', "3e"}, {'@', "40"}, {'\\', "5c"},
}

const mustEscape = " \"&'/:<>@\\"

// EscapeLocal makes a localpart of a name (XEP-0106 §4.1): the characters that
// are forbidden there become a backslash and their code, and so does a
// backslash that would otherwise seem to begin such a sequence. White space
// around the name is removed first, since \20 may not come first or last.
//
// The XEP's codes are in lower case only. A backslash before one in upper case
// is escaped all the same: servers fold a localpart to lower case, and then
// C:\5Commas would be read as C:\ommas.
//
// The result still has to be normalised, or repaired by SafeLocal.
func EscapeLocal(name string) string {
	name = strings.Trim(name, " ")
	i := strings.IndexAny(name, mustEscape)
	if i < 0 {
		return name
	}
	var b strings.Builder
	b.Grow(len(name) + 8)
	for ; i >= 0; i = strings.IndexAny(name, mustEscape) {
		b.WriteString(name[:i])
		c := name[i]
		b.WriteByte('\\')
		if c != '\\' || isCode(name[i+1:], true) {
			for _, e := range escaped {
				if e.char == c {
					b.WriteString(e.code)
				}
			}
		}
		name = name[i+1:]
	}
	b.WriteString(name)
	return b.String()
}

// isCode reports whether s begins with a code, see escaped.
func isCode(s string, foldCase bool) bool {
	_, ok := decode(s, foldCase)
	return ok
}

// decode returns the character whose code s begins with.
func decode(s string, foldCase bool) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	code := s[:2]
	for _, e := range escaped {
		if code == e.code || foldCase && strings.EqualFold(code, e.code) {
			return e.char, true
		}
	}
	return 0, false
}

// UnescapeLocal turns a normalised localpart back into the name that
// EscapeLocal was given (XEP-0106 §4.2). Only the ten sequences that it makes
// are resolved.
func UnescapeLocal(local string) string {
	i := strings.IndexByte(local, '\\')
	if i < 0 {
		return local
	}
	b := make([]byte, 0, len(local))
	for i := 0; i < len(local); i++ {
		c := local[i]
		if c == '\\' {
			if d, ok := decode(local[i+1:], false); ok {
				c = d
				i += 2
			}
		}
		b = append(b, c)
	}
	return string(b)
}
