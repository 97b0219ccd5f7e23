package legacy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind classifies an error by the reaction to it: retry, ask the user, or give up.
type Kind uint8

// The kinds.
const (
	Internal    Kind = iota // a bug of the gateway, or an unclassified error
	Auth                    // wrong credentials: do not retry until they are edited
	Temporary               // the network is unreachable or ended the session: retry
	NotFound                // no such peer, room or message
	Forbidden               // the network or the peer refused
	Unsupported             // the network has no such operation
	TooLong                 // the text exceeds the network's limit
	RateLimited             // too much at once: retry after Error.RetryAfter
	Offline                 // the session, or the peer, is not signed on
	Replaced                // the account signed on elsewhere: do not fight over it
	MembersOnly             // the room admits members only
	Full                    // the room is full
	Conflict                // the name is in use by somebody else
	Blocked                 // the user has blocked the peer
	BadNick                 // the network does not allow this nick
)

var kindNames = [...]string{"internal", "auth", "temporary", "not found", "forbidden",
	"unsupported", "too long", "rate limited", "offline", "replaced", "members only", "full", "conflict", "blocked", "bad nick"}

// String returns the kind's name for the log.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Error is an error with a Kind and a text for the user.
type Error struct {
	Kind Kind
	// Text is for the user, in plain English: what happened and, where it helps, what to
	// do. It contains no secrets and no addresses of the gateway itself.
	Text string
	// RetryAfter is the minimum delay before a retry, 0 if unknown.
	RetryAfter time.Duration
	// Uncertain: the network may have carried the command out all the same.
	Uncertain bool
	// Err is the cause, for the log only.
	Err error
}

// Error returns the text, followed by the cause.
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

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error of the given kind with a text for the user.
func Errorf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// Wrap returns an Error of the given kind with a cause for the log and a text for the
// user.
func Wrap(k Kind, cause error, text string) *Error {
	return &Error{Kind: k, Text: text, Err: cause}
}

// ErrPaused is the cause of the error of Env.Attempt.
var ErrPaused = errors.New("too many wrong passwords")

// Uncertain returns the error of a command that the network may have carried out: a copy of
// the first *Error in err's chain, or a Temporary one without a text.
func Uncertain(err error) *Error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Kind: KindOf(err), Err: err, Uncertain: true}
	}
	uncertain := *e
	uncertain.Uncertain = true
	return &uncertain
}

// KindOf returns the kind of the first *Error in err's chain. Without one it is
// Temporary for a timeout or a cancelled context, and Internal for any other error.
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

// FieldError is a wrong or missing answer in a form: registration, settings or a
// command.
type FieldError struct {
	Var  string // Field.Var
	Text string // the problem, for the user
}

// Error returns the field's name and the problem.
func (e *FieldError) Error() string { return e.Var + ": " + e.Text }
