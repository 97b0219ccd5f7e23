package component

import (
	"time"

	"transport/component/element"
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
func (u *user) query(typ, to string, payload *element.Element, then func(reply *element.Element)) {
	u.queryRaw(typ, to, payload, func(reply *element.Element) {
		if reply != nil && reply.Attr("type") == "error" {
			reply = nil
		}
		then(reply)
	})
}

// queryRaw is query for those who want to know the error.
func (u *user) queryRaw(typ, to string, payload *element.Element, then func(reply *element.Element)) {
	if len(u.queries) >= maxQueries || u.c.conn.Load() == nil {
		then(nil)
		return
	}
	id := newID()
	put(&u.queries, id, query{to, u.c.clock.Now().Add(queryTime), then})
	u.c.send(element.New(nsStanza, "iq").Set("type", typ).Set("id", id).
		Set("from", u.c.domain).Set("to", to).Add(payload))
}

// onReply takes the answer to a query.
func (u *user) onReply(st *inbound) {
	q, ok := u.queries[st.id]
	if !ok || q.to != st.from.String() {
		return
	}
	delete(u.queries, st.id)
	q.then(st.Element)
}

// expireQueries gives up those that were not answered in time.
func (u *user) expireQueries(now time.Time) {
	for id, q := range u.queries {
		if !q.deadline.After(now) {
			delete(u.queries, id)
			q.then(nil)
		}
	}
}
