// Package stanza has the stanzas of a component stream: received stanzas, the results and
// errors that answer them, and functions that build outgoing stanzas. It does not depend
// on users or a connection; a Host sends the stanzas. (RFC 6120 §8, XEP-0114 §3)
//
// All functions may be called from any goroutine. A Request may be used by only one
// goroutine at a time.
package stanza

// The namespaces of the stream itself. Package xep has those of extensions.
const (
	NS       = "jabber:component:accept" // XEP-0114 §3
	NSErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"
)
