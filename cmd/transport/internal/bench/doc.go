// Package bench has what the programs of "make bench-irc" and "make bench-oscar" share:
// a played XMPP server, counting and timing of messages, the process of the gateway with
// its CPU time, memory and profiles, and the tables of results.
//
// A scenario runs in one goroutine and panics with a Failure; Protect returns that as an
// error.
package bench
