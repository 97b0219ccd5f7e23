// Package legacy is the contract between the gateway's XMPP side (package
// component) and the adapters (one package per network). It consists of types
// (interfaces, events, errors) and of one rule that both sides apply (addr.go).
// It imports no other package of this module.
//
// # Writing an adapter
//
// A network is one folder under legacy/ and one line in the driver table of
// cmd/transport/internal/config. legacytest.Echo is the smallest complete adapter; read it
// beside this page.
//
//  1. The gateway creates one Network per [[network]] block of the configuration.
//     It answers questions that need no connection: its name, its registration
//     form, whether an address is valid.
//  2. NewSession creates one Session for one user's account, without any I/O.
//     The core calls Run once, on a goroutine of its own. Run connects, reports
//     what it receives through Env.Emit, and returns an *Error with the reason
//     when the session has ended. Run never reconnects: the core decides that
//     from the error's Kind.
//  3. The core's actor for this user calls the commands (Send, SetPresence,
//     AddContact …), one at a time, possibly before Run has started and after it
//     has returned. A command puts work into a bounded queue and returns at
//     once; it never waits for the network. If the queue is full, it returns an
//     Error of kind RateLimited; if the session is not signed on, one of kind
//     Offline.
//  4. The outcome of a command is an event. Outgoing.Ref identifies a message:
//     exactly one MessageSent or MessageFailed follows every Send that returned
//     nil, unless Run returns first (then the core fails outstanding messages).
//  5. Env.Emit blocks while the user's queue is full, so that TCP's back-pressure
//     reaches the network. Never hold a lock while calling it.
//  6. Before an adapter lets its network delete something (offline messages, for
//     example), it calls Env.Flush. When Flush returns nil, every event emitted so
//     far is delivered or stored durably.
//
// legacytest.Conformance checks these rules for an adapter, and that a Session
// implements the interfaces of the Features that Info declares.
package legacy
