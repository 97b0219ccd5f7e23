// Package demo implements "transport demo": a real, temporary Prosody, a mock ICQ network,
// the gateway between them, and a story that a real XMPP client plays. The demo prints what
// its users would see.
//
// Play runs it. "transport mock-icq" uses the same accounts (people.go).
package demo
