package component

import (
	"context"
	"sync"
	"time"

	"transport/component/address"
	"transport/component/element"
	"transport/component/stanza"
	"transport/legacy"
)

// serverQueries are IQs to servers whose answers sessions' goroutines wait for. The IQs
// of actors are in calls.iqs.
type serverQueries struct {
	mu      sync.Mutex
	waiting map[string]serverQuery // by id
}

// serverQuery is an IQ without an answer yet.
type serverQuery struct {
	to    string
	reply chan *element.Element // of capacity 1
}

const (
	maxServerQueries   = 64 // limit: queries to users' servers without an answer | an upload fails: the user gets a notice
	serverQueryTimeout = 10 * time.Second
)

// queryServer sends an IQ to a server and waits for the answer, which may be an error
// stanza. An actor must not call it, since it blocks.
func (c *Component) queryServer(ctx context.Context, to string, payload *element.Element) (*element.Element, error) {
	jid, err := address.Parse(to)
	if err != nil {
		return nil, legacy.Wrap(legacy.Temporary, err, "Your XMPP server lists a service with an invalid address.")
	}
	id, a := newID(), serverQuery{jid.String(), make(chan *element.Element, 1)}
	if !c.serverQueries.add(id, a) {
		return nil, legacy.Errorf(legacy.RateLimited, "The gateway is too busy at the moment. Try again later.")
	}
	defer c.serverQueries.take(id, a.to)
	c.send(element.New(stanza.NS, "iq").Set("type", "get").Set("id", id).Set("from", c.domain).Set("to", to).Add(payload))
	late := make(chan struct{})
	defer c.clock.AfterFunc(serverQueryTimeout, func() { close(late) })()
	select {
	case reply := <-a.reply:
		return reply, nil
	case <-late:
		return nil, legacy.Errorf(legacy.Temporary, "Your XMPP server does not answer.")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a *serverQueries) add(id string, q serverQuery) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) >= maxServerQueries {
		return false
	}
	if a.waiting == nil {
		a.waiting = make(map[string]serverQuery)
	}
	a.waiting[id] = q
	return true
}

// take removes the query of an id if it was sent to the entity that answers.
func (a *serverQueries) take(id, from string) (serverQuery, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q, ok := a.waiting[id]
	if !ok || q.to != from {
		return serverQuery{}, false
	}
	delete(a.waiting, id)
	return q, true
}

// deliverReply passes an answer to the goroutine that waits for it. The stream reader
// calls it; it never blocks.
func (c *Component) deliverReply(st *stanza.Inbound) bool {
	q, ok := c.serverQueries.take(st.ID, st.From.String())
	if ok {
		q.reply <- st.Element // there is room for the one
	}
	return ok
}
