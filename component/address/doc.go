// Package address handles JIDs as servers do: it splits and normalises them, and makes
// valid JIDs of the names of legacy networks, so that no server closes the stream over
// them. All functions may be called from any goroutine.
//
// Prosody and ejabberd both prepare addresses by stringprep (RFC 6122,
// superseded, but in force), not by PRECIS (RFC 8265), and with Unicode 3.2.
// They differ in code points that came after it: Prosody passes them as they
// are, ejabberd refuses them. Incoming addresses are therefore parsed as Prosody does, and
// the results of SafeLocal and SafeResource are valid for both.
package address
