package irc

import (
	"slices"
	"strings"

	"golang.org/x/text/encoding"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// network is an IRC network, or with named set all those whose servers users name.
type network struct {
	opts     Options
	named    bool
	fixed    []target
	fallback encoding.Encoding
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
	form := []legacy.Field{
		{Var: "username", Label: "Nick", Required: true},
		{Var: "nicks", Label: "Other nicks", Desc: "Taken in turn while yours is in use, separated by spaces."},
		{Var: "name", Label: "Real name", Desc: "Anybody can see it."},
		{Var: "user", Label: "User name", Desc: "Stands before your host name, where anybody can see it."},
	}
	text := "Enter the nick that you want on " + n.name() + ". You join a channel as #channel%irc.example.net; passwords and other settings of a server are in the command “Settings of this server” at the server's own address."
	if !n.named {
		form = append(form,
			legacy.Field{Var: "password", Label: "Password of your account (SASL, or NickServ)", Type: legacy.FieldSecret},
			legacy.Field{Var: "pass", Label: "Password of the server", Desc: "Few servers have one.", Type: legacy.FieldSecret},
			legacy.Field{Var: "after_connect_commands", Label: "Commands after connecting", Desc: "Lines of the IRC protocol.", Type: legacy.FieldLines},
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
	form = append(form, legacy.Field{Var: legacy.RoomsField, Label: "Channels to join", Desc: "One a line; a key may follow, after a space.", Type: legacy.FieldLines})
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
		return &legacy.FieldError{Var: "username", Text: "Enter a nick: letters, digits and _-[]{}\\|^`, not beginning with a digit."}
	}
	for _, v := range []string{"password", "pass"} {
		if len(fields[v]) > maxPassword {
			return &legacy.FieldError{Var: v, Text: "The password is too long for IRC."}
		}
	}
	for _, nick := range words(fields["nicks"]) {
		if !ircwire.IsNick(nick) {
			return &legacy.FieldError{Var: "nicks", Text: nick + " cannot be a nick."}
		}
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

// Settings implements legacy.Configurer. The names of the fields are those that
// users of other gateways know.
func (n *network) Settings(p legacy.Peer) []legacy.Field {
	switch {
	case p.Room:
		return []legacy.Field{
			{Var: "encoding_in", Label: "Encoding of what is no UTF-8", Default: n.opts.Encoding},
			{Var: "encoding_out", Label: "Encoding of what you write", Desc: "In place of the server's."},
		}
	case !p.Service && p.ID != "":
		return nil
	}
	form := []legacy.Field{
		{Var: "nick", Label: "Nick", Desc: "In place of the one that you asked for when joining."},
		{Var: "username", Label: "User name"},
		{Var: "realname", Label: "Real name"},
		{Var: "account", Label: "Account, if it is not called as the nick"},
		{Var: "sasl_password", Label: "Password of the account (SASL, or NickServ)", Type: legacy.FieldSecret},
		{Var: "pass", Label: "Password of the server", Type: legacy.FieldSecret},
		{Var: "certificate", Label: "Client certificate and its key, in PEM (SASL EXTERNAL)", Type: legacy.FieldSecretLines},
		{Var: "after_connect_commands", Label: "Commands after connecting", Desc: "Lines of the IRC protocol.", Type: legacy.FieldLines},
		{Var: "verify_cert", Label: "Check the server's certificate", Type: legacy.FieldBool, Default: "true"},
		{Var: "fingerprint", Label: "Fingerprint of a certificate to trust", Desc: "SHA-256 or SHA-1, in hexadecimal digits."},
		{Var: "encoding_in", Label: "Encoding of what is no UTF-8", Default: n.opts.Encoding},
		{Var: "encoding_out", Label: "Encoding of what you write", Default: "utf-8"},
		{Var: "throttle_limit", Label: "Lines that may be sent at once", Desc: "-1 for no limit: for servers that do not throw anybody out for it."},
		{Var: "persistent", Label: "Stay connected while I am in no channel", Type: legacy.FieldBool, Default: "false"},
	}
	if n.named {
		form = append(form,
			legacy.Field{Var: "address", Label: "Address of the server", Desc: "If it is not the name that you use."},
			legacy.Field{Var: "tls_ports", Label: "Ports with TLS", Type: legacy.FieldLines, Default: portLines(n.opts.TLSPorts)},
			legacy.Field{Var: "ports", Label: "Ports without TLS", Type: legacy.FieldLines, Default: portLines(n.opts.Ports)},
		)
	}
	return form
}

// portLines are ports as a form shows them, one a line.
func portLines(list string) string {
	all, _ := ports(list) // checked by New
	return strings.Join(all, "\n")
}

// Serves reports whether a host is the network's own server, where it has one.
func (n *network) Serves(host string) bool {
	return slices.ContainsFunc(n.fixed, func(t target) bool { return strings.EqualFold(t.host, host) })
}

// ValidateSettings implements legacy.Configurer.
func (n *network) ValidateSettings(p legacy.Peer, values map[string]string) error {
	wrong := func(name, text string) error { return &legacy.FieldError{Var: name, Text: text} }
	if nick := values["nick"]; nick != "" && !ircwire.IsNick(nick) {
		return wrong("nick", "That cannot be a nick.")
	}
	for _, name := range []string{"encoding_in", "encoding_out"} {
		if _, known := charset(values[name]); values[name] != "" && !known {
			return wrong(name, "Unknown. Known are utf-8, windows-1252, windows-1251, koi8-r, iso-8859-2, shift_jis and others of the Web.")
		}
	}
	for _, name := range []string{"tls_ports", "ports"} {
		if _, err := ports(values[name]); err != nil {
			return wrong(name, err.Error())
		}
	}
	if address := values["address"]; address != "" && (!isServer(lower(address)) || !n.allows(lower(address))) {
		return wrong("address", "This gateway does not go there.")
	}
	if f := values["fingerprint"]; f != "" && fingerprint(f) == nil {
		return wrong("fingerprint", "A fingerprint has 64 hexadecimal digits, or 40.")
	}
	if limit := values["throttle_limit"]; limit != "" {
		if _, ok := burst(limit); !ok {
			return wrong("throttle_limit", "Enter a number of lines, or -1 for no limit.")
		}
	}
	if _, err := certificate(values["certificate"]); err != nil {
		return wrong("certificate", "That is "+err.Error()+".")
	}
	return nil
}

// NewSession implements legacy.Network.
func (n *network) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	if err := n.Validate(a.Fields); err != nil {
		return nil, legacy.Wrap(legacy.Auth, err, "The nick of the account cannot be used.")
	}
	s := &session{net: n, env: env, fields: a.Fields, settings: make(map[string]map[string]string), links: make(map[string]*link),
		watched: make(map[string]bool)}
	for id, values := range a.Settings {
		s.settings[id] = values
	}
	return s, nil
}
