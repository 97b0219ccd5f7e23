package irc

import (
	"context"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// readMarkerCap is the capability of servers and bouncers that synchronise read markers
// between the clients of an account.
const readMarkerCap = "draft/read-marker"

// readMarkers are the read markers of a client's channels and private chats. The server
// stores them. (IRCv3 read-marker)
type readMarkers struct{ c *client }

func (rm readMarkers) supported() bool { return rm.c.caps[readMarkerCap] }

// MarkRead implements legacy.ReadMarker. It does nothing on a server without read markers.
func (s *session) MarkRead(_ context.Context, p legacy.Peer, mark time.Time) error {
	return s.at(p, false, nil, func(c *client, name string) { readMarkers{c}.move(name, mark) })
}

// move moves the read marker of a channel or a nick. It sends nothing if the queue of the
// rate limit is full: the next marker includes this one.
func (rm readMarkers) move(target string, mark time.Time) {
	if ch := rm.c.channels.byName[rm.c.fold(target)]; ch != nil {
		target = ch.name
	} else if !ircwire.IsName(target) {
		return
	}
	if rm.supported() {
		rm.c.send("MARKREAD " + target + " timestamp=" + mark.UTC().Format(ircwire.TimeFormat))
	}
}

// onMarkRead handles MARKREAD: the position at the JOIN of a channel, a change by another
// client of the account, or the answer to a change by this one. The server sends * for no
// position. The position of a private chat is not requested: the gateway does not fetch
// the history of private chats, so their messages are all new.
func (rm readMarkers) onMarkRead(m ircwire.Message) {
	value, ok := strings.CutPrefix(m.Param(1), "timestamp=")
	mark, err := time.Parse(ircwire.TimeFormat, value)
	if !ok || err != nil || mark.IsZero() || !rm.supported() {
		return
	}
	target := m.Param(0)
	if ch := rm.c.channels.byName[rm.c.fold(target)]; ch != nil {
		rm.c.emit(legacy.ReadMarked{Peer: ch.peer, Mark: mark})
	} else if ircwire.IsNick(target) {
		rm.c.emit(legacy.ReadMarked{Peer: rm.c.peer(target), Mark: mark})
	}
}

// position returns a message's position: its server-time. It is zero for the user's own
// message, and without read markers. (IRCv3 server-time)
func (rm readMarkers) position(m ircwire.Message) (mark time.Time) {
	if m.Tags != nil && rm.supported() && !rm.c.isMe(m.Nick()) {
		mark, _ = m.Time()
	}
	return mark
}
