package legacy

import "time"

// Event is something that the network said. The set is closed: the core
// switches over all of it.
type Event interface{ event() }

// Ready: the session is signed on and commands will be carried out.
type Ready struct {
	// Self is the account's own address.
	Self Peer
	// Contacts is the whole contact list as the network keeps it. It is
	// authoritative when the network declares FeatureRoster.
	Contacts []Contact
	// Blocked are those whom the user has blocked, with FeatureBlocking.
	Blocked []Peer
}

// CredentialsChanged: the user has changed, by a command, what they sign on with. The
// core stores the new answers to the registration form, and keeps the others.
type CredentialsChanged struct {
	Fields map[string]string
}

// SignOnDelayed: the session waits for its turn to sign on, since the network takes
// only so many at a time. The core gives it that much more time, and tells the user.
type SignOnDelayed struct {
	Until time.Time // when its turn comes, as far as is known
	Text  string    // for the user: why, and for how long
}

// ContactChanged: a contact was added to the network's list, or renamed, moved,
// or has granted or withdrawn authorization (Contact.AwaitingAuth).
type ContactChanged struct{ Contact Contact }

// ContactRemoved: a contact is no longer on the network's list.
type ContactRemoved struct{ Peer Peer }

// ContactFailed: AddContact, RemoveContact or Authorize did not succeed.
type ContactFailed struct {
	Peer Peer
	Err  error
}

// AuthRequested: somebody asks to see the user's presence.
type AuthRequested struct {
	From   Peer
	Name   string // how they call themselves, if known
	Reason string
}

// AuthDenied: a contact refused the user's request, or withdrew their consent.
type AuthDenied struct {
	From   Peer
	Reason string
}

// AuthGranted: a contact allowed the user to see their presence.
type AuthGranted struct{ From Peer }

// AddedYou: somebody put the user on their list, without asking for anything.
type AddedYou struct{ From Peer }

// BlockChanged: the user blocked a peer or no longer does, by Blocker or with
// another client, or with Err did not succeed in it.
type BlockChanged struct {
	Peer    Peer
	Blocked bool // how it is now
	Err     error
}

// PresenceChanged: a contact's presence.
type PresenceChanged struct {
	From     Peer
	Presence Presence
}

// MessageReceived: a message for the user.
type MessageReceived struct {
	From Peer
	Text string // plain text: valid UTF-8, \n line ends
	// Markup is the text with its formatting, nil for none. Its spans together are
	// Text.
	Markup []Span
	// Time is set for a message that was sent earlier and stored.
	Time time.Time
	// Auto marks an automatic answer (an away message).
	Auto bool
	// URL is set for a file: the link to it, from Env.StoreFile. Text repeats it.
	URL string
}

// OwnMessage: a message that the user sent with another client of the network.
type OwnMessage struct {
	To   Peer
	Text string    // plain text
	Time time.Time // as in MessageReceived
}

// MessageSent: what became of a message that the user sent.
type MessageSent struct {
	Ref   string
	State DeliveryState
	ID    string // what the network calls the message, "" for nothing
}

// MessageFailed: a message that the user sent will not arrive.
type MessageFailed struct {
	Ref string
	Err error
}

// TypingChanged: a peer started or stopped typing to the user.
type TypingChanged struct {
	From  Peer
	State Typing
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
	Version string // of the peer's client, with its name
	Err     error
}

// SearchFinished answers Search.
type SearchFinished struct {
	Ref     string
	Results []SearchResult
	More    bool // there are others, which the network did not tell
	Err     error
}

// PeerNamed: what the network calls a contact, who may be called better by their profile.
type PeerNamed struct {
	Peer Peer
	Nick string
}

// AvatarChanged: a contact shows another picture, or with no Image none.
type AvatarChanged struct {
	From  Peer
	Image []byte
	Type  string // "image/png", "image/jpeg" or "image/gif"
}

// Notice is a text of the network's own for the user (a message of the day, a
// warning), shown as a message from the service, from the gateway if From is zero.
type Notice struct {
	From Peer
	Text string
}

// CommandDone answers Commander.Do.
type CommandDone struct {
	Ref  string
	Text string // for the user to read
	Err  error  // a FieldError for a wrong answer to the command's form
}

// StateSaved asks the core to keep a blob, given back in Account.State when the
// next session is made.
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
func (ProfileReceived) event() {}
func (VersionReceived) event() {}
func (SearchFinished) event()  {}
func (PeerNamed) event()       {}
func (AvatarChanged) event()   {}
func (Notice) event()          {}
func (StateSaved) event()      {}
func (CommandDone) event()     {}

func (CredentialsChanged) event() {}
