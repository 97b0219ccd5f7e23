// Package files keeps what came from a network as a file, for some time, and
// serves it over HTTP to whoever has the link; or Put puts it elsewhere. It knows
// neither XMPP nor any network; of ours it uses the classified errors of package
// legacy only.
//
// A Store is a folder and a listener. Save may be called from any goroutine, as
// legacy.Env.StoreFile. Run owns the HTTP server and the goroutine that removes
// what is too old, and waits for both.
//
// The folder is flat. A file is called ID-NAME, where ID is 128 bits of chance
// and NAME what the sender called it, made harmless (name.go); what is not yet
// complete is called .part-ID. Nothing else in the folder is touched.
//
// The folder never holds more than Options.TotalSize: where a new file needs the
// room, the oldest ones go first. Their links then say that nothing is there.
package files
