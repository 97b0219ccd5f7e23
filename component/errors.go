package component

import (
	"errors"
	"time"

	"transport/component/stanza"
	"transport/legacy"
	"transport/registry"
)

// userText returns the text of an error for the user.
func userText(err error) string { return stanza.Translate(err).Text }

// retryAfter returns the network's retry-after of an error, 0 if it has none.
func retryAfter(err error) time.Duration {
	var e *legacy.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// orTemporary returns err, or the error of an ended session for nil.
func orTemporary(err error) error {
	if err == nil {
		return legacy.Errorf(legacy.Offline, "You were signed off before the network confirmed the message.")
	}
	return err
}

// isNotFound reports whether the registry has no such row.
func isNotFound(err error) bool { return errors.Is(err, registry.ErrNotFound) }

// notAcceptable returns the stanza error of an invalid field.
func notAcceptable(err error) *stanza.Error {
	why := &stanza.Error{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: "One of the values is not valid."}
	var field *legacy.FieldError
	if errors.As(err, &field) {
		why.Text, why.Field = field.Text, field.Var
	}
	return why
}

// answerError translates an error about the answers to a form.
func answerError(err error) stanza.Error {
	if errors.As(err, new(*legacy.FieldError)) {
		return *notAcceptable(err)
	}
	return stanza.Translate(err)
}
