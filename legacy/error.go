package legacy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind classifies an error by what can be done about it.
type Kind uint8

// The kinds.
const (
	Internal    Kind = iota // a fault of ours, or an unknown one
	Auth                    // wrong credentials: do not retry until they are edited
	Temporary               // the network cannot be reached or ended the session: retry
	NotFound                // there is no such peer
	Forbidden               // the network or the peer refuses
	Unsupported             // the network cannot do this
	TooLong                 // the text is longer than the network takes
	RateLimited             // too much at once: retry after Error.RetryAfter
	Offline                 // the session, or the peer, is not signed on
	Replaced                // the account signed on elsewhere: do not fight over it
	MembersOnly             // a room is for those who were let in
	Full                    // a room has no place left
	Conflict                // the name is somebody else's
	Blocked                 // the user has blocked the peer
	BadNick                 // the network has no such nicks
)

var kindNames = [...]string{"internal", "auth", "temporary", "not found", "forbidden",
	"unsupported", "too long", "rate limited", "offline", "replaced", "members only", "full", "conflict", "blocked", "bad nick"}

// String is the kind's name, as logged.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Error is an error as the core understands it.
type Error struct {
	Kind Kind
	// Text is for the user, in plain English: what happened and, where it helps,
	// what to do. It holds no secrets and no addresses of the gateway's own.
	Text string
	// RetryAfter is how long to wait at least, 0 if unknown.
	RetryAfter time.Duration
	// Err is the cause, for the log.
	Err error
}

// Error is the text with the cause behind it.
func (e *Error) Error() string {
	s := e.Text
	if s == "" {
		s = e.Kind.String()
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of a kind with a text for the user.
func Errorf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// Wrap makes an Error of a kind with a text for the user and a cause for the log.
func Wrap(k Kind, cause error, text string) *Error {
	return &Error{Kind: k, Text: text, Err: cause}
}

// KindOf is the kind of an error: that of the first *Error in its chain,
// Temporary for a time-out or an end of a context, Internal for any other.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Temporary
	}
	var t interface{ Timeout() bool }
	if errors.As(err, &t) && t.Timeout() {
		return Temporary
	}
	return Internal
}

// FieldError is a wrong or missing answer in a form: of a registration, of settings or
// of a command.
type FieldError struct {
	Var  string // the field
	Text string // what is wrong with it, for the user
}

// Error names the field and what is wrong with it.
func (e *FieldError) Error() string { return e.Var + ": " + e.Text }
