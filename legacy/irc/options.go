package irc

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// Options are the settings of one network, [network.options] in the
// configuration.
type Options struct {
	// Server is the IRC server's host:port; several, separated by commas, are
	// tried in order.
	Server string `toml:"server"`
	// Name is what the network is called, "" for IRC.
	Name string `toml:"name"`
	// TLS encrypts the connection.
	TLS bool `toml:"tls"`
	// Guests lets people join channels without registering.
	Guests bool `toml:"guests"`
	// Encoding is how text that is no UTF-8 is read.
	Encoding string `toml:"encoding"`
	// Burst is how many lines may follow each other at once, and Rate how many a
	// second after that; a rate of 0 is no limit.
	Burst int     `toml:"burst"`
	Rate  float64 `toml:"rate"`
}

// DefaultOptions are the settings of a network of which only the server is named.
func DefaultOptions() Options {
	return Options{TLS: true, Guests: true, Encoding: "windows-1252", Burst: 10, Rate: 1}
}

const maxServers = 8

// New makes a network. An error names the wrong option (legacy.FieldError);
// several are joined.
func New(o Options) (legacy.Network, error) {
	var errs []error
	wrong := func(option, format string, args ...any) {
		errs = append(errs, &legacy.FieldError{Var: option, Text: fmt.Sprintf(format, args...)})
	}
	n := &network{opts: o}
	if strings.TrimSpace(o.Server) == "" {
		wrong("server", `is missing: the host:port of the IRC server, such as "irc.example.net:6697"`)
	}
	for addr := range strings.SplitSeq(o.Server, ",") {
		if addr = strings.TrimSpace(addr); addr == "" {
			continue
		}
		host, port, err := net.SplitHostPort(addr)
		if number, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || host == "" || number == 0 {
			wrong("server", "%q is no host:port; IRC's ports are 6697, with TLS, and 6667", addr)
			continue
		}
		n.servers = append(n.servers, server{addr, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}})
	}
	if len(n.servers) > maxServers {
		wrong("server", "has more than %d addresses", maxServers)
	}
	var err error
	if n.fallback, err = htmlindex.Get(o.Encoding); err != nil {
		wrong("encoding", "%q is unknown; known are windows-1252, windows-1251, koi8-r, iso-8859-2, shift_jis and others of the Web", o.Encoding)
	}
	if o.Burst < 1 || o.Burst > 1000 {
		wrong("burst", "must be from 1 to 1000 lines, not %d", o.Burst)
	}
	if o.Rate < 0 || o.Rate > 1000 {
		wrong("rate", "must be from 0 to 1000 lines a second, not %v", o.Rate)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return n, nil
}

// chanTypes are the kinds of channel that every server has.
const chanTypes = "#&"

// isChannel reports whether a name is a channel's.
func isChannel(name string) bool { return ircwire.IsChannel(name, chanTypes) }
