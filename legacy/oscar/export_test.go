package oscar

import (
	"crypto/x509"
	"net/netip"
	"time"

	"transport/legacy"
)

// SetOfflinePatience changes how long to wait for 04/17, until restore.
func SetOfflinePatience(d time.Duration) (restore func()) {
	before := offlineTimeout
	offlineTimeout = d
	return func() { offlineTimeout = before }
}

// SetEnterLimit changes how long it may take to enter a room, until restore.
func SetEnterLimit(d time.Duration) (restore func()) {
	before := enterLimit
	enterLimit = d
	return func() { enterLimit = before }
}

// SetAckPatience changes how long the server has to acknowledge a message, until
// restore.
func SetAckPatience(d time.Duration) (restore func()) {
	before := ackTimeout
	ackTimeout = d
	return func() { ackTimeout = before }
}

// SetSignOnInterval changes how long the next sign-on waits once a network has
// refused one.
func SetSignOnInterval(n legacy.Network, d time.Duration) { n.(*network).signOnInterval = d }

// SetAuthorizeLimit changes how long all of a network's authorizers have together.
func SetAuthorizeLimit(n legacy.Network, d time.Duration) { n.(*network).authorizeLimit = d }

// MakeIcon makes an icon of a picture.
var MakeIcon = makeIcon

// SetResolver has a network find the addresses of users' servers in another way.
func SetResolver(n legacy.Network, r resolver) { n.(*network).resolver = r }

// SetRoots has a network trust other certificates.
func SetRoots(n legacy.Network, roots *x509.CertPool) { n.(*network).roots = roots }

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
