package component

import (
	"time"

	"transport/component/body"
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

// maxTyping limits the contacts whose composing state is stored.
const maxTyping = 256 // limit: contacts of a user whose composing state is stored | that of others does not expire

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
			lazySet(&ob.typing, ev.From.ID, ob.u.c.clock.Now().Add(body.TypingTimeout))
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
		ob.sendChatState(peer, "paused")
	}
}

// wantsChatStates reports whether one of the user's clients is online and may support chat
// states. Clients that are only in rooms may support them. (XEP-0085 §5.1)
func (cl *clients) wantsChatStates() bool {
	for _, r := range cl.resources {
		if r.features == nil || r.features[xep.NSChatStates] {
			return cl.online()
		}
	}
	return len(cl.resources) == 0 && cl.u.rooms.HasClients()
}
