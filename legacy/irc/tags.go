package irc

import (
	"strings"
	"unicode"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// typings are the values of the tag +typing. (IRCv3 typing)
var typings = map[legacy.Typing]string{legacy.TypingActive: "active", legacy.TypingPaused: "paused", legacy.TypingStopped: "done"}

// setTyping tells a channel or a person that the user is typing, where the server
// passes it on.
func (c *client) setTyping(target string, t legacy.Typing) {
	if ch := c.channels.byName[c.fold(target)]; ch != nil {
		target = ch.name
	}
	if c.caps["message-tags"] && len(c.out.queue) == 0 { // it is not worth a wait
		c.send("@+typing=" + typings[t] + " TAGMSG " + target)
	}
}

// replyTo is the message that another one answers, "" for none. (IRCv3 reply)
func replyTo(m ircwire.Message) string {
	if m.Tags == nil {
		return ""
	}
	return cleanID(first(m.Tags["+reply"], m.Tags["+draft/reply"]))
}

// messageID is what the server calls a message, "" for nothing. (IRCv3 message-ids)
func messageID(m ircwire.Message) string { return cleanID(m.Tags["msgid"]) }

// cleanID is an ID that can be repeated to the server, "" for any other.
func cleanID(id string) string {
	if len(id) > maxID || strings.ContainsFunc(id, unicode.IsControl) {
		return ""
	}
	return id
}

const maxID = 500 // bytes

// onTags handles a message of tags only. (IRCv3 message-tags)
func (c *client) onTags(m ircwire.Message) {
	if c.isMe(m.Nick()) || !ircwire.IsNick(m.Nick()) {
		return
	}
	ch := c.channels.byName[c.fold(c.unprefixed(m.Param(0)))]
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
