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

const peerPatience = 15 * time.Second // for a connection to one address

// mayDial reports whether an address that a peer supplies may be connected to:
// only public ones, unless Options.PrivateFiles says otherwise, and of version 4,
// since the protocol has no others.
func (n *network) mayDial(addr netip.Addr) bool {
	addr = addr.Unmap()
	if !addr.Is4() || addr.IsUnspecified() || addr.IsMulticast() {
		return false
	}
	return n.opts.PrivateFiles || legacy.IsPublic(addr)
}

// connectPeer connects to the sender of a file, or to the proxy that they have
// chosen.
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

// dialPeer connects to an address that may be dialled, and looks again where the
// connection has led.
func (s *session) dialPeer(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if !s.net.mayDial(to.Addr()) {
		return nil, errForbidden
	}
	ctx, cancel := context.WithTimeout(ctx, peerPatience)
	defer cancel()
	conn, err := s.env.Dial(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	if remote, ok := conn.RemoteAddr().(*net.TCPAddr); ok && !s.net.mayDial(remote.AddrPort().Addr()) {
		conn.Close()
		return nil, errForbidden
	}
	return conn, nil
}

// meetAtProxy waits for the sender at the network's proxy, to which propose invites
// them. (libpurple, peer_proxy.c)
func (s *session) meetAtProxy(ctx context.Context, t *transfer, propose func(oscarwire.ProxyPlace)) (_ net.Conn, err error) {
	limited, cancel := context.WithTimeout(ctx, peerPatience)
	defer cancel()
	conn, err := s.env.Dial(limited, "tcp", s.net.opts.FileProxy)
	if err != nil {
		return nil, legacy.Wrap(legacy.Temporary, err, "Neither the sender nor the proxy for files can be reached. Ask for a link instead.")
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	request := oscarwire.ProxyRequest{Name: s.self, Cookie: t.id.cookie, TLVs: oscarwire.TLVs{oscarwire.TLVBytes(oscarwire.TagProxyCapability, oscarwire.CapFile[:])}}
	if err := s.writePeer(conn, oscarwire.ProxyFrame{Kind: oscarwire.ProxyCreate, Payload: request.Append(nil)}); err != nil {
		return nil, peerError(err)
	}
	f, err := s.proxyFrame(conn, oscarwire.ProxyCreated, "The proxy for files refuses.")
	if err != nil {
		return nil, err
	}
	place, err := oscarwire.ParseProxyPlace(f.Payload)
	if err != nil {
		return nil, peerError(err)
	}
	propose(place)
	_, err = s.proxyFrame(conn, oscarwire.ProxyReady, "The sender cannot be reached, and does not come to the proxy.")
	return conn, err
}

// proxyFrame waits for a frame of a kind. Any other is a refusal, as the user should
// read it.
func (s *session) proxyFrame(conn net.Conn, kind uint16, refused string) (oscarwire.ProxyFrame, error) {
	_ = conn.SetReadDeadline(time.Now().Add(progressLimit)) // ReadProxyFrame tells
	f, err := oscarwire.ReadProxyFrame(conn)
	switch {
	case err != nil && kind == oscarwire.ProxyReady: // the sender may be to blame
		return f, peerError(err)
	case err == nil && f.Kind == kind:
		return f, nil
	case err == nil:
		code, _ := f.Code()
		err = fmt.Errorf("proxy frame %d, code %02X", f.Kind, code)
	}
	return f, legacy.Wrap(legacy.Temporary, err, refused+" Ask for a link instead.")
}

// joinProxy waits at a proxy until it joins us with the sender. (libpurple,
// peer_proxy.c)
func (s *session) joinProxy(ctx context.Context, conn net.Conn, t *transfer) error {
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	peer := oscarwire.ProxyPeer{Name: s.self, PIN: t.port, Cookie: t.id.cookie,
		TLVs: oscarwire.TLVs{oscarwire.TLVBytes(oscarwire.TagProxyCapability, oscarwire.CapFile[:])}}
	if err := s.writePeer(conn, oscarwire.ProxyFrame{Kind: oscarwire.ProxyJoin, Payload: peer.Append(nil)}); err != nil {
		return peerError(err)
	}
	_, err := s.proxyFrame(conn, oscarwire.ProxyReady, "The proxy that the sender has chosen refuses.")
	return err
}
