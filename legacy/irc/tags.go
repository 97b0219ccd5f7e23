package irc

import (
	"cmp"
	"strings"
	"unicode"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// typings are the values of the tag +typing. (IRCv3 typing)
var typings = map[legacy.Typing]string{legacy.TypingActive: "active", legacy.TypingPaused: "paused", legacy.TypingStopped: "done"}

// setTyping sends a typing notification to a channel or a nick, if the server supports
// message tags.
func (c *client) setTyping(target string, t legacy.Typing) {
	if ch := c.channels.byName[c.fold(target)]; ch != nil {
		target = ch.name
	}
	if c.caps["message-tags"] && c.out.waiting() == 0 { // a queued notification would be stale
		c.send("@+typing=" + typings[t] + " TAGMSG " + target)
	}
}

// replyTo returns the ID of the message that m answers, "" for none. (IRCv3 reply)
func replyTo(m ircwire.Message) string {
	if m.Tags == nil {
		return ""
	}
	return cleanID(cmp.Or(m.Tags["+reply"], m.Tags["+draft/reply"]))
}

// messageID returns the server's ID of a message, "" for none. (IRCv3 message-ids)
func messageID(m ircwire.Message) string { return cleanID(m.Tags["msgid"]) }

// cleanID returns an ID if it can be sent back to the server, otherwise "".
func cleanID(id string) string {
	if len(id) > maxID || strings.ContainsFunc(id, unicode.IsControl) {
		return ""
	}
	return id
}

const maxID = 500 // limit: bytes of a message ID | it is ignored

// onTags handles TAGMSG. (IRCv3 message-tags)
func (c *client) onTags(m ircwire.Message) {
	if c.isMe(m.Nick()) || !m.FromUser() || !ircwire.IsName(m.Nick()) {
		return
	}
	ch := c.channels.heard(m)
	if state, ok := typingOf(m.Tags["+typing"]); ok {
		switch {
		case ch != nil && ch.entered:
			c.emit(legacy.RoomTyping{Room: ch.peer, Nick: m.Nick(), State: state})
		case c.isMe(m.Param(0)):
			c.emit(legacy.TypingChanged{From: c.peer(m.Nick()), State: state})
		}
	}
	if ch != nil && ch.entered {
		ch.onReaction(m)
	}
}

func typingOf(value string) (legacy.Typing, bool) {
	for state, name := range typings {
		if name == value {
			return state, true
		}
	}
	return 0, false
}
