package legacytest

import (
	"strings"
	"sync"
	"time"

	"transport/legacy"
)

var _ legacy.Network = (*Echo)(nil)

// Options configure an Echo. The zero value is ready to use.
type Options struct {
	// Accounts are the passwords of the accounts, by name. If it is nil, every account
	// exists and accepts every password but "wrong".
	Accounts map[string]string
	// State is the MessageSent.State of messages to an online account. With Delivered the
	// network declares FeatureReceipts.
	State legacy.DeliveryState
	// MaxText is legacy.Info.MaxText.
	MaxText int
	// Silent stops peers that are not accounts from echoing.
	Silent bool
	// Authorization hides an account's presence from others until it authorizes them.
	// Without it everybody sees it, until Authorize withdraws that.
	Authorization bool
	// Addr, if set, is dialled by each session; losing the connection ends the session.
	// Nothing is written to it.
	Addr string
	// Now is the clock, nil for the system's.
	Now func() time.Time
	// Patience is the time limit of Expect, 20 s if 0.
	Patience time.Duration
	// Queue is the number of commands that a session queues, 0 for 64.
	Queue int
	// Record is the number of commands that a Handle records, 0 for 1024.
	Record int
}

// Echo is a legacy network in memory. A peer becomes an account by signing on; every
// other peer is an echo: it is online as soon as it is a contact, and returns every
// message. Accounts exchange messages and presence with each other, offline messages
// are stored, and contact lists outlive sessions.
//
// It is safe for concurrent use.
type Echo struct {
	opts Options
	now  func() time.Time

	mu       sync.Mutex // guards all accounts; no event is emitted while it is held
	accounts map[string]*account
}

// NewEcho returns a new network with the accounts of Options.Accounts.
func NewEcho(opts Options) *Echo {
	if opts.Queue <= 0 {
		opts.Queue = 64
	}
	if opts.Record <= 0 {
		opts.Record = 1024
	}
	if opts.Patience <= 0 {
		opts.Patience = 20 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	n := &Echo{opts: opts, accounts: make(map[string]*account), now: opts.Now}
	for name := range opts.Accounts {
		n.account(canonical(name)).known = true
	}
	return n
}

// Info implements legacy.Network.
func (n *Echo) Info() legacy.Info {
	features := legacy.FeaturesOf((*Session)(nil)) | legacy.FeatureOffline | legacy.FeatureInvisible
	if n.opts.State == legacy.Delivered {
		features |= legacy.FeatureReceipts
	}
	return legacy.Info{
		Name:         "Echo",
		Type:         "echo",
		PeerName:     "Echo name",
		Features:     features,
		Instructions: "Enter your name and password on the Echo network.",
		Form: []legacy.Field{
			{Var: "username", Label: "Name", Required: true},
			{Var: "password", Label: "Password", Type: legacy.FieldSecret, Required: true},
		},
		MaxText: n.opts.MaxText,
	}
}

// maxName is the maximum length of a name in bytes.
const maxName = 64

// ParsePeer implements legacy.Network: it ignores case and spaces.
func (n *Echo) ParsePeer(name string) (legacy.Peer, error) {
	id := canonical(name)
	if id == "" || len(id) > maxName || strings.ContainsFunc(id, unusual) {
		return legacy.Peer{}, legacy.Errorf(legacy.NotFound,
			"An Echo name has 1 to %d letters, digits, dots, hyphens or underscores.", maxName)
	}
	return legacy.Peer{ID: id}, nil
}

func unusual(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789._-", r) }

// canonical returns the canonical spelling of a name.
func canonical(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, " ", ""))
}

// Validate implements legacy.Network.
func (n *Echo) Validate(fields map[string]string) error {
	if fields["username"] == "" {
		return &legacy.FieldError{Var: "username", Text: "Enter your Echo name."}
	}
	if _, err := n.ParsePeer(fields["username"]); err != nil {
		return &legacy.FieldError{Var: "username", Text: err.Error()}
	}
	if fields["password"] == "" {
		return &legacy.FieldError{Var: "password", Text: "Enter your password."}
	}
	return nil
}

// Login implements legacy.Network.
func (n *Echo) Login(fields map[string]string) string { return canonical(fields["username"]) }

// NewSession implements legacy.Network.
func (n *Echo) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	if err := n.Validate(a.Fields); err != nil {
		return nil, legacy.Wrap(legacy.Auth, err, "The account's name or password is missing.")
	}
	return &Session{
		net:      n,
		env:      env,
		login:    n.Login(a.Fields),
		password: a.Fields["password"],
		state:    a.State,
		queue:    make(chan Command, n.opts.Queue),
		in:       newMailbox(),
	}, nil
}
