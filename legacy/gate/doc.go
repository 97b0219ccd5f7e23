// Package gate limits how many connections of a gateway a server has to accept and to sign on
// at the same time, and how many in a minute. It learns what each server bears: a gate starts
// wide, narrows when the server refuses connections or becomes slow, and widens again slowly.
//
// A connection passes a gate in three steps. Gate.Enter waits for a place among the sign-ons.
// Pass.Open waits for one among the connections that the server has not accepted yet, which
// are few, because the kernel drops more than a server's listen backlog holds and tries again
// only after a second. Pass.Done reports the outcome, from which the gate learns.
//
// All functions may be called by any goroutine.
package gate
