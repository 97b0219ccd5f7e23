package oscar

import (
	"strings"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

const maxOccupants = 5000 // limit: occupants of one room | further ones are not shown

// describe stores the server's description of the room.
func (r *room) describe(m oscarwire.Room) {
	r.limit.bytes, r.limit.runes = m.MaxMessage()
	r.s.limits.set(r.peer.ID, r.limit)
	if title := m.Title(r.s.net.page); title != r.title {
		r.title = title
		if r.entered {
			r.emit(legacy.TopicChanged{Room: r.peer, Topic: legacy.Topic{Text: title}})
		}
	}
}

// occupant parses the userinfo block of an occupant; id is "" if it is invalid.
func occupant(u oscarwire.UserInfo) (id string, o legacy.Occupant) {
	nick := strings.Join(strings.Fields(oscarwire.Clean(u.Name)), " ")
	return oscarwire.NormalizeScreenName(nick), legacy.Occupant{Nick: nick, Away: u.Away()}
}

// onOccupants handles 0E/03 and 0E/04: occupants joined or left.
func (r *room) onOccupants(snac oscarwire.SNAC) error {
	list, err := oscarwire.ParseUserInfos(snac.Body)
	for _, u := range list {
		id, o := occupant(u)
		before, here := r.occupants[id]
		switch {
		case id == "" || !here && snac.ID == oscarwire.ChatLeft || !here && len(r.occupants) >= maxOccupants:
		case snac.ID == oscarwire.ChatLeft:
			if id == r.s.self { // another session of the same account
				continue
			}
			delete(r.occupants, id)
			if r.entered {
				r.emit(legacy.OccupantLeft{Room: r.peer, Nick: before.Nick})
			}
		case !here:
			r.occupants[id] = o
			if r.entered {
				r.emit(legacy.OccupantJoined{Room: r.peer, Occupant: o})
			}
		default:
			o.Nick = before.Nick
			r.occupants[id] = o
			if r.entered && o != before {
				r.emit(legacy.OccupantChanged{Room: r.peer, Occupant: o})
			}
		}
	}
	if snac.ID == oscarwire.ChatJoined && err == nil {
		r.listed = true
		r.maybeEnter()
	}
	return err
}

// maybeEnter calls enter once the server has sent both the description and the
// occupants, in either order.
func (r *room) maybeEnter() {
	if r.listed && r.described && !r.entered {
		r.entered = true
		r.enter()
	}
}

// enter emits RoomJoined with the occupants.
func (r *room) enter() {
	if !r.entered {
		return
	}
	self, listed := r.occupants[r.s.self]
	if !listed {
		self = legacy.Occupant{Nick: r.s.self}
		r.occupants[r.s.self] = self
	}
	joined := legacy.RoomJoined{Room: r.peer, Nick: self.Nick, Topic: legacy.Topic{Text: r.title}}
	for _, o := range r.occupants {
		joined.Occupants = append(joined.Occupants, o)
	}
	r.emit(joined)
}

// sendAll sends the parts of a text to the room.
func (r *room) sendAll(messages []*message, parts []legacy.Outgoing) {
	for i, m := range messages {
		if !m.over {
			r.send(m, parts[i].Text, parts[i].Markup)
		}
	}
	r.rates.announceDelay(r.rates.laneOf(oscarwire.ChatSend), r.peer.ID)
}

// send sends a message to the room, within the rate limits. The server's reflection
// confirms it.
func (r *room) send(m *message, text string, markup []legacy.Span) {
	body := chatMessage(m.cookie, text, markup)
	if !r.limit.fits(body, text) {
		body = chatMessage(m.cookie, text, nil)
	}
	switch {
	case r.err != nil || !r.entered:
		r.icbm.messageFailed(m, errNotInRoom())
		return
	case !r.limit.fits(body, text):
		r.icbm.messageFailed(m, legacy.Errorf(legacy.TooLong, "The message is too long for this room."))
		return
	}
	m.packet = &packet{
		id:      oscarwire.ChatSend,
		target:  r.peer.ID,
		body:    body,
		timeout: ackTimeout,
		written: func(request uint32) { r.icbm.messageWritten(m, request) },
		answered: func(snac oscarwire.SNAC, err error) {
			if err == nil && snac.ID == oscarwire.ChatIncoming {
				r.onReflected(m, snac.Body)
				return
			}
			r.icbm.messageAnswered(m, snac, err)
		},
	}
	r.rates.submit(m.packet)
}

// onReflected handles the reflection of a message of the user. Open OSCAR Server
// replaces some messages, such as //roll.
func (r *room) onReflected(m *message, body []byte) {
	r.icbm.messageSent(m, legacy.Accepted)
	in, err := oscarwire.ParseChatMessage(body)
	if err != nil {
		return
	}
	if sender, ok := in.Sender(); ok && oscarwire.NormalizeScreenName(sender.Name) != r.s.self {
		_ = r.onMessage(body) // the message is sent, even if its reflection is invalid
	}
}

// onMessage handles 0E/06: a message in the room.
func (r *room) onMessage(body []byte) error {
	in, err := oscarwire.ParseChatMessage(body)
	if err != nil {
		return err
	}
	sender, _ := in.Sender()
	id, o := occupant(sender)
	if m := r.icbm.messages[in.Cookie]; m != nil && id == r.s.self { // from a server that does not repeat the request ID
		delete(r.pending, m.request)
		r.icbm.messageSent(m, legacy.Accepted)
		return nil
	}
	if known, here := r.occupants[id]; here {
		o = known
	}
	text, err := in.Text(r.s.net.page)
	if err != nil {
		return err
	}
	if text, markup := textOf(text); text != "" && r.entered {
		r.emit(legacy.RoomMessage{Room: r.peer, Nick: o.Nick, Text: text, Markup: markup})
	}
	return nil
}
