package component

import "time"

// adhoc are the ad-hoc commands that the user executes, by forms or by words.
type adhoc struct {
	u *user

	executions map[string]*execution // by session id
	late       map[string]bool       // clients that did not answer a question by words in time
}

func (ad *adhoc) due(time.Time) {}

func (ad *adhoc) next() time.Time { return time.Time{} }

func (ad *adhoc) busy() bool { return ad.executing() }

func (ad *adhoc) reset(resetReason) {}
