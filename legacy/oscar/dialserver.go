package oscar

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"transport/legacy"
)

const (
	dialLimit   = 10 * time.Second // for each address
	secureLimit = 15 * time.Second // for the TLS handshake
)

// dialServer connects to a server. The administrator has chosen the sign-on servers of the
// configuration. legacy.Connect decides about the sign-on server that a user has chosen, and
// about each server that another one redirects to.
func (s *session) dialServer(ctx context.Context, addr string, redirected bool) (net.Conn, error) {
	if !redirected && !s.named {
		nc, err := legacy.ConnectConfigured(ctx, s.env.Dial, addr)
		if err != nil {
			return nil, legacy.Wrap(legacy.Temporary, err, "The "+s.net.name()+" server cannot be reached.")
		}
		return nc, nil
	}
	nc, err := legacy.Connect(ctx, s.env.Dial, legacy.Target{Addr: addr, Scope: s.scope, Ports: s.net.ports, Limit: dialLimit, Resolver: s.net.resolver})
	var missing *net.DNSError
	switch {
	case err == nil:
		return nc, nil
	case !s.named && legacy.KindOf(err) == legacy.Forbidden:
		return nil, legacy.Wrap(legacy.Temporary, err, "The "+s.net.name()+" server redirects to a server to which this gateway does not connect. Please inform the administrator of this gateway.")
	case legacy.KindOf(err) == legacy.Forbidden:
		return nil, err
	case !s.named:
		return nil, legacy.Wrap(legacy.Temporary, err, "The "+s.net.name()+" server cannot be reached.")
	case errors.As(err, &missing):
		return nil, legacy.Wrap(legacy.Temporary, err, "The server that you have entered does not exist. Check the spelling.")
	}
	return nil, legacy.Wrap(legacy.Temporary, err, "The server that you have entered cannot be reached.")
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
