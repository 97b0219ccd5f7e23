package component

import "time"

// outbox are the messages between the user and people: those that the network has not
// confirmed, those spooled in the registry in both directions, and what belongs to their
// conversations.
type outbox struct {
	u *user

	sent    map[string]*sentMessage // by Outgoing.Ref
	echos   map[string]time.Time    // ids of messages that the server hands back to us
	threads map[string]string       // of conversations, by peer
	stored  map[string]time.Time    // stamps of the last messages that the network had stored, by peer
	notices map[string]*heldNotices // for a user without a client, by the peer ID of the service
	reacted map[string][]string     // the user's reactions to messages, by reactionKey
	typing  map[string]time.Time    // when a composing state expires, by peer or typist
	chat    []chatLine              // of one-to-one chats, the latest last

	keptIn     bool        // the spool may have messages for the user
	keptOut    bool        // the spool may have messages for the network
	keptTill   time.Time   // when those for the network are bounced
	forgetting []int64     // spooled messages that were sent to the user and not confirmed
	forgetWhen <-chan bool // reports whether they have arrived
}

func (ob *outbox) due(now time.Time) {
	ob.expireTyping(now)
	if isDue(ob.keptTill, now) {
		ob.giveUpKept()
	}
	ob.forgetDelivered()
	ob.deliverKept()
}

func (ob *outbox) next() time.Time {
	next := ob.keptTill
	for _, until := range ob.typing {
		next = earliest(next, until)
	}
	return next
}

func (ob *outbox) busy() bool {
	return len(ob.sent) > 0 || ob.keptIn || ob.forgetting != nil || !ob.keptTill.IsZero()
}

func (ob *outbox) reset(why resetReason) {
	switch why {
	case linkChanged:
		ob.keptIn = ob.keptIn || ob.u.conn != nil && ob.u.account.exists()
	case sessionEnded:
		clear(ob.typing)
	case unregistered:
		ob.keptIn, ob.keptOut, ob.keptTill = false, false, time.Time{}
	case stopped:
		ob.failSent(ob.u.closeErr)
		ob.sendHeldNotices()
	}
}

// full reports whether the network has as many messages to confirm as may wait.
func (ob *outbox) full() bool { return len(ob.sent) >= maxSent }

// unconfirmed is how many messages the network has yet to confirm.
func (ob *outbox) unconfirmed() int { return len(ob.sent) }

// load notes that the spool has messages for the network. Those of a guest are bounced:
// their session is over.
func (ob *outbox) load(waiting, registered bool) {
	if ob.keptOut = waiting; !waiting {
		return
	}
	ob.keptTill = ob.u.c.clock.Now()
	if registered {
		ob.keptTill = ob.keptTill.Add(keptTime)
	}
}

// beginTyping notes that a peer or a typist is composing.
func (ob *outbox) beginTyping(key string) {
	if _, known := ob.typing[key]; known || len(ob.typing) < maxTyping {
		put(&ob.typing, key, ob.u.c.clock.Now().Add(typingTime))
	}
}

// endTyping forgets a composing state. It reports whether there was one.
func (ob *outbox) endTyping(key string) bool {
	_, known := ob.typing[key]
	delete(ob.typing, key)
	return known
}
