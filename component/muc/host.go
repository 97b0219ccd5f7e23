package muc

import (
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/legacy"
	"transport/registry"
)

// Host is what the rooms need of their user. The user's actor calls the rooms, and the
// rooms call their host on that goroutine.
type Host interface {
	// Login returns the state of the user's session with the network.
	Login() Login
	// Account returns the user's registration, which the rooms do not change.
	Account() Account
	// SetOption stores an option of the registration; "" removes it.
	SetOption(name, value string) *stanza.Error
	// Settings returns the form fields of the user's settings for a room, and the function
	// that validates and stores the answers.
	Settings(room legacy.Peer) (fields []*element.Element, store func(map[string][]string) *stanza.Error)
	// Admit makes sure that a user who joins a room has an account: it makes one for a
	// guest. renames is true if the session has signed on, or signs on, with another nick
	// than the guest's.
	Admit(nick string) (renames bool, why *stanza.Error)
	// Query sends a query to the session by ask, and calls answer with its result, if that
	// arrives before the deadline of r. A request without a deadline gets one.
	Query(r *stanza.Request, answer func(legacy.Event), ask func(ref string) error) error
	// Send sends the user's message to a room, or to an occupant as a person of the
	// network. It answers st with an error, and returns false, if the session does not
	// accept the text.
	Send(st *stanza.Inbound, to legacy.Peer, text string) bool
	// ShowPresence sends the user's presence to the network, if it has changed.
	ShowPresence()
	// Notify sends the user a text from the gateway.
	Notify(text string)
}

// Marks are the user's read positions in rooms. (XEP-0333)
type Marks interface {
	// Note records a message that is about to be sent to the user's clients. A zero mark
	// stands for a message that cannot be marked.
	Note(room legacy.Peer, stanzaID string, mark time.Time)
	// IsMarkable reports whether it is of use to mark a message as displayed.
	IsMarkable(room legacy.Peer, stanzaID string) bool
}

// Login is the state of a user's session with the network.
type Login struct {
	Session legacy.Session // nil unless the network has signed the user on
	Offline *stanza.Error  // without a session, the error of an operation that needs one
	Refused *stanza.Error  // why no session is started until the user does something, nil if one is
	Online  bool           // one of the user's clients is online
}

// Account is a user's registration.
type Account struct {
	*registry.Account      // nil without one
	Guest             bool // it ends with the user's last room, and is not stored
}

// Exists reports whether the user has an account, a guest's included.
func (a Account) Exists() bool { return a.Account != nil }

// Registered reports whether the account is stored.
func (a Account) Registered() bool { return a.Exists() && !a.Guest }

// Option returns the value of an option, "" if it is not set.
func (a Account) Option(name string) string {
	if a.Account == nil {
		return ""
	}
	return a.Options[name]
}

// Options of a registration that the rooms read.
const (
	OptNoTyping    = "no-typing"     // no typing notifications are sent
	OptNoActs      = "no-reactions"  // no fallback text for reactions and retractions where the network supports neither
	OptNoHistory   = "no-history"    // room messages are not archived
	OptStayInRooms = "stay-in-rooms" // the user stays in rooms while all clients are offline
	OptHistory     = "max-history"   // history lines for a client that requests no number
)

// The gateway's own settings of a room. Users of other gateways know these names.
const (
	FieldRecord     = "record_history"
	FieldPersistent = "persistent"
	FieldHistory    = "max_history_length"
)
