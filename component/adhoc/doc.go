// Package adhoc runs the commands of a gateway: as ad-hoc commands with forms (XEP-0050),
// and by words in a chat with the gateway, for clients without ad-hoc commands (XEP-0100
// §8 leaves these to the gateway).
//
// A gateway has one Table of commands, which all users share. Each user has an Engine,
// which holds the executions under way. Both have a type parameter U, the user: a command
// is a function of its user and its Execution, so that a table needs no type assertion and
// the engine need not know what a user is.
//
//	IQ        ─ Engine.OnCommand ─┐                        ┌─▶ IQ result
//	                              ├─ Command.Start ─ Ask ──┤
//	a message ─ Engine.OnText ────┘        ▲      Finish   └─▶ a chat message
//	                                       └─ the answers
//
// A command asks by data forms only (XEP-0004). To a user who writes words, the engine
// puts the fields of the form as questions, and shows its results as text. The first words
// behind the name of a command answer the first form.
//
// A Table never changes and may be used from any goroutine. An Engine and its executions
// belong to the goroutine of their user, which also calls due, next, busy and reset: the
// engine has no goroutine and no timer of its own.
package adhoc
