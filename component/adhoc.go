package component

import "time"

// adhoc are the running ad-hoc commands of the user, by forms or by text.
type adhoc struct {
	u *user

	executions map[string]*execution // by session id
	late       map[string]time.Time  // clients whose text dialogue has timed out, with how long that is remembered
}

func (ad *adhoc) due(now time.Time) { ad.expireExecutions(now) }

func (ad *adhoc) next() (next time.Time) {
	for _, x := range ad.executions {
		if x.awaitsAnswer() {
			next = earliest(next, x.expires)
		}
	}
	for _, until := range ad.late {
		next = earliest(next, until)
	}
	return next
}

func (ad *adhoc) busy() bool { return len(ad.executions) > 0 || len(ad.late) > 0 }

func (ad *adhoc) reset(why resetReason) {
	if why == unregistered { // an old form could store a registration again
		clear(ad.executions)
	}
}
