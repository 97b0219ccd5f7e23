package irc

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding"

	"transport/legacy"
	"transport/legacy/gate"
	"transport/legacy/irc/ircwire"
)

// network is one IRC network or, with named set, every server that users name.
type network struct {
	opts     Options
	named    bool
	fixed    []target
	ports    []string // that the administrator has configured for servers that users name
	fallback encoding.Encoding
	reach    reach
	gates    *gate.Table
	pause    func(failures int, err error, ceiling time.Duration) time.Duration // pauseAfter, except in tests
}

const (
	maxText     = 4000 // limit: characters of a message; longer ones take several lines anyway | policy-violation
	maxPassword = 300  // limit: bytes of a password | not-acceptable
)

// name returns the network's name in texts for users.
func (n *network) name() string {
	if n.opts.Name != "" {
		return n.opts.Name
	}
	return "IRC"
}

// Info implements legacy.Network.
func (n *network) Info() legacy.Info {
	form := []legacy.Field{
		{Var: "username", Label: "Nick", Required: true},
		{Var: "nicks", Label: "Other nicks", Desc: "Tried in this order if your nick is in use. Separate them with spaces."},
		{Var: "name", Label: "Real name", Desc: "Visible to everybody."},
		{Var: "user", Label: "User name", Desc: "The part before your host name. Visible to everybody."},
	}
	text := "Enter the nick that you want on " + n.name() + ". To join a channel, enter #channel%irc.example.net. For passwords and other settings of a server, use the command “Settings of this server” at the server's address, such as irc.example.net."
	if !n.named {
		form = append(form,
			legacy.Field{Var: "password", Label: "Account password (SASL or NickServ)", Type: legacy.FieldSecret},
			legacy.Field{Var: "pass", Label: "Server password", Desc: "Few servers need one.", Type: legacy.FieldSecret},
			legacy.Field{Var: "after_connect_commands", Label: "Commands after sign-on", Desc: "Raw IRC lines, one on each line.", Type: legacy.FieldLines},
		)
		text = "Enter the nick that you want on " + n.name() + ", and the password of your account there if you have one."
	}
	peer, room := "nick", "#channel"
	if n.named {
		peer, room = "nick%server", "#channel%server"
	}
	offered := commands
	if n.named {
		offered = append(slices.Clone(commands), gatewayCommands...)
	}
	form = append(form, legacy.Field{Var: legacy.RoomsField, Label: "Channels to join", Desc: "One on each line. Append a space and the key if the channel has one.", Type: legacy.FieldLines})
	return legacy.Info{
		Name:         n.name(),
		Type:         "irc",
		PeerName:     peer,
		RoomName:     room,
		Features:     legacy.FeaturesOf((*session)(nil)) | legacy.FeatureMarkup | legacy.FeatureNicks,
		Guests:       n.opts.Guests,
		Services:     n.named,
		Instructions: text,
		Form:         form,
		Search:       n.searchForm(),
		Commands:     offered,
		Lines:        true,
		MaxText:      maxText,
	}
}

// Validate implements legacy.Network.
func (n *network) Validate(fields map[string]string) error {
	if !ircwire.IsNick(fields["username"]) {
		return &legacy.FieldError{Var: "username", Text: "Enter a nick: letters, digits and _-[]{}\\|^`. It must not start with a digit."}
	}
	for _, v := range []string{"password", "pass"} {
		if len(fields[v]) > maxPassword {
			return &legacy.FieldError{Var: v, Text: "The password is too long for IRC."}
		}
	}
	for _, nick := range words(fields["nicks"]) {
		if !ircwire.IsNick(nick) {
			return &legacy.FieldError{Var: "nicks", Text: nick + " is not a valid nick."}
		}
	}
	return nil
}

// Login implements legacy.Network. Different users may have the same nick at different
// times, but not the same account.
func (n *network) Login(fields map[string]string) string {
	if fields["password"] == "" {
		return ""
	}
	return ircwire.RFC1459.Fold(fields["username"])
}

// Settings implements legacy.Configurer. The field names are those of biboumi.
func (n *network) Settings(p legacy.Peer) []legacy.Field {
	switch {
	case p.Room:
		return []legacy.Field{
			{Var: "encoding_in", Label: "Encoding of incoming text that is not UTF-8", Default: n.opts.Encoding},
			{Var: "encoding_out", Label: "Encoding of outgoing text", Desc: "Overrides the server's setting."},
		}
	case !p.Service && p.ID != "":
		return nil
	}
	form := []legacy.Field{
		{Var: "nick", Label: "Nick", Desc: "Overrides the nick that you use when joining."},
		{Var: "username", Label: "User name"},
		{Var: "realname", Label: "Real name"},
		{Var: "account", Label: "Account name, if it differs from the nick"},
		{Var: "sasl_password", Label: "Account password (SASL or NickServ)", Type: legacy.FieldSecret},
		{Var: "pass", Label: "Server password", Type: legacy.FieldSecret},
		{Var: "certificate", Label: "Client certificate and private key in PEM format (SASL EXTERNAL)", Type: legacy.FieldSecretLines},
		{Var: "after_connect_commands", Label: "Commands after sign-on", Desc: "Raw IRC lines, one on each line.", Type: legacy.FieldLines},
		{Var: "verify_cert", Label: "Verify the server's certificate", Type: legacy.FieldBool, Default: "true"},
		{Var: "fingerprint", Label: "Fingerprint of a trusted certificate", Desc: "SHA-256 or SHA-1, in hexadecimal digits."},
		{Var: "encoding_in", Label: "Encoding of incoming text that is not UTF-8", Default: n.opts.Encoding},
		{Var: "encoding_out", Label: "Encoding of outgoing text", Default: "utf-8"},
		{Var: "throttle_limit", Label: "Lines sent without delay", Desc: "-1 for no rate limit. Only for servers that do not disconnect users for flooding."},
		{Var: "persistent", Label: "Stay connected while I am in no channel", Type: legacy.FieldBool, Default: "false"},
	}
	if n.named {
		form = append(form,
			legacy.Field{Var: "address", Label: "Address of the server", Desc: "If it differs from the name that you use."},
			legacy.Field{Var: "tls_ports", Label: "TLS ports", Type: legacy.FieldLines, Default: portLines(n.opts.TLSPorts)},
			legacy.Field{Var: "ports", Label: "Ports without TLS", Type: legacy.FieldLines, Default: portLines(n.opts.Ports)},
		)
	}
	return form
}

// portLines formats a port list as one port a line.
func portLines(list string) string {
	all, _ := ports(list) // checked by New
	return strings.Join(all, "\n")
}

// Serves reports whether host is one of the network's configured servers.
func (n *network) Serves(host string) bool {
	return slices.ContainsFunc(n.fixed, func(t target) bool { return strings.EqualFold(t.host, host) })
}

// ValidateSettings implements legacy.Configurer.
func (n *network) ValidateSettings(p legacy.Peer, values map[string]string) error {
	wrong := func(name, text string) error { return &legacy.FieldError{Var: name, Text: text} }
	if nick := values["nick"]; nick != "" && !ircwire.IsNick(nick) {
		return wrong("nick", "This is not a valid nick.")
	}
	for _, name := range []string{"encoding_in", "encoding_out"} {
		if _, known := charset(values[name]); values[name] != "" && !known {
			return wrong(name, "Unknown encoding. Use utf-8, windows-1252, windows-1251, koi8-r, iso-8859-2, shift_jis or another encoding of the Web.")
		}
	}
	for _, name := range []string{"tls_ports", "ports"} {
		if _, err := ports(values[name]); err != nil {
			return wrong(name, err.Error())
		}
	}
	if address := values["address"]; address != "" && (!isServer(lower(address)) || !n.allows(lower(address))) {
		return wrong("address", "This gateway does not connect to this server.")
	}
	if f := values["fingerprint"]; f != "" && fingerprint(f) == nil {
		return wrong("fingerprint", "Enter a fingerprint of 64 (SHA-256) or 40 (SHA-1) hexadecimal digits.")
	}
	if limit := values["throttle_limit"]; limit != "" {
		if _, ok := burst(limit); !ok {
			return wrong("throttle_limit", "Enter a number of lines, or -1 for no rate limit.")
		}
	}
	if _, err := certificate(values["certificate"]); err != nil {
		return wrong("certificate", "This is "+err.Error()+".")
	}
	return nil
}

// NewSession implements legacy.Network.
func (n *network) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	if err := n.Validate(a.Fields); err != nil {
		return nil, legacy.Wrap(legacy.BadNick, err, "The nick of your registration is not valid. Register again with another one.")
	}
	s := &session{net: n, env: env, fields: a.Fields, settings: make(map[string]map[string]string), links: make(map[string]*link),
		watched: make(map[string]bool), toWatch: make(map[string]map[string]bool)}
	if len(a.State) > 0 && json.Unmarshal(a.State, &s.played) != nil {
		s.played = nil // of another version
	}
	for id, values := range a.Settings {
		s.settings[id] = values
	}
	return s, nil
}
