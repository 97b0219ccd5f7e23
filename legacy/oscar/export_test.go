package oscar

import (
	"net/netip"
	"time"

	"transport/legacy"
)

// SetOfflinePatience changes how long to wait for 04/17, until restore.
func SetOfflinePatience(d time.Duration) (restore func()) {
	before := offlinePatience
	offlinePatience = d
	return func() { offlinePatience = before }
}

// SetProgressLimit changes how long a peer may send nothing, until restore.
func SetProgressLimit(d time.Duration) (restore func()) {
	before := progressLimit
	progressLimit = d
	return func() { progressLimit = before }
}

// SetProxyPort changes the port of a network's rendezvous proxies.
func SetProxyPort(n legacy.Network, port uint16) { n.(*network).proxyPort = port }

// MayDial reports whether files may come from an address.
func MayDial(n legacy.Network, addr netip.Addr) bool { return n.(*network).mayDial(addr) }
