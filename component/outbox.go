package component

import (
	"time"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/stream"
)

// outbox are the messages between the user and people: those that the network has not
// confirmed, those spooled in the registry in both directions, and what belongs to their
// conversations.
type outbox struct {
	u *user

	sent         map[string]*sentMessage // by Outgoing.Ref
	echos        map[string]time.Time    // IDs of messages that the user's server sends back to the gateway
	threads      map[string]string       // threads of conversations, by peer
	storedStamps map[string]time.Time    // stamps of the last offline messages, by peer
	notices      map[string]*heldNotices // for a user without a client, by the peer ID of the service
	reactions    body.Reactions          // the user's, to messages of one-to-one chats
	typing       map[string]time.Time    // when a composing state expires, by peer
	chat         []chatLine              // of one-to-one chats, the latest last
	bounced      []bounced               // undelivered messages whose senders' clients are offline

	spool spool
}

// spool is what the actor knows of the user's messages in the registry: inbound ones wait
// for the link to the XMPP server, outbound ones for the session.
type spool struct {
	inbound  bool        // there may be messages for the user
	outbound bool        // there may be messages for the network
	expires  time.Time   // when the outbound messages are bounced, zero if there are none
	unacked  []int64     // rows that were sent to the user's server and not yet acknowledged
	acked    <-chan bool // receives whether the server has acknowledged them
	retryAt  time.Time   // when the registry is read again after an error, zero for at once
}

func (ob *outbox) due(now time.Time) {
	ob.expireTyping(now)
	if isDue(ob.spool.expires, now) {
		ob.bounceExpired()
	}
	if isDue(ob.spool.retryAt, now) {
		ob.spool.retryAt = time.Time{}
	}
	ob.deleteDelivered()
	ob.deliverSpooled()
	ob.reportBounced()
}

func (ob *outbox) next() time.Time {
	next := earliest(ob.spool.expires, ob.spool.retryAt)
	for _, until := range ob.typing {
		next = earliest(next, until)
	}
	return next
}

func (ob *outbox) busy() bool {
	return len(ob.sent) > 0 || len(ob.bounced) > 0 || ob.spool.inbound || ob.spool.unacked != nil || !ob.spool.expires.IsZero()
}

func (ob *outbox) reset(why resetReason) {
	switch why {
	case linkChanged:
		ob.spool.inbound = ob.spool.inbound || ob.u.conn != nil && ob.u.account.exists()
	case sessionEnded:
		clear(ob.typing)
	case unregistered:
		ob.spool.inbound, ob.spool.outbound, ob.spool.expires = false, false, time.Time{}
	case stopped:
		ob.failSent(ob.u.closeErr)
		ob.reportBounced()
		ob.sendHeldNotices()
	}
}

// full reports whether maxSent messages wait for the network's confirmation.
func (ob *outbox) full() bool { return len(ob.sent) >= maxSent }

// unconfirmed returns the number of messages that wait for the network's confirmation.
func (ob *outbox) unconfirmed() int { return len(ob.sent) }

// load records whether the spool has messages for the network. Those of a guest are
// bounced: a guest's session does not survive a restart.
func (ob *outbox) load(waiting, registered bool) {
	if ob.spool.outbound = waiting; !waiting {
		return
	}
	ob.spool.expires = ob.u.c.clock.Now()
	if registered {
		ob.spool.expires = ob.spool.expires.Add(spoolTime)
	}
}

// Bounce implements stanza.Bouncer. The error goes to the client that sent the message. If
// that client is offline, or the link is down, the user gets a report about the message
// instead: a server stores that for an offline user, and drops errors to offline clients.
func (ob *outbox) Bounce(st *stanza.Inbound, why stanza.Error) {
	b := newBounced(st, why)
	if conn := ob.u.c.conn.Load(); conn != nil && !ob.u.clients.gone(st.From) {
		e, id := st.ErrorStanza(why), newID()
		unacked := stream.Message{User: ob.u.bare, ID: id, Stanza: appendReport(nil, ob.u.c.peers.Full(ob.u.c.domain), ob.u.bare, id, []bounced{b})}
		if conn.Track(func(dst []byte) []byte { return e.Append(dst, stanza.NS) }, unacked) == nil {
			return
		}
	}
	ob.bounced = append(ob.bounced, b)
	ob.u.poke()
}

// reportBounced sends the user the reports about undelivered messages: one for the messages
// to one receiver that failed for the same reason.
func (ob *outbox) reportBounced() {
	for rest := ob.bounced; len(rest) > 0; {
		n := reportSize(rest)
		report, id := rest[:n], newID()
		rest = rest[n:]
		ob.deliver(func(dst []byte) []byte {
			return appendReport(dst, ob.u.c.peers.Full(ob.u.c.domain), ob.u.bare, id, report)
		},
			stream.Message{User: ob.u.bare, ID: id})
	}
	ob.bounced = nil
}
