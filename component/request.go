package component

import "transport/component/stanza"

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
