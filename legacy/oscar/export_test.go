package oscar

import (
	"crypto/x509"
	"net/netip"
	"time"

	"transport/legacy"
)

// SetOfflinePatience sets the time limit of 04/17, until restore.
func SetOfflinePatience(d time.Duration) (restore func()) {
	before := offlineTimeout
	offlineTimeout = d
	return func() { offlineTimeout = before }
}

// SetEnterLimit sets the time limit of a join, until restore.
func SetEnterLimit(d time.Duration) (restore func()) {
	before := enterLimit
	enterLimit = d
	return func() { enterLimit = before }
}

// SetAckPatience sets the time limit of an acknowledgement, until restore.
func SetAckPatience(d time.Duration) (restore func()) {
	before := ackTimeout
	ackTimeout = d
	return func() { ackTimeout = before }
}

// SetSignOnInterval sets the interval of sign-ons after a rate-limited one.
func SetSignOnInterval(n legacy.Network, d time.Duration) { n.(*network).signOnInterval = d }

// SetAuthorizeLimit sets the time limit of all authorizers together.
func SetAuthorizeLimit(n legacy.Network, d time.Duration) { n.(*network).authorizeLimit = d }

// MakeIcon scales an image to an icon.
var MakeIcon = makeIcon

// SetResolver replaces the resolver of users' servers.
func SetResolver(n legacy.Network, r legacy.Resolver) { n.(*network).resolver = r }

// SetRoots replaces the trusted CAs.
func SetRoots(n legacy.Network, roots *x509.CertPool) { n.(*network).roots = roots }

// SetProgressLimit sets the maximum time without data from a peer, until restore.
func SetProgressLimit(d time.Duration) (restore func()) {
	before := progressLimit
	progressLimit = d
	return func() { progressLimit = before }
}

// SetProxyPort sets the port of rendezvous proxies.
func SetProxyPort(n legacy.Network, port uint16) { n.(*network).proxyPort = port }

// MayDial reports whether the gateway may connect to a peer's address.
func MayDial(n legacy.Network, addr netip.Addr) bool { return n.(*network).mayDial(addr) }
