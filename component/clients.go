package component

import (
	"time"

	"transport/legacy"
)

// clients are the user's clients that are online, and what the network sees of them: the
// user's presence, profile and avatar.
type clients struct {
	u *user

	resources  map[string]resource // by full JID
	shown      legacy.Presence     // as the session has it
	ownPicture string              // SHA-1 of the avatar that the session has
	ownPhoto   string              // the hash in presence for which the vCard was asked last
	client     string              // full JID of the sender of the stanza that is being handled
	applicant  applicant           // the client that has registered
	active     time.Time           // when a client last sent something other than presence
}

func (cl *clients) due(time.Time) {}

func (cl *clients) next() time.Time { return time.Time{} }

func (cl *clients) busy() bool { return len(cl.resources) > 0 }

func (cl *clients) reset(why resetReason) {
	if why == linkChanged || why == unregistered {
		clear(cl.resources)
	}
}
