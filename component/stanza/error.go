package stanza

import (
	"errors"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// Error is the <error/> of a stanza of type error.
type Error struct {
	Type      Kind
	Condition Condition
	Text      string
	Address   string           // the new address, a URI, of the conditions gone and redirect
	Special   *element.Element // an application-specific condition, or nil
	Field     string           // the form field with the error, or ""
	Uncertain bool             // of a message: it may have arrived all the same
}

// The errors of the component itself. (RFC 6120 §8.3.3)
var (
	ErrBadRequest       = Error{Type: Modify, Condition: BadRequest, Text: "The request is malformed."}
	ErrNotImplemented   = Error{Type: Cancel, Condition: FeatureNotImplemented}
	ErrServiceUnavail   = Error{Type: Cancel, Condition: ServiceUnavailable}
	ErrNotAllowed       = Error{Type: Cancel, Condition: NotAllowed}
	ErrItemNotFound     = Error{Type: Cancel, Condition: ItemNotFound}
	ErrInternal         = Error{Type: Cancel, Condition: InternalServerError, Text: "Something went wrong inside the gateway."}
	ErrTimeout          = Error{Type: Wait, Condition: RemoteServerTimeout, Text: "The network did not answer in time."}
	ErrBusy             = Error{Type: Wait, Condition: ResourceConstraint, Text: "Too many requests at once. Try again in a moment."}
	ErrTooFast          = Error{Type: Wait, Condition: PolicyViolation, Text: "You are sending too fast. Wait a little."}
	ErrRegisterFirst    = Error{Type: Auth, Condition: RegistrationRequired, Text: "You are not registered with this gateway. Register first."}
	ErrForbidden        = Error{Type: Auth, Condition: Forbidden, Text: "Only administrators may do that."}
	ErrNotForYou        = Error{Type: Auth, Condition: Forbidden, Text: "This gateway does not serve your address."}
	ErrTooLarge         = Error{Type: Modify, Condition: PolicyViolation, Text: "The stanza is too large."}
	ErrJIDMalformed     = Error{Type: Modify, Condition: JIDMalformed, Text: "The address is malformed."}
	ErrShuttingDown     = Error{Type: Wait, Condition: RecipientUnavailable, Text: "The gateway is restarting. Try again in a moment."}
	ErrNotOnline        = Error{Type: Wait, Condition: RecipientUnavailable, Text: "You are not signed on to the network."}
	ErrInterrupted      = Error{Type: Wait, Condition: RemoteServerTimeout, Text: "The gateway was interrupted before the network confirmed it.", Uncertain: true}
	ErrDatabase         = Error{Type: Wait, Condition: InternalServerError, Text: "The gateway cannot write to its database. Nothing was changed. Try again later."}
	ErrEncrypted        = Error{Type: Modify, Condition: NotAcceptable, Text: "Encryption is not possible through this gateway. Turn it off for this contact and send again."}
	ErrBlank            = Error{Type: Modify, Condition: NotAcceptable, Text: "The message has no text. It was not sent."}
	ErrBlocked          = Error{Type: Cancel, Condition: NotAcceptable, Text: "You have blocked this contact.", Special: element.New(xep.NSBlockingErrors, "blocked")} // XEP-0191 §3.2
	ErrNoGroupchatHere  = Error{Type: Modify, Condition: BadRequest, Text: "This address is not a room."}
	ErrUnregistering    = Error{Type: Wait, Condition: UnexpectedRequest, Text: "Your registration is being removed already."}
	ErrRegistrationBusy = Error{Type: Wait, Condition: UnexpectedRequest, Text: "A registration is under way. Wait for its result."}
)

// With returns the error with another text.
func (e Error) With(text string) Error {
	e.Text = text
	return e
}

// legacyCodes are the numeric error codes from before RFC 3920, which in-band
// registration still requires. (XEP-0086, XEP-0077 §9)
var legacyCodes = map[Condition]string{
	BadRequest: "400", Conflict: "409", FeatureNotImplemented: "501",
	Forbidden: "403", Gone: "302", InternalServerError: "500",
	ItemNotFound: "404", JIDMalformed: "400", NotAcceptable: "406",
	NotAllowed: "405", NotAuthorized: "401", RecipientUnavailable: "404",
	Redirect: "302", RegistrationRequired: "407", RemoteServerNotFound: "404",
	RemoteServerTimeout: "504", ResourceConstraint: "500", ServiceUnavailable: "503",
	SubscriptionRequired: "407", UndefinedCondition: "500", UnexpectedRequest: "400",
}

// Element returns the <error/> child. (RFC 6120 §8.3.2)
func (e Error) Element() *element.Element {
	x := element.New(NS, "error").Set("type", string(e.Type))
	if code := legacyCodes[e.Condition]; code != "" {
		x.Set("code", code)
	}
	condition := element.New(NSErrors, string(e.Condition))
	if e.Address != "" { // RFC 6120 §8.3.3.5
		condition.AddText(e.Address)
	}
	x.Add(condition)
	if e.Text != "" {
		x.Add(element.New(NSErrors, "text").SetLang("en").AddText(e.Text))
	}
	if e.Special != nil {
		x.Add(e.Special)
	}
	return x
}

// Translate returns the stanza error for an error of a network. This is the only such
// table. The result for an unknown error does not include the cause; the caller logs it.
func Translate(err error) (to Error) {
	kind, text := legacy.KindOf(err), ""
	var e *legacy.Error
	if errors.As(err, &e) {
		text = e.Text
		defer func() { to.Uncertain = e.Uncertain }()
	}
	switch kind {
	case legacy.Auth:
		to = Error{Type: Auth, Condition: NotAuthorized, Text: "The network refused the name or the password."}
	case legacy.Temporary:
		to = Error{Type: Wait, Condition: RemoteServerTimeout, Text: "The network cannot be reached now."}
	case legacy.NotFound:
		to = Error{Type: Cancel, Condition: ItemNotFound, Text: "There is no such address on the network."}
	case legacy.Forbidden:
		to = Error{Type: Cancel, Condition: NotAllowed, Text: "The network does not allow that."}
	case legacy.Unsupported:
		to = Error{Type: Cancel, Condition: FeatureNotImplemented, Text: "The network cannot do that."}
	case legacy.TooLong:
		to = Error{Type: Modify, Condition: PolicyViolation, Text: "The text is too long for the network."}
	case legacy.RateLimited:
		to = ErrBusy
	case legacy.Offline:
		to = ErrNotOnline
	case legacy.MembersOnly:
		to = Error{Type: Auth, Condition: RegistrationRequired, Text: "Only members may join this room. Ask for an invitation."}
	case legacy.Full:
		to = Error{Type: Wait, Condition: ServiceUnavailable, Text: "The room is full."}
	case legacy.Conflict:
		to = Error{Type: Cancel, Condition: Conflict, Text: "Somebody else has that name."}
	case legacy.BadNick: // XEP-0045 §7.2
		to = Error{Type: Modify, Condition: NotAcceptable, Text: "The network does not permit this nickname. Choose another one."}
	case legacy.Blocked:
		to = ErrBlocked
	case legacy.Replaced:
		to = Error{Type: Wait, Condition: RecipientUnavailable, Text: "The account has signed on from another place, which ended this session."}
	default:
		return ErrInternal
	}
	if text != "" {
		to.Text = text
	}
	return to
}
