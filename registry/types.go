package registry

import (
	"fmt"
	"strings"
	"time"
)

// Account is one user's registration with one network.
type Account struct {
	// Network is the component's domain, User the bare JID of the XMPP user.
	// Together they identify the account.
	Network, User string
	// Login is the normalised name of the legacy account, for
	// [DB.AccountByLogin]; it may be empty. It is stored sealed, and as a
	// keyed hash.
	Login string
	// Fields are the fields of the registration form, including credentials.
	// Sealed.
	Fields map[string]string
	// Options are the user's settings. Sealed. If they are nil, PutAccount
	// keeps the stored ones.
	Options map[string]string
	// State is the adapter's own data. Sealed. If it is nil, PutAccount keeps
	// the stored state; an empty slice clears it.
	State []byte
	// Created is the time of the registration; PutAccount sets it if it is
	// zero. Updated is the time of the last change of fields or options. All
	// times of this package have a resolution of one microsecond.
	Created, Updated time.Time
}

// Contact is a contact of a user.
type Contact struct {
	// Network and User identify the account, Peer is the contact's address on
	// the network. The gateway itself has the empty Peer.
	Network, User, Peer string
	// Name is the user's name for the contact.
	Name string
	// Nick is the network's name for the contact.
	Nick   string
	Groups []string
	// Subscription is the state of the presence subscriptions in both directions.
	Subscription Subscription
	// Listed: the contact is on the network's contact list.
	Listed bool
	// LastSeen is the time when the contact was last online, zero if unknown.
	LastSeen time.Time
}

// Subscription is the state of the subscriptions between a user and a contact, as a set of
// flags (RFC 6121 §3). A gateway stores the contact's side itself.
type Subscription uint8

// The flags. The database contains their values: never change them.
const (
	To        Subscription = 1 << iota // the user sees the contact's presence
	From                               // the contact sees the user's presence
	AskTo                              // the user has requested a subscription; the network has not answered
	AskFrom                            // the user has a subscription request of the contact, not answered yet
	Refused                            // the user has declined that request: do not send it again
	AuthAsked                          // the contact waits for the user's authorization on the network
	Removed                            // the user has removed the contact, but the network's list still has it

	subscriptions = To | From | AskTo | AskFrom | Refused | AuthAsked | Removed
)

var subscriptionNames = [...]string{"to", "from", "ask-to", "ask-from", "refused", "auth-asked", "removed"}

// Has reports whether all flags of x are set.
func (s Subscription) Has(x Subscription) bool { return s&x == x }

// With returns s with the flags of x set.
func (s Subscription) With(x Subscription) Subscription { return s | x }

// Without returns s with the flags of x cleared.
func (s Subscription) Without(x Subscription) Subscription { return s &^ x }

// Roster returns the subscription attribute of a roster item: none, to, from or both
// (RFC 6121 §2.1.2.5).
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

// String lists the flags, for logs: "to+ask-from", or "none".
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

// Direction is the direction of a spooled message.
type Direction uint8

// The directions. The database contains their values: never change them. Damaged.SetAside
// adds asideBy to them.
const (
	Inbound  Direction = 1 // from the network to the XMPP user
	Outbound Direction = 2 // from the XMPP user to the network
)

// String returns the direction's name, for logs.
func (d Direction) String() string {
	switch d {
	case Inbound:
		return "inbound"
	case Outbound:
		return "outbound"
	}
	return fmt.Sprintf("direction(%d)", uint8(d))
}

// Message is a spooled message.
type Message struct {
	// ID is assigned by KeepMessage. IDs increase, and are never reused.
	ID                  int64
	Network, User, Peer string
	Direction           Direction
	// StanzaID is the id attribute of the message's stanza; it may be empty.
	StanzaID string
	// Payload is the message, in the caller's encoding. Sealed.
	Payload []byte
	// Created is the time when the message was sent; KeepMessage sets it if it is
	// zero.
	Created time.Time
}

// Stats are totals over all networks.
type Stats struct {
	Accounts, Contacts, Messages int
	// Damaged are the values that are set aside.
	Damaged int
}
