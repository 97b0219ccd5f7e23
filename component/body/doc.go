// Package body translates between the body of an XMPP message and the text of a legacy
// message: plain text, markup, quotations, and the fallbacks of corrections, retractions
// and reactions; and between a client's presence or chat state and that of a network. Its
// functions are pure: they keep nothing and may be called from any goroutine.
package body
