// Package registry is the persistent storage of the gateway: the registrations with
// their legacy accounts, the state of each contact, the spool of undelivered messages,
// and the archives of rooms. It consists of one SQLite database and one key file.
//
// Package component calls it; cmd/transport opens and closes it. Any goroutine may call
// any method of [DB] at any time. No method calls back, holds a lock during disk I/O, or
// requires an earlier call of another method.
//
// # Writing and reading
//
// One goroutine (writer.go) owns the only connection that writes. It runs all queued
// calls in one transaction and returns their results after the commit, so that many
// callers share one commit. A call that fails is rolled back alone. When a method has
// returned nil, its change is committed. A change documented as durable survives a power
// failure, other changes only a crash of the process. If the caller's context ends while
// the call is queued, the method returns the context's error, and the change may or may
// not be made.
//
// Reads use a few read-only connections, and see every commit from before the call.
//
// # Encryption
//
// Credentials and other fields of an account, the user's options, the adapter's state and
// the payloads of spooled and archived messages are sealed with AES-256-GCM, with a key
// derived from the newest key of the key file. The place of a value (table, network,
// user, …) is authenticated as associated data, so opening a value fails if it was moved
// within the database. Addresses, names of contacts and times are not encrypted.
// [DB.Rotate] changes the key. Call it at least once per two thousand million sealed
// values, since nonces are random.
//
// # Errors
//
// Errors wrap one of the sentinels of this package if a caller can react to it, and
// contain the path of the file. No error contains a secret.
package registry
