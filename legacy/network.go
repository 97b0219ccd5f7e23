package legacy

import (
	"context"
	"io"
	"time"

	"github.com/rs/zerolog"
)

// Network is one legacy network, configured by one [[network]] block. Its methods do no
// I/O and may be called from any goroutine.
type Network interface {
	// Info describes the network. It returns the same value on every call.
	Info() Info

	// ParsePeer parses an address as people write it (the unescaped localpart of a JID, or
	// the answer to an "add contact" prompt) into a canonical peer. Two spellings of one
	// address return the same Peer.ID. The error for an invalid address is an *Error of
	// kind NotFound whose text describes a valid one.
	ParsePeer(name string) (Peer, error)

	// Validate checks the fields of a registration form and completes them, before any I/O.
	// The error names the wrong field (*FieldError).
	Validate(fields map[string]string) error

	// Login returns the account's canonical name on the network. Two registrations with the
	// same Login are the same account. "" means that accounts cannot be compared.
	Login(fields map[string]string) string

	// NewSession returns a session for an account; it does not connect. It fails only if
	// the account's fields are unusable.
	NewSession(Account, Env) (Session, error)
}

// Session is one account's connection to the network, from sign-on to sign-off.
//
// The core calls Run once, on its own goroutine. It calls the other methods (and those
// of the optional interfaces) from one goroutine at a time. They never wait for a round
// trip; the context serves only for cancellation.
type Session interface {
	// Run connects, emits Ready after the sign-on, and serves until the context ends or the
	// network ends the session. When the context ends, Run signs off within two seconds and
	// returns nil. When the network ends the session, it returns an *Error.
	Run(ctx context.Context) error

	// Send queues a message. After nil, exactly one MessageSent or MessageFailed with m.Ref
	// follows.
	Send(ctx context.Context, m Outgoing) error
}

// PartSender is a Session whose network limits the encoded size of a message. The core
// splits a longer text into parts.
type PartSender interface {
	// Fit returns the length in bytes of the longest beginning of a text that fits into
	// one message to a peer. It need not be the end of a character.
	Fit(p Peer, text string) int
	// SendParts queues the parts of one text like Send: all of them in order, or none with
	// an error. If one of them fails, so do those after it that are not sent yet.
	SendParts(ctx context.Context, parts []Outgoing) error
}

// Presencer is a Session that publishes the user's presence (FeaturePresence).
type Presencer interface {
	SetPresence(ctx context.Context, p Presence) error
}

// RosterEditor is a Session whose network stores the contact list (FeatureRoster).
// ContactChanged, ContactRemoved or ContactFailed follows each call.
type RosterEditor interface {
	// AddContact adds a contact and requests authorization where the network has it; reason
	// is the text of that request. For a contact already on the list it repeats the
	// request, and applies a name and groups that are not empty and differ.
	AddContact(ctx context.Context, c Contact, reason string) error
	// RemoveContact removes a contact. A contact that is not on the list is not an error.
	RemoveContact(ctx context.Context, p Peer) error
	// Authorize approves or denies an AuthRequested, pre-approves a peer, or withdraws an
	// approval. The peer can read the reason of a denial.
	Authorize(ctx context.Context, p Peer, allow bool, reason string) error
}

// Watcher is a Session that reports the presence of the peers on a watch list, for a
// network that stores no contact list (FeatureWatch).
type Watcher interface {
	// Watch starts (on) or stops PresenceChanged events for a peer.
	Watch(ctx context.Context, p Peer, on bool) error
}

// Blocker is a Session whose network has a block list (FeatureBlocking).
type Blocker interface {
	// Block blocks or unblocks a peer. A blocked peer can neither see the user's presence
	// nor send messages. BlockChanged follows, even if nothing changed.
	Block(ctx context.Context, p Peer, blocked bool) error
}

// Typer is a Session that sends typing notifications (FeatureTyping).
type Typer interface {
	SetTyping(ctx context.Context, p Peer, t Typing) error
}

// ReadMarker is a Session whose network synchronises read markers between the clients of
// an account (FeatureReadMarkers). Peers do not learn of them.
type ReadMarker interface {
	// MarkRead moves the read marker of a chat or a room to the ReadMark of a message. A
	// read marker never moves back. ReadMarked with its position follows, unless the network
	// refuses the change.
	MarkRead(ctx context.Context, p Peer, mark time.Time) error
}

// Profiler is a Session that can fetch a peer's profile (FeatureProfile).
type Profiler interface {
	// RequestProfile fetches a peer's profile. ProfileReceived with the ref follows.
	RequestProfile(ctx context.Context, ref string, p Peer) error
}

// Versioner is a Session that can query a peer's client software.
type Versioner interface {
	// RequestVersion queries the name and version of a peer's client. VersionReceived with
	// the ref follows.
	RequestVersion(ctx context.Context, ref string, p Peer) error
}

// AvatarSetter is a Session that publishes the user's avatar (FeatureSetAvatar). It
// reports a failure with a Notice.
type AvatarSetter interface {
	// SetAvatar publishes an image of any size, scaled to the network's limits. nil removes
	// the avatar.
	SetAvatar(ctx context.Context, image []byte) error
}

// ProfileSetter is a Session that publishes the user's profile (FeatureSetProfile). It
// reports a failure with a Notice.
type ProfileSetter interface {
	// SetProfile publishes the fields of p that are not empty. The network keeps its values
	// of the others.
	SetProfile(ctx context.Context, p Profile) error
}

// Searcher is a Session whose network has a user directory (FeatureSearch).
type Searcher interface {
	// Search queries the directory by the fields of Info.Search that the user filled in.
	// SearchFinished with the ref follows.
	Search(ctx context.Context, ref string, query map[string]string) error
}

// Commander is a Session with network-specific commands, listed in Info.Commands.
type Commander interface {
	// Do executes a command at a peer. CommandDone with the ref follows.
	Do(ctx context.Context, ref string, at Peer, command string, args map[string]string) error
}

// Backlogger is a Session that delays the user's lines to stay below the network's rate
// limit.
type Backlogger interface {
	// Backlog returns the number of lines that wait, and the expected time until the last of
	// them is sent. Any goroutine may call it.
	Backlog() (lines int, wait time.Duration)
}

// Configurer is a Network whose services and rooms have settings for each user.
type Configurer interface {
	// Settings returns the settings form of a service or a room, nil if it has none.
	Settings(p Peer) []Field
	// ValidateSettings checks the answers to that form. The error names the wrong field
	// (*FieldError).
	ValidateSettings(p Peer, values map[string]string) error
}

// OccupantNamer is a Network on which an occupant's nick alone is not an address that
// ParsePeer accepts.
type OccupantNamer interface {
	OccupantName(room Peer, nick string) string
}

// Nicker is a Network whose addresses contain the peer's nick.
type Nicker interface {
	// Nick returns the nick in a peer's address.
	Nick(p Peer) string
}

// NickLimiter is a Network that restricts the characters of nicks.
type NickLimiter interface {
	// LegalNick returns the legal nick nearest to the wanted one, "" if there is none.
	LegalNick(wanted string) string
}

// NickTeller is a Network that knows the user's nick in a room before the join.
type NickTeller interface {
	// RoomNick returns the account's nick in a room that it has not joined, if it requests
	// no other. It is "" if unknown.
	RoomNick(a Account, room Peer) string
}

// Reconfigurer is a Session of a network with settings (Configurer).
type Reconfigurer interface {
	// Reconfigure replaces the settings of a peer. They may take effect only with the next
	// connection. The core does not modify the map afterwards.
	Reconfigure(p Peer, values map[string]string)
}

// Account is an adapter's view of a registered user.
type Account struct {
	// Fields are the answers to the registration form, by Field.Var. They contain secrets:
	// never log them.
	Fields map[string]string
	// Settings are the answers to a Configurer's forms, by Peer.ID. They may contain
	// secrets, too.
	Settings map[string]map[string]string
	// State is the blob of the last StateSaved, nil at first.
	State []byte
}

// File is a file that a peer sends.
type File struct {
	Sender string // Peer.ID
	Name   string // the sender's; it may contain anything
	Size   int64  // bytes
}

// Env is the core's interface to a session.
type Env struct {
	// Log has the user and the network as context fields.
	Log zerolog.Logger
	// Emit queues an event for the core; order is preserved. It blocks while the user's
	// queue is full (back-pressure), and returns at once after the core has ended the
	// session. Any goroutine of the session may call it.
	Emit func(Event)
	// Flush waits until every event emitted before the call is delivered or stored durably,
	// then returns nil.
	Flush func(ctx context.Context) error
	// Dial opens connections, within the limits of the process. Only Connect and
	// ConnectConfigured may call it.
	Dial DialFunc
	// StoreFile stores a file for the user and returns its link, for MessageReceived.URL.
	// It reads f.Size bytes of r, never more, and stores nothing when it fails. Its errors
	// are classified: TooLong above MaxFile, RateLimited above a quota of the sender,
	// RateLimited or Temporary when the store is full; classified errors of r are passed
	// through. It blocks as long as r does. Any goroutine of the session may call it.
	StoreFile func(ctx context.Context, f File, r io.Reader) (url string, err error)
	// MaxFile is the size limit of a file in bytes. With 0 the gateway receives no files,
	// and StoreFile is nil.
	MaxFile int64
	// Now returns the current time. Tests replace it.
	Now func() time.Time
	// Attempts is called by Attempt; nil permits all attempts.
	Attempts func(account string) (report func(error), err error)
}

// Attempt must be called before a session sends a password to the network. account is the
// account on the network, together with the server if users can name one. An error of kind
// RateLimited, which wraps ErrPaused, forbids the attempt for now: the session ends with it, or
// reports it to the user. Otherwise report must be called with the result: nil if the network
// has confirmed the password, an error of kind Auth if it has refused it, and any other error if
// neither is known. It may be called again when more is known. Any goroutine of the session may
// call both.
func (e Env) Attempt(account string) (report func(error), err error) {
	if e.Attempts == nil {
		return func(error) {}, nil
	}
	return e.Attempts(account)
}

// Info describes a network: to the core, in service discovery, and in texts for users.
type Info struct {
	// Name is the network's display name: "ICQ".
	Name string
	// Type is the type of the disco identity of category "gateway": "icq".
	Type string
	// PeerName is the network's term for an address: "ICQ number".
	PeerName string
	// RoomName is the pattern of a room's name, with FeatureRooms: "#channel".
	RoomName string
	// Features are the capabilities of the network's sessions.
	Features Features
	// Guests lets users join rooms without a registration. The core signs on a guest with
	// the room nick in the form's field username.
	Guests bool
	// Services is set for a network whose services have addresses (Peer.Service), which are
	// part of the addresses of the peers and rooms there.
	Services bool
	// Instructions and Form make up the registration form.
	Instructions string
	Form         []Field
	// Search is the form of the user directory, with FeatureSearch.
	Search []Field
	// Commands are the network-specific commands, for a Session that is a Commander.
	Commands []Command
	// Lines is set if the network sends each line of a text as a message of its own, and
	// cannot send blank lines. The core removes blank lines.
	Lines bool
	// MaxText is the maximum length of a message in runes, 0 for no limit. The core splits
	// longer ones. It does not apply to a session that is a PartSender.
	MaxText int
}

// Features are the capabilities that a network declares. The core needs them while no
// session exists, to answer service discovery.
type Features uint32

// The features. Those of the first group follow from the interfaces that a session
// implements (FeaturesOf).
const (
	FeaturePresence      Features = 1 << iota // Presencer
	FeatureRoster                             // RosterEditor
	FeatureTyping                             // Typer, and it emits TypingChanged
	FeatureReadMarkers                        // ReadMarker; it emits ReadMarked and sets ReadMark
	FeatureProfile                            // Profiler
	FeatureSearch                             // Searcher, and Info.Search
	FeatureRooms                              // Roomer
	FeatureRoomConfig                         // RoomConfigurer
	FeatureRoomList                           // RoomLister
	FeatureRoomReactions                      // RoomReactor
	FeatureRoomTyping                         // RoomTyper
	FeatureRetraction                         // MessageRetractor
	FeatureWatch                              // Watcher
	FeatureBlocking                           // Blocker; it emits BlockChanged and fills Ready.Blocked
	FeatureSetAvatar                          // AvatarSetter
	FeatureSetProfile                         // ProfileSetter
	FeatureVersion                            // Versioner

	FeatureAvatar    // the session emits AvatarChanged
	FeatureMarkup    // Outgoing.Markup is supported
	FeatureNicks     // Roomer, and SetNick can succeed
	FeatureInvisible // Presencer, and ShowInvisible is supported
	FeatureReceipts  // MessageSent reports Delivered
	FeatureOffline   // the network stores messages for offline users
)

// Has reports whether f includes all of g.
func (f Features) Has(g Features) bool { return f&g == g }

// FeaturesOf returns the features that follow from the optional interfaces of a
// session. It calls no method of s: a typed nil will do.
func FeaturesOf(s Session) Features {
	var f Features
	for feature, implements := range abilities {
		if implements(s) {
			f |= feature
		}
	}
	return f
}

// abilities maps each feature to a test for its interface.
var abilities = map[Features]func(Session) bool{
	FeaturePresence:      is[Presencer],
	FeatureRoster:        is[RosterEditor],
	FeatureTyping:        is[Typer],
	FeatureReadMarkers:   is[ReadMarker],
	FeatureProfile:       is[Profiler],
	FeatureSearch:        is[Searcher],
	FeatureRooms:         is[Roomer],
	FeatureRoomConfig:    is[RoomConfigurer],
	FeatureRoomList:      is[RoomLister],
	FeatureRoomReactions: is[RoomReactor],
	FeatureRoomTyping:    is[RoomTyper],
	FeatureRetraction:    is[MessageRetractor],
	FeatureWatch:         is[Watcher],
	FeatureBlocking:      is[Blocker],
	FeatureSetAvatar:     is[AvatarSetter],
	FeatureSetProfile:    is[ProfileSetter],
	FeatureVersion:       is[Versioner],
}

func is[T any](s Session) bool {
	_, ok := s.(T)
	return ok
}

// RoomsField is the Field.Var of the form field with the rooms that the core joins at
// each sign-on. It is of type FieldLines: one room a line, optionally followed by its
// password.
const RoomsField = "channels"

// FieldType is the type of a form field.
type FieldType uint8

// The field types, with their XEP-0004 names.
const (
	FieldText        FieldType = iota // text-single
	FieldSecret                       // text-private: never sent back, never logged
	FieldBool                         // boolean, "true" or "false"
	FieldList                         // list-single
	FieldLines                        // text-multi: lines separated by \n
	FieldSecretLines                  // text-multi, secret like FieldSecret
)

// Command is a network-specific command. (Commander)
type Command struct {
	Name  string // letters, digits and hyphens; unique
	Label string
	At    Place
	Form  []Field // its parameters
	// Raw marks the command that gets any text sent to a service, as the value of its
	// form's field.
	Raw bool
}

// Place is the kind of address that offers a command.
type Place uint8

// The places.
const (
	AtService Place = iota // a service, or the gateway on a network without services
	AtPerson
	AtRoom
	AtGateway // the gateway itself: the zero Peer
)

// Field is one field of a form.
type Field struct {
	// Var names the field. The core offers the names that XEP-0077 knows (username,
	// password, nick, email, name) outside the form, too. If a required field has any other
	// name, it offers the form only.
	Var      string
	Label    string
	Desc     string
	Type     FieldType
	Required bool
	Default  string
	Options  []Option
	// Renews marks a field that decides where secrets are sent. If the user changes it, the
	// core asks for the secrets again.
	Renews bool
}

// Option is one choice of a FieldList.
type Option struct{ Label, Value string }
