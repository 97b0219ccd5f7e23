// Package lab runs real XMPP and IRC servers on the loopback interface, with temporary
// data, and connects real XMPP clients to them. "transport demo", the end-to-end tests,
// "make clients", "make chaos" and "make bench-irc" use it.
//
// A Server (Prosody or Ejabberd) is a process with its own folder. It can be stopped,
// killed and started again on the same ports with the same data. No server outlives the
// process that started it, even if that process is killed.
//
// A Client is a user's connection to such a server. It records every stanza that it
// receives. Expect waits for one; if its deadline passes, its error lists the received
// stanzas. An NBXMPP is a client with Gajim's library, and reports that library's parsed
// results. This package never sleeps for a fixed time: it waits for events with a
// deadline.
package lab
