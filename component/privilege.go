package component

import (
	"context"
	"sync"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/stream"
	"transport/component/xep"
)

// privileges are the privileges that servers grant for their users, by domain. Any
// goroutine may use them. (XEP-0356 §4)
type privileges struct {
	mu        sync.Mutex
	of        map[string]privilege
	noRosters bool // writing a roster has ended the connection: no roster is written any more
}

// privilege is what one server grants.
type privilege struct {
	space       string // the namespace of its version of XEP-0356
	roster      bool   // read and write rosters
	written     bool   // a roster was written
	sendMessage bool
}

// maxPrivileges is the most domains that are tracked.
const maxPrivileges = 256 // limit: servers whose privileges are known | the cache starts anew; they are known again after the next link

func (p *privileges) get(domain string) privilege {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of[domain]
}

func (p *privileges) set(domain string, is privilege) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil || len(p.of) >= maxPrivileges {
		p.of = make(map[string]privilege)
	}
	is.roster = is.roster && !p.noRosters
	p.of[domain] = is
}

// noteWrite records that a server has written a roster for us.
func (p *privileges) noteWrite(domain string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if is, known := p.of[domain]; known && !is.written {
		is.written = true
		p.of[domain] = is
	}
}

// withdrawRoster disables the roster privilege of a server that has refused to use it and
// has never written a roster, until it grants the privilege anew. It reports whether the
// privilege was enabled.
func (p *privileges) withdrawRoster(domain string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.of[domain]
	if !is.roster || is.written {
		return false
	}
	is.roster = false
	p.of[domain] = is
	return true
}

// distrustRosters disables the roster privilege of all servers for good, unless one of them
// has written a roster. It reports whether one was enabled.
func (p *privileges) distrustRosters() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	enabled := false
	for _, is := range p.of {
		if is.written {
			return false
		}
		enabled = enabled || is.roster
	}
	p.noRosters = p.noRosters || enabled
	return enabled
}

// onPrivilege stores the privileges that a server grants for its own users. The stream
// reader calls it. (XEP-0356 §4.1)
func (c *Component) onPrivilege(st *stanza.Inbound) bool {
	if st.Name != "message" || st.From.Local != "" || st.From.Resource != "" {
		return false
	}
	is, ok := readPrivilege(st.Element)
	if !ok || !c.serves(st.From) {
		return false
	}
	c.privileges.set(st.From.Domain, is)
	c.log.Info().Str("server", st.From.Domain).Bool("roster", is.roster).Bool("message", is.sendMessage).Msg("the XMPP server grants privileges")
	ctx := c.connCtx
	c.greeting.Go(func() { c.warnOfFaults(ctx, st.From.Domain) })
	return true
}

// readPrivilege reads the privileges in a message.
func readPrivilege(message *element.Element) (is privilege, ok bool) {
	var x *element.Element
	for _, space := range []string{xep.NSPrivilege2, xep.NSPrivilege1} {
		if x = message.Child(space, "privilege"); x != nil {
			break
		}
	}
	if x == nil {
		return is, false
	}
	is.space = x.Space
	for perm := range x.Children(x.Space, "perm") {
		switch typ := perm.Attr("type"); perm.Attr("access") {
		case "roster":
			is.roster = typ == "both"
		case "message":
			is.sendMessage = typ == "outgoing"
		}
	}
	return is, true
}

// names returns the names of the privileges that the gateway uses.
func (p privilege) names() (all []string) {
	if p.roster {
		all = append(all, "roster")
	}
	if p.sendMessage {
		all = append(all, "message")
	}
	return all
}

// warnOfFaults logs the known faults of a server that grants privileges. It blocks until the
// server answers, or until ctx ends.
func (c *Component) warnOfFaults(ctx context.Context, server string) {
	defer c.recoverPanic("warnOfFaults")
	reply, err := c.queryServer(ctx, server, element.New(xep.NSVersion, "query"))
	if err != nil {
		return
	}
	query := reply.Child(xep.NSVersion, "query")
	software, version := query.ChildText(xep.NSVersion, "name"), query.ChildText(xep.NSVersion, "version")
	if faults, remedy := PrivilegeFaults(software, version); faults != "" {
		c.log.Warn().Str("server", server).Str("software", software+" "+version).Str("faults", faults).Str("remedy", remedy).
			Msg("the XMPP server grants privileges, and its version has faults")
	}
}

// setRosterItem writes a contact into the user's roster by the roster privilege, so that
// the user need not approve a request. then gets the result. (XEP-0356 §4.2, RFC 6121
// §2.3)
func (rw *rosterWriter) setRosterItem(ct *contact, subscription string, then func(ok bool)) {
	rw.setRosterEntry(ct.jid, subscription, rw.rosterEntry(ct), then)
}

func (rw *rosterWriter) setRosterEntry(jid, subscription string, e rosterEntry, then func(ok bool)) {
	item := element.New(xep.NSRoster, "item").Set("jid", jid).Set("subscription", subscription)
	if e.name != "" {
		item.Set("name", e.name)
	}
	for _, group := range e.groups {
		item.Add(element.New(xep.NSRoster, "group").AddText(group))
	}
	sent := rw.ro.u.conn
	rw.ro.u.calls.sendIQRaw("set", rw.ro.u.bare, element.New(xep.NSRoster, "query").Add(item), func(reply *element.Element) {
		ok := reply.Attr("type") == "result"
		if ok {
			rw.ro.u.c.privileges.noteWrite(rw.ro.u.domain())
		} else {
			rw.noteRefusal(sent, reply)
		}
		then(ok)
	})
}

// noteRefusal records that the server did not execute an IQ of the roster privilege. reply
// is nil if it did not answer.
func (rw *rosterWriter) noteRefusal(sent *stream.Conn, reply *element.Element) {
	if !rw.isRefusal(sent) {
		return
	}
	rw.rosterFails = true
	if stanza.HasCondition(reply, stanza.ResourceConstraint, stanza.PolicyViolation, stanza.NotAcceptable, stanza.ItemNotFound) {
		return // about this roster only
	}
	if domain := rw.ro.u.domain(); rw.ro.u.c.privileges.withdrawRoster(domain) {
		rw.ro.u.c.log.Warn().Str("server", domain).Str("remedy", "ejabberd before 25.08 has this fault: upgrade it").
			Msg("the XMPP server grants the roster privilege but does not execute it: users must confirm their contacts")
	}
}

// writesRoster reports whether the user's server grants the roster privilege.
func (rw *rosterWriter) writesRoster() bool { return rw.ro.u.privilege().roster && !rw.rosterFails }

// isRefusal reports whether an IQ without a result, sent over a connection, was refused or
// not answered. If the link has changed since, the answer may have been lost with it.
func (rw *rosterWriter) isRefusal(sent *stream.Conn) bool {
	return sent != nil && sent == rw.ro.u.conn && sent == rw.ro.u.c.conn.Load()
}

// privilege returns the privileges that the user's server grants.
func (u *user) privilege() privilege { return u.c.privileges.get(u.domain()) }

const (
	echoTime = 10 * time.Minute // how long the server's copy of a message is expected
	maxEchos = 1024             // limit: messages in a user's name that the server has not sent back | a further one is not sent
)

// showOwn shows the user's clients a message that the user has sent with another client
// of the network. The server routes a copy back to us, since the contact is ours; that
// copy must not be sent to the network again. (XEP-0356 §5)
func (ob *outbox) showOwn(jid, text string, sent time.Time) bool {
	if !ob.u.privilege().sendMessage {
		return false
	}
	now := ob.u.c.clock.Now()
	for id, at := range ob.echos {
		if now.Sub(at) > echoTime {
			delete(ob.echos, id)
		}
	}
	if len(ob.echos) >= maxEchos {
		return false
	}
	id := newID()
	lazySet(&ob.echos, id, now)
	payload := []*element.Element{element.New("jabber:client", "body").AddText(text)}
	if !sent.IsZero() {
		payload = append(payload, xep.Delay(ob.u.c.domain, sent))
	}
	return ob.u.sendAsUser(jid, id, payload...)
}

// sendAsUser sends a message to a contact in the user's name, which the server shows to the
// user's clients as sent. It returns false without the privilege. (XEP-0356 §5)
func (u *user) sendAsUser(jid, id string, payload ...*element.Element) bool {
	p := u.privilege()
	if !p.sendMessage {
		return false
	}
	u.c.send(element.New(stanza.NS, "message").Set("from", u.c.domain).Set("to", u.domain()).Set("id", newID()).
		Add(element.New(p.space, "privilege").
			Add(element.New(xep.NSForward, "forwarded").
				Add(element.New("jabber:client", "message").Set("from", u.bare).Set("to", jid).Set("type", "chat").Set("id", id).Add(payload...)))))
	return true
}
