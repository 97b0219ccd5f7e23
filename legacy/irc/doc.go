// Package irc is the adapter for IRC: a connection for each user to each server that they use,
// channels as rooms.
//
// A session connects and registers (connect.go), and then serves lines, commands
// and time-outs in one goroutine (client.go), which owns all state: the channels
// (channel.go) and who is in them (member.go). A second goroutine reads lines (conn.go).
// Commands of the core are closures in a bounded queue (session.go). Servers take
// only so many lines a second; what is sent waits its turn (throttle.go).
package irc
