package component

import (
	"time"

	"transport/component/element"
)

// request is an IQ that the actor must answer exactly once.
type request struct {
	*inbound
	payload  *element.Element
	deadline time.Time
	answered bool
	words    bool   // it was made by words, and is answered by words
	rest     string // what was written behind the first
}

// reply answers a request with a result, whose payload may be nil.
func (u *user) reply(r *request, payload *element.Element) {
	if !r.answered {
		r.answered = true
		u.c.result(r.inbound, payload)
	}
}

// fail answers a request with an error.
func (u *user) fail(r *request, why stanzaError) {
	if r.words {
		u.answerWords(r, saidError(why))
		return
	}
	if !r.answered {
		r.answered = true
		u.c.refuse(r.inbound, why)
	}
}

// sweep forgets the requests that are answered, and answers those that have
// waited too long.
func (u *user) sweep() {
	if len(u.requests) == 0 {
		return
	}
	now, left := u.c.clock.Now(), u.requests[:0]
	for _, r := range u.requests {
		if !r.deadline.After(now) {
			u.fail(r, errTimeout)
		}
		if !r.answered {
			left = append(left, r)
		}
	}
	clear(u.requests[len(left):])
	u.requests = left
	u.sweepLookups()
}
