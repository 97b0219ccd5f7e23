package irc

import (
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

// profile is how one user connects to one server: what the configuration, the
// registration and the settings of the server come to.
type profile struct {
	targets       []target
	nicks         []string // in the order in which they are tried
	user, real    string
	account       string // "" for the nick
	password      string
	pass          string
	after         []string
	certificate   *tls.Certificate
	verify        bool
	fingerprint   []byte // of a certificate to trust, nil for none
	in            encoding.Encoding
	out           encoding.Encoding // nil for UTF-8
	burst         int
	stay          bool
	guardsSecrets bool // there is something that must not be sent without TLS
	keptFrom      bool // that is why ports without TLS are not tried
}

// target is a place to connect to.
type target struct {
	host, port string
	tls        bool
}

func (t target) addr() string { return net.JoinHostPort(t.host, t.port) }

const (
	maxLines = 20      // of commands after connecting
	maxBurst = 100_000 // lines
)

// profile is how the user connects to a server; nick is the one that was asked for
// last, "" for none.
func (s *session) profile(server, nick string) profile {
	n, set := s.net, s.setting(s.net.service(server).ID)
	p := profile{
		user: first(set["username"], s.fields["user"]), real: first(set["realname"], s.fields["name"]), account: set["account"],
		password: first(set["sasl_password"], s.fields["password"]), pass: first(set["pass"], s.fields["pass"]),
		verify: set["verify_cert"] != "false", fingerprint: fingerprint(set["fingerprint"]),
		in: n.fallback, burst: n.opts.Burst, stay: set["persistent"] == "true",
	}
	p.certificate, _ = certificate(set["certificate"]) // checked when it was set
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
	p.nicks = append(p.nicks, first(set["nick"], s.fields["username"]))
	p.nicks = append(p.nicks, words(s.fields["nicks"])...)
	for line := range strings.Lines(first(set["after_connect_commands"], s.fields["after_connect_commands"])) {
		if line = strings.TrimPrefix(strings.TrimSpace(line), "/"); line != "" && len(p.after) < maxLines {
			p.after = append(p.after, line)
		}
	}
	if p.real == "" {
		p.real = p.nicks[0]
	}
	p.guardsSecrets = p.password != "" || p.pass != "" || len(p.after) > 0
	p.targets = n.targets(server, set, p.guardsSecrets)
	p.keptFrom = p.guardsSecrets && len(p.targets) < len(n.targets(server, set, false))
	return p
}

// targets are the places at which a server may be reached, those with TLS first.
// What is secret goes over a connection without TLS only if the user, by naming no
// port with TLS, has said so.
func (n *network) targets(server string, set map[string]string, secret bool) []target {
	if !n.named {
		return n.fixed
	}
	host := first(lower(set["address"]), server)
	var own string
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, own = h, p
	}
	ask := func(name, otherwise string) []string {
		value, said := set[name]
		if !said {
			value = otherwise
		}
		list, _ := ports(value) // checked when it was set
		return list
	}
	secure, plain := ask("tls_ports", n.opts.TLSPorts), ask("ports", n.opts.Ports)
	if own != "" { // with or without TLS as that port is elsewhere; both if it is neither
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

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// words are what spaces and commas separate.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' })
}

// burst is how many lines may follow each other, as users write it: -1 for any number.
func burst(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	if n == -1 {
		n = maxBurst
	}
	return n, err == nil && n >= 1 && n <= maxBurst
}

// fingerprint reads one with or without colons, nil for none.
func fingerprint(s string) []byte {
	sum, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(s), ":", ""))
	if err != nil || len(sum) != 32 && len(sum) != 20 {
		return nil
	}
	return sum
}

// certificate reads a certificate and its key from PEM, nil for none.
func certificate(pem string) (*tls.Certificate, error) {
	if strings.TrimSpace(pem) == "" {
		return nil, nil
	}
	pair, err := tls.X509KeyPair([]byte(pem), []byte(pem))
	if err != nil {
		return nil, errors.New("no certificate with its key, both in PEM")
	}
	return &pair, nil
}
