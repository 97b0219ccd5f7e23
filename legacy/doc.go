// Package legacy is the contract between the gateway's XMPP side (package
// component) and the networks that it reaches (one adapter package each). It
// holds types, that is interfaces, events and errors, and one rule that both sides
// keep (addr.go). It imports nothing of ours.
//
// # Writing an adapter
//
// A network is one folder under legacy/ and one line in the driver table of
// cmd/transport. legacytest.Echo is the smallest complete one; read it beside
// this page.
//
//  1. A Network is made once per [[network]] block of the configuration. It
//     answers questions that need no connection: what it is called, what its
//     registration form asks, whether a name is a possible one.
//  2. NewSession makes one Session for one user's account, without any I/O.
//     The core calls Run once, on a goroutine of its own. Run connects, tells
//     what the network says through Env.Emit, and returns when the session has
//     ended, with an *Error that says why. It never reconnects: the core
//     decides that from the error's Kind.
//  3. Commands (Send, SetPresence, AddContact …) are called by the core's actor
//     for this user, one at a time, possibly before Run has started and after
//     it has returned. They put work into a bounded queue and return at once;
//     they never wait for the network. A full queue is an Error of kind
//     RateLimited, a session that is not signed on one of kind Offline.
//  4. What a command leads to comes back as events. A message is named by its
//     Outgoing.Ref: exactly one MessageSent or MessageFailed follows for every
//     Send that returned nil, unless Run returns first (then the core fails what
//     is outstanding).
//  5. Env.Emit blocks while the user's queue is full, so that TCP slows the
//     network down. Never hold a lock while calling it.
//  6. Before an adapter tells its network that something may be forgotten there
//     (offline messages, say), it calls Env.Flush: when that returns nil,
//     everything emitted so far is delivered or safely kept.
//
// legacytest.Conformance checks all of this for an adapter, and that the
// abilities which Info declares are those which its Session implements.
package legacy
