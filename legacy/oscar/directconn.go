package oscar

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

const peerTimeout = 15 * time.Second // time limit of a connection to one address

// fileScope returns the scope of addresses that are supplied by peers.
func (n *network) fileScope() legacy.Scope {
	if n.opts.PrivateFiles {
		return legacy.ScopeAny
	}
	return legacy.ScopePublic
}

// mayDial reports whether the gateway may connect to an address supplied by a peer. The
// protocol has no IPv6.
func (n *network) mayDial(addr netip.Addr) bool {
	return addr.Unmap().Is4() && n.fileScope().Allows(addr)
}

// connectPeer connects to the sender of a file, or to the proxy chosen by the sender.
func (s *session) connectPeer(ctx context.Context, t *transfer) (net.Conn, error) {
	port := t.port
	if t.proxied {
		port = s.net.proxyPort
	}
	var errs []error
	for _, addr := range t.addrs {
		conn, err := s.dialPeer(ctx, netip.AddrPortFrom(addr, port))
		if err == nil && t.proxied {
			err = s.joinProxy(ctx, conn, t)
		}
		if err == nil {
			return conn, nil
		}
		if conn != nil {
			conn.Close()
		}
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	if errors.As(err, new(*legacy.Error)) {
		return nil, err
	}
	return nil, legacy.Wrap(legacy.Temporary, err, "The sender cannot be reached. Ask for a link instead.")
}

// dialPeer connects to a permitted address and checks the address of the resulting
// connection again.
func (s *session) dialPeer(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if !s.net.mayDial(to.Addr()) {
		return nil, errForbidden
	}
	conn, err := legacy.Connect(ctx, s.env.Dial, legacy.Target{Addr: to.String(), Scope: s.net.fileScope(), Limit: peerTimeout})
	if err != nil {
		return nil, err
	}
	if remote, ok := conn.RemoteAddr().(*net.TCPAddr); ok && !s.net.mayDial(remote.AddrPort().Addr()) {
		conn.Close()
		return nil, errForbidden
	}
	return conn, nil
}

// waitAtProxy waits for the sender at the network's proxy; propose sends the sender its
// address. (libpurple, peer_proxy.c)
func (s *session) waitAtProxy(ctx context.Context, t *transfer, propose func(oscarwire.ProxyPlace)) (_ net.Conn, err error) {
	limited, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	conn, err := legacy.ConnectConfigured(limited, s.env.Dial, s.net.opts.FileProxy)
	if err != nil {
		return nil, legacy.Wrap(legacy.Temporary, err, "Neither the sender nor the file proxy can be reached. Ask for a link instead.")
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	request := oscarwire.ProxyRequest{Name: s.self, Cookie: t.id.cookie, TLVs: oscarwire.TLVs{oscarwire.TLVBytes(oscarwire.TagProxyCapability, oscarwire.CapFile[:])}}
	if err := writePeer(conn, oscarwire.ProxyFrame{Kind: oscarwire.ProxyCreate, Payload: request.Append(nil)}); err != nil {
		return nil, peerError(err)
	}
	f, err := s.proxyFrame(conn, oscarwire.ProxyCreated, "The file proxy refused the connection.")
	if err != nil {
		return nil, err
	}
	place, err := oscarwire.ParseProxyPlace(f.Payload)
	if err != nil {
		return nil, peerError(err)
	}
	propose(place)
	_, err = s.proxyFrame(conn, oscarwire.ProxyReady, "The sender cannot be reached, and did not connect to the file proxy.")
	return conn, err
}

// proxyFrame waits for a frame of the given kind. The error for any other frame has the
// text refused for the user.
func (s *session) proxyFrame(conn net.Conn, kind uint16, refused string) (oscarwire.ProxyFrame, error) {
	_ = conn.SetReadDeadline(time.Now().Add(progressLimit)) // ReadProxyFrame returns the error
	f, err := oscarwire.ReadProxyFrame(conn)
	switch {
	case err != nil && kind == oscarwire.ProxyReady: // possibly the sender's fault
		return f, peerError(err)
	case err == nil && f.Kind == kind:
		return f, nil
	case err == nil:
		code, _ := f.Code()
		err = fmt.Errorf("proxy frame %d, code %02X", f.Kind, code)
	}
	return f, legacy.Wrap(legacy.Temporary, err, refused+" Ask for a link instead.")
}

// joinProxy waits at a proxy until it connects us with the sender. (libpurple,
// peer_proxy.c)
func (s *session) joinProxy(ctx context.Context, conn net.Conn, t *transfer) error {
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	peer := oscarwire.ProxyPeer{Name: s.self, PIN: t.port, Cookie: t.id.cookie,
		TLVs: oscarwire.TLVs{oscarwire.TLVBytes(oscarwire.TagProxyCapability, oscarwire.CapFile[:])}}
	if err := writePeer(conn, oscarwire.ProxyFrame{Kind: oscarwire.ProxyJoin, Payload: peer.Append(nil)}); err != nil {
		return peerError(err)
	}
	_, err := s.proxyFrame(conn, oscarwire.ProxyReady, "The file proxy chosen by the sender refused the connection.")
	return err
}
