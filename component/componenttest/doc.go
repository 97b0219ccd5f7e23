// Package componenttest plays the XMPP server at the other end of a component's
// stream (XEP-0114), so that the gateway's XMPP side can be tested without one.
//
// A [Server] has no sockets: its Dial, given to the component as Config.Dial,
// hands out one end of a pipe. That makes it fit for testing/synctest, in whose
// bubble time passes only when everybody waits, and synctest.Wait returns when
// everything that was sent has had all its consequences.
//
//	srv := componenttest.NewServer(t, "gw.example", "secret")
//	... // a component with srv.Dial runs
//	srv.Linked(1)
//	srv.Send("<presence from='alice@example/phone' to='gw.example'/>")
//	srv.Expect("<presence from='gw.example' to='alice@example' type=''/>")
//
// What the component sends waits in a queue until a test asks for it. Tests
// describe stanzas by patterns, see [Match].
package componenttest
