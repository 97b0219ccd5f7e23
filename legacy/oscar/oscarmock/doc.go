// Package oscarmock is an ICQ and AIM network in one process, for tests, demos and
// trying out clients: authorizer, BOS, pictures, chat rooms, directory, account
// administration, all behind one address. It behaves as Open OSCAR Server does where
// that is known, and it needs no network, no files and no time to start.
//
//	n := oscarmock.New(oscarmock.Options{})
//	defer n.Close()
//	n.AddAccount(oscarmock.Account{Name: "1001", Password: "secret"})
//	err := n.Listen("127.0.0.1:0") // the client under test signs on at n.Addr()
//	bob := n.Bot("1002", oscarmock.BotOptions{Reply: func(from, text string) string { return "You said " + text }})
//	bob.SignOn()
//
// Programs in other languages start "transport mock-icq", which is the same.
//
// # Accounts
//
// A name of digits is an ICQ number, any other an AIM screen name; they see each
// other. Options.OpenRegistration takes everybody. NeedsAuth makes others ask before
// they have the account on their list. Lists can be looked at with Feedbag, and edited
// as another client of the account would by EditFeedbag.
//
// # Bots
//
// A Bot is a user without a connection: it comes and goes, is away, writes in every
// form that clients have used (Send, SendIM, SendICQ, SendRaw), types, asks and answers
// requests for authorization, shows a picture, enters chat rooms and invites into them,
// offers files, by a proxy too. Its Messages are what was written to it. BotOptions say
// what it does by itself.
//
// # What goes wrong
//
// A Fault breaks a session at a Step: when a connection is accepted, at any of the
// steps of signing on, at any SNAC that comes or is about to be sent. It closes, resets,
// falls silent, sends garbage, half a frame, a SNAC of nobody's, any bytes; drops,
// repeats or delays; refuses with any code; sends clients to a wrong address, or with a
// cookie that is wrong or has expired.
//
//	n.Inject(oscarmock.Fault{Step: oscarmock.StepAck, Account: "1001", Action: oscarmock.Drop, Times: -1})
//
// Options have what is wrong for good: slow or joined writes, lists in parts, extra
// headers, no acknowledgements, no end of stored messages, limits (Rates, RatesOOS,
// SignOns). Other things happen to a client that is signed on: Disconnect ends its
// sessions, Migrate sends them elsewhere, SetLevel changes what is left of a limit,
// SendAll sends it any SNAC, Stall stops everything until Resume, Hang breaks all
// connections at once. FileFault is how a sender of files misbehaves.
//
// # Waiting
//
// A test waits for what it has caused, and never for some time to pass: WaitSignedOn,
// WaitSignOns, WaitSNAC, WaitStatus, WaitRoom, WaitStruck and the others return when
// that is so, or with an error when their context ends.
//
// Everything may be called from any goroutine. One mutex guards the whole network; a
// client that does not read is cut off, and delays nobody.
package oscarmock
