package component

import (
	"context"
	"time"

	"transport/component/stanza"
	"transport/component/stream"
	"transport/component/xep"
	"transport/registry"
)

// spoolTime is how long a message for the network waits for its sender's session before it
// is bounced.
const spoolTime = 2 * time.Minute

// spoolRetry is the pause before the registry is read again after an error.
const spoolRetry = 5 * time.Second

// deliver writes a message to the link, or spools it in the registry if there is no link.
// If the registry fails, too (a full disk), the actor blocks and retries: its queue fills
// up, and TCP applies back-pressure to the network.
func (ob *outbox) deliver(build func(dst []byte) []byte, msg stream.Message) {
	for warned := false; ; {
		if conn := ob.u.c.conn.Load(); conn != nil {
			if conn.Track(build, msg) == nil {
				return
			}
			<-conn.Settled() // earlier messages are spooled first
		}
		msg.Stanza = build(nil)
		err := ob.u.c.spoolInbound(msg)
		if err == nil {
			ob.spool.inbound = true
			return
		}
		if !warned {
			ob.u.log.Error().Err(err).Msg("cannot spool a message; the session is blocked until that is possible")
			warned = true
			defer ob.u.poke() // pause may have consumed a wake-up of the loop
		}
		if !ob.u.pause(5 * time.Second) {
			ob.u.log.Error().Str("peer", msg.Peer).Msg("a message was lost at shutdown: it could be neither sent nor spooled")
			return
		}
	}
}

// pause waits for a while, or until poke is called. It returns false when the actor was
// stopped.
func (u *user) pause(d time.Duration) bool {
	stop := u.c.clock.AfterFunc(d, u.poke)
	defer stop()
	select {
	case <-u.wake:
		return true
	case <-u.stopped:
		return false
	}
}

// spoolInbound stores a message for the user until there is a link. Any goroutine may call
// it.
func (c *Component) spoolInbound(msg stream.Message) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	_, err := c.cfg.Registry.KeepMessage(ctx, registry.Message{
		Network: c.domain, User: msg.User, Peer: msg.Peer, Direction: registry.Inbound,
		StanzaID: msg.ID, Payload: msg.Stanza, Created: c.clock.Now(),
	})
	return err
}

// spoolUnacked stores the unacknowledged messages of a connection that has ended. If the
// registry fails they are held in memory for the next connection.
func (c *Component) spoolUnacked(unacked []stream.Message) {
	for _, msg := range unacked {
		if err := c.spoolInbound(msg); err != nil {
			c.log.Error().Err(err).Str("user", msg.User).Msg("cannot spool a message; it is held in memory")
			c.unsaved = append(c.unsaved, msg)
			continue
		}
		c.journal.file.Done(msg.Entry)
	}
}

// resendUnsaved sends the messages that spoolUnacked had to hold in memory.
func (c *Component) resendUnsaved(conn *stream.Conn) {
	for len(c.unsaved) > 0 {
		msg := c.unsaved[0]
		if conn.Track(func(dst []byte) []byte { return append(dst, msg.Stanza...) }, msg) != nil {
			return
		}
		c.unsaved = c.unsaved[1:]
	}
}

// deliverSpooled sends the spooled messages for the user. deleteDelivered removes them once
// the user's server has acknowledged them.
func (ob *outbox) deliverSpooled() {
	conn := ob.u.c.conn.Load()
	if !ob.spool.inbound || conn == nil || ob.spool.unacked != nil || !ob.spool.retryAt.IsZero() {
		return
	}
	ctx, cancel := ob.u.storing()
	defer cancel()
	rows, err := ob.spooled(ctx, registry.Inbound)
	if err != nil {
		ob.u.log.Error().Err(err).Msg("cannot read the spool")
		ob.spool.retryAt = ob.u.c.clock.Now().Add(spoolRetry)
		return
	}
	ob.spool.inbound = false
	var ids []int64
	var invalid []registry.Message
	var last time.Time
	for _, row := range rows {
		e, err := stanza.Parse(row.Payload)
		if err != nil {
			invalid = append(invalid, row)
			continue
		}
		if e.Child(xep.NSDelay, "delay") == nil {
			last = xep.Increasing(row.Created, last)
			e.Add(xep.Delay(ob.u.c.domain, last))
		}
		if conn.Write(func(dst []byte) []byte { return e.Append(dst, stanza.NS) }) != nil {
			ob.spool.inbound = true
			return
		}
		ids = append(ids, row.ID)
	}
	ob.setAsideInvalid(ctx, registry.Inbound, invalid)
	if len(ids) == 0 {
		return
	}
	ob.spool.unacked = ids
	confirmed := make(chan bool, 1)
	ob.spool.acked = confirmed
	conn.WhenAcked(func(ok bool) {
		confirmed <- ok
		ob.u.poke()
	})
}

// deleteDelivered deletes the acknowledged messages from the spool, or marks them for
// redelivery if the connection ended before the acknowledgement.
func (ob *outbox) deleteDelivered() {
	if ob.spool.unacked == nil {
		return
	}
	select {
	case ok := <-ob.spool.acked:
		ids := ob.spool.unacked
		ob.spool.unacked, ob.spool.acked = nil, nil
		if !ok {
			ob.spool.inbound = true
			return
		}
		ctx, cancel := ob.u.storing()
		defer cancel()
		if err := ob.u.c.cfg.Registry.ForgetMessages(ctx, ids...); err != nil {
			ob.u.log.Error().Err(err).Msg("cannot delete delivered messages from the spool; they will be sent again")
		}
	default:
	}
}

// onFlush answers a session's Flush once the messages that the session emitted are either
// acknowledged by the server or spooled.
func (ob *outbox) onFlush(done chan<- struct{}) {
	conn := ob.u.c.conn.Load()
	if conn == nil {
		close(done)
		return
	}
	conn.WhenAcked(func(ok bool) {
		if !ok {
			<-conn.Settled()
		}
		close(done)
	})
}

// spoolOutbound stores a message for the network until the session is ready.
func (ob *outbox) spoolOutbound(st *stanza.Inbound) {
	ctx, cancel := ob.u.storing()
	defer cancel()
	_, err := ob.u.c.cfg.Registry.KeepMessage(ctx, registry.Message{
		Network: ob.u.c.domain, User: ob.u.bare, Direction: registry.Outbound, StanzaID: st.ID,
		Peer: st.To.Local, Payload: st.Append(nil, stanza.NS), Created: ob.u.c.clock.Now(),
	})
	if err != nil {
		ob.u.log.Error().Err(err).Msg("cannot spool a message for the network")
		st.Refuse(stanza.ErrNotOnline)
		return
	}
	ob.u.c.journal.settled(st)
	ob.spool.outbound = true
	if ob.spool.expires.IsZero() {
		ob.spool.expires = ob.u.c.clock.Now().Add(spoolTime)
	}
}

// takeOutbound returns the spooled messages for the network and deletes them from the
// spool. The caller sends or bounces each of them.
func (ob *outbox) takeOutbound() []*stanza.Inbound {
	ob.spool.expires = time.Time{}
	if !ob.spool.outbound {
		return nil
	}
	ctx, cancel := ob.u.storing()
	defer cancel()
	rows, err := ob.spooled(ctx, registry.Outbound)
	if err != nil {
		ob.u.log.Error().Err(err).Msg("cannot read the spool of messages for the network")
		ob.spool.expires = ob.u.c.clock.Now().Add(spoolTime)
		return nil
	}
	ob.spool.outbound = false
	var stanzas []*stanza.Inbound
	var ids []int64
	var invalid []registry.Message
	for _, row := range rows {
		e, err := stanza.Parse(row.Payload)
		var st *stanza.Inbound
		if err == nil {
			st, err = stanza.Read(e, &ob.u.c.host)
		}
		if err != nil {
			invalid = append(invalid, row)
			continue
		}
		ids = append(ids, row.ID)
		st.Bouncer = ob
		ob.u.c.journal.record(st)
		stanzas = append(stanzas, st)
	}
	ob.setAsideInvalid(ctx, registry.Outbound, invalid)
	if err := ob.u.c.cfg.Registry.ForgetMessages(ctx, ids...); err != nil {
		ob.u.log.Error().Err(err).Msg("cannot delete messages for the network from the spool")
	}
	return stanzas
}

// sendSpooled sends the messages that were spooled during the sign-on.
func (ob *outbox) sendSpooled() {
	for _, st := range ob.takeOutbound() {
		ob.onMessage(st)
		if !st.Held {
			ob.u.c.journal.settled(st)
		}
	}
}

// bounceExpired bounces the spooled messages for the network after spoolTime.
func (ob *outbox) bounceExpired() {
	why := ob.u.login.notOnline()
	if ob.u.login.signOnError() != nil {
		why = stanza.Translate(ob.u.login.signOnError())
	}
	for _, st := range ob.takeOutbound() {
		st.Refuse(why)
		ob.u.c.journal.settled(st)
	}
}
