package legacy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// DialFunc opens a connection, like net.Dialer.DialContext.
type DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// Resolver finds the addresses of a host. net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Target is a host to connect to that somebody other than the administrator has named: a user,
// a contact, or a server.
type Target struct {
	Addr     string        // host:port
	Scope    Scope         // how near the host may be
	Ports    []string      // ports that may be dialled beside those that anybody may name
	Limit    time.Duration // for each address of the host
	Resolver Resolver      // nil for the system's
}

// Connect opens a connection to a target. It alone decides for all adapters and for uploads
// whether the gateway connects to a host that it does not know from its configuration, so that
// nobody can use the gateway to reach its own network, or to abuse a service that is no chat
// server. A name is resolved once, and only the addresses that pass are dialled: the name
// cannot change between the check and the connection. An error of kind Forbidden, with a text
// for the user, refuses the target; others are those of the resolver and of dial. Any goroutine
// may call it.
func Connect(ctx context.Context, dial DialFunc, to Target) (net.Conn, error) {
	host, port, err := to.check()
	if err != nil {
		return nil, err
	}
	addrs := []netip.Addr{}
	if addr, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, addr)
	} else if to.Scope >= ScopeAny { // its address does not matter
		return dial(ctx, "tcp", net.JoinHostPort(host, port))
	} else {
		resolver := to.Resolver
		if resolver == nil {
			resolver = net.DefaultResolver
		}
		if addrs, err = resolver.LookupNetIP(ctx, "ip", host); err != nil {
			return nil, err
		}
	}
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(addr netip.Addr) bool { return !to.Scope.Allows(addr) })
	if len(addrs) == 0 {
		return nil, errNotPublic(host)
	}
	return DialFirst(ctx, dial, addrs, port, to.Limit)
}

// ConnectConfigured opens a connection to a host that the administrator has configured: its
// address is the administrator's choice. Any goroutine may call it.
func ConnectConfigured(ctx context.Context, dial DialFunc, addr string) (net.Conn, error) {
	return dial(ctx, "tcp", addr)
}

// check decides about the name and the port of a target. host is an IP address or a host name
// in lower case without a final dot.
func (to Target) check() (host, port string, err error) {
	host, given, err := net.SplitHostPort(to.Addr)
	if err != nil {
		return "", "", Wrap(Forbidden, err, "This gateway does not connect to this server because its address is malformed.")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	_, err = netip.ParseAddr(host)
	isName := err != nil
	switch {
	case isName && !isHostName(host):
		return "", "", Wrap(Forbidden, errors.New("neither a host name nor an IP address"),
			"This gateway does not connect to this server because its address is neither a host name nor a complete IP address.")
	case strings.HasSuffix("."+host, ".onion"): // RFC 7686 §2
		return "", "", Errorf(Forbidden, "This gateway does not connect to %s: only Tor reaches .onion addresses, and this gateway does not use it.", host)
	case isName && to.Scope == ScopePublic && isLocalName(host):
		return "", "", errNotPublic(host)
	}
	port, ok := checkPort(given, to.Ports)
	if !ok {
		return "", "", Wrap(Forbidden, fmt.Errorf("port %q", given), "This gateway does not connect to this port of "+host+" because other services than chat servers use it.")
	}
	return host, port, nil
}

func errNotPublic(host string) error {
	return Errorf(Forbidden, "This gateway does not connect to %s because its address is not public.", host)
}
