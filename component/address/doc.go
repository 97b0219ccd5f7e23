// Package address deals with JIDs as strings the way servers do: it splits
// them, brings them into the form in which servers compare them, and makes
// addresses out of what legacy networks call their users that no server closes
// the stream for. Package component and whoever maps legacy names to addresses
// call it; everything in it may be called from any goroutine.
//
// Prosody and ejabberd both prepare addresses by stringprep (RFC 6122,
// superseded, but in force), not by PRECIS (RFC 8265), and with Unicode 3.2.
// They differ in code points that came after it: Prosody passes them as they
// are, ejabberd refuses them. So what comes in is taken as Prosody does, and
// what goes out by SafeLocal and SafeResource is acceptable to both.
package address
