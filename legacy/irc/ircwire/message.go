// Package ircwire is the codec of the IRC protocol: messages, names, formatting. It has
// no goroutines, no clock and no sockets.
package ircwire

import (
	"errors"
	"strings"
	"time"
)

// Message is a parsed line. (RFC 2812 §2.3.1, IRCv3 message tags)
type Message struct {
	Tags    map[string]string // nil for none
	Source  string            // nick!user@host, or a server name
	Command string            // upper case, or three digits
	Params  []string
}

const (
	maxParams = 15 // limit: parameters of a line (RFC 2812 §2.3) | the last has the rest
	// MaxLine is the maximum length of a line in bytes, without tags and line end.
	MaxLine = 510 // limit: bytes of a line that is sent, without CRLF (RFC 2812 §2.3) | the text is divided
	maxTags = 64  // limit: tags of a line | the rest is dropped
)

// ErrEmpty reports a line without a command.
var ErrEmpty = errors.New("ircwire: a line without a command")

// Parse parses a line without its line end. Its only error is ErrEmpty. The fifteenth
// parameter contains the rest of the line.
func Parse(line string) (Message, error) {
	var m Message
	line = strings.TrimRight(line, "\r\n")
	if strings.HasPrefix(line, "@") {
		var tags string
		tags, line, _ = strings.Cut(line[1:], " ")
		m.Tags = parseTags(tags)
		line = strings.TrimLeft(line, " ")
	}
	if strings.HasPrefix(line, ":") {
		m.Source, line, _ = strings.Cut(line[1:], " ")
		line = strings.TrimLeft(line, " ")
	}
	m.Command, line, _ = strings.Cut(line, " ")
	m.Command = strings.ToUpper(m.Command)
	if m.Command == "" {
		return m, ErrEmpty
	}
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		if line[0] == ':' || len(m.Params) == maxParams-1 {
			m.Params = append(m.Params, strings.TrimPrefix(line, ":"))
			break
		}
		var p string
		p, line, _ = strings.Cut(line, " ")
		m.Params = append(m.Params, p)
	}
	return m, nil
}

func parseTags(s string) map[string]string {
	tags := make(map[string]string)
	for tag := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(tag, "=")
		if name != "" && len(tags) < maxTags {
			tags[name] = tagUnescaper.Replace(value)
		}
	}
	return tags
}

// A backslash before any other character is dropped.
var tagUnescaper = strings.NewReplacer(`\:`, ";", `\s`, " ", `\\`, `\`, `\r`, "\r", `\n`, "\n", `\`, "")

// Param returns parameter i, "" if there are fewer.
func (m Message) Param(i int) string {
	if i < 0 || i >= len(m.Params) {
		return ""
	}
	return m.Params[i]
}

// Last returns the last parameter, "" if there is none.
func (m Message) Last() string { return m.Param(len(m.Params) - 1) }

// Middle returns the parameters of a numeric reply between the client's nick and the
// text.
func (m Message) Middle() []string {
	if len(m.Params) < 3 {
		return nil
	}
	return m.Params[1 : len(m.Params)-1]
}

// Nick returns the nick of the source, or the name of a server.
func (m Message) Nick() string {
	if i := strings.IndexAny(m.Source, "!@"); i >= 0 {
		return m.Source[:i]
	}
	return m.Source
}

// Address returns the user@host of the source, "" if it has none.
func (m Message) Address() string {
	if i := strings.IndexAny(m.Source, "!@"); i >= 0 {
		return m.Source[i+1:]
	}
	return ""
}

// TimeFormat is the format of UTC times in messages. (IRCv3 server-time)
const TimeFormat = "2006-01-02T15:04:05.000Z"

// FromUser reports whether the source is a user: a server has no user@host, whatever its
// name. (RFC 2812 §2.3.1)
func (m Message) FromUser() bool { return strings.ContainsAny(m.Source, "!@") }

// Time returns the time at which the message was sent. The seconds may have any number of
// fraction digits, or be 60 in a leap second. (IRCv3 server-time, ISO 8601)
func (m Message) Time() (time.Time, bool) {
	s := m.Tags["time"]
	if s == "" {
		return time.Time{}, false
	}
	leap := time.Duration(0)
	const seconds = len("2006-01-02T15:04:")
	if len(s) > seconds && strings.HasPrefix(s[seconds:], "60") {
		s, leap = s[:seconds]+"59"+s[seconds+2:], time.Second
	}
	t, err := time.Parse("2006-01-02T15:04:05Z07:00", strings.Replace(s, ",", ".", 1)) // it accepts a fraction
	if err != nil {
		return time.Time{}, false
	}
	return t.UTC().Add(leap), true
}

// Line formats a command with its parameters, without a line end. The last parameter
// may contain spaces. Line ends and NUL are removed, since they would start another
// command.
func Line(command string, params ...string) string {
	var b strings.Builder
	b.WriteString(command)
	for i, p := range params {
		p = lineCleaner.Replace(p)
		b.WriteByte(' ')
		if i == len(params)-1 && (p == "" || p[0] == ':' || strings.Contains(p, " ")) {
			b.WriteByte(':')
		} else if i < len(params)-1 {
			p = strings.ReplaceAll(p, " ", "_")
		}
		b.WriteString(p)
	}
	return b.String()
}

// Tagged prepends tags, in random order, to a line. Without tags it returns the line.
// (IRCv3 message tags)
func Tagged(tags map[string]string, line string) string {
	if len(tags) == 0 {
		return line
	}
	var b strings.Builder
	sep := byte('@')
	for name, value := range tags {
		b.WriteByte(sep)
		b.WriteString(name)
		if value != "" {
			b.WriteByte('=')
			b.WriteString(tagEscaper.Replace(value))
		}
		sep = ';'
	}
	b.WriteByte(' ')
	b.WriteString(line)
	return b.String()
}

var tagEscaper = strings.NewReplacer(";", `\:`, " ", `\s`, `\`, `\\`, "\r", `\r`, "\n", `\n`, "\x00", "")

var lineCleaner = strings.NewReplacer("\r", "", "\n", " ", "\x00", "")
