package irc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"transport/legacy"
)

// Illegal reports an event's violation of the contract of package legacy.
func Illegal(n legacy.Network, ev legacy.Event) error { return illegal(n.(*network), ev) }

// PauseFor makes the links of a network pause for d between attempts to connect.
func PauseFor(n legacy.Network, d time.Duration) {
	n.(*network).pause = func(int, error, time.Duration) time.Duration { return d }
}

// Throttles reports whether an ERROR during the registration of a user with some nicks slows the
// connections of others.
func Throttles(nicks []string, text string) bool {
	re := registration{c: &client{nick: nicks[0], profile: profile{nicks: nicks}}}
	return isThrottle(re.withoutNames(text))
}

// SelfSigned returns a self-signed certificate with its key, in PEM.
func SelfSigned(t testing.TB, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})) + string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}))
}
