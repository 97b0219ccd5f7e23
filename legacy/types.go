package legacy

import "time"

// Peer is somebody, or a room, on the legacy network.
type Peer struct {
	// ID is the canonical address: equal IDs are the same peer.
	ID string
	// Room is set for a room.
	Room bool
	// Service is set for a part of the network itself, a server, say.
	Service bool
}

// Contact is an entry of the user's contact list.
type Contact struct {
	Peer Peer
	// Name is the user's own name for the contact, "" if there is none.
	Name string
	// Groups are the names of the groups that hold the contact.
	Groups []string
	// AwaitingAuth is set while the contact has not yet allowed the user to see
	// their presence.
	AwaitingAuth bool
}

// Show is how available somebody is. The zero value is offline.
type Show uint8

// The values, from the least available to the most.
const (
	ShowOffline Show = iota
	ShowInvisible
	ShowDND // do not disturb
	ShowXA  // away for long
	ShowAway
	ShowOnline
	ShowChat // free for chat
)

// Presence is somebody's availability.
type Presence struct {
	Show   Show
	Status string    // status or away text, plain
	Idle   time.Time // idle since; zero when active or unknown
	Since  time.Time // signed on since; zero when unknown
	// NoTyping is set when the peer's client announces its features, and typing
	// notifications are not among them.
	NoTyping bool
}

// Outgoing is a message from the user to a peer.
type Outgoing struct {
	// Ref names the message in MessageSent and MessageFailed. It is opaque and
	// unique within the session.
	Ref string
	To  Peer
	// Text is plain text: valid UTF-8, lines ended by \n, no other control
	// characters than \t, never empty, at most Info.MaxText runes.
	Text string
	// Markup is the text with its formatting, nil for none. Its spans together are
	// Text.
	Markup []Span
	// Reply is the RoomMessage.ID of the message that this one answers, "" for none.
	Reply string
}

// Span is a piece of text with one formatting.
type Span struct {
	Text  string
	Style Style
	// Fore and Back are colours as 0xRRGGBB, plus HasColour; 0 for none.
	Fore, Back uint32
	// Link is the address that the text leads to: http, https, mailto or xmpp; "" for
	// none. Where the text is not the address, a Span that follows says it.
	Link string
}

// HasColour marks a colour of a Span, since black is 0.
const HasColour = 1 << 24

// Style is a set of formattings.
type Style uint8

// The formattings.
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
	TypingStopped Typing = iota // nothing in the input line
	TypingPaused                // text there, not typing
	TypingActive
)

// DeliveryState is how far the network says that a message has come.
type DeliveryState uint8

const (
	// Accepted: handed to the network; it reports no more than that.
	Accepted DeliveryState = iota
	// Stored: the network keeps it for a receiver who is offline.
	Stored
	// Delivered: the network says that the receiver's client got it.
	Delivered
)

// Profile is what somebody tells of themselves. What is unknown is empty.
type Profile struct {
	Nick, FullName, First, Last string
	Emails                      []string
	Phone, Mobile, Homepage     string
	Street, PostalCode          string
	City, State, Country        string
	Birthday                    string // 2006-01-02
	Gender                      string // M or F
	Organization, Department    string
	Title, About                string
}

// SearchResult is somebody found in the directory, or a room.
type SearchResult struct {
	Peer    Peer
	Profile Profile // of a person
	Online  bool

	Topic     string // of a room, as the next
	Occupants int
}
