package irc

import (
	"crypto/tls"

	"golang.org/x/text/encoding"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// network is an IRC network.
type network struct {
	opts     Options
	servers  []server
	fallback encoding.Encoding
}

type server struct {
	addr string
	tls  *tls.Config
}

const (
	maxText     = 4000 // runes; longer messages are several lines anyway
	maxPassword = 300
)

// name is what the network is called in texts for users.
func (n *network) name() string {
	if n.opts.Name != "" {
		return n.opts.Name
	}
	return "IRC"
}

// Info implements legacy.Network.
func (n *network) Info() legacy.Info {
	return legacy.Info{
		Name:         n.name(),
		Type:         "irc",
		PeerName:     "nick",
		Features:     legacy.FeaturePresence | legacy.FeatureRooms,
		Guests:       n.opts.Guests,
		Instructions: "Enter the nick that you want on " + n.name() + ", and the password of your account there if you have one.",
		Form: []legacy.Field{
			{Var: "username", Label: "Nick", Required: true},
			{Var: "password", Label: "Password (SASL)", Type: legacy.FieldSecret},
			{Var: "name", Label: "Real name"},
		},
		MaxText: maxText,
	}
}

// ParsePeer implements legacy.Network. Names are compared as most servers do.
func (n *network) ParsePeer(name string) (legacy.Peer, error) {
	switch {
	case isChannel(name):
		return legacy.Peer{ID: ircwire.RFC1459.Fold(name), Room: true}, nil
	case ircwire.IsNick(name):
		return legacy.Peer{ID: ircwire.RFC1459.Fold(name)}, nil
	}
	return legacy.Peer{}, legacy.Errorf(legacy.NotFound, "A channel is written as #name, a person as their nick.")
}

// Validate implements legacy.Network.
func (n *network) Validate(fields map[string]string) error {
	switch {
	case !ircwire.IsNick(fields["username"]):
		return &legacy.FieldError{Var: "username", Text: "Enter a nick: letters, digits and _-[]{}\\|^`, not beginning with a digit."}
	case len(fields["password"]) > maxPassword:
		return &legacy.FieldError{Var: "password", Text: "The password is too long for IRC."}
	}
	return nil
}

// Login implements legacy.Network. People may share a nick, one after the other,
// but not an account.
func (n *network) Login(fields map[string]string) string {
	if fields["password"] == "" {
		return ""
	}
	return ircwire.RFC1459.Fold(fields["username"])
}

// NewSession implements legacy.Network.
func (n *network) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	if err := n.Validate(a.Fields); err != nil {
		return nil, legacy.Wrap(legacy.Auth, err, "The nick of the account cannot be used.")
	}
	return &session{net: n, env: env, fields: a.Fields, queue: make(chan command, queueLen)}, nil
}
