package component

import (
	"errors"

	"mellium.im/xmpp/stanza"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// stanzaError is the <error/> of a stanza of type error.
type stanzaError struct {
	Type      stanza.ErrorType
	Condition stanza.Condition
	Text      string
	Special   *element.Element // a condition of another specification's, or nil
	Field     string           // the field to mend, where a form was filled in
}

// The errors that the component itself answers with. (RFC 6120 §8.3.3)
var (
	errBadRequest       = stanzaError{Type: stanza.Modify, Condition: stanza.BadRequest, Text: "The request is malformed."}
	errNotImplemented   = stanzaError{Type: stanza.Cancel, Condition: stanza.FeatureNotImplemented}
	errServiceUnavail   = stanzaError{Type: stanza.Cancel, Condition: stanza.ServiceUnavailable}
	errNotAllowed       = stanzaError{Type: stanza.Cancel, Condition: stanza.NotAllowed}
	errItemNotFound     = stanzaError{Type: stanza.Cancel, Condition: stanza.ItemNotFound}
	errInternal         = stanzaError{Type: stanza.Cancel, Condition: stanza.InternalServerError, Text: "Something went wrong inside the gateway."}
	errTimeout          = stanzaError{Type: stanza.Wait, Condition: stanza.RemoteServerTimeout, Text: "The network did not answer in time."}
	errBusy             = stanzaError{Type: stanza.Wait, Condition: stanza.ResourceConstraint, Text: "Too much at once. Try again in a moment."}
	errTooFast          = stanzaError{Type: stanza.Wait, Condition: stanza.PolicyViolation, Text: "You are sending too fast. Wait a little."}
	errRegisterFirst    = stanzaError{Type: stanza.Auth, Condition: stanza.RegistrationRequired, Text: textStranger + " Register first."}
	errForbidden        = stanzaError{Type: stanza.Auth, Condition: stanza.Forbidden, Text: "That is for administrators."}
	errNotForYou        = stanzaError{Type: stanza.Auth, Condition: stanza.Forbidden, Text: "This gateway does not serve your address."}
	errTooLarge         = stanzaError{Type: stanza.Modify, Condition: stanza.PolicyViolation, Text: "The stanza is too large."}
	errJIDMalformed     = stanzaError{Type: stanza.Modify, Condition: stanza.JIDMalformed, Text: "The address is malformed."}
	errShuttingDown     = stanzaError{Type: stanza.Wait, Condition: stanza.RecipientUnavailable, Text: "The gateway is restarting. Try again in a moment."}
	errNotOnline        = stanzaError{Type: stanza.Wait, Condition: stanza.RecipientUnavailable, Text: "You are not signed on to the network."}
	errDatabase         = stanzaError{Type: stanza.Wait, Condition: stanza.InternalServerError, Text: "The gateway cannot write its database now. Nothing was changed; try again later."}
	errEncrypted        = stanzaError{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: "Encryption is not possible through this gateway. Turn it off for this contact and send again."}
	errBlocked          = stanzaError{Type: stanza.Cancel, Condition: stanza.NotAcceptable, Text: "You have blocked this contact.", Special: element.New(xep.NSBlockingErrors, "blocked")} // XEP-0191 §3.2
	errNoGroupchatHere  = stanzaError{Type: stanza.Modify, Condition: stanza.BadRequest, Text: "This address is not a room."}
	errUnregistering    = stanzaError{Type: stanza.Wait, Condition: stanza.UnexpectedRequest, Text: "Your registration is being removed already."}
	errRegistrationBusy = stanzaError{Type: stanza.Wait, Condition: stanza.UnexpectedRequest, Text: "A registration is under way. Wait for its result."}
)

// with is the error with another text.
func (e stanzaError) with(text string) stanzaError {
	e.Text = text
	return e
}

// legacyCodes are the numbers of RFC 3920's predecessors, still wanted beside
// the errors of in-band registration. (XEP-0086, XEP-0077 §9)
var legacyCodes = map[stanza.Condition]string{
	stanza.BadRequest: "400", stanza.Conflict: "409", stanza.FeatureNotImplemented: "501",
	stanza.Forbidden: "403", stanza.Gone: "302", stanza.InternalServerError: "500",
	stanza.ItemNotFound: "404", stanza.JIDMalformed: "400", stanza.NotAcceptable: "406",
	stanza.NotAllowed: "405", stanza.NotAuthorized: "401", stanza.RecipientUnavailable: "404",
	stanza.Redirect: "302", stanza.RegistrationRequired: "407", stanza.RemoteServerNotFound: "404",
	stanza.RemoteServerTimeout: "504", stanza.ResourceConstraint: "500", stanza.ServiceUnavailable: "503",
	stanza.SubscriptionRequired: "407", stanza.UndefinedCondition: "500", stanza.UnexpectedRequest: "400",
}

// element is the <error/> child. (RFC 6120 §8.3.2)
func (e stanzaError) element() *element.Element {
	x := element.New(nsStanza, "error").Set("type", string(e.Type))
	if code := legacyCodes[e.Condition]; code != "" {
		x.Set("code", code)
	}
	x.Add(element.New(nsStanzaErrors, string(e.Condition)))
	if e.Text != "" {
		x.Add(element.New(nsStanzaErrors, "text").SetLang("en").AddText(e.Text))
	}
	if e.Special != nil {
		x.Add(e.Special)
	}
	return x
}

// translateError is the one table from what a network says to what an XMPP user
// is told. An unknown error says nothing of its cause; the caller logs it.
func translateError(err error) stanzaError {
	kind, text := legacy.KindOf(err), ""
	var e *legacy.Error
	if errors.As(err, &e) {
		text = e.Text
	}
	var to stanzaError
	switch kind {
	case legacy.Auth:
		to = stanzaError{Type: stanza.Auth, Condition: stanza.NotAuthorized, Text: "The network refused the name or the password."}
	case legacy.Temporary:
		to = stanzaError{Type: stanza.Wait, Condition: stanza.RemoteServerTimeout, Text: "The network cannot be reached now."}
	case legacy.NotFound:
		to = stanzaError{Type: stanza.Cancel, Condition: stanza.ItemNotFound, Text: "There is no such address on the network."}
	case legacy.Forbidden:
		to = stanzaError{Type: stanza.Cancel, Condition: stanza.NotAllowed, Text: "The network does not allow that."}
	case legacy.Unsupported:
		to = stanzaError{Type: stanza.Cancel, Condition: stanza.FeatureNotImplemented, Text: "The network cannot do that."}
	case legacy.TooLong:
		to = stanzaError{Type: stanza.Modify, Condition: stanza.PolicyViolation, Text: "The text is too long for the network."}
	case legacy.RateLimited:
		to = errBusy
	case legacy.Offline:
		to = errNotOnline
	case legacy.MembersOnly:
		to = stanzaError{Type: stanza.Auth, Condition: stanza.RegistrationRequired, Text: "The room is for those who were let in."}
	case legacy.Full:
		to = stanzaError{Type: stanza.Wait, Condition: stanza.ServiceUnavailable, Text: "The room is full."}
	case legacy.Conflict:
		to = stanzaError{Type: stanza.Cancel, Condition: stanza.Conflict, Text: "Somebody else has that name."}
	case legacy.BadNick: // XEP-0045 §7.2
		to = stanzaError{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: "The network has no such nicknames. Choose another one."}
	case legacy.Blocked:
		to = errBlocked
	case legacy.Replaced:
		to = stanzaError{Type: stanza.Wait, Condition: stanza.RecipientUnavailable, Text: "The account is signed on from elsewhere."}
	default:
		return errInternal
	}
	if text != "" {
		to.Text = text
	}
	return to
}
