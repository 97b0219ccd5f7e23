package component

import (
	"time"

	"transport/component/element"
	"transport/component/stanza"
)

// pendingIQ is an IQ of ours without an answer yet. The answer must match its id and
// sender, since anybody can send a result.
type pendingIQ struct {
	to       string
	deadline time.Time
	then     func(reply *element.Element) // nil when none came
}

const (
	iqTimeout     = 10 * time.Second
	maxPendingIQs = 64 // limit: IQs to a user's clients without an answer | none is sent; the request is refused: resource-constraint
)

// sendIQ sends an IQ to the user's client or server. then gets the answer, nil for an
// error or a timeout.
func (ca *calls) sendIQ(typ, to string, payload *element.Element, then func(reply *element.Element)) {
	ca.sendIQRaw(typ, to, payload, func(reply *element.Element) {
		if reply != nil && reply.Attr("type") == "error" {
			reply = nil
		}
		then(reply)
	})
}

// sendIQRaw is sendIQ for callers that need the error stanza.
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

// onIQReply handles the answer to an IQ of ours.
func (ca *calls) onIQReply(st *stanza.Inbound) {
	q, ok := ca.iqs[st.ID]
	if !ok || q.to != st.From.String() {
		return
	}
	delete(ca.iqs, st.ID)
	q.then(st.Element)
}

// expireIQs ends the IQs that were not answered in time.
func (ca *calls) expireIQs(now time.Time) {
	for id, q := range ca.iqs {
		if !q.deadline.After(now) {
			delete(ca.iqs, id)
			q.then(nil)
		}
	}
}
