package component

import (
	"strings"

	"transport/component/address"
	"transport/component/element"
)

// inbound is a stanza on its way to the one who handles it.
type inbound struct {
	*element.Element
	from, to address.JID
	user     string // from, bare
	id, typ  string
	handle   func(*user, *request) // of an IQ for the actor
}

// dispatch routes one stanza. It is called by the link's reader and never
// blocks. refuse, if set, is the answer in place of handling it.
func (c *Component) dispatch(e *element.Element, refuse *stanzaError) {
	defer c.recoverPanic("dispatch")
	from, err := address.Parse(e.Attr("from"))
	if err != nil {
		c.log.Debug().Str("kind", e.Name).Msg("a stanza without a usable sender")
		return
	}
	c.counters.stanzas.Add(1)
	st := &inbound{Element: e, from: from, user: from.Bare().String(), id: e.Attr("id"), typ: e.Attr("type")}
	if from.Domain == c.domain { // nothing comes from ourselves but pings, which the stream keeps
		return
	}
	st.to, err = address.Parse(e.Attr("to"))
	switch {
	case err != nil:
		refuse = &errJIDMalformed
	case st.to.Domain != c.domain:
		// Not ours to answer: the server would end the stream over its sender.
		c.misrouted.Do(func() {
			c.log.Error().Str("to", st.to.Domain).Str("remedy", "in ejabberd, add global_routes: false to the ejabberd_service listener").
				Msg("the XMPP server sends us what is for another domain: messages are lost")
		})
		return
	}
	// Presence is not counted: the server sends a client's to every contact, and a
	// probe with it.
	if refuse == nil && e.Name != "presence" && !c.limiter.allow(st.user, c.clock.Now()) {
		refuse = &errTooFast
	}
	if refuse != nil {
		c.refuse(st, *refuse)
		return
	}
	switch e.Name {
	case "iq":
		c.dispatchIQ(st)
	case "presence", "message":
		if st.typ == "error" {
			c.log.Debug().Str("user", st.user).Str("kind", e.Name).Str("stanza_id", st.id).
				Msg("a stanza of ours was refused")
			if c.hasActor(st.user) {
				c.toActor(st)
			}
			return
		}
		if from.Local == "" && c.onPrivilege(st) {
			return
		}
		if !c.serves(from) {
			c.refuse(st, errNotForYou)
			return
		}
		if toGateway := e.Name == "message" && st.to.Local == ""; !toGateway && !c.knows(st.user) && !c.forGuests(st) {
			c.refuseStranger(st)
			return
		}
		c.toActor(st)
	}
}

// forGuests reports whether a stanza is one that a network without registration
// takes: to a room or a service, and what puts somebody or the gateway on a list.
func (c *Component) forGuests(st *inbound) bool {
	if !c.info.Guests {
		return false
	}
	if st.Name == "presence" && (st.to.Local == "" || strings.Contains(st.typ, "subscribe")) {
		return true
	}
	p, err := c.parsePeer(st.to.Local)
	return err == nil && (p.Room || p.Service)
}

// hasActor reports whether a user has an actor now.
func (c *Component) hasActor(user string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.users[user]
	return ok
}

// knows reports whether there is more to say to a user than to anybody.
func (c *Component) knows(user string) bool { return c.hasActor(user) || c.isRegistered(user) }

// refuseStranger answers somebody who is not registered. (XEP-0100 §4.8.2)
func (c *Component) refuseStranger(st *inbound) {
	if st.Name == "message" && st.Child(nsComponent, "body") == nil {
		return // a chat state or the like
	}
	if st.Name == "presence" && st.typ == "probe" {
		// Unknown and unauthorised look the same. (RFC 6121 §4.3.2)
		c.sendPresence(st.to.Bare().String(), st.from.String(), "unsubscribed", st.id)
		return
	}
	if st.Name == "presence" && st.typ == "subscribe" {
		c.refuseSubscription(st)
		return
	}
	if why := c.noRoom(st); why != nil {
		c.refuse(st, *why)
		return
	}
	c.refuse(st, errRegisterFirst)
}

// toActor hands a stanza to its sender's actor, or answers that there are too
// many.
func (c *Component) toActor(st *inbound) {
	u := c.acquire(st.user)
	if u == nil {
		c.refuse(st, errShuttingDown)
		return
	}
	if !u.inbox.put(st) {
		c.refuse(st, errBusy)
	}
	c.release(u)
}

// refuse answers a stanza with an error, unless it is one that is never answered
// so. (RFC 6120 §8.3.1)
func (c *Component) refuse(st *inbound, why stanzaError) {
	switch st.Name {
	case "iq":
		if st.typ != "get" && st.typ != "set" {
			return
		}
	case "presence":
		if st.typ == "error" || st.typ == "unavailable" || st.typ == "unsubscribed" || st.typ == "unsubscribe" {
			return
		}
	case "message":
		if st.typ == "error" || st.typ == "headline" {
			return
		}
	default:
		return
	}
	c.counters.refused.Add(1)
	reply := element.New(nsStanza, st.Name).Set("type", "error")
	c.address(reply, st)
	c.send(reply.Add(why.element()))
}

// address gives a reply the addresses and the id of what it answers.
// (RFC 6120 §8.3.1: from is the address that was written to)
func (c *Component) address(reply *element.Element, st *inbound) {
	from := st.Attr("to")
	switch _, domain, _ := address.Split(from); {
	case st.to.Domain != c.domain:
		from = c.domain // it was malformed
	case domain != c.domain: // another spelling of it would end the stream
		from = st.to.String()
	}
	reply.Set("from", from).Set("to", st.Attr("from"))
	if st.id != "" {
		reply.Set("id", st.id)
	}
}

// sendPresence sends a presence without payload.
func (c *Component) sendPresence(from, to, typ, id string) {
	_ = c.write(func(dst []byte) []byte { return appendPresence(dst, from, to, typ, id) })
}

// appendPresence appends a presence without payload. typ and id may be "".
func appendPresence(dst []byte, from, to, typ, id string) []byte {
	dst = append(dst, "<presence"...)
	dst = appendAttr(dst, "from", from)
	dst = appendAttr(dst, "to", to)
	dst = appendAttr(dst, "type", typ)
	dst = appendAttr(dst, "id", id)
	return append(dst, "/>"...)
}

// appendAttr appends an attribute, unless it is empty.
func appendAttr(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, ' ')
	dst = append(dst, name...)
	dst = append(dst, `="`...)
	dst = element.AppendAttr(dst, value)
	return append(dst, '"')
}
