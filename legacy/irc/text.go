package irc

import (
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// hostLen is how long our user@host may be where the server has not told.
const hostLen = 10 + 1 + 63

// sendText sends a message to a channel or a person: a line for each line, and
// more where one is too long for the server to pass on with our prefix.
// (RFC 2812 §2.3)
func (c *client) sendText(m legacy.Outgoing) {
	target, text, action := m.To.ID, m.Text, false
	if ch := c.channels[c.fold(target)]; ch != nil {
		target = ch.name
	} else if m.To.Room {
		c.emit(legacy.MessageFailed{Ref: m.Ref, Err: legacy.Errorf(legacy.Offline, "You are not in that channel.")})
		return
	}
	if rest, ok := strings.CutPrefix(text, "/me "); ok {
		text, action = rest, true
	}
	from := hostLen
	if c.address != "" {
		from = len(c.address)
	}
	limit := ircwire.MaxLine - len(":! PRIVMSG  :") - len(c.nick) - from - len(target)
	if action {
		limit -= len("\x01ACTION \x01")
	}
	parts := ircwire.Split(text, limit)
	if len(parts) == 0 { // nothing but spaces
		parts = []string{" "}
	}
	if len(c.waiting)+len(parts) > maxAsks {
		c.emit(legacy.MessageFailed{Ref: m.Ref, Err: legacy.Errorf(legacy.RateLimited, "Too much waits for %s. Try again in a moment.", c.s.net.name())})
		return
	}
	for i, part := range parts {
		ref := ""
		if i == len(parts)-1 {
			ref = m.Ref
		}
		if action {
			part = ircwire.MakeCTCP("ACTION", part)
		}
		if !c.out.put(queued{"PRIVMSG " + target + " :" + part, func() { c.textSent(ref, target) }}) {
			c.emit(legacy.MessageFailed{Ref: m.Ref, Err: legacy.Errorf(legacy.RateLimited, "Too much waits for %s. Try again in a moment.", c.s.net.name())})
			return
		}
	}
	c.drain()
}

// textSent: a line is on its way. A server that echoes says when it was taken.
func (c *client) textSent(ref, target string) {
	if c.caps["echo-message"] {
		c.waiting = append(c.waiting, ask{ref: ref, text: true, target: target, deadline: c.now().Add(askLimit)})
		return
	}
	c.conclude(ask{ref: ref, text: true}, nil)
}

// onText handles PRIVMSG and NOTICE.
func (c *client) onText(m ircwire.Message) {
	target, text := strings.TrimLeft(m.Param(0), c.prefixes.Chars), m.Param(1)
	command, rest, ctcp := ircwire.CTCP(text)
	if c.isMe(m.Nick()) && c.caps["echo-message"] {
		c.answer(func(a ask) bool { return a.text && c.fold(a.target) == c.fold(target) }, nil)
		return
	}
	switch {
	case ctcp && command == "ACTION":
		text = "/me " + rest
	case ctcp && m.Command == "PRIVMSG":
		if text = c.onCTCP(m.Nick(), command, rest); text == "" {
			return
		}
	case ctcp:
		text = command + ": " + rest
	}
	text = ircwire.Plain(text)
	if text == "" {
		return
	}
	sent, _ := m.Time()
	if sent.After(c.now().Add(-playbackAge)) {
		sent = time.Time{}
	}
	ch := c.channels[c.fold(target)]
	switch {
	case ch != nil && ch.entered:
		nick := m.Nick()
		if ch.members[c.fold(nick)] == nil && strings.Contains(nick, ".") { // a server
			nick = ""
		}
		c.emit(legacy.RoomMessage{Room: c.room(ch), Nick: nick, Text: text, Time: sent})
	case ch != nil:
	case strings.Contains(m.Nick(), ".") || m.Nick() == "" || !ircwire.IsNick(m.Nick()):
		c.emit(legacy.Notice{Text: text})
	default:
		c.emit(legacy.MessageReceived{From: c.peer(m.Nick()), Text: text, Time: sent})
	}
}

// playbackAge is how old a message must be to be called delayed.
const playbackAge = 10 * time.Second

// ctcpPause is how long to wait between automatic answers.
const ctcpPause = 2 * time.Second

// onCTCP answers what clients ask each other. What it returns is for the user to
// read.
func (c *client) onCTCP(nick, command, rest string) string {
	answer := ""
	switch command {
	case "VERSION":
		answer = "transport, an XMPP gateway"
	case "PING":
		answer = rest
	case "TIME":
		answer = c.now().UTC().Format(time.RFC1123Z)
	case "DCC":
		return "(offers by DCC: " + rest + ". This gateway cannot take it; ask for a link instead)"
	default:
		return ""
	}
	if now := c.now(); now.Sub(c.ctcpAt) >= ctcpPause {
		c.ctcpAt = now
		c.send(ircwire.Line("NOTICE", nick, ircwire.MakeCTCP(command, answer)), nil)
	}
	return ""
}
