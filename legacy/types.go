package legacy

import "time"

// Peer is a user, a room or a service of the legacy network.
type Peer struct {
	// ID is the canonical address. Peers with equal IDs are the same peer.
	ID string
	// Room is set for a room.
	Room bool
	// Service is set for a part of the network itself, such as a server.
	Service bool
}

// Contact is an entry of the user's contact list.
type Contact struct {
	Peer Peer
	// Name is the user's own name for the contact, "" if there is none.
	Name string
	// Groups are the names of the contact's groups.
	Groups []string
	// AwaitingAuth is set while the user's subscription is pending (XMPP's
	// ask='subscribe').
	AwaitingAuth bool
}

// Show is an availability. The zero value is offline.
type Show uint8

// The values, in ascending order of availability.
const (
	ShowOffline Show = iota
	ShowInvisible
	ShowDND // do not disturb
	ShowXA  // extended away
	ShowAway
	ShowOnline
	ShowChat // free for chat
)

// Presence is a peer's or the user's presence.
type Presence struct {
	Show   Show
	Status string    // status or away message, plain text
	Idle   time.Time // idle since; zero when active or unknown
	Since  time.Time // signed on since; zero when unknown
	// NoTyping is set when the peer's client advertises its capabilities, and typing
	// notifications are not among them.
	NoTyping bool
}

// Outgoing is a message from the user to a peer.
type Outgoing struct {
	// Ref identifies the message in MessageSent and MessageFailed. It is opaque to the
	// adapter and unique within the session.
	Ref string
	To  Peer
	// Text is plain text: valid UTF-8, lines separated by \n, no control character but \t,
	// never empty, at most Info.MaxText runes or PartSender.Fit bytes.
	Text string
	// Markup is the text with its formatting, nil for none. Its spans concatenated equal
	// Text.
	Markup []Span
	// Reply is the RoomMessage.ID of the message that this one answers, "" for none.
	Reply string
}

// Span is a run of text with one formatting.
type Span struct {
	Text  string
	Style Style
	// Fore and Back are colours: HasColour | 0xRRGGBB, or 0 for none.
	Fore, Back uint32
	// Link is the target of a link: an http, https, mailto or xmpp URI; "" for none. If
	// Text is not the URI itself, a following Span contains it.
	Link string
}

// HasColour distinguishes black from no colour in a Span.
const HasColour = 1 << 24

// Style is a set of text styles.
type Style uint8

// The styles.
const (
	Bold Style = 1 << iota
	Italic
	Underline
	Strike
	Monospace
)

// Typing is a chat state.
type Typing uint8

// The chat states.
const (
	TypingStopped Typing = iota // the input line is empty
	TypingPaused                // the input line has text, but the peer is not typing
	TypingActive
)

// DeliveryState is how far a message got, as reported by the network.
type DeliveryState uint8

const (
	// Accepted: the network has the message. It reports nothing further.
	Accepted DeliveryState = iota
	// Stored: the network stored the message for an offline recipient.
	Stored
	// Delivered: the network confirmed that the recipient's client has the message.
	Delivered
)

// Profile is a user's profile. Unknown fields are empty.
type Profile struct {
	Nick, FullName, First, Last string
	Emails                      []string
	Phone, Mobile, Homepage     string
	Street, PostalCode          string
	City, State, Country        string
	Birthday                    string // YYYY-MM-DD
	Gender                      string // "M" or "F"
	Organization, Department    string
	Title, About                string
}

// SearchResult is a user in the directory, or a room.
type SearchResult struct {
	Peer    Peer
	Profile Profile // for a user
	Online  bool

	Topic     string // for a room, like Occupants
	Occupants int
}
