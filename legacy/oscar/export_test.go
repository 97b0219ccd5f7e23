package oscar

import (
	"crypto/x509"
	"time"

	"transport/legacy"
)

// SetOfflinePatience changes how long to wait for 04/17, until restore.
func SetOfflinePatience(d time.Duration) (restore func()) {
	before := offlinePatience
	offlinePatience = d
	return func() { offlinePatience = before }
}

// SetEnterLimit changes how long it may take to enter a room, until restore.
func SetEnterLimit(d time.Duration) (restore func()) {
	before := enterLimit
	enterLimit = d
	return func() { enterLimit = before }
}

// MakeIcon makes an icon of a picture.
var MakeIcon = makeIcon

// SetResolver has a network find the addresses of users' servers in another way.
func SetResolver(n legacy.Network, r resolver) { n.(*network).resolver = r }

// SetRoots has a network trust other certificates.
func SetRoots(n legacy.Network, roots *x509.CertPool) { n.(*network).roots = roots }

// IsPublic reports whether users' servers may be there.
var IsPublic = isPublic
