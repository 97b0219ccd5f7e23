package component

import (
	"time"

	"transport/component/address"
	"transport/legacy"
)

// clients are the user's clients that are online, and what the network sees of them: the
// user's presence, profile and avatar.
type clients struct {
	u *user

	resources    map[string]resource // by full JID
	sentPresence legacy.Presence     // as the session has it
	avatarHash   string              // SHA-1 of the avatar that the session has
	presenceHash string              // the hash in presence for which the vCard was asked last
	client       string              // full JID of the sender of the stanza that is being handled
	applicant    applicant           // the client that has registered
	active       time.Time           // when a client last sent something other than presence
}

func (cl *clients) due(time.Time) {}

func (cl *clients) next() time.Time { return time.Time{} }

func (cl *clients) busy() bool { return len(cl.resources) > 0 }

func (cl *clients) reset(why resetReason) {
	if why == linkChanged || why == unregistered {
		clear(cl.resources)
	}
}

// count is how many clients are online.
func (cl *clients) count() int { return len(cl.resources) }

// handling notes whose stanza is being handled.
func (cl *clients) handling(from address.JID) { cl.client = from.String() }

// sender is the full JID of the client whose stanza is being handled.
func (cl *clients) sender() string { return cl.client }

// setApplicant notes the client that has registered, "" for none: it is asked what it can do.
func (cl *clients) setApplicant(full string) { cl.applicant = applicant{full: full} }

// awaitsCaps reports whether a client has yet to send its capabilities.
func (cl *clients) awaitsCaps() bool {
	if cl.applicant.awaiting {
		return true
	}
	for _, r := range cl.resources {
		if r.awaiting {
			return true
		}
	}
	return false
}

// resetPresence has the user's presence sent anew: the session is another one.
func (cl *clients) resetPresence() { cl.sentPresence = legacy.Presence{} }

// resetAvatar has the user's avatar sent anew.
func (cl *clients) resetAvatar() { cl.avatarHash, cl.presenceHash = "", noHash }
