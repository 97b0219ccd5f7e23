// Package stream is the connection to the XMPP server: the component protocol of
// XEP-0114, without users.
//
// Run connects, makes the handshake, reads stanzas, and connects again after a loss,
// until its context ends. A Handler gets three events: a connection, a stanza, and the
// end of the connection with the messages that the server has not acknowledged.
//
//	Run ─ connect ─ serve ─┬ read loop   → Handler.Stanza
//	                       ├ writer      ← Conn.Write, Track, Answer
//	                       └ keep-alive  pings our own domain
//
// XEP-0114 has no acknowledgements. The server routes a ping to our own domain back to
// us, and works in order: when the ping returns, the server has processed everything
// that was written before it. Messages written by Conn.Track are kept in memory until
// then, at most 4,096, and handed to Handler.Lost when the connection ends first.
package stream
