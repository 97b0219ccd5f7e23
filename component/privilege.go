package component

import (
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
	mu sync.Mutex
	of map[string]privilege
}

// privilege is what one server grants.
type privilege struct {
	space       string // the namespace of its version of XEP-0356
	roster      bool   // read and write rosters
	sendMessage bool
}

// maxPrivileges is the most domains that are tracked.
const maxPrivileges = 256

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
	p.of[domain] = is
}

// onPrivilege stores the privileges that a server grants for its own users. The stream
// reader calls it. (XEP-0356 §4.1)
func (c *Component) onPrivilege(st *stanza.Inbound) bool {
	if st.Name != "message" || st.From.Local != "" || st.From.Resource != "" {
		return false
	}
	var x *element.Element
	for _, space := range []string{xep.NSPrivilege2, xep.NSPrivilege1} {
		if x = st.Child(space, "privilege"); x != nil {
			break
		}
	}
	if x == nil || !c.serves(st.From) {
		return false
	}
	is := privilege{space: x.Space}
	for perm := range x.Children(x.Space, "perm") {
		switch typ := perm.Attr("type"); perm.Attr("access") {
		case "roster":
			is.roster = typ == "both"
		case "message":
			is.sendMessage = typ == "outgoing"
		}
	}
	c.privileges.set(st.From.Domain, is)
	c.log.Info().Str("server", st.From.Domain).Bool("roster", is.roster).Bool("message", is.sendMessage).Msg("the XMPP server grants privileges")
	return true
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
	rw.ro.u.calls.sendIQ("set", rw.ro.u.bare, element.New(xep.NSRoster, "query").Add(item), func(reply *element.Element) { then(reply != nil) })
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
	maxEchos = 1024
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
