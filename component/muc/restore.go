package muc

import (
	"time"

	"transport/component/stanza"
	"transport/legacy"
)

// loss is the lost connection of a room that the adapter, or Rejoin, joins again. The zero
// value stands for none so far.
type loss struct {
	reason     string    // for the user
	told       bool      // the room knows of the loss, and not yet of the return
	tellAt     time.Time // when the room is told of a loss that lasts, zero for never
	quietUntil time.Time // until then the room is told of no further loss
}

// quietTime is the shortest time between two losses that a room is told of.
const quietTime = time.Minute

// isRestoring reports whether the user was in a room, and the gateway joins it again. The
// clients stay in it meanwhile. r may be nil.
func isRestoring(r *Room) bool {
	return r != nil && r.nick != "" && r.state != Joined && r.state != Leaving
}

// isShown reports whether clients can be in the room: the user is in it, or the gateway
// joins it again. r may be nil.
func (r *Room) isShown() bool { return r.isJoined() || isRestoring(r) }

// interrupt handles the loss of the network connection of a room. The adapter or Rejoin
// joins it again.
func interrupt(r *Room, err error) {
	r.state, r.loss.reason = Interrupted, lossReason(err)
	if now := r.rs.shared.Clock.Now(); r.loss.quietUntil.After(now) {
		r.loss.tellAt = r.loss.quietUntil
	} else {
		r.loss.tell(r)
	}
	r.refuseNickChange(err)
	r.refuseSubject(r.loss.err())
}

func lossReason(err error) string { return "You were disconnected: " + stanza.Translate(err).Text }

// text says to the user why the room is silent.
func (l *loss) text() string { return l.reason + " The gateway is reconnecting." }

// err is the error of what cannot be done while the connection is lost. Clients take it for
// neither a leave nor a failed join. (RFC 6120 §8.3.3.13)
func (l *loss) err() stanza.Error {
	return stanza.Error{Type: stanza.Wait, Condition: stanza.RecipientUnavailable, Text: l.text() + " Try again in a moment."}
}

// tell tells the clients in the room that the connection is lost.
func (l *loss) tell(r *Room) {
	l.told, l.tellAt, l.quietUntil = true, time.Time{}, r.rs.shared.Clock.Now().Add(quietTime)
	r.sendRoomText(l.text())
}

// tellJoined shows a client that joins the room what the others know.
func (l *loss) tellJoined(r *Room, full string) {
	if l.told {
		r.rs.shared.writeElement(roomText(r.jid, full, l.text()))
		return
	}
	l.tell(r)
}

// tellReturn tells the clients in the room that the connection is back, if they know that it
// was lost.
func (l *loss) tellReturn(r *Room) {
	if l.told {
		r.sendRoomText("The connection is back.")
	}
	l.told, l.tellAt = false, time.Time{}
}

// tellLosses tells the rooms of losses that have lasted since the end of the quiet time.
func (s *set) tellLosses(now time.Time) {
	for _, r := range s.all {
		if !r.loss.tellAt.IsZero() && !r.loss.tellAt.After(now) {
			r.loss.tell(r)
		}
	}
}

// refusePending answers what the network will not confirm because it has joined the user
// again, with a nick.
func refusePending(r *Room, nick string) {
	if r.nick != nick { // the clients get the new one
		r.pendingNick = nil
	}
	r.refuseNickChange(errJoinedAgain)
	r.refuseSubject(Translate(errJoinedAgain))
}

// errNotIn is the error of what only a user in the room may do. r may be nil.
func errNotIn(r *Room) stanza.Error {
	if isRestoring(r) {
		return r.loss.err()
	}
	return errNotInRoom
}

var (
	// errSignsOnAgain is the reason if the gateway itself has ended the session.
	errSignsOnAgain = legacy.Errorf(legacy.Temporary, "The gateway signs on to the network again.")
	errJoinedAgain  = legacy.Errorf(legacy.Temporary, "You were joined to the room again before the network confirmed the change. Check the room, and try again.")
)
