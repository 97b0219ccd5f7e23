package component

import (
	"time"

	"transport/component/address"
	"transport/legacy"
)

// clients are the user's available clients and the presence, profile and avatar that the
// network has of the user.
type clients struct {
	u *user

	resources    map[string]resource // by full JID
	sentPresence legacy.Presence     // the last presence sent to the session
	avatarHash   string              // SHA-1 of the avatar published in this session
	presenceHash string              // the avatar hash in presence that was handled last
	client       string              // full JID of the sender of the current stanza
	applicant    applicant           // the client that has just registered
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

// count returns the number of available clients.
func (cl *clients) count() int { return len(cl.resources) }

// handling notes the sender of the current stanza.
func (cl *clients) handling(from address.JID) { cl.client = from.String() }

// sender returns the full JID of the client that sent the current stanza.
func (cl *clients) sender() string { return cl.client }

// setApplicant notes the client that has registered, "" for none. Its capabilities are
// queried before it sends presence.
func (cl *clients) setApplicant(full string) { cl.applicant = applicant{full: full} }

// awaitsCaps reports whether a query for a client's capabilities is pending.
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

// resetPresence makes a new session get the user's presence.
func (cl *clients) resetPresence() { cl.sentPresence = legacy.Presence{} }

// resetAvatar makes a new session get the user's avatar.
func (cl *clients) resetAvatar() { cl.avatarHash, cl.presenceHash = "", noHash }
