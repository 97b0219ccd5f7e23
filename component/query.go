package component

import (
	"strconv"
	"transport/component/stanza"
	"transport/legacy"
)

// pendingQuery is a question to the network that an IQ waits for.
type pendingQuery struct {
	request *stanza.Request
	answer  func(*user, *stanza.Request, legacy.Event)
}

const maxQueries = 16

// query remembers a question, and has ask put it to the session. What the session
// says of it answers the IQ.
func (ca *calls) query(r *stanza.Request, answer func(*user, *stanza.Request, legacy.Event), ask func(ref string) error) {
	if err := ca.tryQuery(r, answer, ask); err != nil {
		r.Fail(stanza.Translate(err))
	}
}

// tryQuery is look, with the error of a question that could not be put.
func (ca *calls) tryQuery(r *stanza.Request, answer func(*user, *stanza.Request, legacy.Event), ask func(ref string) error) error {
	if len(ca.queries) >= maxQueries {
		return legacy.Errorf(legacy.RateLimited, "%s", stanza.ErrBusy.Text)
	}
	ca.refs++
	ref := strconv.FormatUint(ca.refs, 36)
	if err := ask(ref); err != nil {
		return err
	}
	lazySet(&ca.queries, ref, pendingQuery{r, answer})
	return nil
}

// onQueryResult answers the IQ that waits for an event.
func (ca *calls) onQueryResult(ref string, ev legacy.Event) {
	l, ok := ca.queries[ref]
	if !ok {
		return
	}
	delete(ca.queries, ref)
	l.answer(ca.u, l.request, ev)
	ca.sweep()
}

// dropAnsweredQueries forgets those whose IQ was answered for them, by a time-out.
func (ca *calls) dropAnsweredQueries() {
	for ref, l := range ca.queries {
		if l.request.Answered() {
			delete(ca.queries, ref)
		}
	}
}
