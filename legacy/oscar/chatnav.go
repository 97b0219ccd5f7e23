package oscar

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// roomSession is a session of AIM, which has rooms. ICQ has none.
type roomSession struct{ *session }

var _ legacy.Roomer = roomSession{}

const (
	maxChats    = 20  // limit: rooms of a user; each needs a connection | the join is refused: resource-constraint
	maxInvites  = 64  // limit: invitations that can still be refused | all are forgotten; a refusal is not sent
	maxRoomName = 100 // limit: bytes of a room's name | item-not-found
)

// ownExchange is the exchange in which users create rooms. An exchange is a set of
// rooms with common rules; servers have their own public rooms in other exchanges.
const ownExchange uint16 = 4

// parseRoom parses a room's address: "#chess" is the room chess in exchange 4,
// "#5-chess" is in exchange 5. Case is ignored, as in Open OSCAR Server.
func parseRoom(s string) (legacy.Peer, bool) {
	name, ok := strings.CutPrefix(strings.TrimSpace(s), "#")
	if !ok {
		return legacy.Peer{}, false
	}
	return roomPeer(splitExchange(name))
}

// roomPeer returns the address of a room; ok is false if the name cannot be written as
// an address.
func roomPeer(exchange uint16, name string) (legacy.Peer, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "" || len(name) > maxRoomName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return legacy.Peer{}, false
	}
	if _, rest := splitExchange(name); exchange != ownExchange || rest != name {
		name = strconv.Itoa(int(exchange)) + "-" + name
	}
	return legacy.Peer{ID: "#" + name, Room: true}, true
}

// splitExchange splits the part of an address after the #.
func splitExchange(s string) (exchange uint16, name string) {
	if number, name, ok := strings.Cut(s, "-"); ok && strings.TrimSpace(name) != "" {
		n, err := strconv.ParseUint(number, 10, 16)
		if err == nil && strconv.FormatUint(n, 10) == number {
			return uint16(n), name
		}
	}
	return ownExchange, s
}

// JoinRoom implements legacy.Roomer. AIM's rooms have no passwords.
func (s roomSession) JoinRoom(_ context.Context, room legacy.Peer, _, _ string) error {
	return s.enqueue(func(c *client) { c.chats.joinRoom(room) })
}

// LeaveRoom implements legacy.Roomer. AIM has no part messages.
func (s roomSession) LeaveRoom(_ context.Context, room legacy.Peer, _ string) error {
	return s.enqueue(func(c *client) { c.chats.leaveRoom(room) })
}

// Invite implements legacy.Roomer.
func (s roomSession) Invite(_ context.Context, where, who legacy.Peer) error {
	return s.enqueue(func(c *client) {
		if r := c.chats.rooms[where.ID]; r == nil || r.over || !r.do(func(r *room) { r.invite(who) }) {
			c.emit(legacy.RoomFailed{Room: where, Err: errNotInRoom()})
		}
	})
}

// SetNick implements legacy.Roomer. AIM does not support it.
func (s roomSession) SetNick(context.Context, legacy.Peer, string) error {
	return s.impossible("AIM uses your screen name in every room. You cannot change it.")
}

// SetTopic implements legacy.Roomer. AIM does not support it.
func (s roomSession) SetTopic(context.Context, legacy.Peer, string) error {
	return s.impossible("AIM's rooms have no subject that can be changed.")
}

// Moderate implements legacy.Roomer. AIM does not support it.
func (s roomSession) Moderate(context.Context, string, legacy.Peer, legacy.Moderation) error {
	return s.impossible("AIM's rooms have no moderators.")
}

func (s roomSession) impossible(why string) error {
	if !s.live.Load() {
		return s.errOffline()
	}
	return legacy.Errorf(legacy.Unsupported, "%s", why)
}

func errNotInRoom() error {
	return legacy.Errorf(legacy.NotFound, "You are not in this room.")
}

// chats are the chat rooms, each with a connection of its own, and the pending
// invitations.
type chats struct {
	c *client

	rooms   map[string]*room // that the user is in, joining or leaving
	invites map[oscarwire.Cookie]invite
}

func newChats(c *client) chats {
	return chats{c: c, rooms: make(map[string]*room), invites: make(map[oscarwire.Cookie]invite)}
}

// joinRoom joins a room.
func (ch *chats) joinRoom(peer legacy.Peer) {
	switch r := ch.rooms[peer.ID]; {
	case r == nil && len(ch.rooms) >= maxChats:
		ch.c.emit(legacy.RoomFailed{Room: peer, Err: legacy.Errorf(legacy.RateLimited, "You are in too many rooms. Leave one first.")})
	case r == nil:
		ch.startRoom(peer)
	case r.leaving || r.over:
		r.again = true
	default: // the core has lost the room's state and needs RoomJoined again
		r.do(func(r *room) { r.enter() })
	}
}

// leaveRoom leaves a room, or cancels the join.
func (ch *chats) leaveRoom(peer legacy.Peer) {
	if r := ch.rooms[peer.ID]; r != nil {
		r.leaving, r.again = true, false
		r.stop()
	}
}

// say sends the parts of a text to a room.
func (ch *chats) say(messages []*message, parts []legacy.Outgoing) {
	r := ch.rooms[parts[0].To.ID]
	switch {
	case r == nil || r.leaving || r.over:
		ch.c.icbm.messageFailed(messages[0], errNotInRoom())
	case !r.do(func(r *room) { r.sendAll(messages, parts) }):
		ch.c.icbm.messageFailed(messages[0], legacy.Errorf(legacy.RateLimited, "Too many requests to %s are waiting. Try again in a moment.", ch.c.s.net.name()))
	}
}

// startRoom starts the goroutine of a room, which joins it.
func (ch *chats) startRoom(peer legacy.Peer) {
	life, stop := context.WithCancel(ch.c.life)
	r := &room{client: newClient(ch.c.s, life), peer: peer, stop: stop, queue: make(chan func(*room), roomQueueLen),
		occupants: make(map[string]legacy.Occupant)}
	ch.rooms[peer.ID] = r
	ch.c.background.Go(func() {
		err := r.run()
		r.close()
		stop()
		select { // report to the session's goroutine
		case ch.c.s.queue <- func(c *client) { c.chats.onRoomEnded(r, err) }:
		case <-ch.c.life.Done():
		}
	})
}

// onRoomEnded handles the end of a room's goroutine. It reports a lost room with the
// server's next frame only: if the session is lost, too, the core rejoins the room in
// the next session.
func (ch *chats) onRoomEnded(r *room, err error) {
	r.over = true
	r.abandon(err)
	if r.leaving || !r.entered {
		ch.forgetRoom(r, err)
		return
	}
	ch.c.rates.submit(&packet{id: oscarwire.ServiceSelfQuery, answered: func(oscarwire.SNAC, error) { ch.forgetRoom(r, err) }})
}

// forgetRoom emits the event for the end of a room.
func (ch *chats) forgetRoom(r *room, err error) {
	if ch.rooms[r.peer.ID] != r {
		return
	}
	delete(ch.rooms, r.peer.ID)
	ch.c.s.limits.set(r.peer.ID, roomLimit{})
	switch {
	case !r.entered && !r.leaving:
		ch.c.emit(legacy.RoomFailed{Room: r.peer, Err: err})
	case r.entered && r.leaving:
		ch.c.emit(legacy.RoomLeft{Room: r.peer})
	case r.entered:
		ch.c.s.env.Log.Info().Err(err).Msg("lost a chat room")
		ch.c.emit(legacy.RoomLeft{Room: r.peer, Kind: legacy.LeftLost, Reason: "The connection to the room was lost."})
	}
	if r.again {
		ch.joinRoom(r.peer)
	}
}

// invite is an invitation that was sent.
type invite struct{ room, who legacy.Peer }

// invite invites a user to a room. (AOL, "Rendezvous")
func (ch *chats) invite(room legacy.Peer, id oscarwire.RoomID, who legacy.Peer) {
	var cookie oscarwire.Cookie
	_, _ = rand.Read(cookie[:]) // never fails
	if len(ch.invites) >= maxInvites {
		clear(ch.invites)
	}
	ch.invites[cookie] = invite{room, who}
	text := oscarwire.Invitation{Room: id, Text: "Join me in this chat room."}
	ch.c.rates.submit(&packet{id: oscarwire.ICBMSend, body: oscarwire.NewOutgoingRendezvous(who.ID, text.Rendezvous(cookie), 0),
		answered: func(snac oscarwire.SNAC, err error) { // there is no reply on success
			if err == nil {
				err = ch.c.answerError(snac, nil)
			} else if legacy.KindOf(err) == legacy.Temporary {
				err = nil
			}
			if err != nil {
				ch.c.emit(legacy.RoomFailed{Room: room, Err: err})
			}
		}})
}

// onInviteRefused handles a declined invitation.
func (ch *chats) onInviteRefused(from legacy.Peer, cookie oscarwire.Cookie) {
	if i, ok := ch.invites[cookie]; ok && i.who.ID == from.ID {
		delete(ch.invites, cookie)
		ch.c.emit(legacy.RoomFailed{Room: i.room, Err: legacy.Errorf(legacy.Forbidden, "%s has declined your invitation.", from.ID)})
	}
}

// onInvited handles an invitation. The text of the inviter precedes it as a message.
// The user joins the room by its name, like any other room: joining the room ID in the
// invitation could lead to a room with another name.
func (ch *chats) onInvited(v oscarwire.Rendezvous, received legacy.MessageReceived) error {
	i, err := v.Invitation(ch.c.s.net.page)
	if err != nil {
		return err
	}
	peer, ok := roomPeer(i.Room.Exchange, i.Room.Name())
	if !ok {
		received.Text = "(invited you to a chat room whose name this gateway does not support)"
		ch.c.icbm.received(received)
		return nil
	}
	received.Text = oscarwire.HTMLToText(i.Text)
	ch.c.icbm.received(received)
	ch.c.emit(legacy.Invited{Room: peer, By: received.From})
	return nil
}
