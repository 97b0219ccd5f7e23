// Package files stores files received from a network for a limited time and serves them
// over HTTP to everyone who has the link. Put uploads a file to another server instead.
// The package knows neither XMPP nor any network; of this module it imports only
// package legacy, for the classified errors.
//
// A Store is a folder and a listener. Any goroutine may call Save, as
// legacy.Env.StoreFile. Run owns the HTTP server and the goroutine that removes expired
// files, and waits for both.
//
// The folder is flat. A file is called ID-NAME, where ID has 128 random bits and NAME
// is the sender's name for the file, sanitised (name.go). An incomplete file is called
// .part-ID. The store touches nothing else in the folder.
//
// The files in the folder never exceed Options.TotalSize: a new file evicts the oldest
// ones. Their links then return 404.
package files
