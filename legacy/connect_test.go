package legacy_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"transport/legacy"
)

// zone is a resolver with fixed answers. It counts the look-ups.
type zone struct {
	names   map[string]string
	lookups int
}

func (z *zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	z.lookups++
	var found []netip.Addr
	for _, a := range strings.Fields(z.names[host]) {
		found = append(found, netip.MustParseAddr(a))
	}
	if found == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return found, nil
}

var errHung = errors.New("nobody answers")

// try connects to a target by a dialler that fails. It returns what was dialled.
func try(t testing.TB, to legacy.Target) (dialled []string, err error) {
	to.Limit = time.Second
	_, err = legacy.Connect(t.Context(), func(_ context.Context, network, addr string) (net.Conn, error) {
		if network != "tcp" {
			t.Errorf("the network is %s", network)
		}
		dialled = append(dialled, addr)
		return nil, errHung
	}, to)
	if err == nil {
		t.Error("there is no connection and no error")
	}
	return dialled, err
}

// TestConnect is the table of what users, contacts and servers may make the gateway connect to.
// The columns are the scopes: public, private, loopback, any.
func TestConnect(t *testing.T) {
	names := map[string]string{
		"good.example": "8.8.8.8", "localhost": "127.0.0.1", "irc.local": "192.168.1.1", "db": "10.0.0.1", "inside.example": "127.0.0.1 ::1 10.0.0.1 169.254.169.254",
		"mapped.example": "::ffff:127.0.0.1", "zero.example": "0.0.0.0 ::", "nat64.example": "64:ff9b::7f00:1", "dns64.example": "64:ff9b::808:808",
		"metadata.google.internal": "169.254.169.254", "xn--bcher-kva.example": "8.8.8.8", "_irc.example": "8.8.8.8", "hidden.onion": "8.8.8.8",
		"0x7f.1": "8.8.8.8", "127.1": "8.8.8.8", "0177.0.0.1": "8.8.8.8", "2130706433": "8.8.8.8", "0x08080808": "8.8.8.8", "8.8.8.010": "8.8.8.8", "1.2.3.4.5": "8.8.8.8",
		"10.in-addr.arpa": "8.8.8.8", "good.example.": "8.8.8.8", "router.home.arpa": "8.8.8.8",
	}
	const (
		public   = "++++"
		private  = "-+++"
		loopback = "--++"
		special  = "---+"
		never    = "----"
	)
	for _, tt := range []struct{ want, hosts string }{
		{public, "8.8.8.8 172.32.0.1 172.15.0.1 100.128.0.1 192.169.0.1 198.20.0.1 223.255.255.255 168.63.129.17 [2a00:1450::1] [2606:4700::1111]"},
		{public, "[::ffff:8.8.8.8] [::ffff:808:808] [64:ff9b::808:808] good.example GOOD.example good.example. dns64.example xn--bcher-kva.example _irc.example"},
		{private, "10.0.0.0 10.1.2.3 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.0 192.168.255.255 100.64.0.1 100.127.255.255 100.100.100.200"},
		{private, "[fc00::1] [fd12::1] [fd00:ec2::254] [fdff:ffff::1] [::ffff:10.0.0.1] [::ffff:100.64.0.1] [::ffff:c0a8:101] irc.local db"},
		{loopback, "127.0.0.1 127.0.0.0 127.255.255.255 127.9.9.9 [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:0:0:1] localhost localhost. LocalHost mapped.example"},
		{special, "169.254.169.254 169.254.0.1 [::ffff:169.254.169.254] [fe80::1] [febf::1] [fe80::1%25eth0] [2a00:1450::1%25eth0] [fec0::1] [feff::1]"},
		{special, "0.1.2.3 0.255.255.255 192.0.0.1 192.0.0.170 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 240.0.0.1 255.255.255.254 255.255.255.255 168.63.129.16"},
		{special, "[::ffff:0.1.2.3] [::127.0.0.1] [::7f00:1] [::8.8.8.8] [::2] [::ffff:0:8.8.8.8] [::ffff:0:7f00:1]"},           // IPv4-compatible, IPv4-translated
		{special, "[64:ff9b::7f00:1] [64:ff9b::a00:1] [64:ff9b::a9fe:a9fe] [64:ff9b::c0a8:101] [64:ff9b:0:0:1::808:808]"},       // NAT64
		{special, "[64:ff9b:1::808:808] [64:ff9b:1::7f00:1] [64:ff9b:1:7f00:0:100::] [64:ff9b:1:ffff::1]"},                      // local NAT64
		{special, "[2002:7f00:1::] [2002:a00:1::1] [2002:a9fe:a9fe::] [2002:808:808::1]"},                                       // 6to4
		{special, "[2001::1] [2001:0:808:808::1] [2001:0:4136:e378:8000:63bf:80ff:fffe] [2001:2::1] [2001:10::1] [2001:20::1]"}, // Teredo, benchmarks, ORCHID
		{special, "[2001:db8::1] [3fff::1] [3fff:fff::1] [100::1] [100:0:0:1::1] [5f00::1] [4000::1] [8000::1] [e000::1] [1::1] [200::1]"},
		{never, "0.0.0.0 [::] [::ffff:0.0.0.0] 224.0.0.1 239.255.255.255 [::ffff:224.0.0.1] [ff02::1] [ff0e::1]"},
		{never, "hidden.onion HIDDEN.onion hidden.onion. a.b.onion onion"},
		{never, "0x7f.1 127.1 0177.0.0.1 2130706433 0x08080808 8.8.8.010 1.2.3.4.5 127.0.0.1.. 127.0.0. 1 0 0x"},
		{never, "good..example .good.example -- a@good.example good.example/x good.example#x büch.example good%2eexample %00 [8.8.8.8%25eth0]x a.-b.example a.b-.example " + strings.Repeat("a", 64) + ".example " + strings.Repeat("a.", 130) + "example"},
	} {
		for host := range strings.FieldsSeq(tt.hosts) {
			for scope, want := range tt.want {
				host := strings.ReplaceAll(host, "%25", "%")
				z := &zone{names: names}
				dialled, err := try(t, legacy.Target{Addr: host + ":6697", Scope: legacy.Scope(scope), Resolver: z})
				if allowed := len(dialled) > 0; allowed != (want == '+') {
					t.Errorf("%s in scope %d: dialled %q, %v", host, scope, dialled, err)
				} else if !allowed && legacy.KindOf(err) != legacy.Forbidden {
					t.Errorf("%s in scope %d: error %v of kind %v", host, scope, err, legacy.KindOf(err))
				}
				if z.lookups > 1 {
					t.Errorf("%s is looked up %d times", host, z.lookups)
				}
			}
		}
	}
	// Names whose addresses are of several scopes, and names that are not known.
	for _, name := range []string{"inside.example", "zero.example", "nat64.example", "metadata.google.internal", "router.home.arpa", "10.in-addr.arpa"} {
		if dialled, err := try(t, legacy.Target{Addr: name + ":6697", Resolver: &zone{names: names}}); dialled != nil || legacy.KindOf(err) != legacy.Forbidden {
			t.Errorf("%s: dialled %q, %v", name, dialled, err)
		}
	}
	if _, err := try(t, legacy.Target{Addr: "unknown.example:6697", Resolver: &zone{}}); !errors.As(err, new(*net.DNSError)) {
		t.Errorf("an unknown name: %v", err)
	}
	for _, addr := range []string{"", "good.example", ":6697", "good.example:", "::1:6697", "[::1]", "good.example:6697:1"} {
		if dialled, err := try(t, legacy.Target{Addr: addr, Scope: legacy.ScopeAny, Resolver: &zone{names: names}}); dialled != nil || legacy.KindOf(err) != legacy.Forbidden {
			t.Errorf("%q: dialled %q, %v", addr, dialled, err)
		}
	}
}

// TestConnectPorts: the ports of other services are refused in every scope, unless the
// administrator has listed them.
func TestConnectPorts(t *testing.T) {
	for _, tt := range []struct {
		want  bool
		ports string
	}{
		{true, "194 443 994 1024 5190 6660 6665 6666 6667 6668 6669 6670 6679 6697 7000 7070 8000 8067 8443 9999 40000 65535 5281 5443 06697 80"},
		{false, "0 1 7 19 20 21 22 23 25 53 79 110 111 119 123 135 139 143 161 179 389 445 465 513 514 515 587 636 873 993 995 1023"},
		{false, "1080 3128 1433 1521 2049 2375 2379 2525 3306 3389 4190 5060 5061 5222 5269 5347 5432 5900 6000 6001 6063 6379 6443 8500 9100 9200 11211 27017"},
		{false, "65536 99999999999999999999 -1 +6667 0x1a0b 6667.0 ircd http six 025"},
	} {
		for port := range strings.FieldsSeq(tt.ports) {
			for _, scope := range []legacy.Scope{legacy.ScopePublic, legacy.ScopeAny} {
				dialled, err := try(t, legacy.Target{Addr: "8.8.8.8:" + port, Scope: scope, Ports: []string{"80"}})
				if allowed := len(dialled) > 0; allowed != tt.want || !allowed && legacy.KindOf(err) != legacy.Forbidden {
					t.Errorf("port %s: dialled %q, %v", port, dialled, err)
				}
			}
		}
	}
	if dialled, _ := try(t, legacy.Target{Addr: "8.8.8.8:06697"}); !slices.Equal(dialled, []string{"8.8.8.8:6697"}) {
		t.Errorf("dialled %q", dialled)
	}
}

// TestRebinding: a name whose second answer is another one is dialled at the addresses of the
// first, and only at those that pass.
func TestRebinding(t *testing.T) {
	z := &zone{names: map[string]string{"rebind.example": "127.0.0.1 8.8.8.8 10.0.0.1 2a00:1450::1 fe80::1"}}
	var dialled []string
	_, err := legacy.Connect(t.Context(), func(_ context.Context, _, addr string) (net.Conn, error) {
		z.names["rebind.example"] = "127.0.0.1"
		dialled = append(dialled, addr)
		return nil, errHung
	}, legacy.Target{Addr: "rebind.example:6697", Resolver: z, Limit: time.Second})
	if !errors.Is(err, errHung) || z.lookups != 1 || !slices.Equal(dialled, []string{"8.8.8.8:6697", "[2a00:1450::1]:6697"}) {
		t.Errorf("%d look-ups, dialled %q, %v", z.lookups, dialled, err)
	}
}

// TestScopeOf: the scope of redirects is that of the host that sends them.
func TestScopeOf(t *testing.T) {
	for addr, want := range map[string]legacy.Scope{
		"8.8.8.8": legacy.ScopePublic, "::ffff:8.8.8.8": legacy.ScopePublic, "192.168.1.1": legacy.ScopePrivate, "fd00::1": legacy.ScopePrivate,
		"127.0.0.1": legacy.ScopeLoopback, "::1": legacy.ScopeLoopback, "169.254.1.1": legacy.ScopeAny,
	} {
		if got := legacy.ScopeOf(remoteConn{addr: &net.TCPAddr{IP: net.ParseIP(addr), Port: 1}}); got != want {
			t.Errorf("%s: scope %d", addr, got)
		}
	}
	if ours, _ := net.Pipe(); legacy.ScopeOf(ours) != legacy.ScopeAny {
		t.Error("a pipe")
	}
}

type remoteConn struct {
	net.Conn
	addr net.Addr
}

func (c remoteConn) RemoteAddr() net.Addr { return c.addr }

// FuzzConnect: whatever name and answers of a resolver, only public global unicast addresses are
// dialled in the public scope.
func FuzzConnect(f *testing.F) {
	for _, host := range []string{"8.8.8.8:6697", "[::ffff:127.0.0.1]:6697", "rebind.example:443", "0x7f.1:80", "x.onion:1", "[64:ff9b::7f00:1]:194", "localhost.:6667", "a:b:c"} {
		f.Add(host, []byte{127, 0, 0, 1}, []byte(netip.MustParseAddr("64:ff9b::a00:1").AsSlice()))
		f.Add(host, []byte{8, 8, 8, 8}, []byte(netip.MustParseAddr("2002:7f00:1::").AsSlice()))
	}
	internal := []netip.Prefix{}
	for _, block := range []string{"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16",
		"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "2001::/32", "2001:db8::/32", "2002::/16"} {
		internal = append(internal, netip.MustParsePrefix(block))
	}
	f.Fuzz(func(t *testing.T, target string, one, two []byte) {
		answers := make(answer, 0, 2)
		for _, raw := range [][]byte{one, two} {
			if a, ok := netip.AddrFromSlice(raw); ok {
				answers = append(answers, a)
			}
		}
		dialled, _ := try(t, legacy.Target{Addr: target, Resolver: answers})
		for _, addr := range dialled {
			at, err := netip.ParseAddrPort(addr)
			if err != nil {
				t.Fatalf("%q: dialled the name %q", target, addr)
			}
			ip := at.Addr()
			if netip.MustParsePrefix("64:ff9b::/96").Contains(ip) {
				all := ip.As16()
				ip = netip.AddrFrom4([4]byte(all[12:]))
			}
			if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" || ip.Is6() && ip.As16()[0]>>5 != 1 {
				t.Errorf("%q: dialled %s", target, addr)
			}
			for _, block := range internal {
				if block.Contains(ip) {
					t.Errorf("%q: dialled %s in %s", target, addr, block)
				}
			}
			if n := at.Port(); n < 1024 && n != 194 && n != 443 && n != 994 {
				t.Errorf("%q: dialled port %d", target, n)
			}
		}
	})
}

// answer is a resolver with one answer to everything.
type answer []netip.Addr

func (a answer) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return a, nil }
