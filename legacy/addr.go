package legacy

import "net/netip"

// reserved are the special-purpose address blocks that net/netip does not classify: not
// routed on the public Internet, or routed anywhere by translation. (RFC 6890 §2.2,
// IANA's registries of special-purpose addresses)
var reserved = func() []netip.Prefix {
	var blocks []netip.Prefix
	for _, block := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4",
		"::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
		"3fff::/20", "5f00::/16", "fec0::/10",
	} {
		blocks = append(blocks, netip.MustParsePrefix(block))
	}
	return blocks
}()

// IsPublic reports whether an address is globally routable on the public Internet.
// Check every address that a stranger supplies, so that nobody can use the gateway to
// reach hosts inside its own network.
func IsPublic(addr netip.Addr) bool {
	addr = addr.Unmap()
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Zone() != "" {
		return false // loopback, link-local, multicast and unspecified are not global
	}
	for _, block := range reserved {
		if block.Contains(addr) {
			return false
		}
	}
	return true
}
