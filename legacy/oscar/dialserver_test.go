package oscar_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/legacy/oscar"
	"transport/legacy/oscar/oscarmock"
)

// hosts is a resolver with fixed addresses.
type hosts map[string][]string

func (h hosts) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	var found []netip.Addr
	for _, a := range h[host] {
		found = append(found, netip.MustParseAddr(a))
	}
	if found == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return found, nil
}

// dialled records the dialled addresses, and connects to the mock instead.
type dialled struct {
	mu    sync.Mutex
	to    string
	addrs []string
	dead  string // an unreachable address
	hole  string // an address that never answers
}

func (d *dialled) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d.mu.Lock()
	d.addrs = append(d.addrs, addr)
	d.mu.Unlock()
	if addr == d.dead {
		return nil, errors.New("unreachable")
	}
	if addr == d.hole {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return new(net.Dialer).DialContext(ctx, network, d.to)
}

// TestUserServer signs on at servers that users name, and refuses private addresses.
func TestUserServer(t *testing.T) {
	const server = "203.0.114.9" // public
	resolver := hosts{
		"good.example": {server}, "mixed.example": {"127.0.0.1", "10.0.0.1", "203.0.114.8", server},
		"hole.example": {"2a00:1450:4001::7", server}, "inside.example": {"127.0.0.1", "::1", "192.168.0.7"}, "metadata.example": {"169.254.169.254"},
	}
	tests := []struct {
		name, server string
		bos          string // address of BOS
		allow        bool
		kind         legacy.Kind // of the error, 0 for none
		addrs        []string
	}{
		{name: "public", server: "good.example:5190", bos: "good.example", addrs: []string{server + ":5190", server + ":PORT"}},
		{name: "one of several", server: "mixed.example:5190", bos: server, addrs: []string{"203.0.114.8:5190", server + ":5190", server + ":PORT"}},
		{name: "one is a black hole", server: "hole.example:5190", bos: server, addrs: []string{"[2a00:1450:4001::7]:5190", server + ":5190", server + ":PORT"}},
		{name: "inside", server: "inside.example:5190", kind: legacy.Forbidden},
		{name: "metadata", server: "metadata.example:80", kind: legacy.Forbidden},
		{name: "address", server: "127.0.0.1:22", kind: legacy.Forbidden},
		{name: "address of version 6", server: "[::ffff:10.0.0.1]:22", kind: legacy.Forbidden},
		{name: "unknown", server: "nowhere.example:5190", kind: legacy.Temporary},
		{name: "sent inside", server: "good.example:5190", bos: "inside.example", kind: legacy.Forbidden, addrs: []string{server + ":5190"}},
		{name: "allowed", server: "inside.example:5190", allow: true, bos: "inside.example", addrs: []string{"inside.example:5190", "inside.example:PORT"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mock := startMock(t, oscarmock.Options{AuthHost: tt.bos})
			_, port, _ := net.SplitHostPort(mock.Addr())
			o := optionsFor("configured.invalid:5190")
			o.UserServer, o.AllowPrivate, o.SignOn = true, tt.allow, "md5"
			n := newNetwork(t, o)
			oscar.SetResolver(n, resolver)
			d := &dialled{to: mock.Addr(), dead: "203.0.114.8:5190", hole: "[2a00:1450:4001::7]:5190"}
			fields := credentials(alice)
			fields["server"] = tt.server
			u := startBy(t, n, fields, nil, d.dial)
			if tt.kind == 0 {
				if ready := expect(u, any[legacy.Ready]); ready.Self.ID != alice {
					t.Errorf("signed on as %+v", ready.Self)
				}
			} else if err := u.WaitEnd(); legacy.KindOf(err) != tt.kind {
				t.Errorf("ended with %v: %v", legacy.KindOf(err), err)
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			for i := range d.addrs {
				d.addrs[i] = strings.Replace(d.addrs[i], ":"+port, ":PORT", 1)
			}
			if !slices.Equal(d.addrs, tt.addrs) {
				t.Errorf("connected to %q, want %q", d.addrs, tt.addrs)
			}
		})
	}
}

// from is a connection whose other end has another address.
type from struct {
	net.Conn
	addr netip.Addr
}

func (f from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(f.addr, 5190))
}

// TestRedirect: a configured server redirects to servers that are as near as itself, and not
// into the gateway's network.
func TestRedirect(t *testing.T) {
	resolver := hosts{"bos.example": {"203.0.114.9"}, "inside.example": {"127.0.0.1", "10.0.0.1", "169.254.169.254"}}
	for _, tt := range []struct {
		name, server, bos string
		good              bool
	}{
		{"public to public", "203.0.114.8", "bos.example", true},
		{"public to private", "203.0.114.8", "10.0.0.1", false},
		{"public to loopback", "203.0.114.8", "127.0.0.1", false},
		{"public to a name inside", "203.0.114.8", "inside.example", false},
		{"public to metadata", "203.0.114.8", "169.254.169.254", false},
		{"public to mapped", "203.0.114.8", "[::ffff:127.0.0.1]", false},
		{"private to private", "10.0.0.2", "10.0.0.1", true},
		{"private to public", "10.0.0.2", "bos.example", true},
		{"private to loopback", "10.0.0.2", "127.0.0.1", false},
		{"private to metadata", "10.0.0.2", "169.254.169.254", false},
		{"loopback to loopback", "127.0.0.1", "127.0.0.1", true},
		{"loopback to metadata", "127.0.0.1", "169.254.169.254", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mock := startMock(t, oscarmock.Options{AuthHost: tt.bos})
			o := optionsFor("configured.example:5190")
			o.SignOn = "md5"
			n := newNetwork(t, o)
			oscar.SetResolver(n, resolver)
			var mu sync.Mutex
			dials := 0
			u := startBy(t, n, credentials(alice), nil, func(ctx context.Context, network, _ string) (net.Conn, error) {
				mu.Lock()
				dials++
				mu.Unlock()
				nc, err := new(net.Dialer).DialContext(ctx, network, mock.Addr())
				return from{nc, netip.MustParseAddr(tt.server)}, err
			})
			if tt.good {
				expect(u, any[legacy.Ready])
				return
			}
			if err := u.WaitEnd(); legacy.KindOf(err) != legacy.Temporary || !strings.Contains(err.Error(), "redirects") {
				t.Errorf("ended with %v", err)
			}
			if mu.Lock(); dials != 1 {
				t.Errorf("%d connections", dials)
			}
			mu.Unlock()
		})
	}
}

// TestUserServerField: the registration field, and its valid values.
func TestUserServerField(t *testing.T) {
	o := optionsFor("icq.example.net:5190")
	closed := newNetwork(t, o)
	o.UserServer = true
	open := newNetwork(t, o)
	if a, b := len(closed.Info().Form), len(open.Info().Form); a != 2 || b != 3 {
		t.Errorf("the forms have %d and %d fields", a, b)
	}
	with := func(server string) map[string]string {
		fields := credentials(alice)
		fields["server"] = server
		return fields
	}
	for server, good := range map[string]bool{
		"": true, "icq.example.org:5190": true, "192.0.2.1:1": true, "[2001:db8::1]:5190": true,
		"icq.example.org": false, ":5190": false, "icq.example.org:0": false, "icq.example.org:70000": false, "a b:5190": false,
		"http://icq.example.org:80": false, "a@b:5190": false, "fe80::1%eth0:5190": false, "é.example:5190": false, "a\x00:1": false,
		strings.Repeat("a", 300) + ":5190": false,
	} {
		err := open.Validate(with(server))
		var fe *legacy.FieldError
		if good && err != nil || !good && (!errors.As(err, &fe) || fe.Var != "server" || fe.Text == "") {
			t.Errorf("%q: %v", server, err)
		}
	}
	if err := closed.Validate(with("icq.example.org:5190")); err == nil {
		t.Error("a server is taken where it is not asked for")
	}
	if _, err := closed.NewSession(legacy.Account{Fields: with("icq.example.org:5190")}, legacy.Env{}); legacy.KindOf(err) != legacy.Auth {
		t.Errorf("a session with a server that is not allowed any more: %v", err)
	}
	if a, b := open.Login(with("icq.example.org:5190")), open.Login(with("")); a == b || a != open.Login(with("ICQ.example.org:5190")) {
		t.Errorf("the logins are %q and %q", a, b)
	}
}

// certificates returns a server configuration with a certificate for hosts, and the CA
// that signed it.
func certificates(t *testing.T, names ...string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, IsCA: true}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, roots
}

// TestTLS signs on and fetches an icon over TLS; it fails if the certificate of any
// connection does not match the host.
func TestTLS(t *testing.T) {
	server, roots := certificates(t, "127.0.0.1")
	_, others := certificates(t, "127.0.0.1")
	tests := []struct {
		name    string
		options oscarmock.Options
		roots   *x509.CertPool
		good    bool
	}{
		{"good", oscarmock.Options{TLS: server}, roots, true},
		{"behind a proxy", oscarmock.Options{TLS: server, TLSUnknown: true}, roots, true},
		{"unknown issuer", oscarmock.Options{TLS: server}, others, false},
		{"bos of another name", oscarmock.Options{TLS: server, AuthHost: "localhost"}, roots, false},
		{"no encryption", oscarmock.Options{}, roots, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mock := startMock(t, tt.options)
			b := mock.Bot(bob, oscarmock.BotOptions{})
			b.SetIcon([]byte("\x89PNG\r\n\x1a\npicture"))
			b.SignOn()
			o := optionsFor(mock.Addr())
			o.TLS, o.SignOn = true, "md5"
			n := newNetwork(t, o)
			oscar.SetRoots(n, tt.roots)
			if !tt.good {
				if err := start(t, n, credentials(alice), nil).WaitEnd(); legacy.KindOf(err) != legacy.Temporary {
					t.Errorf("ended with %v", err)
				}
				if mock.Sessions(alice) != 0 {
					t.Error("signed on")
				}
				return
			}
			u := signOn(t, mock, n, alice)
			u.Do(u.roster().AddContact(t.Context(), contact(bob, ""), ""))
			expect(u, any[legacy.AvatarChanged])
			u.send("1", bob, "in secret")
			expect(u, any[legacy.MessageSent])
		})
	}
}

// TestTLSConformance runs the conformance tests over TLS.
func TestTLSConformance(t *testing.T) {
	server, roots := certificates(t, "127.0.0.1")
	harness := harness(oscarmock.Options{TLS: server}, func(o *oscar.Options) { o.TLS = true }, func(n legacy.Network) { oscar.SetRoots(n, roots) })
	legacytest.Conformance(t, harness)
}
