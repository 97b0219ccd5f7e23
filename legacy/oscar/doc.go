// Package oscar is the adapter for ICQ and AIM, and for the servers that revive
// them. It speaks OSCAR: FLAP frames over TCP, in them SNACs (package
// oscarwire).
//
//	session                 one account: commands of the core (session.go)
//	└ client                one login: frames, deadlines, requests (client.go, login.go)
//	  ├ conn                TCP or TLS, read by a goroutine of its own (conn.go)
//	  ├ rates               the rate limits of the server (rate.go)
//	  ├ icbm                messages (message.go, icq.go)
//	  ├ buddies             presence, away texts, avatars of others (presence.go, icon.go)
//	  ├ contactList         the list on the server, and its changes (feedbag.go, feedbag_edit.go, block.go)
//	  ├ directory           profiles and searches (people.go, directory.go)
//	  ├ ownProfile          the user's profile and avatar (profile.go)
//	  ├ chats               AIM's chat rooms (chatnav.go)
//	  │ └ room              one of them: a client and a goroutine of its own (chatroom.go, chatroom_events.go)
//	  └ fileTransfers       files under way (file.go)
//	    └ transfer          one of them: a goroutine of its own (transfer.go, directconn.go)
//
// A session signs on at the authorizer (signon.go) and moves to the basic service,
// BOS. One goroutine owns the client and all of its parts. Commands of the core are
// closures in a bounded queue; rooms, transfers and connections to other services
// (service.go) send closures to that goroutine, too, and it waits for them at the end.
//
// A server silently drops SNACs that exceed its rate limits, so every
// SNAC waits in the lane of its rate class until the limits allow it.
package oscar
