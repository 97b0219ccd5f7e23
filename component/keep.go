package component

import (
	"context"
	"time"

	"transport/component/address"
	"transport/component/element"
	"transport/component/stream"
	"transport/component/xep"
	"transport/registry"
)

// keptTime is how long a message waits for its sender's session before it is
// given back.
const keptTime = 2 * time.Minute

// pass hands a message to the link, or keeps it in the registry while there is
// none. When the registry can't keep it either (a full disk), the actor waits:
// its queue fills up, and TCP makes the network wait too.
func (u *user) pass(build func(dst []byte) []byte, msg stream.Message) {
	for warned := false; ; {
		if conn := u.c.conn.Load(); conn != nil {
			if conn.Track(build, msg) == nil {
				return
			}
			<-conn.Settled() // what was sent before this message is kept first
		}
		msg.Stanza = build(nil)
		err := u.c.keep(msg)
		if err == nil {
			u.keptIn = true
			return
		}
		if !warned {
			u.log.Error().Err(err).Msg("cannot keep a message; the session waits")
			warned = true
			defer u.poke() // what pause takes, the loop wants to see too
		}
		if !u.pause(5 * time.Second) {
			u.log.Error().Str("peer", msg.Peer).Msg("a message was lost at shutdown: there was neither a link nor a database to keep it")
			return
		}
	}
}

// pause waits for a while or for something to change; it is false when the
// actor was stopped.
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

// keep stores a message for the user until there is a link.
func (c *Component) keep(msg stream.Message) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	_, err := c.cfg.Registry.KeepMessage(ctx, registry.Message{
		Network: c.domain, User: msg.User, Peer: msg.Peer, Direction: registry.Inbound,
		StanzaID: msg.ID, Payload: msg.Stanza, Created: c.clock.Now(),
	})
	return err
}

// keepUnacked stores what a connection that has ended may not have delivered. What
// can't be stored is held in memory for the next one.
func (c *Component) keepUnacked(unacked []stream.Message) {
	for _, msg := range unacked {
		if err := c.keep(msg); err != nil {
			c.log.Error().Err(err).Str("user", msg.User).Msg("cannot keep a message; it is held in memory")
			c.unsaved = append(c.unsaved, msg)
		}
	}
}

// resendUnsaved sends again what keepUnacked had to hold in memory.
func (c *Component) resendUnsaved(conn *stream.Conn) {
	for len(c.unsaved) > 0 {
		msg := c.unsaved[0]
		if conn.Track(func(dst []byte) []byte { return append(dst, msg.Stanza...) }, msg) != nil {
			return
		}
		c.unsaved = c.unsaved[1:]
	}
}

// deliverKept sends what was kept for the user while there was no link. The rows
// are forgotten once the server is known to have the messages.
func (u *user) deliverKept() {
	conn := u.c.conn.Load()
	if !u.keptIn || conn == nil || u.forgetting != nil {
		return
	}
	ctx, cancel := u.storing()
	defer cancel()
	rows, err := u.c.cfg.Registry.KeptMessages(ctx, u.c.domain, u.bare, registry.Inbound)
	if err != nil {
		u.log.Error().Err(err).Msg("cannot read kept messages")
		return
	}
	u.keptIn = false
	var ids []int64
	var last time.Time
	for _, row := range rows {
		e, err := parseStanza(row.Payload)
		if err != nil {
			u.log.Error().Err(err).Msg("a kept message cannot be read")
			continue
		}
		if e.Child(xep.NSDelay, "delay") == nil {
			last = grown(row.Created, last)
			e.Add(xep.Delay(u.c.domain, last))
		}
		if conn.Write(func(dst []byte) []byte { return e.Append(dst, nsComponent) }) != nil {
			u.keptIn = true
			return
		}
		ids = append(ids, row.ID)
	}
	if len(ids) == 0 {
		return
	}
	u.forgetting = ids
	confirmed := make(chan bool, 1)
	u.forgetWhen = confirmed
	conn.WhenAcked(func(ok bool) {
		confirmed <- ok
		u.poke()
	})
}

// forgetDelivered drops the rows of delivered messages, or notes that they must
// be delivered again.
func (u *user) forgetDelivered() {
	if u.forgetting == nil {
		return
	}
	select {
	case ok := <-u.forgetWhen:
		ids := u.forgetting
		u.forgetting, u.forgetWhen = nil, nil
		if !ok {
			u.keptIn = true
			return
		}
		ctx, cancel := u.storing()
		defer cancel()
		if err := u.c.cfg.Registry.ForgetMessages(ctx, ids...); err != nil {
			u.log.Error().Err(err).Msg("cannot forget delivered messages; they will be repeated")
		}
	default:
	}
}

// confirm answers a session's Flush once what it emitted is safe: the server has
// it, or the registry.
func (u *user) confirm(done chan<- struct{}) {
	conn := u.c.conn.Load()
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

// keepForNetwork stores a message until the user is signed on.
func (u *user) keepForNetwork(st *inbound) {
	ctx, cancel := u.storing()
	defer cancel()
	_, err := u.c.cfg.Registry.KeepMessage(ctx, registry.Message{
		Network: u.c.domain, User: u.bare, Direction: registry.Outbound, StanzaID: st.id,
		Peer: st.to.Local, Payload: st.Append(nil, nsComponent), Created: u.c.clock.Now(),
	})
	if err != nil {
		u.log.Error().Err(err).Msg("cannot keep a message for the network")
		u.c.refuse(st, errNotOnline)
		return
	}
	u.keptOut = true
	if u.keptTill.IsZero() {
		u.keptTill = u.c.clock.Now().Add(keptTime)
	}
}

// keptStanzas reads the messages that were kept for the network and forgets
// them; each is to be sent or answered by the caller.
func (u *user) keptStanzas() []*inbound {
	u.keptTill = time.Time{}
	if !u.keptOut {
		return nil
	}
	ctx, cancel := u.storing()
	defer cancel()
	rows, err := u.c.cfg.Registry.KeptMessages(ctx, u.c.domain, u.bare, registry.Outbound)
	if err != nil {
		u.log.Error().Err(err).Msg("cannot read messages kept for the network")
		u.keptTill = u.c.clock.Now().Add(keptTime)
		return nil
	}
	u.keptOut = false
	var stanzas []*inbound
	var ids []int64
	for _, row := range rows {
		ids = append(ids, row.ID)
		e, err := parseStanza(row.Payload)
		if err != nil {
			u.log.Error().Err(err).Msg("a kept message cannot be read")
			continue
		}
		st := &inbound{Element: e, id: e.Attr("id"), typ: e.Attr("type")}
		st.from, _ = address.Parse(e.Attr("from"))
		st.to, _ = address.Parse(e.Attr("to"))
		stanzas = append(stanzas, st)
	}
	if err := u.c.cfg.Registry.ForgetMessages(ctx, ids...); err != nil {
		u.log.Error().Err(err).Msg("cannot forget messages kept for the network")
	}
	return stanzas
}

// sendKept sends what was kept while the user was being signed on.
func (u *user) sendKept() {
	for _, st := range u.keptStanzas() {
		u.onMessage(st)
	}
}

// giveUpKept gives back what could not be sent in time.
func (u *user) giveUpKept() {
	why := u.notOnline()
	if u.block != nil {
		why = translateError(u.block)
	}
	for _, st := range u.keptStanzas() {
		u.c.refuse(st, why)
	}
}

// parseStanza reads one stanza that Append wrote.
func parseStanza(b []byte) (*element.Element, error) {
	return element.Parse(string(b), nsComponent)
}
