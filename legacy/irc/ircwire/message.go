// Package ircwire is the codec of IRC: messages, names, formatting. It is pure:
// no goroutines, no clock, no sockets.
package ircwire

import (
	"errors"
	"strings"
	"time"
)

// Message is a line of the protocol. (RFC 2812 §2.3.1, IRCv3 message tags)
type Message struct {
	Tags    map[string]string // nil for none
	Source  string            // nick!user@host, or a server's name
	Command string            // upper case, or three digits
	Params  []string
}

const (
	maxParams = 15
	// MaxLine is the length of a line without tags and line end.
	MaxLine = 510
	maxTags = 64
)

// ErrEmpty says that a line has no command.
var ErrEmpty = errors.New("ircwire: a line without a command")

// Parse reads a line without its end. It never fails but on a line without a
// command; what follows the fifteenth parameter is part of it.
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

// A backslash before anything else stands for nothing.
var tagUnescaper = strings.NewReplacer(`\:`, ";", `\s`, " ", `\\`, `\`, `\r`, "\r", `\n`, "\n", `\`, "")

// Param is a parameter, "" if there are fewer.
func (m Message) Param(i int) string {
	if i < 0 || i >= len(m.Params) {
		return ""
	}
	return m.Params[i]
}

// Last is the last parameter, "" if there is none.
func (m Message) Last() string { return m.Param(len(m.Params) - 1) }

// Middle are the parameters of a numeric reply between our own nick and the text.
func (m Message) Middle() []string {
	if len(m.Params) < 3 {
		return nil
	}
	return m.Params[1 : len(m.Params)-1]
}

// Nick is the nick of the source; of a server, its name.
func (m Message) Nick() string {
	nick, _, _ := strings.Cut(m.Source, "!")
	return nick
}

// Address is user@host of the source, "" if it does not tell.
func (m Message) Address() string {
	_, address, _ := strings.Cut(m.Source, "!")
	return address
}

// Time is when the server says that the message was sent. (IRCv3 server-time)
func (m Message) Time() (time.Time, bool) {
	t, err := time.Parse("2006-01-02T15:04:05.000Z", m.Tags["time"])
	return t, err == nil
}

// Line writes a command with its parameters, without a line end. The last one may
// have spaces. Line ends and NUL, which would make another command of the rest,
// are taken out.
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

// Tagged puts tags before a line, in no order. Without any, it is the line.
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
