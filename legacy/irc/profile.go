package irc

import (
	"cmp"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
)

// profile are the parameters of one user's connection to one server, merged from the
// configuration, the registration and the settings of the server.
type profile struct {
	targets      []target
	nicks        []string // in the order of the attempts
	user, real   string
	account      string // "" for the same as the nick
	password     string
	pass         string
	after        []string
	certificate  *tls.Certificate
	verify       bool
	fingerprint  []byte // of a trusted certificate, nil for none
	in           encoding.Encoding
	out          encoding.Encoding // nil for UTF-8
	burst        int
	persistent   bool
	hasSecrets   bool // the sign-on sends secrets, which need TLS
	plainSkipped bool // the ports without TLS were left out for that reason
}

// target is an address to connect to.
type target struct {
	host, port string
	tls        bool
}

func (t target) addr() string { return net.JoinHostPort(t.host, t.port) }

const (
	maxLines = 20      // limit: lines in the commands after a sign-on | the rest is ignored
	maxBurst = 100_000 // limit: lines that the setting for a burst can have | not-acceptable
)

// profile returns the parameters for a server; nick is the one requested by the last
// join, "" for none.
func (s *session) profile(server, nick string) profile {
	n, set := s.net, s.setting(s.net.service(server).ID)
	p := profile{
		user: cmp.Or(set["username"], s.fields["user"]), real: cmp.Or(set["realname"], s.fields["name"]), account: set["account"],
		password: cmp.Or(set["sasl_password"], s.fields["password"]), pass: cmp.Or(set["pass"], s.fields["pass"]),
		verify: set["verify_cert"] != "false", fingerprint: fingerprint(set["fingerprint"]),
		in: n.fallback, burst: n.opts.Burst, persistent: set["persistent"] == "true",
	}
	p.certificate, _ = certificate(set["certificate"]) // validated when it was set
	if e, ok := charset(set["encoding_in"]); ok {
		p.in = e
	}
	if e, ok := charset(set["encoding_out"]); ok && e != unicode.UTF8 {
		p.out = e
	}
	if most, ok := burst(set["throttle_limit"]); ok {
		p.burst = most
	}
	if n.named && nick != "" && set["nick"] == "" {
		p.nicks = append(p.nicks, nick)
	}
	p.nicks = append(p.nicks, cmp.Or(set["nick"], s.fields["username"]))
	p.nicks = append(p.nicks, words(s.fields["nicks"])...)
	for line := range strings.Lines(cmp.Or(set["after_connect_commands"], s.fields["after_connect_commands"])) {
		if line = strings.TrimPrefix(strings.TrimSpace(line), "/"); line != "" && len(p.after) < maxLines {
			p.after = append(p.after, line)
		}
	}
	if p.real == "" {
		p.real = p.nicks[0]
	}
	p.hasSecrets = p.password != "" || p.pass != "" || len(p.after) > 0
	p.targets = n.targets(server, set, p.hasSecrets)
	p.plainSkipped = p.hasSecrets && len(p.targets) < len(n.targets(server, set, false))
	return p
}

// targets returns the addresses of a server, those with TLS first. Secrets are sent
// without TLS only if the user has removed all TLS ports in the settings.
func (n *network) targets(server string, set map[string]string, secret bool) []target {
	if !n.named {
		return n.fixed
	}
	host := cmp.Or(lower(set["address"]), server)
	var own string
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, own = h, p
	}
	ask := func(name, otherwise string) []string {
		value, said := set[name]
		if !said {
			value = otherwise
		}
		list, _ := ports(value) // validated when it was set
		return list
	}
	secure, plain := ask("tls_ports", n.opts.TLSPorts), ask("ports", n.opts.Ports)
	if own != "" { // TLS as configured for that port; if it is in neither list, try both
		switch {
		case slices.Contains(secure, own) || len(plain) == 0:
			secure, plain = []string{own}, nil
		case slices.Contains(plain, own) || len(secure) == 0:
			secure, plain = nil, []string{own}
		default:
			secure, plain = []string{own}, []string{own}
		}
	}
	var all []target
	for _, port := range secure {
		all = append(all, target{host, port, true})
	}
	if !secret || len(secure) == 0 {
		for _, port := range plain {
			all = append(all, target{host, port, false})
		}
	}
	return all
}

// words splits a list at spaces, commas and line ends.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' })
}

// burst parses throttle_limit: a number of lines, -1 for no limit.
func burst(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	if n == -1 {
		n = maxBurst
	}
	return n, err == nil && n >= 1 && n <= maxBurst
}

// fingerprint parses hexadecimal digits with or without colons, nil if they are
// invalid.
func fingerprint(s string) []byte {
	sum, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(s), ":", ""))
	if err != nil || len(sum) != 32 && len(sum) != 20 {
		return nil
	}
	return sum
}

// certificate parses a certificate with its private key in PEM, nil if the text is
// empty.
func certificate(pem string) (*tls.Certificate, error) {
	if strings.TrimSpace(pem) == "" {
		return nil, nil
	}
	pair, err := tls.X509KeyPair([]byte(pem), []byte(pem))
	if err != nil {
		return nil, errors.New("not a certificate with its private key in PEM format")
	}
	return &pair, nil
}
