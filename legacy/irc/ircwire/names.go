package ircwire

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Casemapping is how a server compares names. (RFC 2812 §2.2, ISUPPORT)
type Casemapping string

// The casemappings.
const (
	ASCII         Casemapping = "ascii"
	RFC1459       Casemapping = "rfc1459"
	StrictRFC1459 Casemapping = "strict-rfc1459"
)

// Fold is the form in which two names that the server takes for the same are
// equal.
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

// Prefixes are a server's ranks in a channel: modes and the characters that stand
// before nicks, from the highest to the lowest.
type Prefixes struct{ Modes, Chars string }

// DefaultPrefixes are those of servers that do not say.
var DefaultPrefixes = Prefixes{"ov", "@+"}

// ParsePrefixes reads PREFIX of ISUPPORT, "(qaohv)~&@%+".
func ParsePrefixes(s string) (Prefixes, bool) {
	modes, chars, ok := strings.Cut(strings.TrimPrefix(s, "("), ")")
	if !ok || !strings.HasPrefix(s, "(") || len(modes) != len(chars) {
		return Prefixes{}, false
	}
	return Prefixes{modes, chars}, true
}

// SplitNick takes the prefixes off a nick of NAMES, and returns the modes that
// they stand for.
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

// IsNick reports whether a name can be a nick on some server. (RFC 2812 §2.3.1;
// many servers allow more)
func IsNick(s string) bool {
	if s == "" || len(s) > maxNick || !utf8.ValidString(s) || strings.ContainsFunc(s, isBlank) || s[0] == '-' || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	return !strings.ContainsAny(s, notInNicks)
}

// notInNicks are characters that mean something else wherever a nick may be.
const notInNicks = " ,*?!@.:#&+~%$\x00\r\n\t\x01"

const maxNick = 64 // bytes

// NearestNick is what IsNick takes that is nearest to a name: with _ for what no nick has.
// It is "" if nothing of the name is left.
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

// isBlank reports whether a character cannot be part of a name, since nobody sees it
// and addresses of XMPP cannot have it.
func isBlank(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }

// IsChannel reports whether a name is a channel's, given the server's kinds of
// channel.
func IsChannel(s, types string) bool {
	return len(s) > 1 && len(s) <= 200 && utf8.ValidString(s) && !strings.ContainsFunc(s, isBlank) && strings.IndexByte(types, s[0]) >= 0 && !strings.ContainsAny(s, " ,\x07\x00\r\n")
}

// Match reports whether a name fits a mask, in which * stands for any characters
// and ? for one. Case is not looked at.
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
