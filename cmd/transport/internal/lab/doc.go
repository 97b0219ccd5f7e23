// Package lab runs real XMPP servers on the loopback interface, with state that
// is thrown away, and connects real XMPP clients to them. "transport demo" and
// the end-to-end tests are its callers.
//
// A Server (Prosody or Ejabberd) is a process of its own in a folder of its own.
// It can be stopped, killed and started again on the same ports with the same
// data. No process outlives the one that started it, however that one ends.
//
// A Client is a connection of a user to such a server. It takes down every
// stanza that comes in. Expect waits for one; the error of an Expect that waited in
// vain shows what came in its place. An NBXMPP is such a client too, made of the library
// of Gajim, and tells what that makes of each stanza. Nothing in this package waits by the clock
// alone: it waits for an event, and a deadline bounds that.
package lab
