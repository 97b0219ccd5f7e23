package component

import (
	"slices"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// markers are the user's read positions. They pass on <displayed/> between the user's XMPP
// clients and the read markers of the network. A network whose session is no
// legacy.ReadMarker has none: its messages have no ReadMark. (XEP-0333)
type markers struct {
	u *user

	messages []markable               // messages that clients can mark, the latest last
	chats    map[string]*readPosition // by peer ID
	syncAt   time.Time                // when changed positions are passed on, zero for none
}

// markable is a message that a client can mark as displayed.
type markable struct {
	peer string // ID
	id   string // of the stanza; in a room the stanza ID (XEP-0359)
	mark time.Time
}

// readPosition is how far the user has read a chat or a room. Positions are marks of
// messages, and never decrease.
type readPosition struct {
	peer    legacy.Peer
	read    time.Time // the latest position
	network time.Time // the position that the network has
	clients time.Time // the position that the user's clients have
}

const (
	maxMarkable = 1000        // limit: messages of a user that clients can mark as displayed | markers of older ones have no effect
	maxRead     = 256         // limit: chats of a user with a read position | the one that was read the longest ago is dropped
	markDelay   = time.Second // a client marks each message while the user scrolls
)

const markableTag = "<markable xmlns='" + xep.NSChatMarkers + "'/>"

func (mk *markers) due(now time.Time) {
	if !isDue(mk.syncAt, now) || !mk.connected() {
		return
	}
	mk.syncAt = time.Time{}
	for _, pos := range mk.chats {
		mk.tellNetwork(pos)
		mk.tellClients(pos)
	}
}

func (mk *markers) next() time.Time {
	if !mk.connected() {
		return time.Time{}
	}
	return mk.syncAt
}

// busy is false: without a session or a client, positions need not be passed on.
func (mk *markers) busy() bool { return false }

func (mk *markers) reset(why resetReason) {
	if why == unregistered { // positions outlive links and sessions
		*mk = markers{u: mk.u}
	}
}

// connected reports whether positions can be passed on in both directions.
func (mk *markers) connected() bool {
	return mk.u.login.legacySession() != nil && mk.u.c.conn.Load() != nil
}

// onMessage handles the <displayed/> in a message from one of the user's clients, if there
// is one. A marker of an unknown message, or behind the position, has no effect; the
// server's copy of a marker of ours is one of these. (XEP-0333 §4.2, §4.3, §5)
func (mk *markers) onMessage(st *stanza.Inbound) {
	id := st.Child(xep.NSChatMarkers, "displayed").Attr("id")
	if id == "" || st.Type == "error" {
		return
	}
	peer, err := mk.u.c.peers.At(st.To)
	m := mk.find(peer, id)
	if err != nil || m == nil || peer.Room != (st.Type == "groupchat") {
		return
	}
	if pos := mk.advance(peer, m.mark); pos != nil && !peer.Room { // the server sends the other clients a carbon
		pos.clients = m.mark
	}
}

// onReadMarked handles the network's read marker: another client of the account has moved
// it, or it confirms ours.
func (mk *markers) onReadMarked(ev legacy.ReadMarked) {
	if pos := mk.advance(ev.Peer, ev.Mark); pos != nil {
		pos.network = ev.Mark
	}
}

// advance moves a position and schedules passing it on. It returns nil if the mark is not
// after the position.
func (mk *markers) advance(p legacy.Peer, mark time.Time) *readPosition {
	pos := mk.chats[p.ID]
	if p.ID == "" || mark.IsZero() || pos != nil && !mark.After(pos.read) {
		return nil
	}
	if pos == nil {
		mk.makeRoom()
		pos = &readPosition{peer: p}
		lazySet(&mk.chats, p.ID, pos)
	}
	pos.read = mark
	mk.schedule()
	return pos
}

// makeRoom removes the chat that was read the longest ago if there are maxRead.
func (mk *markers) makeRoom() {
	if len(mk.chats) < maxRead {
		return
	}
	oldest := ""
	for id, pos := range mk.chats {
		if oldest == "" || pos.read.Before(mk.chats[oldest].read) {
			oldest = id
		}
	}
	delete(mk.chats, oldest)
}

func (mk *markers) schedule() {
	if mk.syncAt.IsZero() {
		mk.syncAt = mk.u.c.clock.Now().Add(markDelay)
	}
}

// tellNetwork moves the network's read marker to a position.
func (mk *markers) tellNetwork(pos *readPosition) {
	marker, ok := mk.u.login.legacySession().(legacy.ReadMarker)
	if !ok || !pos.read.After(pos.network) {
		return
	}
	if err := marker.MarkRead(mk.u.ctx, pos.peer, pos.read); err != nil {
		mk.u.log.Debug().Err(err).Msg("cannot move a read marker")
		return
	}
	pos.network = pos.read
}

// tellClients sends the user's clients a <displayed/> of the user for the last message up
// to a position: in a room from the user's own occupant, in a chat by the message
// privilege. Without that privilege it sends none. (XEP-0333 §4.3, XEP-0356 §5)
func (mk *markers) tellClients(pos *readPosition) {
	m := mk.last(pos.peer, pos.read)
	if m == nil || !m.mark.After(pos.clients) {
		return
	}
	displayed := element.New(xep.NSChatMarkers, "displayed").Set("id", m.id)
	sent := false
	if pos.peer.Room {
		sent = mk.u.rooms.SendOwn(pos.peer, displayed)
	} else {
		sent = mk.u.sendAsUser(mk.u.c.peers.JID(pos.peer.ID), newID(), displayed, element.New("urn:xmpp:hints", "store"))
	}
	if sent {
		pos.clients = m.mark
	}
}

func (mk *markers) find(p legacy.Peer, id string) *markable {
	for i, m := range slices.Backward(mk.messages) {
		if m.id == id && m.peer == p.ID {
			return &mk.messages[i]
		}
	}
	return nil
}

// last returns the last message of a chat up to a position, nil if there is none.
func (mk *markers) last(p legacy.Peer, read time.Time) (last *markable) {
	for i, m := range mk.messages {
		if m.peer == p.ID && !m.mark.After(read) && (last == nil || !m.mark.Before(last.mark)) {
			last = &mk.messages[i]
		}
	}
	return last
}

// Note implements muc.Marks. It adds a message that is about to be sent to the user's clients. A zero mark stands
// for a message that cannot be marked. A message that the user has read elsewhere is marked
// once the clients have it.
func (mk *markers) Note(p legacy.Peer, id string, mark time.Time) {
	if mark.IsZero() {
		return
	}
	if len(mk.messages) >= maxMarkable {
		mk.messages = slices.Delete(mk.messages, 0, maxMarkable/2)
	}
	mk.messages = append(mk.messages, markable{p.ID, id, mark})
	if pos := mk.chats[p.ID]; pos != nil && !mark.After(pos.read) {
		mk.schedule()
	}
}

// IsMarkable implements muc.Marks. (XEP-0333 §4.1)
func (mk *markers) IsMarkable(p legacy.Peer, id string) bool {
	m := mk.find(p, id)
	pos := mk.chats[p.ID]
	return m != nil && (pos == nil || m.mark.After(pos.read))
}
