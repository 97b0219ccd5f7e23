package registry

import (
	"fmt"
	"strings"
	"time"
)

// Account is one user's registration with one network.
type Account struct {
	// Network is the component's domain, User the bare JID of the XMPP user.
	// Together they name the account.
	Network, User string
	// Login is the normalised name of the legacy account, by which
	// [DB.AccountByLogin] finds it; it may be empty. It is stored sealed, and
	// as a keyed hash.
	Login string
	// Fields is what the user filled in, credentials included. Sealed.
	Fields map[string]string
	// Options are the user's settings. Sealed. In PutAccount, nil keeps the
	// stored ones.
	Options map[string]string
	// State is whatever the network's adapter wants to keep. Sealed. In
	// PutAccount, nil keeps the stored state, an empty slice clears it.
	State []byte
	// Created is set when the account is inserted, unless it is given;
	// Updated whenever fields or options are written. Both have a resolution
	// of one microsecond, as all times of this package.
	Created, Updated time.Time
}

// Contact is what is known about one contact of one user.
type Contact struct {
	// Network and User name the account, Peer is the contact's address on the
	// network. The gateway itself is kept under the empty Peer.
	Network, User, Peer string
	// Name is what the user calls the contact.
	Name string
	// Nick is what the network calls the contact.
	Nick   string
	Groups []string
	// Subscription is who sees whose presence, and what has been asked.
	Subscription Subscription
	// Listed: the contact is on the list that the network keeps.
	Listed bool
	// LastSeen is when the contact was online last, zero when not known.
	LastSeen time.Time
}

// Subscription is the set of what holds between a user and a contact. No XMPP
// server keeps it for a gateway's contacts, so the gateway does.
type Subscription uint8

// Members of the set. Their values are stored: never change them.
const (
	To        Subscription = 1 << iota // the user sees the contact's presence
	From                               // the contact sees the user's presence
	AskTo                              // the user asked to see the contact; the network has not answered
	AskFrom                            // the user was sent a request from the contact, and has not answered
	Refused                            // the user declined that request: do not ask again
	AuthAsked                          // the contact waits for the user's consent on the network
	Removed                            // the user removed the contact; the network's list does not know yet

	subscriptions = To | From | AskTo | AskFrom | Refused | AuthAsked | Removed
)

var subscriptionNames = [...]string{"to", "from", "ask-to", "ask-from", "refused", "auth-asked", "removed"}

// Has reports whether all members of x hold.
func (s Subscription) Has(x Subscription) bool { return s&x == x }

// With is s and the members of x.
func (s Subscription) With(x Subscription) Subscription { return s | x }

// Without is s less the members of x.
func (s Subscription) Without(x Subscription) Subscription { return s &^ x }

// Roster is the value of the subscription attribute of a roster item: none, to,
// from or both.
func (s Subscription) Roster() string {
	switch s & (To | From) {
	case To | From:
		return "both"
	case To:
		return "to"
	case From:
		return "from"
	}
	return "none"
}

// String lists the members, for logs: "to+ask-from", or "none".
func (s Subscription) String() string {
	var names []string
	for i, name := range subscriptionNames {
		if s.Has(1 << i) {
			names = append(names, name)
		}
	}
	if s&^subscriptions != 0 {
		names = append(names, fmt.Sprintf("%#x", uint8(s&^subscriptions)))
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, "+")
}

// Direction is where a kept message is going.
type Direction uint8

// The directions. Their values are stored: never change them.
const (
	Inbound  Direction = 1 // from the network to the XMPP user
	Outbound Direction = 2 // from the XMPP user to the network
)

// String is the direction's name, as logged.
func (d Direction) String() string {
	switch d {
	case Inbound:
		return "inbound"
	case Outbound:
		return "outbound"
	}
	return fmt.Sprintf("direction(%d)", uint8(d))
}

// Message is a message that is kept until it can be delivered.
type Message struct {
	// ID is given by KeepMessage. Later messages have higher IDs, and none is
	// ever given twice.
	ID                  int64
	Network, User, Peer string
	Direction           Direction
	// StanzaID is the id attribute of the stanza that the message came in or
	// will go out as; it may be empty.
	StanzaID string
	// Payload is the message itself, in the caller's own encoding. Sealed.
	Payload []byte
	// Created is when the message was sent; KeepMessage sets a zero one.
	Created time.Time
}

// Stats are totals over all networks.
type Stats struct {
	Accounts, Contacts, Messages int
}
