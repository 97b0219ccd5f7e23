package stanza

import (
	"slices"

	"mellium.im/xmpp/stanza"

	"transport/component/element"
)

// Kind is the type of an error, which determines whether a retry makes sense.
// (RFC 6120 §8.3.2)
type Kind = stanza.ErrorType

// The types of errors.
const (
	Auth   = stanza.Auth
	Cancel = stanza.Cancel
	Modify = stanza.Modify
	Wait   = stanza.Wait
)

// Condition is an error condition of RFC 6120 §8.3.3.
type Condition = stanza.Condition

// The conditions that the gateway sends or handles.
const (
	BadRequest            = stanza.BadRequest
	Conflict              = stanza.Conflict
	FeatureNotImplemented = stanza.FeatureNotImplemented
	Forbidden             = stanza.Forbidden
	Gone                  = stanza.Gone
	InternalServerError   = stanza.InternalServerError
	ItemNotFound          = stanza.ItemNotFound
	JIDMalformed          = stanza.JIDMalformed
	NotAcceptable         = stanza.NotAcceptable
	NotAllowed            = stanza.NotAllowed
	NotAuthorized         = stanza.NotAuthorized
	PolicyViolation       = stanza.PolicyViolation
	RecipientUnavailable  = stanza.RecipientUnavailable
	Redirect              = stanza.Redirect
	RegistrationRequired  = stanza.RegistrationRequired
	RemoteServerNotFound  = stanza.RemoteServerNotFound
	RemoteServerTimeout   = stanza.RemoteServerTimeout
	ResourceConstraint    = stanza.ResourceConstraint
	ServiceUnavailable    = stanza.ServiceUnavailable
	SubscriptionRequired  = stanza.SubscriptionRequired
	UndefinedCondition    = stanza.UndefinedCondition
	UnexpectedRequest     = stanza.UnexpectedRequest
)

// HasCondition reports whether an error stanza has one of the conditions. e may be nil.
func HasCondition(e *element.Element, conditions ...Condition) bool {
	x := e.Child(NS, "error")
	return x != nil && slices.ContainsFunc(conditions, func(c Condition) bool { return x.Child(NSErrors, string(c)) != nil })
}
