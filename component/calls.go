package component

import (
	"strconv"
	"time"

	"transport/component/stanza"
)

// calls are the IQs of the user that wait for an answer of ours, our IQs to their clients
// and server, and our questions to the network.
type calls struct {
	u *user

	requests []*stanza.Request       // not answered yet
	iqs      map[string]pendingIQ    // of ours, by id
	queries  map[string]pendingQuery // questions to the network, by ref
	refs     uint64                  // refs given out
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
		for _, r := range ca.requests { // the senders are not there to be answered
			r.Drop()
		}
		ca.sweep()
	case stopped:
		for _, r := range ca.requests {
			r.Fail(stanza.ErrInternal)
		}
	}
}

// await notes a request, which is answered by its deadline at the latest.
func (ca *calls) await(r *stanza.Request) { ca.requests = append(ca.requests, r) }

// newRef makes a ref for a message or a question to the network.
func (ca *calls) newRef() string {
	ca.refs++
	return strconv.FormatUint(ca.refs, 36)
}

// sweep forgets the requests that are answered, and answers those that have
// waited too long.
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
