package irc

import (
	"cmp"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// hostLen is the assumed length of the user's user@host while it is unknown.
const hostLen = 10 + 1 + 63

// sendText sends a message to a channel or a nick. Each line becomes a PRIVMSG of its
// own, and a line is split if it would exceed the length limit with the user's prefix.
// A text for the server itself is a raw line. (RFC 2812 §2.3)
func (c *client) sendText(m legacy.Outgoing, target string) {
	if target == "" {
		if err := c.rawLine(m.Text); err != nil {
			c.emit(legacy.MessageFailed{Ref: m.Ref, Err: err})
			return
		}
		c.emit(legacy.MessageSent{Ref: m.Ref})
		return
	}
	if ch := c.channels.byName[c.fold(target)]; ch != nil {
		target = ch.name
	} else if m.To.Room {
		c.emit(legacy.MessageFailed{Ref: m.Ref, Err: legacy.Errorf(legacy.Offline, "You are not in that channel.")})
		return
	} else if !ircwire.IsName(target) {
		c.emit(legacy.MessageFailed{Ref: m.Ref, Err: legacy.Errorf(legacy.NotFound, "That is not a valid nick.")})
		return
	} else {
		c.postponeIdle()
		c.identifying = c.identifying && c.fold(target) != "nickserv" // its errors are the user's now
	}
	if word, modes, _ := strings.Cut(m.Text, " "); strings.EqualFold(word, "/mode") && modes != "" && m.To.Room {
		c.pending.request(ask{kind: askConfig, target: target, done: func(err error, _ string) {
			if err != nil {
				c.emit(legacy.MessageFailed{Ref: m.Ref, Err: err})
				return
			}
			c.emit(legacy.MessageSent{Ref: m.Ref, Command: true})
		}}, "MODE "+target+" "+cleanLine(modes))
		return
	}
	text := formatted(m)
	action := strings.HasPrefix(m.Text, "/me ")
	from := hostLen
	if c.address != "" {
		from = len(c.address)
	}
	limit := ircwire.MaxLine - len(":! PRIVMSG  :") - len(c.nick) - from - len(target)
	if action {
		text = strings.Replace(text, "/me ", "", 1)
		limit -= len("\x01ACTION \x01")
	}
	split := ircwire.Split
	if m.Markup != nil {
		split = ircwire.SplitFormatted
	}
	parts := split(c.encodeFor(m.To, text), limit)
	if len(parts) == 0 { // only white space
		parts = []string{" "}
	}
	if len(c.pending.waiting)+c.out.waiting()+len(parts) > maxAsks {
		c.emit(legacy.MessageFailed{Ref: m.Ref, Err: c.link.busy()})
		return
	}
	left, failed, tags := len(parts), error(nil), ""
	if m.Reply != "" && c.caps["message-tags"] {
		tags = ircwire.Tagged(map[string]string{"+draft/reply": m.Reply}, "")
	}
	for _, part := range parts {
		if action {
			part = ircwire.MakeCTCP("ACTION", part)
		}
		c.pending.request(ask{target: target, done: func(err error, id string) {
			if failed == nil {
				failed = err
			}
			if left--; left > 0 {
				return
			}
			if failed != nil {
				c.emit(legacy.MessageFailed{Ref: m.Ref, Err: failed})
				return
			}
			c.emit(legacy.MessageSent{Ref: m.Ref, State: legacy.Accepted, ID: id})
		}}, tags+"PRIVMSG "+target+" :"+part)
		tags = ""
	}
	c.link.announceDelay(c, target)
}

// formatted returns a message's text with IRC's formatting characters.
func formatted(m legacy.Outgoing) string {
	if m.Markup == nil {
		return m.Text
	}
	runs := make([]ircwire.Run, len(m.Markup))
	for i, s := range m.Markup {
		runs[i] = ircwire.Run{Text: s.Text, Format: ircwire.Format{
			Bold: s.Style&legacy.Bold != 0, Italic: s.Style&legacy.Italic != 0, Underline: s.Style&legacy.Underline != 0,
			Strike: s.Style&legacy.Strike != 0, Monospace: s.Style&legacy.Monospace != 0, Fore: s.Fore, Back: s.Back,
		}}
	}
	return ircwire.Encode(runs)
}

// markup parses IRC's formatting characters, nil for plain text.
func markup(text string) []legacy.Span {
	runs := ircwire.Formatted(text)
	if runs == nil {
		return nil
	}
	spans := make([]legacy.Span, len(runs))
	for i, r := range runs {
		f := r.Format
		s := legacy.Span{Text: r.Text, Fore: f.Fore, Back: f.Back}
		for _, is := range []struct {
			on    bool
			style legacy.Style
		}{{f.Bold, legacy.Bold}, {f.Italic, legacy.Italic}, {f.Underline, legacy.Underline}, {f.Strike, legacy.Strike}, {f.Monospace, legacy.Monospace}} {
			if is.on {
				s.Style |= is.style
			}
		}
		spans[i] = s
	}
	return spans
}

// onText handles PRIVMSG and NOTICE.
func (c *client) onText(m ircwire.Message) {
	text := m.Param(1)
	prefixes, target := c.channels.audience(m.Param(0))
	history := c.pending.isHistory(m)
	if history && m.Nick() == historyService {
		return // joins and parts in the history are not relevant
	}
	if at, ok := m.Time(); ok && c.reg.bouncer.is {
		replayed := history || at.Before(c.now().Add(-playbackAge))
		if c.link.played.repeats(c.fold(target), c.fold(m.Nick()), m.Param(1), at, replayed) {
			return
		}
	}
	if c.isOwnAnswer(m) || !history && c.isMe(m.Nick()) && (c.pending.labelOf(m) != "" || c.caps["echo-message"] &&
		c.pending.answerID(func(a *ask) bool { return a.kind == askText && c.fold(a.target) == c.fold(target) }, nil, messageID(m))) {
		return // the server's echo
	}
	command, rest, ctcp := "", "", false
	if text != "" && text[0] == '\x01' {
		command, rest, ctcp = ircwire.CTCP(text)
	}
	switch {
	case ctcp && command == "ACTION":
		text = "/me " + rest
	case ctcp && m.Command == "PRIVMSG":
		if history || !m.FromUser() {
			return
		}
		if text = c.lookups.onCTCP(m.Nick(), command, rest); text == "" {
			return
		}
	case ctcp && command == "VERSION" && c.lookups.endVersions(c.lookups.ofNick(m.Nick()), ircwire.Plain(rest), nil):
		return
	case ctcp:
		text = command + ": " + rest
	}
	if ircwire.Plain(text) == "" {
		return
	}
	if prefixes != "" { // the room sees for whom it is
		if ch := c.channels.byName[c.fold(target)]; ch != nil {
			target = ch.name
		}
		action, ok := strings.CutPrefix(text, "/me ")
		if text = "(to " + prefixes + target + ") " + action; ok {
			text = "/me " + text
		}
	}
	spans := markup(text)
	text = ircwire.Plain(text)
	var sent time.Time
	if m.Tags != nil {
		if sent, _ = m.Time(); !history && sent.After(c.now().Add(-playbackAge)) || sent.After(c.now()) {
			sent = time.Time{}
		}
	}
	nick := m.Nick()
	var greeted *channel // the channel of a services notice that is sent to the user alone
	if m.Command == "NOTICE" && c.isMe(target) {
		greeted = c.about(text, nick)
		if c.fold(nick) == "nickserv" {
			c.reg.onNickServ(text)
		}
	}
	switch ch := c.channels.byName[c.fold(target)]; {
	case ch != nil && (ch.entered || !ch.parting):
		said := legacy.RoomMessage{Room: ch.peer, Nick: nick, Text: text, Markup: spans, Time: sent, ID: messageID(m), Reply: replyTo(m), ReadMark: readMarkers{c}.position(m)}
		account, address := ircwire.Plain(m.Tags["account"]), ircwire.Plain(m.Address())
		said.Identity = identity(account, ircwire.Plain(nick), address)
		switch who := ch.members[c.fold(nick)]; {
		case who != nil:
			if said.Nick = who.nick; account == "" {
				said.Identity = cmp.Or(who.identity(), said.Identity)
			}
		case !m.FromUser() || !isName(nick):
			said.Nick = ""
		}
		if !ch.entered {
			if len(ch.buffered) < maxBuffered {
				ch.buffered = append(ch.buffered, said)
			}
			return
		}
		c.emit(said)
	case greeted != nil:
		c.emit(legacy.RoomMessage{Room: greeted.peer, Nick: nick, Text: text, Markup: spans, Time: sent, Identity: identity("", nick, ircwire.Plain(m.Address()))})
	case ch != nil || c.support.isChannel(target):
	case !m.FromUser() || !ircwire.IsName(nick):
		c.notice(text)
	case c.isMe(nick) && !c.isMe(target): // from another client on the same bouncer connection
		if !ircwire.IsName(target) {
			return
		}
		c.emit(legacy.OwnMessage{To: c.peer(target), Text: text, Time: sent})
	default:
		c.postponeIdle()
		c.emit(legacy.MessageReceived{From: c.peer(nick), Text: text, Markup: spans, Time: sent, Service: m.Command == "NOTICE" && isService(nick), ReadMark: readMarkers{c}.position(m)})
	}
}

// historyService is the sender of joins and parts in the history of some servers, for
// clients that do not support event playback.
const historyService = "HistServ"

// maxBuffered is the limit of messages buffered between the JOIN and the end of NAMES.
const maxBuffered = 200 // limit: messages between a JOIN and the end of NAMES | the rest is dropped

// about returns the channel of a notice that begins with "[#channel] ", nil if there is
// none or the user is not in it. Senders that are not in the channel are ignored,
// except services.
func (c *client) about(text, nick string) *channel {
	name, _, ok := strings.Cut(strings.TrimPrefix(text, "["), "]")
	ch := c.channels.byName[c.fold(name)]
	if !ok || text[0] != '[' || ch == nil || !ch.entered ||
		ch.members[c.fold(nick)] == nil && !isService(nick) {
		return nil
	}
	return ch
}

// isService reports whether a nick is that of a network service, such as NickServ, or of a
// bouncer, such as *status.
func isService(nick string) bool {
	return strings.HasSuffix(strings.ToLower(nick), "serv") || strings.HasPrefix(nick, "*")
}

// isOwnAnswer reports whether a line is the echo of an automatic message: a CTCP reply,
// or a password sent to services.
func (c *client) isOwnAnswer(m ircwire.Message) bool {
	if !c.isMe(m.Nick()) || c.isMe(m.Param(0)) {
		return false
	}
	if m.Param(1) == ircwire.MakeCTCP("VERSION", "") {
		return true
	}
	if m.Command == "NOTICE" {
		return strings.HasPrefix(m.Param(1), "\x01")
	}
	if m.Param(0) == playbackModule {
		return strings.HasPrefix(m.Param(1), "PLAY ")
	}
	return c.fold(m.Param(0)) == "nickserv" && strings.HasPrefix(m.Param(1), "IDENTIFY ")
}

// playbackAge is the age from which a message counts as delayed.
const playbackAge = 10 * time.Second
