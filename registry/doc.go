// Package registry is everything that the gateway remembers: who is registered
// with which legacy account, what is known about each of their contacts, and
// the messages that could not be delivered yet. It is one SQLite database and
// one key file.
//
// Package component is its caller, cmd/transport opens and closes it. All
// methods of [DB] may be called from any goroutine at any time. None of them
// calls back, holds a lock while it waits for the disk, or needs another one to
// have been called before.
//
// # Writing and reading
//
// One goroutine (writer.go) owns the only connection that writes. It takes
// whatever calls are waiting, runs them in one transaction and answers each of
// them after the commit, so that many callers share one commit. A call that
// fails is undone alone. A method that returned nil is committed; what is said
// to be durable also survives a loss of power, the rest only the death of the
// process. When a caller's context ends while its call is already in the
// queue, the call returns the context's error and may or may not be carried
// out.
//
// Reading goes through a few read-only connections, and sees everything that
// was committed before the call.
//
// # What is encrypted
//
// Credentials and other fields of an account, the user's options, the adapter's
// state and the payload of kept messages are sealed with AES-256-GCM under a key
// derived from the newest key of the key file. The place of a value (table,
// network, user, …) is part of what is authenticated, so that values which were
// swapped within the database are noticed. Addresses, names of contacts and
// times are not encrypted. [DB.Rotate] changes the key; do so at least once in
// two thousand million sealed values, since nonces are random.
//
// # Errors
//
// Errors wrap one of the sentinels of this package where a caller can act upon
// the difference, and name the file to look at. None holds a secret.
package registry
