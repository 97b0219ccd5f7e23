package irc

import (
	"cmp"
	"slices"
	"strings"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// reaction identifies the reactions of one member to one message. IRC sends one emoji
// at a time; the core needs the whole set.
type reaction struct{ channel, nick, id string } // channel and nick are folded

const (
	maxEmoji    = 64   // limit: bytes of an emoji | the reaction is dropped
	maxEmojis   = 20   // limit: emojis of one member to one message | the rest is dropped
	maxReacting = 1000 // limit: messages and members whose reactions are known | all are forgotten; a further reaction replaces earlier ones
)

// note caches the current reactions to a message.
func (cs *channels) note(r reaction, emojis []string) {
	if cs.reacted == nil || len(cs.reacted) >= maxReacting {
		cs.reacted = make(map[reaction][]string)
	}
	cs.reacted[r] = emojis
}

// react replaces the user's reactions to a message. (IRCv3 react)
func (cs *channels) react(name, id string, emojis []string) {
	ch := cs.byName[cs.c.fold(name)]
	if ch == nil || !cs.c.caps["message-tags"] {
		return
	}
	r := reaction{cs.c.fold(ch.name), cs.c.fold(cs.c.nick), id}
	refused := false
	tell := func(tag string, some, others []string) {
		for _, emoji := range some {
			if !slices.Contains(others, emoji) {
				refused = !cs.c.send(ircwire.Tagged(map[string]string{"+draft/reply": id, tag: emoji}, "TAGMSG "+ch.name)) || refused
			}
		}
	}
	before := cs.reacted[r]
	tell("+draft/unreact", before, emojis)
	tell("+draft/react", emojis, before)
	if refused {
		cs.c.emit(legacy.RoomFailed{Room: ch.peer, Err: cs.c.link.busy()})
		return
	}
	cs.note(r, slices.Clone(emojis))
}

// onReaction handles the tags +draft/react and +draft/unreact of a member.
func (ch *channel) onReaction(m ircwire.Message) {
	id := replyTo(m)
	more, less := emojiIn(m, "react"), emojiIn(m, "unreact")
	if id == "" || more == "" && less == "" {
		return
	}
	r := reaction{ch.c.fold(ch.name), ch.c.fold(m.Nick()), strings.Clone(id)}
	emojis := slices.DeleteFunc(slices.Clone(ch.c.channels.reacted[r]), func(s string) bool { return s == less })
	if more != "" && !slices.Contains(emojis, more) && len(emojis) < maxEmojis {
		emojis = append(emojis, strings.Clone(more))
	}
	if slices.Equal(emojis, ch.c.channels.reacted[r]) {
		return
	}
	ch.c.channels.note(r, emojis)
	ch.c.emit(legacy.RoomReaction{Room: ch.peer, Nick: m.Nick(), ID: id, Emojis: emojis})
}

// emojiIn returns the emoji in a tag, "" for none.
func emojiIn(m ircwire.Message, tag string) string {
	emoji := ircwire.Plain(cmp.Or(m.Tags["+"+tag], m.Tags["+draft/"+tag]))
	if strings.TrimSpace(emoji) == "" || len(emoji) > maxEmoji {
		return ""
	}
	return emoji
}

// redact retracts a message. (IRCv3 message-redaction)
func (cs *channels) redact(ref, name, id, reason string) {
	fail := func(kind legacy.Kind, text string) {
		cs.c.emit(legacy.Done{Ref: ref, Err: legacy.Errorf(kind, "%s", text)})
	}
	ch := cs.byName[cs.c.fold(name)]
	switch {
	case ch == nil:
		fail(legacy.Offline, "You are not in that channel.")
		return
	case !cs.c.caps["draft/message-redaction"]:
		fail(legacy.Unsupported, "This server does not support message retraction.")
		return
	case id == "" || cleanID(id) != id || strings.ContainsAny(id, " :"):
		fail(legacy.NotFound, "There is no message with this ID.")
		return
	}
	line := ircwire.Line("REDACT", ch.name, id)
	if reason = cleanLine(reason); reason != "" {
		line += " :" + cs.c.encodeFor(ch.peer, reason)
	}
	cs.c.pending.request(ask{kind: askRedact, target: ch.name, nick: id, done: func(err error, _ string) {
		if err == nil && !cs.c.caps["echo-message"] { // otherwise the server sends a REDACT
			cs.c.emit(legacy.RoomRedaction{Room: ch.peer, Nick: cs.c.nick, ID: id, Reason: ircwire.Plain(reason)})
		}
		cs.c.emit(legacy.Done{Ref: ref, Err: err})
	}}, line)
}

// onRedact handles REDACT.
func (cs *channels) onRedact(m ircwire.Message) {
	ch, id := cs.heard(m), cleanID(m.Param(1))
	if ch == nil || !ch.entered || id == "" {
		return
	}
	said := legacy.RoomRedaction{Room: ch.peer, Nick: m.Nick(), ID: id, Reason: ircwire.Plain(m.Param(2))}
	if !m.FromUser() || !isName(said.Nick) {
		said.Nick = ""
	}
	cs.c.emit(said)
	if cs.c.isMe(m.Nick()) {
		cs.c.pending.answer(func(a *ask) bool { return a.kind == askRedact && a.is(cs.c, ch.name, id) }, nil)
	}
}
