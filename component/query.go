package component

import (
	"transport/component/stanza"
	"transport/legacy"
)

// pendingQuery is a query to the network whose result answers an IQ.
type pendingQuery struct {
	request *stanza.Request
	answer  func(*user, *stanza.Request, legacy.Event)
}

const maxQueries = 16 // limit: queries of a user to the network without an answer | a further one is refused: resource-constraint

// query sends a query to the session by ask, and answers the IQ r with its result.
func (ca *calls) query(r *stanza.Request, answer func(*user, *stanza.Request, legacy.Event), ask func(ref string) error) {
	if err := ca.tryQuery(r, answer, ask); err != nil {
		r.Fail(stanza.Translate(err))
	}
}

// tryQuery is query, with the error of a query that could not be sent.
func (ca *calls) tryQuery(r *stanza.Request, answer func(*user, *stanza.Request, legacy.Event), ask func(ref string) error) error {
	if len(ca.queries) >= maxQueries {
		return legacy.Errorf(legacy.RateLimited, "%s", stanza.ErrBusy.Text)
	}
	ref := ca.newRef()
	if err := ask(ref); err != nil {
		return err
	}
	lazySet(&ca.queries, ref, pendingQuery{r, answer})
	return nil
}

// onQueryResult handles the result of a query.
func (ca *calls) onQueryResult(ref string, ev legacy.Event) {
	l, ok := ca.queries[ref]
	if !ok {
		return
	}
	delete(ca.queries, ref)
	l.answer(ca.u, l.request, ev)
	ca.sweep()
}

// dropAnsweredQueries drops the queries whose IQ has timed out.
func (ca *calls) dropAnsweredQueries() {
	for ref, l := range ca.queries {
		if l.request.Answered() {
			delete(ca.queries, ref)
		}
	}
}
