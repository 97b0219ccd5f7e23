package component

import (
	"strings"
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// onChatState handles a message without a body. (XEP-0085 §5)
func (ob *outbox) onChatState(st *stanza.Inbound) {
	if peer, err := ob.u.c.peers.Contact(st.To); err == nil && st.To.Local != "" {
		ob.onChatStateTo(st, peer)
	}
}

func (ob *outbox) onChatStateTo(st *stanza.Inbound, peer legacy.Peer) {
	typer, ok := ob.u.login.legacySession().(legacy.Typer)
	if !ok || ob.u.account.option(optNoTyping) {
		return
	}
	state, ok := xep.ChatState(st.Element)
	if !ok {
		return
	}
	if err := typer.SetTyping(ob.u.ctx, peer, body.Typing(state)); err != nil {
		ob.u.log.Debug().Err(err).Msg("cannot send the user's typing state")
	}
}

// typingTimeout is the time after which a composing state expires unless it is refreshed.
// (XEP-0085 §5.4)
const typingTimeout = 45 * time.Second

// maxTyping limits the contacts and occupants whose composing state is stored.
const maxTyping = 256

// onTypingChanged handles a contact's typing notification.
func (ob *outbox) onTypingChanged(ev legacy.TypingChanged) {
	if ev.From.ID == "" || ob.u.roster.isBlocked(ev.From.ID) || !ob.u.clients.wantsChatStates() {
		return
	}
	state := "active"
	delete(ob.typing, ev.From.ID)
	switch ev.State {
	case legacy.TypingActive:
		state = "composing"
		if len(ob.typing) < maxTyping {
			lazySet(&ob.typing, ev.From.ID, ob.u.c.clock.Now().Add(typingTimeout))
		}
	case legacy.TypingPaused:
		state = "paused"
	}
	ob.sendChatState(ev.From.ID, state)
}

func (ob *outbox) sendChatState(peer, state string) {
	from := ob.u.c.peers.Full(ob.u.c.peers.JID(peer))
	_ = ob.u.c.write(func(dst []byte) []byte { // a state is not worth a retry
		return append(stanza.AppendMessageStart(dst, from, ob.u.bare, newID()),
			"<"+state+" xmlns='"+xep.NSChatStates+"'/><no-store xmlns='urn:xmpp:hints'/></message>"...)
	})
}

// expireTyping sends paused for each composing state that has expired.
func (ob *outbox) expireTyping(now time.Time) {
	for peer, until := range ob.typing {
		if until.After(now) {
			continue
		}
		delete(ob.typing, peer)
		if room, nick, inRoom := strings.Cut(peer, "\x00"); !inRoom {
			ob.sendChatState(peer, "paused")
		} else {
			ob.u.rooms.sendRoomState(room, nick, "paused")
		}
	}
}

// typist is the key of an occupant in outbox.typing.
func typist(r *room, nick string) string { return r.peer.ID + "\x00" + nick }

// onRoomTyping handles an occupant's typing notification. A composing state that the
// network repeats is sent once. (XEP-0085 §5.3, §5.5)
func (r *room) onRoomTyping(ev legacy.RoomTyping) {
	key := typist(r, ev.Nick)
	known := r.rs.u.outbox.endTyping(key)
	state := "active"
	switch ev.State {
	case legacy.TypingActive:
		r.rs.u.outbox.beginTyping(key)
		if known {
			return
		}
		state = "composing"
	case legacy.TypingPaused:
		state = "paused"
	}
	r.sendRoomState(ev.Nick, state)
}

func (r *room) sendRoomState(nick string, state string) {
	if r.occupants[nick] == nil {
		return
	}
	r.eachClient(func(full string) {
		r.rs.writeElement(element.New(stanza.NS, "message").Set("from", r.occupantJID(nick)).Set("to", full).
			Set("type", "groupchat").Set("id", newID()).Add(element.New(xep.NSChatStates, state), element.New("urn:xmpp:hints", "no-store"), r.idOf(nick)))
	})
}

// wantsChatStates reports whether one of the user's clients is online and may support chat
// states. Clients that are only in rooms may support them. (XEP-0085 §5.1)
func (cl *clients) wantsChatStates() bool {
	for _, r := range cl.resources {
		if r.features == nil || r.features[xep.NSChatStates] {
			return cl.online()
		}
	}
	return len(cl.resources) == 0 && cl.u.rooms.hasClients()
}
