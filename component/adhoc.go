package component

import "time"

// adhoc are the running ad-hoc commands of the user, by forms or by text.
type adhoc struct {
	u *user

	executions map[string]*execution // by session id
	late       map[string]bool       // full JIDs of clients whose text dialogue has timed out
}

func (ad *adhoc) due(time.Time) {}

func (ad *adhoc) next() time.Time { return time.Time{} }

func (ad *adhoc) busy() bool { return ad.executing() }

func (ad *adhoc) reset(resetReason) {}
