// Package stanza has the stanzas of a component stream: what came in, the errors and
// results that answer it, and builders for what goes out. It knows no users and no
// connection; a Host sends what it builds. (RFC 6120 §8, XEP-0114 §3)
//
// Everything may be called from any goroutine; a Request belongs to one at a time.
package stanza

// The namespaces of the stream itself; those of extensions are in package xep.
const (
	NS       = "jabber:component:accept" // XEP-0114 §3
	NSErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"
)
