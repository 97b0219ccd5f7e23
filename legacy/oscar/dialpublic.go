package oscar

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"transport/legacy"
)

const (
	dialLimit   = 10 * time.Second // for each address
	secureLimit = 15 * time.Second // for the TLS handshake
)

// resolver finds the addresses of a host.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// dialServer connects to addr. If the host was chosen by the user or by a server that the
// user has chosen, it resolves the host itself and connects to public addresses only,
// so that nobody can use the gateway to reach its own network.
func (s *session) dialServer(ctx context.Context, addr string) (net.Conn, error) {
	if !s.publicOnly {
		nc, err := s.env.Dial(ctx, "tcp", addr)
		if err != nil {
			return nil, legacy.Wrap(legacy.Temporary, err, "The "+s.net.name()+" server cannot be reached.")
		}
		return nc, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, s.net.garbled(err)
	}
	all, err := s.net.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, legacy.Wrap(legacy.Temporary, err, "The server that you have entered does not exist. Check the spelling.")
	}
	var public []netip.Addr
	for _, ip := range all {
		if legacy.IsPublic(ip) {
			public = append(public, ip)
		}
	}
	if public == nil {
		return nil, legacy.Wrap(legacy.Forbidden, fmt.Errorf("none of the addresses of %q is public", host),
			"The gateway does not connect to the server that you have entered because its address is not public.")
	}
	nc, err := legacy.DialFirst(ctx, s.env.Dial, public, port, dialLimit)
	if err != nil {
		return nil, legacy.Wrap(legacy.Temporary, err, "The server that you have entered cannot be reached.")
	}
	return nc, nil
}

// secure starts TLS if the network has it. The certificate must be valid for the host
// of addr, which is configured or named by a server.
func (s *session) secure(ctx context.Context, nc net.Conn, addr string) (net.Conn, error) {
	if !s.net.opts.TLS {
		return nc, nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, s.net.garbled(err)
	}
	limited, cancel := context.WithTimeout(ctx, secureLimit)
	defer cancel()
	c := tls.Client(nc, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: s.net.roots})
	if err := c.HandshakeContext(limited); err != nil {
		var bad *tls.CertificateVerificationError
		text := "The " + s.net.name() + " server does not offer an encrypted connection."
		if errors.As(err, &bad) {
			text = "The certificate of the " + s.net.name() + " server is not valid. Please inform the administrator of this gateway."
		}
		return nil, legacy.Wrap(legacy.Temporary, err, text)
	}
	return c, nil
}
