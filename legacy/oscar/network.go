package oscar

import (
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// network is ICQ, AIM, or one that is like them.
type network struct {
	opts      Options
	aim       bool
	servers   []string
	page      *oscarwire.CodePage
	keepalive time.Duration
	icons     iconCache
	proxyPort uint16 // of rendezvous proxies
}

// maxText is the longest text of one message in runes. In UTF-16 it fits the
// 8,000 bytes that servers take.
const maxText = 2000

// maxPassword is the longest password in bytes.
const maxPassword = 128

// Info implements legacy.Network.
func (n *network) Info() legacy.Info {
	info := legacy.Info{
		Name:     "ICQ",
		Type:     "icq",
		PeerName: "ICQ number",
		Features: legacy.FeaturePresence | legacy.FeatureRoster | legacy.FeatureTyping | legacy.FeatureOffline |
			legacy.FeatureProfile | legacy.FeatureSearch | legacy.FeatureAvatar,
		Instructions: "Enter your ICQ number (UIN) and your password.",
		Form: []legacy.Field{
			{Var: "username", Label: "ICQ number", Required: true},
			{Var: "password", Label: "Password", Type: legacy.FieldSecret, Required: true},
		},
		MaxText: maxText,
		Search:  n.searchForm(),
	}
	if n.aim {
		info.Name, info.Type, info.PeerName = "AIM", "aim", "screen name"
		info.Instructions = "Enter your AIM screen name and your password."
		info.Form[0].Label = "Screen name"
	}
	return info
}

// ParsePeer implements legacy.Network. Both flavors take numbers and screen
// names, since many servers join ICQ and AIM.
func (n *network) ParsePeer(name string) (legacy.Peer, error) {
	id := oscarwire.NormalizeScreenName(name)
	if digits := strings.ReplaceAll(id, "-", ""); oscarwire.IsUIN(digits) {
		return legacy.Peer{ID: digits}, nil
	}
	if !isScreenName(id) {
		if n.aim {
			return legacy.Peer{}, legacy.Errorf(legacy.NotFound,
				"An AIM screen name starts with a letter and has 2 to 97 letters, digits and spaces, or is an e-mail address.")
		}
		return legacy.Peer{}, legacy.Errorf(legacy.NotFound, "An ICQ number has digits only, such as 123456789.")
	}
	return legacy.Peer{ID: id}, nil
}

// maxScreenName is the longest screen name, an e-mail address, in bytes.
const maxScreenName = 97

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
	peer, err := n.ParsePeer(name)
	if err == nil && !n.aim && !oscarwire.IsUIN(peer.ID) {
		err = legacy.Errorf(legacy.NotFound, "An ICQ number has digits only, such as 123456789.")
	}
	if err != nil {
		return &legacy.FieldError{Var: "username", Text: err.Error()}
	}
	return nil
}

// Login implements legacy.Network.
func (n *network) Login(fields map[string]string) string {
	peer, err := n.ParsePeer(fields["username"])
	if err != nil {
		return oscarwire.NormalizeScreenName(fields["username"])
	}
	return peer.ID
}

// NewSession implements legacy.Network.
func (n *network) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	if err := n.Validate(a.Fields); err != nil {
		return nil, legacy.Wrap(legacy.Auth, err, "The name or the password of the account cannot be used.")
	}
	return &session{
		net:      n,
		env:      env,
		self:     n.Login(a.Fields),
		password: a.Fields["password"],
		state:    a.State,
		queue:    make(chan command, queueLen),
	}, nil
}

// name is what the network is called in texts for users.
func (n *network) name() string {
	if n.aim {
		return "AIM"
	}
	return "ICQ"
}
