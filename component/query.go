package component

import (
	"time"

	"transport/component/element"
	"transport/component/stanza"
)

// query is an IQ of ours that a user's client or server has yet to answer. What
// comes back must fit it in id and sender: anybody can send a result.
type query struct {
	to       string
	deadline time.Time
	then     func(reply *element.Element) // nil when none came
}

const (
	queryTime  = 10 * time.Second
	maxQueries = 64
)

// query asks somebody of the user's: a client, or the server in their name. then gets
// nil when there was no answer, or an error.
func (ca *calls) query(typ, to string, payload *element.Element, then func(reply *element.Element)) {
	ca.queryRaw(typ, to, payload, func(reply *element.Element) {
		if reply != nil && reply.Attr("type") == "error" {
			reply = nil
		}
		then(reply)
	})
}

// queryRaw is query for those who want to know the error.
func (ca *calls) queryRaw(typ, to string, payload *element.Element, then func(reply *element.Element)) {
	if len(ca.queries) >= maxQueries || ca.u.c.conn.Load() == nil {
		then(nil)
		return
	}
	id := newID()
	put(&ca.queries, id, query{to, ca.u.c.clock.Now().Add(queryTime), then})
	ca.u.c.send(element.New(stanza.NS, "iq").Set("type", typ).Set("id", id).
		Set("from", ca.u.c.domain).Set("to", to).Add(payload))
}

// onReply takes the answer to a query.
func (ca *calls) onReply(st *stanza.Inbound) {
	q, ok := ca.queries[st.ID]
	if !ok || q.to != st.From.String() {
		return
	}
	delete(ca.queries, st.ID)
	q.then(st.Element)
}

// expireQueries gives up those that were not answered in time.
func (ca *calls) expireQueries(now time.Time) {
	for id, q := range ca.queries {
		if !q.deadline.After(now) {
			delete(ca.queries, id)
			q.then(nil)
		}
	}
}
