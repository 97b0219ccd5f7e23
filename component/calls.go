package component

import (
	"strconv"
	"time"

	"transport/component/stanza"
)

// calls are the pending requests in both directions: IQs of the user that we have to
// answer, our IQs to the user's clients and server, and queries to the network.
type calls struct {
	u *user

	requests []*stanza.Request       // not answered yet
	iqs      map[string]pendingIQ    // our IQs, by id
	queries  map[string]pendingQuery // queries to the network, by ref
	refs     uint64                  // counts the refs of this actor
}

func (ca *calls) due(now time.Time) {
	ca.sweep()
	ca.expireIQs(now)
}

func (ca *calls) next() (next time.Time) {
	for _, r := range ca.requests {
		next = earliest(next, r.Deadline)
	}
	for _, q := range ca.iqs {
		next = earliest(next, q.deadline)
	}
	return next
}

func (ca *calls) busy() bool { return len(ca.requests) > 0 || len(ca.iqs) > 0 }

func (ca *calls) reset(why resetReason) {
	switch why {
	case linkChanged:
		for id, q := range ca.iqs {
			delete(ca.iqs, id)
			q.then(nil)
		}
		for _, r := range ca.requests { // the link is down: no answer can be sent
			r.Drop()
		}
		ca.sweep()
	case stopped:
		for _, r := range ca.requests {
			r.Fail(stanza.ErrInternal)
		}
	}
}

// full reports whether maxRequests wait for an answer.
func (ca *calls) full() bool { return len(ca.requests) >= maxRequests }

// await adds a request. It is answered by its deadline at the latest.
func (ca *calls) await(r *stanza.Request) { ca.requests = append(ca.requests, r) }

// newRef returns a ref for a message or a query to the network.
func (ca *calls) newRef() string {
	ca.refs++
	return strconv.FormatUint(ca.refs, 36)
}

// sweep drops the requests that were answered, and fails those whose deadline has passed.
func (ca *calls) sweep() {
	if len(ca.requests) == 0 {
		return
	}
	now, left := ca.u.c.clock.Now(), ca.requests[:0]
	for _, r := range ca.requests {
		if !r.Deadline.After(now) {
			r.Fail(stanza.ErrTimeout)
		}
		if !r.Answered() {
			left = append(left, r)
		}
	}
	clear(ca.requests[len(left):])
	ca.requests = left
	ca.dropAnsweredQueries()
}
