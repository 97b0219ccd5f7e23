package oscar

import (
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"time"

	"transport/legacy"
	"transport/legacy/gate"
	"transport/legacy/oscar/oscarwire"
)

// network is ICQ, AIM, or a compatible network.
type network struct {
	opts      Options
	aim       bool
	servers   []string
	ports     []string // of servers
	page      *oscarwire.CodePage
	keepalive time.Duration
	icons     iconCache
	drawing   sync.Mutex // one avatar is scaled at a time
	queues    signOnQueues
	gates     *gate.Table

	signOnInterval time.Duration // after a server has rejected a sign-on as rate-limited
	authorizeLimit time.Duration

	resolver  legacy.Resolver // nil for the system's
	roots     *x509.CertPool  // trusted CAs, nil for the system's
	proxyPort uint16          // of file proxies
}

// fieldServer is the registration field for a server of the user's choice.
const fieldServer = "server"

// maxPassword is the maximum length of a password in bytes.
const maxPassword = 128 // limit: bytes of a password | not-acceptable

// Info implements legacy.Network.
func (n *network) Info() legacy.Info {
	info := legacy.Info{
		Name:     "ICQ",
		Type:     "icq",
		PeerName: "ICQ number",
		Features: legacy.FeaturesOf((*session)(nil)) | legacy.FeatureAvatar | legacy.FeatureInvisible |
			legacy.FeatureReceipts | legacy.FeatureOffline,
		Instructions: "Enter your ICQ number (UIN) and your password.",
		Form: []legacy.Field{
			{Var: "username", Label: "ICQ number", Required: true},
			{Var: "password", Label: "Password", Type: legacy.FieldSecret, Required: true},
		},
		Search:   n.searchForm(),
		Commands: n.commands(),
	}
	if n.aim {
		info.Name, info.Type, info.PeerName, info.RoomName = "AIM", "aim", "screen name", "#room"
		info.Instructions = "Enter your AIM screen name and your password."
		info.Form[0].Label = "Screen name"
		info.Features |= legacy.FeaturesOf(roomSession{}) | legacy.FeatureMarkup
	}
	if n.opts.UserServer {
		info.Form = append(info.Form, legacy.Field{Var: fieldServer, Label: "Server", Renews: true,
			Desc: "The host:port of the sign-on server. Leave it empty for the default."})
	}
	return info
}

// ParsePeer implements legacy.Network. Both flavors accept UINs and screen names,
// because many servers connect ICQ and AIM.
func (n *network) ParsePeer(name string) (legacy.Peer, error) {
	if room, ok := parseRoom(name); ok && n.aim {
		return room, nil
	}
	id := oscarwire.NormalizeScreenName(name)
	if digits := strings.ReplaceAll(id, "-", ""); oscarwire.IsUIN(digits) {
		return legacy.Peer{ID: digits}, nil
	}
	if !isScreenName(id) {
		if n.aim {
			return legacy.Peer{}, legacy.Errorf(legacy.NotFound,
				"An AIM screen name starts with a letter and has 2 to 97 letters, digits and spaces, or is an e-mail address. A chat room is a # and its name, such as #chess.")
		}
		return legacy.Peer{}, legacy.Errorf(legacy.NotFound, "An ICQ number has digits only, such as 123456789.")
	}
	return legacy.Peer{ID: id}, nil
}

// maxScreenName is the maximum length in bytes of a screen name, possibly an e-mail
// address.
const maxScreenName = 97 // limit: bytes of a screen name | item-not-found

// isScreenName reports whether a normalised name can be an AIM screen name.
func isScreenName(id string) bool {
	if len(id) < 2 || len(id) > maxScreenName || id[0] < 'a' || id[0] > 'z' {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("@._-+", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// Validate implements legacy.Network.
func (n *network) Validate(fields map[string]string) error {
	name := fields["username"]
	switch {
	case strings.TrimSpace(name) == "" && n.aim:
		return &legacy.FieldError{Var: "username", Text: "Enter your AIM screen name."}
	case strings.TrimSpace(name) == "":
		return &legacy.FieldError{Var: "username", Text: "Enter your ICQ number."}
	case fields["password"] == "":
		return &legacy.FieldError{Var: "password", Text: "Enter your password."}
	case len(fields["password"]) > maxPassword:
		return &legacy.FieldError{Var: "password", Text: "The password is too long for this network."}
	}
	if own := fields[fieldServer]; own != "" {
		if !n.opts.UserServer {
			return &legacy.FieldError{Var: fieldServer, Text: "This gateway supports one server only. Leave the server empty."}
		}
		if err := checkUserAddr(own); err != nil {
			return &legacy.FieldError{Var: fieldServer, Text: "The server is not valid: " + err.Error() + "."}
		}
	}
	peer, err := n.ParsePeer(name)
	if err == nil && !n.aim && !oscarwire.IsUIN(peer.ID) {
		err = legacy.Errorf(legacy.NotFound, "An ICQ number has digits only, such as 123456789.")
	}
	if err == nil && peer.Room {
		err = legacy.Errorf(legacy.NotFound, "This is the name of a chat room. Enter your AIM screen name.")
	}
	if err != nil {
		return &legacy.FieldError{Var: "username", Text: err.Error()}
	}
	return nil
}

// Login implements legacy.Network. The same name on another server is another account.
func (n *network) Login(fields map[string]string) string {
	if own := fields[fieldServer]; own != "" {
		return n.self(fields) + " at " + strings.ToLower(own)
	}
	return n.self(fields)
}

// self returns the account's own address.
func (n *network) self(fields map[string]string) string {
	peer, err := n.ParsePeer(fields["username"])
	if err != nil {
		return oscarwire.NormalizeScreenName(fields["username"])
	}
	return peer.ID
}

// RoomNick implements legacy.NickTeller: the nick in a room is the screen name.
func (n *network) RoomNick(a legacy.Account, _ legacy.Peer) string { return a.Fields["username"] }

// NewSession implements legacy.Network.
func (n *network) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	if err := n.Validate(a.Fields); err != nil {
		var fe *legacy.FieldError
		if errors.As(err, &fe) && fe.Var == fieldServer {
			return nil, legacy.Wrap(legacy.Auth, err, fe.Text)
		}
		return nil, legacy.Wrap(legacy.Auth, err, "The name or the password of your registration is not valid. Register again.")
	}
	servers, own := n.servers, a.Fields[fieldServer]
	if own != "" {
		servers = []string{own}
	}
	s := &session{
		net:      n,
		env:      env,
		servers:  servers,
		named:    own != "",
		self:     n.self(a.Fields),
		password: a.Fields["password"],
		state:    a.State,
		queue:    make(chan command, queueLen),
	}
	if s.named && n.opts.AllowPrivate {
		s.scope = legacy.ScopeAny
	}
	if n.aim {
		return roomSession{s}, nil
	}
	return s, nil
}

// name returns the network's name in texts for users.
func (n *network) name() string {
	if n.aim {
		return "AIM"
	}
	return "ICQ"
}
