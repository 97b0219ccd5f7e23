package oscar

import (
	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// snacError is a SNAC error as the user should read it. (AOL, "Error codes")
func (n *network) snacError(e oscarwire.SNACError) error {
	is := func(kind legacy.Kind, text string) error { return legacy.Wrap(kind, e.Code, text) }
	switch e.Code {
	case oscarwire.CodeServerRate, oscarwire.CodeClientRate, oscarwire.CodeQueueFull:
		return is(legacy.RateLimited, "That was too fast for "+n.name()+". Wait a little.")
	case oscarwire.CodeNotLoggedOn, oscarwire.CodeUserUnavailable:
		const offlineFull = 0x0E // ICBM subcode: the receiver's store is full
		if sub, ok := e.Subcode(); ok && sub == offlineFull {
			return is(legacy.Offline, "The receiver is offline, and too many messages wait for them already.")
		}
		return is(legacy.Offline, "The receiver is not online, and "+n.name()+" does not store messages for them.")
	case oscarwire.CodeClientSupport, oscarwire.CodeNotSupported, oscarwire.CodeObsolete, oscarwire.CodeNotDefined:
		return is(legacy.Unsupported, n.name()+" cannot do that.")
	case oscarwire.CodeRefused, oscarwire.CodeRequestDenied, oscarwire.CodeNoRights:
		return is(legacy.Forbidden, "The receiver does not take messages from you.")
	case oscarwire.CodeBlockedLocally:
		return is(legacy.Blocked, "You have blocked the receiver, or your privacy settings on "+n.name()+" do.")
	case oscarwire.CodeSenderTooWarned, oscarwire.CodePeerTooWarned:
		return is(legacy.Forbidden, "You or the receiver were warned too often.")
	case oscarwire.CodeReplyTooBig:
		return is(legacy.TooLong, "That is too long for "+n.name()+".")
	case oscarwire.CodeBusted, oscarwire.CodeBadHeader:
		return is(legacy.Internal, "The "+n.name()+" server did not understand the gateway.")
	case oscarwire.CodeNoMatch, oscarwire.CodeAmbiguous:
		return is(legacy.NotFound, n.name()+" does not know them.")
	}
	return is(legacy.Temporary, "The "+n.name()+" server cannot do that at the moment.")
}

// listError is what became of an edit of the list, nil if all is well.
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
		return is(legacy.Forbidden, "The contact must allow that first.")
	}
	return is(legacy.Temporary, "The "+n.name()+" server cannot change your contact list at the moment.")
}
