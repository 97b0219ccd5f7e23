package component

import (
	"time"

	"transport/component/address"
	"transport/component/stanza"
	"transport/legacy"
)

// clients are the user's available clients and the presence, profile and avatar that the
// network has of the user.
type clients struct {
	u *user

	resources    map[string]resource // by full JID
	senders      map[string]bool     // other clients that have sent a message and are not known to be offline, by full JID
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
	if why == linkChanged {
		clear(cl.senders)
	}
}

// count returns the number of available clients.
func (cl *clients) count() int { return len(cl.resources) }

// handling notes the sender of the current stanza.
func (cl *clients) handling(st *stanza.Inbound) {
	cl.client = st.From.String()
	switch {
	case st.From.Resource == "":
	case st.Name == "message" && st.Type != "error":
		cl.noteSender(cl.client)
	case st.Name == "presence" && (st.Type == "unavailable" || st.Type == "error"):
		delete(cl.senders, cl.client)
	}
}

// noteSender records that a client has sent a message: it may have to be told that the
// message was not delivered.
func (cl *clients) noteSender(full string) {
	if _, available := cl.resources[full]; available || cl.senders[full] {
		return
	}
	for other := range cl.senders {
		if len(cl.senders) < maxResources {
			break
		}
		delete(cl.senders, other)
	}
	lazySet(&cl.senders, full, true)
}

// gone reports whether a client that has sent a message is offline, as far as the gateway
// knows.
func (cl *clients) gone(from address.JID) bool {
	if from.Resource == "" {
		return false // a service, which has no clients
	}
	full := from.String()
	_, available := cl.resources[full]
	return !available && !cl.senders[full]
}

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
