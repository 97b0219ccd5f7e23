// Package demo shows the gateway at work, for "transport demo": a real Prosody with
// throw-away state, a mock ICQ network, the gateway between them, and a story that is
// played by a real XMPP client and printed as people would see it.
//
// Play is the entry. The people of the mock network (people.go) also serve
// "transport mock-icq".
package demo
