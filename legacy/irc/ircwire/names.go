package ircwire

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Casemapping is a server's rule for comparing names. (RFC 2812 §2.2, ISUPPORT)
type Casemapping string

// The casemappings.
const (
	ASCII         Casemapping = "ascii"
	RFC1459       Casemapping = "rfc1459"
	StrictRFC1459 Casemapping = "strict-rfc1459"
)

// Fold returns a canonical form: two names are the same to the server if their folded
// forms are equal.
func (c Casemapping) Fold(name string) string {
	top := byte('Z')
	switch c {
	case RFC1459, "":
		top = '^' // [ \ ] ^ are the upper case of { | } ~
	case StrictRFC1459:
		top = ']'
	}
	for i := range len(name) {
		if name[i] >= 'A' && name[i] <= top {
			b := []byte(name)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= top {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return name
}

// Prefixes are a server's ranks in a channel, highest first: the modes and the
// characters that precede nicks.
type Prefixes struct{ Modes, Chars string }

// DefaultPrefixes apply to a server without PREFIX in ISUPPORT.
var DefaultPrefixes = Prefixes{"ov", "@+"}

// AnyPrefixes are the usual ranks, for a server that does not name its own.
var AnyPrefixes = Prefixes{"qaohv", "~&@%+"}

// ParsePrefixes parses PREFIX of ISUPPORT, such as "(qaohv)~&@%+", or in its old form the
// characters alone, "~&@%+", or the modes alone, "qaohv".
func ParsePrefixes(s string) (Prefixes, bool) {
	modes, chars, ok := strings.Cut(strings.TrimPrefix(s, "("), ")")
	if ok && strings.HasPrefix(s, "(") && len(modes) == len(chars) {
		return Prefixes{modes, chars}, true
	}
	for _, known := range []string{AnyPrefixes.Chars, AnyPrefixes.Modes} {
		if s != "" && strings.Trim(s, known) == "" {
			return AnyPrefixes.only(s), true
		}
	}
	return Prefixes{}, false
}

// only returns the ranks whose mode or character is in a list.
func (p Prefixes) only(list string) (some Prefixes) {
	for i := range len(p.Modes) {
		if strings.IndexByte(list, p.Modes[i]) >= 0 || strings.IndexByte(list, p.Chars[i]) >= 0 {
			some.Modes += p.Modes[i : i+1]
			some.Chars += p.Chars[i : i+1]
		}
	}
	return some
}

// PrefixesOf returns the ranks of a server that lists its channel modes without PREFIX;
// withParameter are those that have a parameter, "" if unknown. (RPL_MYINFO)
func PrefixesOf(modes, withParameter string) Prefixes {
	if withParameter != "" { // q and a have other meanings without one
		modes = withParameter
	}
	some := AnyPrefixes.only(strings.Map(func(r rune) rune {
		if strings.ContainsRune(AnyPrefixes.Modes, r) {
			return r
		}
		return -1
	}, modes))
	if !strings.Contains(some.Modes, "o") {
		return DefaultPrefixes
	}
	return some
}

// SplitNick splits an entry of NAMES into the nick and the modes of its prefixes.
func (p Prefixes) SplitNick(s string) (nick, modes string) {
	var b strings.Builder
	for s != "" {
		i := strings.IndexByte(p.Chars, s[0])
		if i < 0 {
			break
		}
		b.WriteByte(p.Modes[i])
		s = s[1:]
	}
	return s, b.String()
}

// ChanTypes are the characters with which the name of a channel begins on some server. No
// nick begins with one of them.
const ChanTypes = "#&+!~>=<;%"

// IsName reports whether a server may use a name for a user whom others can address. Servers
// and bouncers have nicks that users cannot choose, such as 042AAAAAB and *status.
func IsName(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) && !strings.ContainsFunc(s, isBlank) && !strings.ContainsAny(s, " ,!@") &&
		strings.IndexByte(ChanTypes+":$", s[0]) < 0
}

const maxName = 200 // limit: bytes of a name from the network | it is no valid name

// IsNick reports whether a name is a valid nick on some server. (RFC 2812 §2.3.1; many
// servers allow more)
func IsNick(s string) bool {
	if s == "" || len(s) > maxNick || !utf8.ValidString(s) || strings.ContainsFunc(s, isBlank) || s[0] == '-' || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	return !strings.ContainsAny(s, notInNicks)
}

// notInNicks are characters with another meaning wherever a nick may appear.
const notInNicks = " ,*?!@.:#&+~%$\x00\r\n\t\x01"

const maxNick = 64 // limit: bytes of a nick | not-acceptable

// NearestNick returns the valid nick nearest to a name: _ replaces invalid characters.
// It returns "" if nothing of the name is left.
func NearestNick(name string) string {
	nick := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(name, ""), func(r rune) bool { return isBlank(r) || strings.ContainsRune(notInNicks, r) }), "_")
	if nick != "" && !IsNick(nick[:1]) && nick[0] < utf8.RuneSelf {
		nick = "_" + nick
	}
	if len(nick) > maxNick {
		nick = strings.ToValidUTF8(nick[:maxNick], "")
	}
	return nick
}

// isBlank reports whether a character is invalid in a name because it is invisible and
// not allowed in a JID.
func isBlank(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }

// IsChannel reports whether a name is a channel name; types are the server's channel
// types.
func IsChannel(s, types string) bool {
	return len(s) > 1 && len(s) <= 200 && utf8.ValidString(s) && !strings.ContainsFunc(s, isBlank) && strings.IndexByte(types, s[0]) >= 0 && !strings.ContainsAny(s, " ,\x07\x00\r\n")
}

// Match reports whether a name matches a mask, in which * matches any characters and ?
// matches one. It ignores the case of ASCII letters.
func Match(mask, name string) bool {
	mask, name = ASCII.Fold(mask), ASCII.Fold(name)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(name) {
		switch {
		case i < len(mask) && (mask[i] == '?' || mask[i] == name[j]) && mask[i] != '*':
			i, j = i+1, j+1
		case i < len(mask) && mask[i] == '*':
			star, mark = i, j
			i++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(mask[i:], "*") == ""
}
