package irc_test

import (
	"context"
	"crypto/sha1" //nolint:gosec // users configure SHA-1 fingerprints
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/irc"
	"transport/legacy/irc/ircwire"
)

// named returns a network whose servers users name, also on loopback.
func named(t testing.TB, change func(*irc.Options)) legacy.Network {
	t.Helper()
	o := irc.DefaultOptions()
	o.Private, o.Rate = true, 0
	if change != nil {
		change(&o)
	}
	n, err := irc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// at returns an account with settings for servers: name, setting, value, setting, value
// …
func at(servers ...[]string) legacy.Account {
	a := legacy.Account{Fields: alice, Settings: make(map[string]map[string]string)}
	for _, s := range servers {
		values := map[string]string{"address": "127.0.0.1", "tls_ports": "", "ports": ""}
		for i := 1; i+1 < len(s); i += 2 {
			values[s[i]] = s[i+1]
		}
		a.Settings[s[0]] = values
	}
	return a
}

func channel(id string) legacy.Peer { return legacy.Peer{ID: id, Room: true} }

func join(u *user, id string) {
	u.Do(u.Session.(legacy.Roomer).JoinRoom(context.Background(), channel(id), "alice", ""))
}

var dial = new(net.Dialer).DialContext

// TestSignOn: the order of the first lines; notices before the welcome are emitted
// after Ready.
func TestSignOn(t *testing.T) {
	p := startPeer(t, func(c *line, m ircwire.Message) bool {
		if m.Command == "CAP" && m.Param(0) == "LS" {
			c.send(":srv NOTICE * :*** Looking up your hostname")
			c.send(":srv NOTICE * :*** Found it")
		}
		return false
	})
	u := start(t, network(t, p.listener.Addr().String()), map[string]string{"username": "alice", "name": "Alice\r\nLiddell", "user": "Al!ce Å", "pass": "open sesame"})
	for _, want := range []string{"CAP LS 302", "PASS :open sesame", "NICK alice", "USER AlceÅ 0 * :Alice Liddell"} {
		if got := <-p.got; got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
	if _, ok := (<-u.Events).(legacy.Ready); !ok {
		t.Error("Ready is not the first event")
	}
	if n := expect[legacy.Notice](u); n.Text != "*** Looking up your hostname\n*** Found it" {
		t.Errorf("notice %+v", n)
	}
}

// TestAddresses: configured addresses are tried in order.
func TestAddresses(t *testing.T) {
	p := startPeer(t, nil)
	expect[legacy.Ready](start(t, network(t, "127.0.0.1:"+closedPort(t)+", "+p.listener.Addr().String()), alice))
}

// TestPorts: the ports of a server that a user names are tried in order, those with TLS
// first, each with a time limit.
func TestPorts(t *testing.T) {
	p := startPeer(t, nil)
	good := portOf(p.listener)
	var tries atomic.Int32
	slow := func(ctx context.Context, network, addr string) (net.Conn, error) {
		tries.Add(1)
		if strings.HasSuffix(addr, ":6697") {
			if end, ok := ctx.Deadline(); !ok || time.Until(end) > 15*time.Second {
				t.Errorf("one address may take until %v", end)
			}
			return nil, context.DeadlineExceeded // a host that drops packets
		}
		return dial(ctx, network, addr)
	}
	u := signedOn(t, named(t, nil), at([]string{"srv.test", "tls_ports", "6697," + closedPort(t), "ports", good}), slow)
	join(u, "#room%srv.test")
	if joined := expect[legacy.RoomJoined](u); joined.Room.ID != "#room%srv.test" || tries.Load() != 3 {
		t.Errorf("joined %+v after %d tries", joined, tries.Load())
	}
}

// TestSecretsNeedTLS: a password is sent without TLS only if the user has removed the
// TLS ports.
func TestSecretsNeedTLS(t *testing.T) {
	p := startPeer(t, nil)
	good := portOf(p.listener)
	u := signedOn(t, named(t, nil), at([]string{"srv.test", "tls_ports", closedPort(t), "ports", good, "sasl_password", "right"},
		[]string{"plain.test", "ports", good, "sasl_password", "right"}), dial)
	join(u, "#room%srv.test")
	if failed := expect[legacy.RoomFailed](u); legacy.KindOf(failed.Err) != legacy.Temporary {
		t.Errorf("failed %+v", failed)
	}
	if len(p.got) != 0 {
		t.Errorf("the server was sent %q", <-p.got)
	}
	join(u, "#room%plain.test")
	expect[legacy.RoomJoined](u)
	p.wait("AUTHENTICATE PLAIN")
}

func TestTLS(t *testing.T) {
	pem := irc.SelfSigned(t, "srv")
	pair, err := tls.X509KeyPair([]byte(pem), []byte(pem))
	if err != nil {
		t.Fatal(err)
	}
	long, short := sha256.Sum256(pair.Certificate[0]), sha1.Sum(pair.Certificate[0]) //nolint:gosec
	asked := make(chan string, 10)
	p := startPeerAt(t, tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}), func(c *line, m ircwire.Message) bool {
		switch {
		case m.Command == "CAP" && m.Param(0) == "LS":
			c.send(":srv CAP * LS :sasl=EXTERNAL")
		case m.Command == "AUTHENTICATE" && m.Param(0) == "EXTERNAL":
			c.send("AUTHENTICATE +")
		case m.Command == "AUTHENTICATE":
			asked <- c.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName
			c.send(":srv 903 * :ok")
		default:
			return false
		}
		return true
	})
	plain := startPeer(t, nil)
	for name, tt := range map[string]struct {
		settings []string
		want     error
	}{
		"unknown":           {nil, legacy.Errorf(legacy.Forbidden, "")},
		"not verified":      {[]string{"verify_cert", "false"}, nil},
		"trusted":           {[]string{"fingerprint", hex.EncodeToString(long[:])}, nil},
		"trusted by SHA-1":  {[]string{"fingerprint", strings.ToUpper(hex.EncodeToString(short[:]))}, nil},
		"another":           {[]string{"fingerprint", strings.Repeat("ab:", 31) + "ab"}, legacy.Errorf(legacy.Forbidden, "")},
		"another, verified": {[]string{"fingerprint", strings.Repeat("ab", 20), "verify_cert", "false"}, legacy.Errorf(legacy.Forbidden, "")},
		"with our own":      {[]string{"verify_cert", "false", "certificate", irc.SelfSigned(t, "alice's")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			u := signedOn(t, named(t, nil), at(append([]string{"srv.test", "tls_ports", portOf(p.listener), "ports", portOf(plain.listener)}, tt.settings...)), dial)
			join(u, "#room%srv.test")
			if tt.want != nil {
				if failed := expect[legacy.RoomFailed](u); legacy.KindOf(failed.Err) != legacy.KindOf(tt.want) {
					t.Errorf("failed %+v", failed)
				}
				return
			}
			expect[legacy.RoomJoined](u)
			if err := u.Session.(legacy.Commander).Do(t.Context(), "1", legacy.Peer{ID: "srv.test", Service: true}, "get-irc-connection-info", nil); err != nil {
				t.Fatal(err)
			}
			if done := expect[legacy.CommandDone](u); !strings.Contains(done.Text, "TLS 1.3") {
				t.Errorf("info %q", done.Text)
			}
			if name == "with our own" {
				if who := <-asked; who != "alice's" {
					t.Errorf("the server saw %q", who)
				}
			}
		})
	}
	if len(plain.got) != 0 {
		t.Error("the port without TLS was tried after one whose certificate was wrong")
	}
	u := signedOn(t, named(t, nil), at([]string{"srv.test", "tls_ports", "", "ports", portOf(plain.listener)}), dial)
	join(u, "#room%srv.test")
	expect[legacy.RoomJoined](u)
}

// TestNotPublic: no spelling of a private address connects.
func TestNotPublic(t *testing.T) {
	n := named(t, func(o *irc.Options) { o.Private = false })
	u := signedOn(t, n, legacy.Account{Fields: alice, Settings: map[string]map[string]string{"alias": {"address": "localhost"}}},
		func(_ context.Context, _, addr string) (net.Conn, error) {
			t.Errorf("%s is dialled", addr)
			return nil, errors.New("no")
		})
	for _, host := range []string{"localhost", "127.0.0.1", "127.0.0.1:22", "10.0.0.1", "169.254.169.254", "192.168.1.1:6667", "::1", "0.0.0.0", "alias", "::ffff:127.0.0.1", "fe80::1", "0x7f.1"} {
		id := "#room%" + host
		if p, err := n.ParsePeer(id); err != nil || p.ID != id {
			t.Errorf("%s: %+v, %v", id, p, err)
		}
		join(u, id)
		if failed := expect[legacy.RoomFailed](u); failed.Room.ID != id || host != "0x7f.1" && legacy.KindOf(failed.Err) != legacy.Forbidden {
			t.Errorf("%s: %+v", host, failed)
		}
	}
}

// TestOtherPorts: users, and servers by STS, cannot make the gateway connect to ports of other
// services, unless the administrator has configured them.
func TestOtherPorts(t *testing.T) {
	sts := startPeer(t, func(c *line, m ircwire.Message) bool {
		if m.Command == "CAP" && m.Param(0) == "LS" {
			c.send(":srv CAP * LS :sts=port=25")
			return true
		}
		return false
	})
	n := named(t, func(o *irc.Options) {
		o.Servers, o.Ports = []string{"127.0.0.1", "127.0.0.1:26", "srv.test"}, "6667,79"
	})
	var mu sync.Mutex
	var dialled []string
	u := signedOn(t, n, at([]string{"srv.test", "ports", portOf(sts.listener)}, []string{"127.0.0.1", "ports", "25\n79\n6379", "address", ""}),
		func(ctx context.Context, network, addr string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			dialled = append(dialled, addr[strings.LastIndexByte(addr, ':')+1:])
			return dial(ctx, network, addr)
		})
	for host, kind := range map[string]legacy.Kind{"127.0.0.1:25": legacy.Forbidden, "127.0.0.1:6379": legacy.Forbidden, "127.0.0.1:22": legacy.Forbidden,
		"127.0.0.1": legacy.Forbidden, "srv.test": legacy.Forbidden, "127.0.0.1:26": legacy.Temporary, "127.0.0.1:79": legacy.Temporary} {
		join(u, "#room%"+host)
		if failed := expect[legacy.RoomFailed](u); legacy.KindOf(failed.Err) != kind {
			t.Errorf("%s: %+v", host, failed)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, port := range dialled {
		if port != "26" && port != "79" && port != portOf(sts.listener) {
			t.Errorf("port %s is dialled", port)
		}
	}
}

// TestLongLine: a line above the protocol's limit ends the connection.
func TestLongLine(t *testing.T) {
	p := startPeer(t, nil)
	u := start(t, network(t, p.listener.Addr().String()), alice)
	expect[legacy.Ready](u)
	p.all("PRIVMSG alice :%s", strings.Repeat("x", 15<<10)) // longer than the protocol allows
	p.all(":bob!b@h PRIVMSG alice :%s", strings.Repeat("x", 15<<10))
	if m := expect[legacy.MessageReceived](u); len(m.Text) != 15<<10 {
		t.Errorf("%d bytes came", len(m.Text))
	}
	p.all("PRIVMSG alice :%s", strings.Repeat("x", 1<<20))
	if err := u.WaitEnd(); legacy.KindOf(err) != legacy.Temporary {
		t.Errorf("ended %v", err)
	}
}

// TestServerEnds: the user gets the server's reason for a refused or closed connection,
// before or after the welcome.
func TestServerEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		at, line string
		kind     legacy.Kind
		atLeast  time.Duration
	}{
		"throttled": {"CAP", "ERROR :Trying to reconnect too fast.", legacy.Temporary, 10 * time.Second},
		"throttle":  {"CAP", "ERROR :Closing Link: 127.0.0.1 (Throttled: Reconnecting too fast)", legacy.Temporary, 30 * time.Second},
		"full":      {"JOIN", "ERROR :Closing Link: h (Too many host connections (local))", legacy.Temporary, 30 * time.Second},
		"ngircd":    {"NICK", "ERROR :Bad password?", legacy.Auth, 0},
		"hybrid":    {"CAP", "ERROR :Closing Link: alice[127.0.0.1] (Bad Password)", legacy.Auth, 0},
		"services":  {"CAP", "ERROR :Closing Link: h (SASL authentication required)", legacy.Auth, 0},
		"G-lined":   {"CAP", "ERROR :Closing Link: h (G-Lined: spam)", legacy.Forbidden, 0},
		"kline":     {"JOIN", "ERROR :Closing Link: h (K-lined)", legacy.Forbidden, 0},
		"insp":      {"CAP", "ERROR :Closing link: (alice@h) [You are banned from this network]", legacy.Forbidden, 0},
		"dns":       {"CAP", "ERROR :Closing Link: h (Your host is listed in a DNSBL)", legacy.Forbidden, 0},
		"talk":      {"JOIN", "ERROR :Closing link: (Killed (oper (password guessing)))", legacy.Temporary, 5 * time.Second},
		"killed":    {"JOIN", "ERROR :Closing link: (killed)", legacy.Temporary, 5 * time.Second},
		"banned":    {"CAP", ":srv 465 * :You are banned", legacy.Forbidden, 0},
		"password":  {"CAP", ":srv 464 * :Password incorrect", legacy.Auth, 0},
		"taken":     {"NICK", ":srv 433 * x :In use", legacy.Forbidden, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := startPeer(t, func(c *line, m ircwire.Message) bool {
				if m.Command == tt.at {
					c.send("%s", tt.line)
				}
				return m.Command == tt.at || m.Command == "CAP" && tt.at == "NICK"
			})
			u := start(t, network(t, p.listener.Addr().String()), alice)
			if tt.at == "JOIN" {
				expect[legacy.Ready](u)
				join(u, "#room")
			}
			err := u.WaitEnd()
			var e *legacy.Error
			if !errors.As(err, &e) || e.Kind != tt.kind || e.RetryAfter < tt.atLeast {
				t.Errorf("ended %#v", err)
			}
		})
	}
}

// TestDisconnectFixed: after the disconnect command there is no reconnect.
func TestDisconnectFixed(t *testing.T) {
	p := startPeer(t, nil)
	u := start(t, network(t, p.listener.Addr().String()), alice)
	expect[legacy.Ready](u)
	if err := u.Session.(legacy.Commander).Do(t.Context(), "1", legacy.Peer{}, "disconnect-from-irc-server", map[string]string{"quit-message": "so long"}); err != nil {
		t.Fatal(err)
	}
	if got := p.wait("QUIT"); got != "QUIT :so long" {
		t.Errorf("sent %q", got)
	}
	if err := u.WaitEnd(); legacy.KindOf(err) != legacy.Forbidden {
		t.Errorf("ended %v", err)
	}
}
