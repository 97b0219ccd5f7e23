package stanza

import "mellium.im/xmpp/stanza"

// Kind is the type of an error: what its receiver can do about it.
// (RFC 6120 §8.3.2)
type Kind = stanza.ErrorType

// The types of errors.
const (
	Auth   = stanza.Auth
	Cancel = stanza.Cancel
	Modify = stanza.Modify
	Wait   = stanza.Wait
)

// Condition is what went wrong, by the names of RFC 6120 §8.3.3.
type Condition = stanza.Condition

// The conditions that the gateway answers with or acts on.
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
