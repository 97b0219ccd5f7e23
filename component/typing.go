package component

import (
	"strings"
	"time"

	"transport/component/element"
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
	if ev.From.ID == "" || u.blocked[ev.From.ID] || !u.wantsChatStates() {
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
	from := u.c.full(u.c.contactJID(peer))
	_ = u.c.write(func(dst []byte) []byte { // it is worth nothing later
		return append(appendMessageStart(dst, from, u.bare, newID()),
			"<"+state+" xmlns='"+xep.NSChatStates+"'/><no-store xmlns='urn:xmpp:hints'/></message>"...)
	})
}

// expireTyping takes back what is no longer believed.
func (u *user) expireTyping(now time.Time) {
	for peer, until := range u.typing {
		if until.After(now) {
			continue
		}
		delete(u.typing, peer)
		if room, nick, inRoom := strings.Cut(peer, "\x00"); !inRoom {
			u.sendChatState(peer, "paused")
		} else if r := u.rooms[room]; r != nil && r.joined {
			u.sendRoomState(r, nick, "paused")
		}
	}
}

// typist is the key in user.typing of somebody in a room.
func typist(r *room, nick string) string { return r.peer.ID + "\x00" + nick }

// onRoomTyping: somebody is typing, or has stopped. Networks repeat that they are, which
// is told once. (XEP-0085 §5.3, §5.5)
func (u *user) onRoomTyping(r *room, ev legacy.RoomTyping) {
	key := typist(r, ev.Nick)
	_, known := u.typing[key]
	delete(u.typing, key)
	state := "active"
	switch ev.State {
	case legacy.TypingActive:
		if known || len(u.typing) < maxTyping {
			put(&u.typing, key, u.c.clock.Now().Add(typingTime))
		}
		if known {
			return
		}
		state = "composing"
	case legacy.TypingPaused:
		state = "paused"
	}
	u.sendRoomState(r, ev.Nick, state)
}

func (u *user) sendRoomState(r *room, nick, state string) {
	if r.occupants[nick] == nil {
		return
	}
	u.toClients(r, func(full string) {
		u.put(element.New(nsStanza, "message").Set("from", r.occupantJID(nick)).Set("to", full).Set("type", "groupchat").Set("id", newID()).
			Add(element.New(xep.NSChatStates, state), element.New("urn:xmpp:hints", "no-store"), u.c.idOf(r, nick)))
	})
}

// wantsChatStates reports whether one of the user's clients is there and may know what a
// chat state is. Of those that show themselves to rooms only, nobody knows.
// (XEP-0085 §5.1)
func (u *user) wantsChatStates() bool {
	for _, r := range u.resources {
		if r.features == nil || r.features[xep.NSChatStates] {
			return u.online()
		}
	}
	for _, r := range u.rooms {
		if len(r.clients) > 0 {
			return len(u.resources) == 0
		}
	}
	return false
}
