package irc

import (
	"context"
	"crypto/sha1" //nolint:gosec // users configure SHA-1 fingerprints
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"transport/legacy"
	"transport/legacy/gate"
)

// dialLimit is the time limit of one address; further addresses are tried after it.
const dialLimit = 10 * time.Second

// connect passes the server's gate and registers at the first of the server's addresses that
// accepts the connection. The caller must close the client's connection.
func (l *link) connect(ctx context.Context) (*client, error) {
	pass, err := l.s.net.gates.At(l.server).Enter(ctx, l.tellDelayed())
	if err != nil {
		return nil, err
	}
	l.tried = l.s.env.Now()
	limited, cancel := context.WithTimeout(ctx, signOnLimit)
	defer cancel()
	p := l.s.profile(l.server, l.nick)
	outcome := gate.Neutral
	for i := 0; i < len(p.targets); i++ {
		to := p.targets[i]
		var c *client
		c, outcome, err = l.register(limited, ctx, pass, p, to)
		if err == nil {
			pass.Done(outcome)
			return c, nil
		}
		var elsewhere *stsRedirect
		if errors.As(err, &elsewhere) { // with STS no other address is tried
			p.targets, i = []target{elsewhere.to}, -1
			continue
		}
		if limited.Err() != nil || c == nil && !canWait(err) || c != nil && legacy.KindOf(err) != legacy.Temporary {
			break
		}
	}
	pass.Done(outcome)
	if p.plainSkipped && legacy.KindOf(err) == legacy.Temporary {
		err = legacy.Wrap(legacy.Temporary, err, "The "+l.name()+" server cannot be reached with TLS, and the gateway does not send passwords without TLS. "+
			"To allow that, remove the TLS ports in the settings of this server.")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = legacy.Wrap(legacy.Temporary, err, "The "+l.name()+" server took too long.")
	}
	return nil, err
}

// register connects to one address and registers there, until ctx ends; life is that of the
// connection. Without a connection it returns no client.
func (l *link) register(ctx, life context.Context, pass *gate.Pass, p profile, to target) (*client, gate.Outcome, error) {
	var nc net.Conn
	accepted, err := pass.Open(ctx, func() (err error) {
		limited, cancel := context.WithTimeout(ctx, dialLimit)
		defer cancel()
		nc, err = l.dial(limited, p, to)
		return err
	})
	if err != nil {
		return nil, gate.Neutral, err
	}
	defer accepted()
	if to.tls {
		accepted()
	}
	c := newClient(l, p, to, newConn(nc, life))
	c.reg.accepted = accepted
	err = c.reg.register(ctx)
	c.reg.accepted = nil
	if err != nil {
		c.conn.close()
	}
	return c, c.reg.outcome(err), err
}

// dial connects to one address of a server.
func (l *link) dial(ctx context.Context, p profile, to target) (net.Conn, error) {
	nc, err := l.s.dialHost(ctx, to)
	if err != nil {
		var told *legacy.Error
		if errors.As(err, &told) {
			return nil, err
		}
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound && l.s.net.named {
			return nil, legacy.Wrap(legacy.NotFound, err, "The server "+to.host+" does not exist. Check the spelling.")
		}
		return nil, legacy.Wrap(legacy.Temporary, err, "The "+l.name()+" server cannot be reached.")
	}
	if !to.tls {
		return nc, nil
	}
	secure := tls.Client(nc, tlsConfig(p, to))
	if err = secure.HandshakeContext(ctx); err == nil {
		return secure, nil
	}
	nc.Close()
	text, kind := "The "+l.name()+" server does not support TLS on port "+to.port+".", legacy.Temporary
	var bad *tls.CertificateVerificationError
	if errors.As(err, &bad) || errors.Is(err, errFingerprint) {
		// Try no other address: that would let an attacker downgrade the connection.
		text, kind = "The certificate of the "+l.name()+" server is not valid.", legacy.Forbidden
	}
	return nil, legacy.Wrap(kind, err, text)
}

var errFingerprint = errors.New("irc: the certificate's fingerprint does not match")

// tlsConfig returns the rule for the server's certificate: valid for the host, or equal
// to the fingerprint that the user trusts.
func tlsConfig(p profile, to target) *tls.Config {
	conf := &tls.Config{ServerName: to.host, MinVersion: tls.VersionTLS12}
	if p.certificate != nil {
		conf.Certificates = []tls.Certificate{*p.certificate}
	}
	if !p.verify || p.fingerprint != nil {
		conf.InsecureSkipVerify = true //nolint:gosec // the user's setting; a fingerprint is compared below
	}
	if p.fingerprint != nil {
		conf.VerifyConnection = func(state tls.ConnectionState) error {
			long, short := sha256.Sum256(state.PeerCertificates[0].Raw), sha1.Sum(state.PeerCertificates[0].Raw) //nolint:gosec
			if subtle.ConstantTimeCompare(long[:], p.fingerprint) == 1 || subtle.ConstantTimeCompare(short[:], p.fingerprint) == 1 {
				return nil
			}
			return errFingerprint
		}
	}
	return conf
}

// dialHost connects to a host. legacy.Connect decides about a server that a user has named, and
// about the port that such a server names (STS).
func (s *session) dialHost(ctx context.Context, to target) (net.Conn, error) {
	if !s.net.named {
		return legacy.ConnectConfigured(ctx, s.env.Dial, to.addr())
	}
	scope := legacy.ScopePublic
	if s.net.opts.Private {
		scope = legacy.ScopeAny
	}
	return legacy.Connect(ctx, s.env.Dial, legacy.Target{Addr: to.addr(), Scope: scope, Ports: s.net.ports, Limit: dialLimit})
}
