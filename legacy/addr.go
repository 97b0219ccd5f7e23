package legacy

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Scope is how near to the gateway a connection may end. Each scope includes the ones
// before it.
type Scope uint8

// The scopes.
const (
	ScopePublic   Scope = iota // hosts on the public Internet
	ScopePrivate               // hosts of private networks (RFC 1918, RFC 4193, RFC 6598)
	ScopeLoopback              // the gateway's own machine
	ScopeAny                   // every unicast address, and names that only a local resolver knows
)

// reserved are the special-purpose blocks among the public addresses: not routed on the
// public Internet, or routed anywhere by translation or relays. (RFC 6890 §2.2, IANA's
// registries of special-purpose addresses)
var reserved = prefixes(
	"0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"168.63.129.16/32",                                     // Azure's platform: a public address that is served within the host
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", // Teredo and others, examples, 6to4, examples
)

// allocated is the only block of IPv6 with global unicast addresses; all others are special
// or unassigned. (RFC 4291 §2.4, IANA IPv6 Address Space)
var allocated = netip.MustParsePrefix("2000::/3")

// translated are the addresses by which hosts without IPv4 reach hosts without IPv6. The
// local block 64:ff9b:1::/48 is not among them: it leads into the local network.
// (RFC 6052 §2.1, RFC 8215)
var translated = netip.MustParsePrefix("64:ff9b::/96")

var carrierGrade = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

func prefixes(blocks ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(blocks))
	for i, block := range blocks {
		all[i] = netip.MustParsePrefix(block)
	}
	return all
}

// nearness returns the smallest scope that contains an address.
func nearness(addr netip.Addr) Scope {
	if addr.Zone() != "" {
		return ScopeAny
	}
	switch addr = addr.Unmap(); {
	case addr.IsLoopback():
		return ScopeLoopback
	case addr.IsPrivate(), carrierGrade.Contains(addr):
		return ScopePrivate
	case !addr.IsGlobalUnicast(): // multicast, link-local, unspecified, broadcast, none
		return ScopeAny
	case translated.Contains(addr):
		all := addr.As16()
		if nearness(netip.AddrFrom4([4]byte(all[12:]))) == ScopePublic {
			return ScopePublic
		}
		return ScopeAny
	case addr.Is6() && !allocated.Contains(addr):
		return ScopeAny
	}
	for _, block := range reserved {
		if block.Contains(addr) {
			return ScopeAny
		}
	}
	return ScopePublic
}

// Allows reports whether a connection to an address may be opened. Any goroutine may call
// it.
func (s Scope) Allows(addr netip.Addr) bool {
	plain := addr.Unmap()
	return addr.IsValid() && !plain.IsUnspecified() && !plain.IsMulticast() && nearness(addr) <= s
}

// IsPublic reports whether an address is globally routable on the public Internet.
func IsPublic(addr netip.Addr) bool { return ScopePublic.Allows(addr) }

// ScopeOf returns the scope of redirects by the host at the other end of a connection: it may
// send the gateway to hosts that are as near as itself, and not to nearer ones. A connection
// without an IP address ends within the process.
func ScopeOf(conn net.Conn) Scope {
	remote, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return ScopeAny
	}
	return nearness(remote.AddrPort().Addr())
}

// localNames are the ends of names that only a local resolver knows. (RFC 6761, RFC 6762,
// RFC 8375)
var localNames = []string{".localhost", ".local", ".internal", ".lan", ".intranet", ".home.arpa", ".localdomain", ".in-addr.arpa", ".ip6.arpa"}

// isLocalName reports whether a name in lower case is one that only a local resolver knows: one
// of a single label is completed by the resolver's search list.
func isLocalName(name string) bool {
	if !strings.Contains(name, ".") {
		return true
	}
	for _, end := range localNames {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// isHostName reports whether a text in lower case has the form of a host name. A name whose
// last label is a number is not one: resolvers of C libraries read 127.1, 0177.0.0.1,
// 0x7f000001 and 2130706433 as addresses. (RFC 1123 §2.1)
func isHostName(name string) bool {
	last := name
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		last = label
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return len(name) <= 253 && !strings.HasPrefix(last, "0x") && strings.Trim(last, "0123456789") != ""
}

// servicePorts are the ports below 1024 on which servers of chat networks and of HTTP uploads
// are found.
var servicePorts = []uint16{194, 443, 994}

// otherPorts are the ports from 1024 on of services that would take lines of a chat protocol
// for commands of their own, or that nobody but their own network should reach.
var otherPorts = []uint16{
	1080, 3128, // proxies
	1433, 1521, 3306, 5432, 6379, 9200, 11211, 27017, // databases and caches
	2049,                         // NFS
	2375, 2376, 2379, 6443, 8500, // orchestration
	2525, 4190, // mail
	3389, 5900, // remote desktops
	5060, 5061, // SIP
	5222, 5269, 5347, // XMPP
	9100, // printers
}

// checkPort returns the number of a port that may be dialled. allowed are further ports beside
// those that anybody may name.
func checkPort(port string, allowed []string) (number string, ok bool) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", false
	}
	number = strconv.FormatUint(n, 10)
	for _, other := range allowed {
		if number == other {
			return number, true
		}
	}
	list, listed := servicePorts, true
	if n >= 1024 {
		list, listed = otherPorts, false
	}
	for _, p := range list {
		if uint64(p) == n {
			return number, listed
		}
	}
	return number, !listed && (n < 6000 || n > 6063) // X11
}
