// Package oscar is the adapter for ICQ and AIM, and for the servers that revive
// them. It speaks OSCAR: FLAP frames over TCP, in them SNACs (package
// oscarwire).
//
// A session signs on at the authorizer (signon.go), moves to the basic service,
// BOS (login.go), loads the contact list (feedbag.go), and then serves frames,
// commands and time-outs in one goroutine (client.go), which owns all state. A
// second goroutine reads frames (conn.go). Commands of the core are closures in
// a bounded queue (session.go).
//
// AIM has chat rooms (chatnav.go). Each is a connection with a goroutine of its own
// that enters it and serves it (chatroom.go, chatroom_events.go); the session's goroutine
// starts it, hands it commands, asks for it where it is to connect, and tells the
// core how it ended.
//
// A server counts SNACs and silently drops what comes too fast, so whatever is
// sent waits in the lane of its rate class until the server will take it
// (rate.go).
//
// Files come over a connection with their sender, or with a proxy between, each
// transfer in a goroutine of its own that the session waits for (file.go,
// transfer.go, directconn.go).
package oscar
