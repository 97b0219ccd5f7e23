// Package oscarmock is an ICQ and AIM network in one process, for tests, demos and
// trying out clients: authorizer, BOS, icons, chat rooms, directory and account
// administration behind one address. It behaves like Open OSCAR Server where that
// behaviour is known. It needs no network, no files and no start-up time.
//
//	n := oscarmock.New(oscarmock.Options{})
//	defer n.Close()
//	n.AddAccount(oscarmock.Account{Name: "1001", Password: "secret"})
//	err := n.Listen("127.0.0.1:0") // the client under test signs on at n.Addr()
//	bob := n.Bot("1002", oscarmock.BotOptions{Reply: func(from, text string) string { return "You said " + text }})
//	bob.SignOn()
//
// For programs in other languages, "transport mock-icq" starts the same network.
//
// # Accounts
//
// A name of digits is an ICQ number, any other an AIM screen name; both kinds see each
// other. Options.OpenRegistration accepts every sign-on. NeedsAuth requires
// authorization before others can have the account on their list. Feedbag returns a
// list, and EditFeedbag edits it like another client of the account.
//
// # Bots
//
// A Bot is a user without a connection. It signs on and off, changes its status, sends
// messages in every form that clients have used (Send, SendIM, SendICQ, SendRaw) and
// typing events, requests and answers authorization, has an icon, joins chat rooms and
// invites to them, and offers files, also through a proxy. Messages returns the messages
// sent to it. BotOptions define its automatic reactions.
//
// # Faults
//
// A Fault breaks a session at a Step: when a connection is accepted, at any step of the
// sign-on, at any SNAC that arrives or is about to be sent. It closes or resets the
// connection, stops answering, sends garbage, half a frame, an unknown SNAC or any
// bytes; it drops, repeats or delays SNACs; it refuses requests with any code; it
// redirects clients to a wrong address, or with a wrong or expired cookie.
//
//	n.Inject(oscarmock.Fault{Step: oscarmock.StepAck, Account: "1001", Action: oscarmock.Drop, Times: -1})
//
// Options set permanent deviations: slow or joined writes, split lists, extra headers,
// no acknowledgements, no end of stored messages, limits (Rates, RatesOOS, SignOns).
// Methods act on signed-on clients: Disconnect ends their sessions, Migrate moves them
// to another address, SetLevel changes a rate level, SendAll sends any SNAC, Stall stops
// the whole network until Resume, Hang breaks all connections at once. FileFault makes
// the sender of a file misbehave.
//
// # Waiting
//
// A test waits for an event that it has caused, never for a time: WaitSignedOn,
// WaitSignOns, WaitSNAC, WaitStatus, WaitRoom, WaitStruck and the others return after
// the event, or with an error when their context ends.
//
// Any goroutine may call any function. One mutex guards the whole network; a client that
// does not read is disconnected, and delays no other client.
package oscarmock
