package legacy

import "time"

// Event is a report from a session to the core, emitted with Env.Emit. The set is
// closed: the core's switch handles every type.
type Event interface{ event() }

// Ready: the session is signed on and accepts commands.
type Ready struct {
	// Self is the account's own address.
	Self Peer
	// Contacts is the whole contact list on the network. It is authoritative when the
	// network declares FeatureRoster.
	Contacts []Contact
	// Blocked is the block list, with FeatureBlocking.
	Blocked []Peer
}

// CredentialsChanged: a command of the user changed the credentials. The core stores
// the given answers to the registration form, and keeps the others.
type CredentialsChanged struct {
	Fields map[string]string
}

// SignOnDelayed: the session waits in the sign-on queue because the network limits the
// rate of sign-ons. The core extends the sign-on deadline to Until and shows Text to
// the user.
type SignOnDelayed struct {
	Until time.Time // estimated time of the sign-on
	Text  string    // for the user: the reason and the delay
}

// ContactChanged: a contact was added to the network's list, renamed or moved, or it
// granted or withdrew authorization (Contact.AwaitingAuth).
type ContactChanged struct{ Contact Contact }

// ContactRemoved: a contact is no longer on the network's list.
type ContactRemoved struct{ Peer Peer }

// ContactFailed: AddContact, RemoveContact or Authorize did not succeed.
type ContactFailed struct {
	Peer Peer
	Err  error
}

// AuthRequested: a peer requests a subscription to the user's presence.
type AuthRequested struct {
	From   Peer
	Name   string // the peer's own nick, "" if unknown
	Reason string
}

// AuthDenied: a contact denied or cancelled the user's subscription.
type AuthDenied struct {
	From   Peer
	Reason string
}

// AuthGranted: a contact approved the user's subscription.
type AuthGranted struct{ From Peer }

// AddedYou: a peer added the user to its contact list without requesting authorization.
type AddedYou struct{ From Peer }

// BlockChanged: a peer was blocked or unblocked, by Blocker or by another client of the
// account. With Err the change failed.
type BlockChanged struct {
	Peer    Peer
	Blocked bool // the state now
	Err     error
}

// PresenceChanged: a contact's presence changed.
type PresenceChanged struct {
	From     Peer
	Presence Presence
}

// MessageReceived: a peer sent the user a message.
type MessageReceived struct {
	From Peer
	Text string // plain text: valid UTF-8, lines separated by \n
	// Markup is the text with its formatting, nil for none. Its spans concatenated equal
	// Text.
	Markup []Span
	// Time is set for a message from the network's offline storage: when it was sent.
	Time time.Time
	// Auto marks an automatic reply, such as an away message.
	Auto bool
	// Service marks a notice of one of the network's services, such as NickServ. The core
	// may hold it until the user has a client.
	Service bool
	// URL is the link to a received file, from Env.StoreFile; "" for a text. Text contains
	// it too.
	URL string
	// ReadMark is the message's position for MarkRead: the time at which it was sent, by the
	// network's clock. It is zero if the network keeps no read marker here.
	ReadMark time.Time
}

// OwnMessage: another client of the same account sent a message (a carbon).
type OwnMessage struct {
	To   Peer
	Text string    // plain text
	Time time.Time // as in MessageReceived
}

// MessageSent: the network accepted a message of the user. It follows at most once for
// each message.
type MessageSent struct {
	Ref   string
	State DeliveryState
	ID    string // the network's message ID, "" for none
	// Command: in a room, it was a command of the network, which no occupant receives.
	Command bool
}

// MessageFailed: a message of the user will not be delivered.
type MessageFailed struct {
	Ref string
	Err error
}

// TypingChanged: a peer's chat state changed.
type TypingChanged struct {
	From  Peer
	State Typing
}

// ReadMarked: the account's read marker of a chat or a room is at Mark. A client of the
// account, possibly this session, has moved it; or it is the position at the join.
type ReadMarked struct {
	Peer Peer
	Mark time.Time // the ReadMark of the last message that was read
}

// ProfileReceived answers RequestProfile.
type ProfileReceived struct {
	Ref     string
	Profile Profile
	Err     error
}

// VersionReceived answers RequestVersion.
type VersionReceived struct {
	Ref     string
	Version string // name and version of the peer's client
	Err     error
}

// SearchFinished answers Search.
type SearchFinished struct {
	Ref     string
	Results []SearchResult
	Rooms   bool // the search was for rooms, not for people
	More    bool // the network has more results than it sent
	Err     error
}

// PeerNamed: the network's nick for a contact. The core prefers a nick from the
// contact's profile.
type PeerNamed struct {
	Peer Peer
	Nick string
}

// AvatarChanged: a contact changed its avatar, or removed it (Image is nil).
type AvatarChanged struct {
	From  Peer
	Image []byte
	Type  string // "image/png", "image/jpeg" or "image/gif"
}

// Notice is a text from the network itself for the user, such as a message of the day
// or a warning. The core delivers it as a message from From, or from the gateway if
// From is zero.
type Notice struct {
	From Peer
	Text string
}

// CommandDone answers Commander.Do.
type CommandDone struct {
	Ref  string
	Text string // the result, for the user
	Err  error  // a *FieldError for a wrong answer in the command's form
}

// StateSaved asks the core to store a blob. The next session gets it in Account.State.
type StateSaved struct{ State []byte }

func (Ready) event()           {}
func (SignOnDelayed) event()   {}
func (ContactChanged) event()  {}
func (ContactRemoved) event()  {}
func (ContactFailed) event()   {}
func (AuthRequested) event()   {}
func (AuthDenied) event()      {}
func (AuthGranted) event()     {}
func (AddedYou) event()        {}
func (BlockChanged) event()    {}
func (PresenceChanged) event() {}
func (MessageReceived) event() {}
func (OwnMessage) event()      {}
func (MessageSent) event()     {}
func (MessageFailed) event()   {}
func (TypingChanged) event()   {}
func (ReadMarked) event()      {}
func (ProfileReceived) event() {}
func (VersionReceived) event() {}
func (SearchFinished) event()  {}
func (PeerNamed) event()       {}
func (AvatarChanged) event()   {}
func (Notice) event()          {}
func (StateSaved) event()      {}
func (CommandDone) event()     {}

func (CredentialsChanged) event() {}
