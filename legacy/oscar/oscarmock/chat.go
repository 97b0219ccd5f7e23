package oscarmock

import (
	"fmt"
	"slices"
	"strings"

	"transport/legacy/oscar/oscarwire"
)

// The exchanges: users create rooms in the first, operators in the second.
const (
	ownExchange    uint16 = 4
	publicExchange uint16 = 5
)

const (
	maxRooms    = 1000
	maxRoomText = 1024 // characters, and bytes, of a message
)

// chatRoom is a room. Network.mu guards it.
type chatRoom struct {
	id      oscarwire.RoomID
	name    string
	members []*session // connections that are complete
	bots    []*Bot
}

// roomKey returns the key of a room; it ignores case.
func roomKey(id oscarwire.RoomID) string { return strings.ToLower(id.Cookie) }

// AddRoom creates a public room in exchange 5.
func (n *Network) AddRoom(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.findRoom(publicExchange, name, true)
}

// findRoom returns a room, nil if there is none; create creates it. n.mu is held.
func (n *Network) findRoom(exchange uint16, name string, create bool) *chatRoom {
	id := oscarwire.RoomID{Exchange: exchange, Cookie: fmt.Sprintf("%d-0-%s", exchange, name)}
	r := n.rooms[roomKey(id)]
	if r == nil && create && len(n.rooms) < maxRooms && len(id.Cookie) <= 0xFF {
		r = &chatRoom{id: id, name: name}
		n.rooms[roomKey(id)] = r
	}
	return r
}

// describe returns the room's description for clients.
func (r *chatRoom) describe() oscarwire.Room {
	return oscarwire.Room{RoomID: r.id, Detail: 2, TLVs: oscarwire.TLVs{
		oscarwire.TLV16(oscarwire.TagRoomFlags, 15),
		oscarwire.TLV16(oscarwire.TagRoomMaxMessage, maxRoomText), oscarwire.TLV16(oscarwire.TagRoomMaxUsers, 100),
		oscarwire.TLVText(oscarwire.TagRoomName, r.name), oscarwire.TLVText(oscarwire.TagRoomTitle, r.name),
		oscarwire.TLV16(oscarwire.TagRoomMaxVisible, maxRoomText),
	}}
}

// serveChatNav handles a SNAC on a connection of family 0D.
func (s *session) serveChatNav(snac oscarwire.SNAC) error {
	exchange := func(number uint16) oscarwire.TLV { // without a description
		return oscarwire.TLV32(oscarwire.TagNavExchange, uint32(number)<<16)
	}
	var r *chatRoom
	switch snac.ID {
	case oscarwire.ChatNavRightsQuery:
		s.send(oscarwire.ChatNavReply, snac.RequestID, oscarwire.NavReply{TLVs: oscarwire.TLVs{
			oscarwire.TLV8(oscarwire.TagNavMaxRooms, 10), exchange(ownExchange), exchange(publicExchange)}})
		return nil
	case oscarwire.ChatNavCreate:
		q, err := oscarwire.ParseRoom(snac.Body)
		if err != nil {
			return err
		}
		if q.Exchange != ownExchange && q.Exchange != publicExchange {
			s.fail(snac, oscarwire.CodeNotSupported)
			return nil
		}
		name, _ := q.TLVs.String(oscarwire.TagRoomTitle)
		if name == "" {
			return oscarwire.ErrMissing
		}
		r = s.net.findRoom(q.Exchange, name, q.Exchange == ownExchange)
	default:
		s.serveCommon(snac)
		return nil
	}
	if r == nil {
		s.fail(snac, oscarwire.CodeNoMatch)
		return nil
	}
	s.send(oscarwire.ChatNavReply, snac.RequestID, oscarwire.NewNavRoom(r.describe()))
	return nil
}

// serveChat handles a SNAC on a connection of family 0E.
func (s *session) serveChat(snac oscarwire.SNAC) error {
	switch snac.ID {
	case oscarwire.ServiceClientReady:
		s.enterRoom()
	case oscarwire.ChatSend:
		return s.relayChat(snac)
	default:
		s.serveCommon(snac)
	}
	return nil
}

// enterRoom adds the connection to its room. An account is in a room once: an older
// connection ends.
func (s *session) enterRoom() {
	if s.ready {
		return
	}
	s.net.cutRooms(s.account, s.room)
	s.ready = true
	s.room.broadcast(nil, oscarwire.ChatJoined, oscarwire.UserInfos{s.account.info(s.net.opts.Now())})
	s.room.members = append(s.room.members, s)
	var all oscarwire.UserInfos
	for _, b := range s.room.bots {
		all = append(all, b.account.info(s.net.opts.Now()))
	}
	for _, m := range s.room.members {
		all = append(all, m.account.info(s.net.opts.Now()))
	}
	s.send(oscarwire.ChatJoined, 0, all)
	s.send(oscarwire.ChatRoomUpdate, 0, s.room.describe())
	s.net.changed.Broadcast()
}

// leaveRoom handles the end of the connection.
func (s *session) leaveRoom() {
	if s.room == nil || !s.ready {
		return
	}
	s.room.members = slices.DeleteFunc(s.room.members, func(o *session) bool { return o == s })
	s.room.broadcast(nil, oscarwire.ChatLeft, oscarwire.UserInfos{s.account.info(s.net.opts.Now())})
	s.net.changed.Broadcast()
}

// cutRooms closes an account's connections to a room, or to all rooms for nil. n.mu is
// held.
func (n *Network) cutRooms(a *account, room *chatRoom) {
	for _, r := range n.rooms {
		for _, m := range slices.Clone(r.members) {
			if m.account == a && (room == nil || r == room) {
				m.disconnect(DisconnectClose)
			}
		}
	}
}

// CutRoom breaks an account's connections to its rooms, but not those to BOS.
func (n *Network) CutRoom(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		n.cutRooms(a, nil)
	}
}

// broadcast sends a SNAC to every member of the room but one.
func (r *chatRoom) broadcast(except *session, id oscarwire.ID, body oscarwire.Appender) {
	for _, m := range r.members {
		if m != except {
			m.send(id, 0, body)
		}
	}
}

// relayChat relays 0E/05, and reflects it if requested.
func (s *session) relayChat(snac oscarwire.SNAC) error {
	out, err := oscarwire.ParseChatMessage(snac.Body)
	if err != nil {
		return err
	}
	text, err := out.Text(nil)
	if err != nil || !s.ready {
		return err
	}
	content, _ := out.TLVs.Get(oscarwire.TagChatMessage)
	in := oscarwire.ChatMessage{Cookie: out.Cookie, Channel: out.Channel, TLVs: oscarwire.TLVs{
		oscarwire.TLVBytes(oscarwire.TagChatSender, s.account.info(s.net.opts.Now()).Append(nil)),
		{Tag: oscarwire.TagChatPublic},
		oscarwire.TLVBytes(oscarwire.TagChatMessage, slices.Clone(content)),
	}}
	s.room.broadcast(s, oscarwire.ChatIncoming, in)
	if out.TLVs.Has(oscarwire.TagChatReflect) {
		request := snac.RequestID
		if s.net.opts.UnnumberedChat {
			request = 0
		}
		s.send(oscarwire.ChatIncoming, request, in)
	}
	for _, b := range s.room.bots {
		b.enqueue(BotMessage{From: s.account.id, Text: oscarwire.HTMLToText(text), Room: s.room.name})
	}
	return nil
}

// EnterRoom makes the bot join a room of exchange 4, and creates the room if necessary.
func (b *Bot) EnterRoom(name string) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	if r := b.net.findRoom(ownExchange, name, true); r != nil {
		b.enter(r)
	}
}

// enter adds the bot to a room. Network.mu is held.
func (b *Bot) enter(r *chatRoom) {
	if slices.Contains(r.bots, b) {
		return
	}
	r.bots = append(r.bots, b)
	r.broadcast(nil, oscarwire.ChatJoined, oscarwire.UserInfos{b.account.info(b.net.opts.Now())})
}

// LeaveRoom makes the bot leave a room.
func (b *Bot) LeaveRoom(name string) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	if r := b.net.findRoom(ownExchange, name, false); r != nil && slices.Contains(r.bots, b) {
		r.bots = slices.DeleteFunc(r.bots, func(o *Bot) bool { return o == b })
		r.broadcast(nil, oscarwire.ChatLeft, oscarwire.UserInfos{b.account.info(b.net.opts.Now())})
	}
}

// Say sends an HTML message to a room of exchange 4, also without the bot being a
// member. Other bots do not receive it.
func (b *Bot) Say(room, html string) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	if r := b.net.findRoom(ownExchange, room, false); r != nil {
		from := b.account.info(b.net.opts.Now())
		r.broadcast(nil, oscarwire.ChatIncoming, oscarwire.NewChatMessage(newIMCookie(), html, oscarwire.Encoder{}, &from))
	}
}

// Invite invites a name to a room, which need not exist.
func (b *Bot) Invite(to string, room oscarwire.RoomID, text string) error {
	v := oscarwire.Invitation{Room: room, Text: text}.Rendezvous(newIMCookie())
	return b.SendRaw(to, oscarwire.NewIncomingRendezvous(oscarwire.UserInfo{}, v, 0))
}

// invited answers an invitation. Network.mu is held.
func (b *Bot) invited(from string, v oscarwire.Rendezvous) {
	i, err := v.Invitation(nil)
	if err != nil {
		return
	}
	r := b.net.rooms[roomKey(i.Room)]
	if r != nil && (b.opts.Accept == nil || b.opts.Accept(from, i.Text)) {
		b.enter(r)
		return
	}
	cancel := oscarwire.Rendezvous{Kind: oscarwire.RendezvousCancel, Cookie: v.Cookie, Capability: v.Capability,
		TLVs: oscarwire.TLVs{oscarwire.TLV16(oscarwire.TagRendezvousReason, 1)}}
	if err := b.net.sendIM(b.account, from, oscarwire.NewIncomingRendezvous(b.account.info(b.net.opts.Now()), cancel, 0)); err != nil {
		b.net.log.Debug().Err(err).Msg("a bot cannot decline")
	}
}
