package oscar

import (
	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// snacError converts a SNAC error to one for the user. (AOL, "Error codes")
func (n *network) snacError(e oscarwire.SNACError) error {
	is := func(kind legacy.Kind, text string) error { return legacy.Wrap(kind, e.Code, text) }
	switch e.Code {
	case oscarwire.CodeServerRate, oscarwire.CodeClientRate, oscarwire.CodeQueueFull:
		return is(legacy.RateLimited, n.name()+" limits how fast requests may follow each other. Try again in a moment.")
	case oscarwire.CodeNotLoggedOn, oscarwire.CodeUserUnavailable:
		const offlineFull = 0x0E // ICBM subcode: the recipient's offline store is full
		if sub, ok := e.Subcode(); ok && sub == offlineFull {
			return is(legacy.Offline, "The recipient is offline and has too many stored messages. Try again later.")
		}
		return is(legacy.Offline, "The recipient is offline, and "+n.name()+" does not store messages for them.")
	case oscarwire.CodeClientSupport, oscarwire.CodeNotSupported, oscarwire.CodeObsolete, oscarwire.CodeNotDefined:
		return is(legacy.Unsupported, n.name()+" does not support this.")
	case oscarwire.CodeRefused, oscarwire.CodeRequestDenied, oscarwire.CodeNoRights:
		return is(legacy.Forbidden, "The recipient does not accept messages from you.")
	case oscarwire.CodeBlockedLocally:
		return is(legacy.Blocked, "You have blocked the recipient, or your privacy settings on "+n.name()+" block them.")
	case oscarwire.CodeSenderTooWarned, oscarwire.CodePeerTooWarned:
		return is(legacy.Forbidden, "You or the recipient have received too many warnings on "+n.name()+".")
	case oscarwire.CodeReplyTooBig:
		return is(legacy.TooLong, "The message is too long for "+n.name()+".")
	case oscarwire.CodeBusted, oscarwire.CodeBadHeader:
		return is(legacy.Internal, "The "+n.name()+" server rejected a request of the gateway as invalid.")
	case oscarwire.CodeNoMatch, oscarwire.CodeAmbiguous:
		return is(legacy.NotFound, n.name()+" does not know this user.")
	}
	return is(legacy.Temporary, "The "+n.name()+" server cannot do this at the moment. Try again later.")
}

// listError converts the status of a list edit to an error for the user, nil for a
// success.
func (n *network) listError(st oscarwire.FeedbagStatus) error {
	is := func(kind legacy.Kind, text string) error { return legacy.Wrap(kind, st, text) }
	switch st {
	case oscarwire.FeedbagOK, oscarwire.FeedbagExists:
		return nil
	case oscarwire.FeedbagNotFound, oscarwire.FeedbagBad:
		return is(legacy.NotFound, n.name()+" does not know this "+n.Info().PeerName+".")
	case oscarwire.FeedbagLimit, oscarwire.FeedbagBuddiesLimit:
		return is(legacy.Forbidden, "Your contact list on "+n.name()+" is full.")
	case oscarwire.FeedbagICQToAIM:
		return is(legacy.Forbidden, "This network does not let ICQ and AIM users see each other.")
	case oscarwire.FeedbagNeedsAuth:
		return is(legacy.Forbidden, "The contact must authorize this first.")
	}
	return is(legacy.Temporary, "The "+n.name()+" server cannot change your contact list at the moment. Try again later.")
}
