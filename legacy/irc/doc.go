// Package irc is the adapter for IRC: each user has a connection to each server that
// they use, and channels are rooms.
//
//	session                 one account: commands of the core (session.go)
//	└ link                  one server: connects and reconnects (link.go)
//	  └ client              one connection: lines, deadlines (client.go, text.go)
//	    ├ conn              TCP or TLS, read by a goroutine of its own (conn.go)
//	    ├ registration      capabilities, SASL, nick (connect.go, sasl.go)
//	    ├ channels          the joined channels (channel.go, modes.go, react.go)
//	    │ └ channel         one of them, with its members (member.go)
//	    ├ pending           commands that the server has not confirmed yet (pending.go)
//	    ├ lookups           WHOIS, WHO, LIST, CTCP VERSION (whois.go, search.go, ctcp.go)
//	    ├ watchlist         presence by MONITOR, WATCH or ISON (watch.go)
//	    └ throttle          rate limit of the lines sent (throttle.go)
//
// One goroutine for each link owns its client and all of its parts. Commands of the core
// are closures in a bounded queue (queue.go).
package irc
