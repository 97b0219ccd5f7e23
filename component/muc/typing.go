package muc

import (
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// typist is an occupant of a room.
type typist struct{ room, nick string } // room is a Peer.ID

// maxTypists limits the occupants whose composing state is stored.
const maxTypists = 256 // limit: occupants whose composing state is stored | that of others does not expire

// relayChatState sends the user's chat state to the network. (XEP-0085 §5.5)
func (r *Room) relayChatState(st *stanza.Inbound) {
	state, ok := xep.ChatState(st.Element)
	typer, types := r.rs.session().(legacy.RoomTyper)
	if !ok || !types || !r.messageTags || r.rs.account().Option(OptNoTyping) != "" {
		return
	}
	if err := typer.SetRoomTyping(r.rs.ctx, r.peer, body.Typing(state)); err != nil {
		r.rs.log.Debug().Err(err).Msg("cannot send the user's typing state")
	}
}

// onRoomTyping handles an occupant's typing notification. A composing state that the
// network repeats is sent once. (XEP-0085 §5.3, §5.5)
func (r *Room) onRoomTyping(ev legacy.RoomTyping) {
	key := typist{r.peer.ID, ev.Nick}
	_, known := r.rs.typing[key]
	delete(r.rs.typing, key)
	state := "active"
	switch ev.State {
	case legacy.TypingActive:
		if len(r.rs.typing) < maxTypists {
			if r.rs.typing == nil {
				r.rs.typing = make(map[typist]time.Time)
			}
			r.rs.typing[key] = r.rs.shared.Clock.Now().Add(body.TypingTimeout)
		}
		if known {
			return
		}
		state = "composing"
	case legacy.TypingPaused:
		state = "paused"
	}
	r.sendFrom(ev.Nick, element.New(xep.NSChatStates, state))
}

// expireTyping sends paused for each composing state that has expired.
func (rs *Rooms) expireTyping(now time.Time) {
	for who, until := range rs.typing {
		if until.After(now) {
			continue
		}
		delete(rs.typing, who)
		rs.all[who.room].sendFrom(who.nick, element.New(xep.NSChatStates, "paused"))
	}
}

// sendFrom sends the clients a message from an occupant that is not stored. It reports
// whether a client has received it. r may be nil.
func (r *Room) sendFrom(nick string, payload *element.Element) (sent bool) {
	if !r.isJoined() || r.occupants[nick] == nil {
		return false
	}
	r.eachClient(func(full string) {
		sent = true
		r.rs.shared.writeElement(element.New(stanza.NS, "message").Set("from", r.occupantJID(nick)).Set("to", full).
			Set("type", "groupchat").Set("id", xep.NewID()).Add(payload, element.New("urn:xmpp:hints", "no-store"), r.idOf(nick)))
	})
	return sent
}

// SendOwn sends the user's clients in a room a message from the user's own occupant that is
// not stored. It reports whether a client has received it.
func (s *set) SendOwn(room legacy.Peer, payload *element.Element) bool {
	r := s.all[room.ID]
	return r.isJoined() && r.sendFrom(r.nick, payload)
}
