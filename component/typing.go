package component

import (
	"time"

	"transport/component/xep"
	"transport/legacy"
)

// onChatState handles a message without a body. (XEP-0085 §5)
func (u *user) onChatState(st *inbound) {
	if peer, err := u.c.peer(st.to); err == nil && st.to.Local != "" {
		u.onChatStateTo(st, peer)
	}
}

func (u *user) onChatStateTo(st *inbound, peer legacy.Peer) {
	typer, ok := u.legacySession().(legacy.Typer)
	if !ok || u.option(optNoTyping) {
		return
	}
	state, ok := xep.ChatState(st.Element)
	if !ok {
		return
	}
	if err := typer.SetTyping(u.ctx, peer, translateChatState(state)); err != nil {
		u.log.Debug().Err(err).Msg("cannot tell that the user is typing")
	}
}

func translateChatState(state string) legacy.Typing {
	switch state {
	case "composing":
		return legacy.TypingActive
	case "paused":
		return legacy.TypingPaused
	}
	return legacy.TypingStopped
}

// typingTime is how long somebody is believed to type who says no more.
// (XEP-0085 §5.4)
const typingTime = 45 * time.Second

// maxTyping bounds how many contacts are remembered as typing.
const maxTyping = 256

// onTypingChanged: a contact is typing, or has stopped.
func (u *user) onTypingChanged(ev legacy.TypingChanged) {
	if ev.From.ID == "" || u.blocked[ev.From.ID] || !u.online() || !u.wantsChatStates() {
		return
	}
	state := "active"
	delete(u.typing, ev.From.ID)
	switch ev.State {
	case legacy.TypingActive:
		state = "composing"
		if len(u.typing) < maxTyping {
			put(&u.typing, ev.From.ID, u.c.clock.Now().Add(typingTime))
		}
	case legacy.TypingPaused:
		state = "paused"
	}
	u.sendChatState(ev.From.ID, state)
}

func (u *user) sendChatState(peer, state string) {
	from := u.c.contactJID(peer)
	_ = u.c.write(func(dst []byte) []byte { // it is worth nothing later
		return append(appendMessageStart(dst, from, u.bare, newID()),
			"<"+state+" xmlns='"+xep.NSChatStates+"'/><no-store xmlns='urn:xmpp:hints'/></message>"...)
	})
}

// expireTyping takes back what is no longer believed.
func (u *user) expireTyping(now time.Time) {
	for peer, until := range u.typing {
		if !until.After(now) {
			delete(u.typing, peer)
			u.sendChatState(peer, "paused")
		}
	}
}

// wantsChatStates reports whether one of the user's clients may know what a chat
// state is. (XEP-0085 §5.1)
func (u *user) wantsChatStates() bool {
	for _, r := range u.resources {
		if r.features == nil || r.features[xep.NSChatStates] {
			return true
		}
	}
	return false
}
