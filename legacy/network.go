package legacy

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/rs/zerolog"
)

// Network is one legacy network as configured by one [[network]] block. All
// methods may be called from any goroutine and do no I/O.
type Network interface {
	// Info describes the network. The answer never changes.
	Info() Info

	// ParsePeer turns an address as people write it (the unescaped localpart of
	// a JID, or what was typed at an "add contact" prompt) into a canonical
	// peer. Two spellings of one address give the same Peer.ID. An impossible
	// address is an *Error of kind NotFound whose text says what one looks like.
	ParsePeer(name string) (Peer, error)

	// Validate checks and completes the fields of a registration form before
	// any I/O. The error names the field to mend (FieldError).
	Validate(fields map[string]string) error

	// Login is the account's canonical name on the network, by which two
	// registrations of the same account are recognised.
	Login(fields map[string]string) string

	// NewSession prepares a session for an account. It only fails when the
	// account's fields are unusable.
	NewSession(Account, Env) (Session, error)
}

// Session is one account's connection to the network, from sign-on to sign-off.
//
// Run is called once, on its own goroutine. The other methods (and those of the
// optional interfaces) are called by one goroutine at a time and never wait for
// a round trip; the context is only for cancelling.
type Session interface {
	// Run connects, emits Ready once signed on, and serves until the context
	// ends (then it signs off politely, within two seconds, and returns nil) or
	// the network ends the session (then it returns an *Error).
	Run(ctx context.Context) error

	// Send queues a message. nil means that MessageSent or MessageFailed with
	// the message's Ref will follow.
	Send(ctx context.Context, m Outgoing) error
}

// Presencer is a Session that shows the user's presence to the network.
type Presencer interface {
	SetPresence(ctx context.Context, p Presence) error
}

// RosterEditor is a Session whose network keeps a contact list. ContactChanged,
// ContactRemoved or ContactFailed follow.
type RosterEditor interface {
	// AddContact adds a contact, asking for authorization with the reason as
	// text where the network wants that. Adding one that is there already
	// repeats the request for authorization, and takes over a name and groups
	// that are given and differ.
	AddContact(ctx context.Context, c Contact, reason string) error
	// RemoveContact removes a contact; one that is not there is no error.
	RemoveContact(ctx context.Context, p Peer) error
	// Authorize answers an AuthRequested, or grants in advance, or withdraws. A
	// refusal may have a reason, for the other to read.
	Authorize(ctx context.Context, p Peer, allow bool, reason string) error
}

// Watcher is a Session that tells the presence of those whom the user wants to see,
// on a network that keeps no list of contacts itself.
type Watcher interface {
	// Watch makes PresenceChanged be emitted for a peer, or no longer.
	Watch(ctx context.Context, p Peer, on bool) error
}

// Blocker is a Session whose network keeps people away from the user.
type Blocker interface {
	// Block lets a peer neither see the user nor write to them, or does again.
	// BlockChanged follows, also when nothing had to be changed.
	Block(ctx context.Context, p Peer, blocked bool) error
}

// Typer is a Session that can say that the user is typing.
type Typer interface {
	SetTyping(ctx context.Context, p Peer, t Typing) error
}

// Profiler is a Session that can tell who somebody is.
type Profiler interface {
	// RequestProfile asks what a peer tells of themselves. ProfileReceived with
	// the ref follows.
	RequestProfile(ctx context.Context, ref string, p Peer) error
}

// Versioner is a Session that can ask somebody's client what it is.
type Versioner interface {
	// RequestVersion asks a peer's client for its name and version. VersionReceived
	// with the ref follows.
	RequestVersion(ctx context.Context, ref string, p Peer) error
}

// AvatarSetter is a Session that can show others a picture of the user. That
// nothing came of it is told by a Notice.
type AvatarSetter interface {
	// SetAvatar shows a picture of any size, which the adapter makes into what the
	// network takes; no image is none.
	SetAvatar(ctx context.Context, image []byte) error
}

// ProfileSetter is a Session that can tell others who the user is. That nothing
// came of it is told by a Notice.
type ProfileSetter interface {
	// SetProfile tells what is there; what is empty stays as it is on the network.
	SetProfile(ctx context.Context, p Profile) error
}

// Searcher is a Session whose network has a directory.
type Searcher interface {
	// Search looks people up by the fields of Info.Search that were filled in.
	// SearchFinished with the ref follows.
	Search(ctx context.Context, ref string, query map[string]string) error
}

// Commander is a Session with commands of its network's own, those of
// Info.Commands.
type Commander interface {
	// Do carries out a command at a peer. CommandDone with the ref follows.
	Do(ctx context.Context, ref string, at Peer, command string, args map[string]string) error
}

// Configurer is a Network whose services and rooms have settings that each user
// makes for themselves.
type Configurer interface {
	// Settings is the form of a service or a room, nil if it has none.
	Settings(p Peer) []Field
	// ValidateSettings checks the answers. The error names the field to mend
	// (FieldError).
	ValidateSettings(p Peer, values map[string]string) error
}

// OccupantNamer is a Network in which somebody's nick in a room is not yet the
// name by which ParsePeer knows them.
type OccupantNamer interface {
	OccupantName(room Peer, nick string) string
}

// Nicker is a Network whose addresses say what somebody is called.
type Nicker interface {
	// Nick is what the one at an address is called.
	Nick(p Peer) string
}

// NickLimiter is a Network that does not take every nick.
type NickLimiter interface {
	// LegalNick is the nick that the network may take which is nearest to a wanted one,
	// "" if there is none.
	LegalNick(wanted string) string
}

// NickTeller is a Network that knows what its users are called in rooms.
type NickTeller interface {
	// RoomNick is what an account is called in a room before it has entered it, unless it
	// asks for another nick. It is "" if that is not known.
	RoomNick(a Account, room Peer) string
}

// Reconfigurer is a Session of a Configurer's.
type Reconfigurer interface {
	// Reconfigure tells of new settings of a peer, which may take effect with the
	// next connection only. The map is not changed afterwards.
	Reconfigure(p Peer, values map[string]string)
}

// Account is what an adapter gets to know of a registered user.
type Account struct {
	// Fields are the answers to the registration form, by Field.Var. They hold
	// secrets and must not be logged.
	Fields map[string]string
	// Settings are the answers to forms of Configurer, by Peer.ID. They may hold
	// secrets as well.
	Settings map[string]map[string]string
	// State is what the adapter last emitted in StateSaved, nil at first.
	State []byte
}

// Env is what the core lends to a session.
type Env struct {
	// Log carries the user and the network already.
	Log zerolog.Logger
	// Emit hands an event to the core, in order. It blocks while the user's
	// queue is full, and returns at once when the core has ended the session.
	// Any goroutine of the session may call it.
	Emit func(Event)
	// Flush returns nil when every event emitted before the call has been
	// delivered or kept durably.
	Flush func(ctx context.Context) error
	// Dial opens connections; it enforces the limits of the process.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// StoreFile keeps a file that somebody sends the user and returns the link to
	// it, for MessageReceived.URL. It reads size bytes of r, never more, and nothing
	// is kept when it fails. Errors are classified: TooLong for more than MaxFile,
	// RateLimited or Temporary when there is no room; those of r that are classified
	// come back. It takes as long as r does. Any goroutine of the session may call it.
	StoreFile func(ctx context.Context, name string, size int64, r io.Reader) (url string, err error)
	// MaxFile is the largest file in bytes. 0: the gateway receives no files, and
	// StoreFile is nil.
	MaxFile int64
	// Now is the clock.
	Now func() time.Time
}

// Info describes a network to the core, to service discovery and to people.
type Info struct {
	// Name is the network's name as people know it: "ICQ".
	Name string
	// Type is the type of the XMPP identity of category gateway: "icq".
	Type string
	// PeerName is what an address is called there: "ICQ number".
	PeerName string
	// RoomName is what the name of a room looks like, with FeatureRooms: "#channel".
	RoomName string
	// Features are the abilities of every session.
	Features Features
	// Guests: whoever joins a room without a registration is signed on as a guest,
	// with the nick of the room in the form's field username.
	Guests bool
	// Services: the network has parts with addresses of their own (Peer.Service),
	// which people name in the addresses of everything that is there.
	Services bool
	// Instructions and Form make up the registration form.
	Instructions string
	Form         []Field
	// Search is the form of the directory, with FeatureSearch.
	Search []Field
	// Commands are the network's own, with a Session that is a Commander.
	Commands []Command
	// Lines: each line of a text is a message of its own, and blank ones are none. The
	// core leaves them out.
	Lines bool
	// MaxText is the longest text of one message in runes, 0 for no limit.
	// The core splits what is longer.
	MaxText int
}

// Features are the abilities that a network declares, since service discovery
// must answer while nobody is signed on.
type Features uint32

// The features. The first group follows from the interfaces that a session implements
// (FeaturesOf).
const (
	FeaturePresence      Features = 1 << iota // Presencer
	FeatureRoster                             // RosterEditor
	FeatureTyping                             // Typer, and TypingChanged is emitted
	FeatureProfile                            // Profiler
	FeatureSearch                             // Searcher, and Info.Search
	FeatureRooms                              // Roomer
	FeatureRoomConfig                         // RoomConfigurer
	FeatureRoomList                           // RoomLister
	FeatureRoomReactions                      // RoomReactor
	FeatureRoomTyping                         // RoomTyper
	FeatureRetraction                         // MessageRetractor
	FeatureWatch                              // Watcher
	FeatureBlocking                           // Blocker, BlockChanged is emitted, and Ready.Blocked is the list
	FeatureSetAvatar                          // AvatarSetter
	FeatureSetProfile                         // ProfileSetter

	FeatureAvatar    // AvatarChanged is emitted
	FeatureMarkup    // Markup of messages is understood
	FeatureNicks     // Roomer, whose SetNick can be done
	FeatureInvisible // Presencer, with ShowInvisible
	FeatureReceipts  // MessageSent tells when a message reached its receiver
	FeatureOffline   // the network stores messages for people who are offline
)

// Has reports whether all of g are among f.
func (f Features) Has(g Features) bool { return f&g == g }

// FeaturesOf are the features that follow from the optional interfaces that a session
// implements. The session is not used: a typed nil will do.
func FeaturesOf(s Session) Features {
	var f Features
	for feature, implements := range abilities {
		if implements(s) {
			f |= feature
		}
	}
	return f
}

// abilities are the interfaces that features stand for.
var abilities = map[Features]func(Session) bool{
	FeaturePresence:      is[Presencer],
	FeatureRoster:        is[RosterEditor],
	FeatureTyping:        is[Typer],
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
}

func is[T any](s Session) bool {
	_, ok := s.(T)
	return ok
}

// RoomsField is the Field.Var of a form for rooms that the core enters whenever the
// user is signed on: FieldLines, in each a room and perhaps its password.
const RoomsField = "channels"

// FieldType says how a registration field is shown.
type FieldType uint8

// The field types, with their XEP-0004 names.
const (
	FieldText        FieldType = iota // text-single
	FieldSecret                       // text-private: never sent back, never logged
	FieldBool                         // boolean, "true" or "false"
	FieldList                         // list-single
	FieldLines                        // text-multi: lines ended by \n
	FieldSecretLines                  // text-multi, secret as FieldSecret
)

// Command is a command of a network's own. (Commander)
type Command struct {
	Name  string // of letters, digits and hyphens, unique
	Label string
	At    Place
	Form  []Field // what it asks for
	// Raw is set for the command that takes whatever is written to a service, in
	// the field of its form.
	Raw bool
}

// Place is where a command is offered.
type Place uint8

// The places.
const (
	AtService Place = iota // a service, or the gateway where there is none
	AtPerson
	AtRoom
	AtGateway // the gateway itself: the zero Peer
)

// Field is one question of a registration form.
type Field struct {
	// Var names the field. The names that XEP-0077 knows (username, password,
	// nick, email, name) are also offered outside the form; a form in which a
	// required field has another name is offered as a form only.
	Var      string
	Label    string
	Desc     string
	Type     FieldType
	Required bool
	Default  string
	Options  []Option
	// Renews: whoever changes it must enter the secrets again, which otherwise
	// would go where the new answer says.
	Renews bool
}

// Option is one choice of a FieldList.
type Option struct{ Label, Value string }
