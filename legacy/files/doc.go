// Package files stores files received from a network for a limited time and serves them
// over HTTP to everyone who has the link. Put uploads a file to another server instead.
// The package knows neither XMPP nor any network; of this module it imports only
// package legacy, for the classified errors.
//
// A Store is a folder and a listener. Any goroutine may call Save, as
// legacy.Env.StoreFile. Run owns the HTTP server and the goroutine that removes expired
// files, and waits for both.
//
// The folder is flat. A file is called ID.SENDER-NAME, where ID has 130 random bits,
// SENDER is a hash of the sender's address, for the quotas (quota.go), and NAME is the
// sender's name for the file, sanitised (name.go). A file of an older version has no
// SENDER. An incomplete file is called .part-ID; the next process deletes those that a
// crash has left. The store touches nothing else in the folder, and follows no symbolic
// link in it.
//
// The files in the folder never exceed Options.TotalSize: a new file evicts the oldest
// ones. Their links then return 404. A file beyond a quota of its sender is refused.
package files
