package irc

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"transport/legacy"
	"transport/legacy/gate"
)

// Options are the settings of one network, [network.options] in the
// configuration.
type Options struct {
	// Server is the IRC server's host:port; several, separated by commas, are tried in
	// order. If it is empty, users name the server in each address:
	// #channel%irc.example.net.
	Server string `toml:"server"`
	// Name is the network's name in texts for users, "" for IRC.
	Name string `toml:"name"`
	// TLS encrypts the connection to Server.
	TLS bool `toml:"tls"`
	// Guests lets users join channels without a registration.
	Guests bool `toml:"guests"`
	// Encoding is the encoding assumed for received text that is not UTF-8.
	Encoding string `toml:"encoding"`
	// Burst is the number of lines that may be sent without delay, and Rate the number of
	// lines a second after that; a rate of 0 is no limit.
	Burst int     `toml:"burst"`
	Rate  float64 `toml:"rate"`
	// PerMinute limits the connections of all users together to each server in any minute;
	// 0 is no limit.
	PerMinute int `toml:"connections_per_minute"`
	// Servers are the servers that users may name; "*.example.net" allows all hosts below a
	// domain, an empty list all servers.
	Servers []string `toml:"servers"`
	// Private allows servers whose addresses are not public.
	Private bool `toml:"private"`
	// TLSPorts and Ports are the default ports of a server that a user names; those with
	// TLS are tried first.
	TLSPorts string `toml:"tls_ports"`
	Ports    string `toml:"ports"`
}

// DefaultOptions returns the default settings of a network.
func DefaultOptions() Options {
	return Options{TLS: true, Guests: true, Encoding: "windows-1252", Burst: 10, Rate: 1, TLSPorts: "6697,6670", Ports: "6667"}
}

const (
	maxAddresses = 8 // limit: addresses in the option `server` | the program does not start
	maxPorts     = 8 // limit: ports in an option | the program does not start
)

// New returns a network. Its error joins one *legacy.FieldError for each wrong option.
func New(o Options) (legacy.Network, error) {
	var errs []error
	wrong := func(option, format string, args ...any) {
		errs = append(errs, &legacy.FieldError{Var: option, Text: fmt.Sprintf(format, args...)})
	}
	n := &network{opts: o, named: strings.TrimSpace(o.Server) == "", pause: pauseAfter, gates: gate.NewTable(o.PerMinute)}
	for addr := range strings.SplitSeq(o.Server, ",") {
		if addr = strings.TrimSpace(addr); addr == "" {
			continue
		}
		host, port, err := net.SplitHostPort(addr)
		if number, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || host == "" || number == 0 {
			wrong("server", "%q is not a host:port; IRC's ports are 6697 (with TLS) and 6667", addr)
			continue
		}
		n.fixed = append(n.fixed, target{host: host, port: port, tls: o.TLS})
	}
	if len(n.fixed) > maxAddresses {
		wrong("server", "has more than %d addresses", maxAddresses)
	}
	for _, pattern := range o.Servers {
		if !isServer(strings.TrimPrefix(pattern, "*.")) {
			wrong("servers", "%q is not a host name; write irc.example.net, or *.example.net for all hosts of a domain", pattern)
		}
		if _, port, err := net.SplitHostPort(pattern); err == nil {
			n.ports = append(n.ports, port)
		}
	}
	for option, list := range map[string]string{"tls_ports": o.TLSPorts, "ports": o.Ports} {
		listed, err := ports(list)
		if err != nil {
			wrong(option, "%v", err)
		}
		n.ports = append(n.ports, listed...)
	}
	if n.named && o.TLSPorts == "" && o.Ports == "" {
		wrong("ports", "is empty, and tls_ports too: at least one port is needed")
	}
	var known bool
	if n.fallback, known = charset(o.Encoding); !known {
		wrong("encoding", "%q is unknown; use windows-1252, windows-1251, koi8-r, iso-8859-2, shift_jis or another encoding of the Web", o.Encoding)
	}
	if o.Burst < 1 || o.Burst > 1000 {
		wrong("burst", "must be from 1 to 1000 lines, not %d", o.Burst)
	}
	if o.Rate < 0 || o.Rate > 1000 {
		wrong("rate", "must be from 0 to 1000 lines a second, not %v", o.Rate)
	}
	if o.PerMinute < 0 || o.PerMinute > 10_000 {
		wrong("connections_per_minute", "must be from 0 to 10000, not %d", o.PerMinute)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return n, nil
}

// ports parses a list of port numbers.
func ports(list string) ([]string, error) {
	var all []string
	for port := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' || r == ';' || r == '\n' }) {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return nil, fmt.Errorf("%q is not a port: ports are numbers from 1 to 65535, separated by commas", port)
		}
		if len(all) == maxPorts {
			return nil, fmt.Errorf("there are more than %d ports", maxPorts)
		}
		all = append(all, strconv.FormatUint(number, 10))
	}
	return all, nil
}
