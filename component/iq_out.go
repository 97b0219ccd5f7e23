package component

import (
	"time"

	"transport/component/element"
	"transport/component/stanza"
)

// pendingIQ is an IQ of ours that a user's client or server has yet to answer. What
// comes back must fit it in id and sender: anybody can send a result.
type pendingIQ struct {
	to       string
	deadline time.Time
	then     func(reply *element.Element) // nil when none came
}

const (
	iqTimeout     = 10 * time.Second
	maxPendingIQs = 64
)

// sendIQ asks somebody of the user's: a client, or the server in their name. then gets
// nil when there was no answer, or an error.
func (ca *calls) sendIQ(typ, to string, payload *element.Element, then func(reply *element.Element)) {
	ca.sendIQRaw(typ, to, payload, func(reply *element.Element) {
		if reply != nil && reply.Attr("type") == "error" {
			reply = nil
		}
		then(reply)
	})
}

// sendIQRaw is query for those who want to know the error.
func (ca *calls) sendIQRaw(typ, to string, payload *element.Element, then func(reply *element.Element)) {
	if len(ca.iqs) >= maxPendingIQs || ca.u.c.conn.Load() == nil {
		then(nil)
		return
	}
	id := newID()
	lazySet(&ca.iqs, id, pendingIQ{to, ca.u.c.clock.Now().Add(iqTimeout), then})
	ca.u.c.send(element.New(stanza.NS, "iq").Set("type", typ).Set("id", id).
		Set("from", ca.u.c.domain).Set("to", to).Add(payload))
}

// onIQReply takes the answer to a query.
func (ca *calls) onIQReply(st *stanza.Inbound) {
	q, ok := ca.iqs[st.ID]
	if !ok || q.to != st.From.String() {
		return
	}
	delete(ca.iqs, st.ID)
	q.then(st.Element)
}

// expireIQs gives up those that were not answered in time.
func (ca *calls) expireIQs(now time.Time) {
	for id, q := range ca.iqs {
		if !q.deadline.After(now) {
			delete(ca.iqs, id)
			q.then(nil)
		}
	}
}
