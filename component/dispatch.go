package component

import (
	"strings"

	"transport/component/address"
	"transport/component/element"
	"transport/component/stanza"
)

// dispatch routes one stanza. It is called by the link's reader and never
// blocks. refuse, if set, is the answer in place of handling it.
func (c *Component) dispatch(e *element.Element, refuse *stanza.Error) {
	defer c.recoverPanic("dispatch")
	st, err := stanza.Read(e, &c.host)
	if err != nil {
		c.log.Debug().Str("kind", e.Name).Msg("a stanza without a usable sender")
		return
	}
	c.counters.stanzas.Add(1)
	if st.From.Domain == c.domain { // nothing comes from ourselves but pings, which the stream keeps
		return
	}
	switch {
	case st.To == (address.JID{}):
		refuse = &stanza.ErrJIDMalformed
	case st.To.Domain != c.domain:
		// Not ours to answer: the server would end the stream over its sender.
		c.misrouted.Do(func() {
			c.log.Error().Str("to", st.To.Domain).Str("remedy", "in ejabberd, add global_routes: false to the ejabberd_service listener").
				Msg("the XMPP server sends us what is for another domain: messages are lost")
		})
		return
	}
	// Presence is not counted: the server sends a client's to every contact, and a
	// probe with it.
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
				Msg("a stanza of ours was refused")
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

// forGuests reports whether a stanza is one that a network without registration
// takes: to a room or a service, and what puts somebody or the gateway on a list.
func (c *Component) forGuests(st *stanza.Inbound) bool {
	if !c.info.Guests {
		return false
	}
	if st.Name == "presence" && (st.To.Local == "" || strings.Contains(st.Type, "subscribe")) {
		return true
	}
	p, err := c.parsePeer(st.To.Local)
	return err == nil && (p.Room || p.Service)
}

// knows reports whether there is more to say to a user than to anybody.
func (c *Component) knows(user string) bool { return c.hasActor(user) || c.isRegistered(user) }

// refuseStranger answers somebody who is not registered. (XEP-0100 §4.8.2)
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

// toActor hands a stanza to its sender's actor, or answers that there are too
// many.
func (c *Component) toActor(st *stanza.Inbound, handle func(*user, *stanza.Request)) {
	u := c.acquire(st.User)
	if u == nil {
		st.Refuse(stanza.ErrShuttingDown)
		return
	}
	if !u.inbox.add(queued{st, handle}) {
		st.Refuse(stanza.ErrBusy)
	}
	c.release(u)
}

// sendGone sends unavailable presence of a contact or the gateway, from each address that
// their presence comes from.
func (c *Component) sendGone(jid, to string) {
	c.sendPresence(c.full(jid), to, "unavailable", "")
	if jid == c.domain {
		c.sendPresence(jid, to, "unavailable", "")
	}
}

// sendPresence sends a presence without payload.
func (c *Component) sendPresence(from, to, typ, id string) {
	_ = c.write(func(dst []byte) []byte { return stanza.AppendPresence(dst, from, to, typ, id) })
}
