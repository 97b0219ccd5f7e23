// Package component is the XMPP side of the gateway: everything that is XMPP
// and nothing that is of one legacy network.
//
// A Component is one XEP-0114 component, that is one [[network]] block of the
// configuration: one domain, one stream to the XMPP server, one legacy network.
//
// # Goroutines
//
// Every stanza takes one path:
//
//		reader ─▶ dispatch ─▶ a user's actor ─▶ legacy.Session
//		writer ◀──────────── a user's actor ◀─ legacy.Event
//
//	  - one reader per link (package stream): decodes, routes (dispatch.go), and answers
//	    requests that need no state (iq.go). It never blocks on anything else;
//	  - one writer per link (package stream): sends the buffered stanzas in one write;
//	  - one actor per active user (user.go): owns all of that user's state and is
//	    the only one to touch it, so there are no locks inside;
//	  - one goroutine per legacy session (session.go), owned by the actor.
//
// Blocking is acyclic: the reader waits for nobody (a full actor answers
// resource-constraint), an actor for the writer only, a session for its actor
// only. Each can be stopped, and its starter waits for its end.
package component
