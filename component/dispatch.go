package component

import (
	"strings"

	"transport/component/address"
	"transport/component/element"
	"transport/component/stanza"
)

// dispatch routes one stanza. The stream reader calls it; it never blocks. refuse, if
// set, is sent as the answer.
func (c *Component) dispatch(e *element.Element, refuse *stanza.Error) {
	defer c.recoverPanic("dispatch")
	st, err := stanza.Read(e, &c.host)
	if err != nil {
		c.log.Debug().Str("kind", e.Name).Msg("stanza without a valid sender")
		return
	}
	c.counters.stanzas.Add(1)
	if isJournaled(st) || refuse != nil && e.Name == "message" {
		st.Bouncer = (*readerBouncer)(c)
	}
	if st.From.Domain == c.domain { // only our own pings have this sender, and package stream consumes them
		return
	}
	switch {
	case st.To == (address.JID{}):
		refuse = &stanza.ErrJIDMalformed
	case st.To.Domain != c.domain:
		// Not ours to answer: the server would end the stream over its sender.
		c.misrouted.Do(func() {
			c.log.Error().Str("to", st.To.Domain).Str("remedy", "in ejabberd, add global_routes: false to the ejabberd_service listener").
				Msg("the XMPP server routes stanzas for another domain to us: messages are lost")
		})
		return
	}
	// Presence is exempt from the rate limit: the server sends a client's presence, and
	// a probe, to every contact.
	if refuse == nil && e.Name != "presence" && !c.limiter.allow(st.User, c.clock.Now()) {
		refuse = &stanza.ErrTooFast
	}
	if refuse != nil {
		st.Refuse(*refuse)
		return
	}
	switch e.Name {
	case "iq":
		c.dispatchIQ(st)
	case "presence", "message":
		if st.Type == "error" {
			c.log.Debug().Str("user", st.User).Str("kind", e.Name).Str("stanza_id", st.ID).
				Msg("a stanza of ours was bounced")
			if c.hasActor(st.User) {
				c.toActor(st, nil)
			}
			return
		}
		if st.From.Local == "" && c.onPrivilege(st) {
			return
		}
		if !c.serves(st.From) {
			st.Refuse(stanza.ErrNotForYou)
			return
		}
		if toGateway := e.Name == "message" && st.To.Local == ""; !toGateway && !c.knows(st.User) && !c.forGuests(st) {
			c.refuseStranger(st)
			return
		}
		c.toActor(st, nil)
	}
}

// forGuests reports whether a stanza is accepted from unregistered users on a network
// with guests: one to a room or a service, or a subscription.
func (c *Component) forGuests(st *stanza.Inbound) bool {
	if !c.info.Guests {
		return false
	}
	if st.Name == "presence" && (st.To.Local == "" || strings.Contains(st.Type, "subscribe")) {
		return true
	}
	p, err := c.peers.ParseLocal(st.To.Local)
	return err == nil && (p.Room || p.Service)
}

// knows reports whether a user has an actor or a registration.
func (c *Component) knows(user string) bool { return c.hasActor(user) || c.isRegistered(user) }

// refuseStranger answers a stanza of an unregistered user. (XEP-0100 §4.8.2)
func (c *Component) refuseStranger(st *stanza.Inbound) {
	if st.Name == "message" && st.Child(stanza.NS, "body") == nil {
		return // a chat state or the like
	}
	if st.Name == "presence" && st.Type == "probe" {
		// Unknown and unauthorised look the same. (RFC 6121 §4.3.2)
		c.sendPresence(st.To.Bare().String(), st.From.String(), "unsubscribed", st.ID)
		return
	}
	if st.Name == "presence" && st.Type == "subscribe" {
		c.refuseSubscription(st)
		return
	}
	if why := c.notARoom(st); why != nil {
		st.Refuse(*why)
		return
	}
	st.Refuse(stanza.ErrRegisterFirst)
}

// toActor queues a stanza for its sender's actor, or refuses it if the inbox is full.
func (c *Component) toActor(st *stanza.Inbound, handle func(*user, *stanza.Request)) {
	if c.refuseNewcomer(st) {
		return
	}
	u := c.acquire(st.User)
	if u == nil {
		st.Refuse(stanza.ErrShuttingDown)
		return
	}
	c.journal.record(st)
	if !u.inbox.add(queued{st, handle}) {
		st.Refuse(stanza.ErrBusy)
		c.journal.settled(st)
	}
	c.release(u)
}

// sendGone sends unavailable presence of a contact or the gateway, from each address that
// their presence comes from.
func (c *Component) sendGone(jid, to string) {
	c.sendPresence(c.peers.Full(jid), to, "unavailable", "")
	if jid == c.domain {
		c.sendPresence(jid, to, "unavailable", "")
	}
}

// sendPresence sends a presence without payload.
func (c *Component) sendPresence(from, to, typ, id string) {
	_ = c.write(func(dst []byte) []byte { return stanza.AppendPresence(dst, from, to, typ, id) })
}
