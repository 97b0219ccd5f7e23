package irc_test

import (
	"errors"
	"strings"
	"testing"

	"transport/legacy"
	"transport/legacy/irc"
)

// TestParsePeer: addresses at servers that users name.
func TestParsePeer(t *testing.T) {
	n := named(t, nil)
	for name, want := range map[string]legacy.Peer{
		"#Chan%IRC.Example.net":     {ID: "#chan%irc.example.net", Room: true},
		"&local%irc.example.net":    {ID: "&local%irc.example.net", Room: true},
		"#100%%irc.example.net":     {ID: "#100%%irc.example.net", Room: true},
		"#a%b%irc.example.net":      {ID: "#a%b%irc.example.net", Room: true},
		"Nick[1]%irc.example.net":   {ID: "nick[1]%irc.example.net"},
		"042AAAAAB%irc.example.net": {ID: "042aaaaab%irc.example.net"},
		"*status%znc.example.net":   {ID: "*status%znc.example.net"},
		"100%%irc.example.net":      {ID: "100%%irc.example.net"},
		"+modeless%irc.example.net": {ID: "+modeless%irc.example.net", Room: true},
		"!12345x%irc.example.net":   {ID: "!12345x%irc.example.net", Room: true},
		"~lobby%irc.example.net":    {ID: "~lobby%irc.example.net", Room: true},
		">lobby%irc.example.net":    {ID: ">lobby%irc.example.net", Room: true},
		"nick%irc.example.net:6697": {ID: "nick%irc.example.net:6697"},
		" irc.example.net ":         {ID: "irc.example.net", Service: true},
		"alias":                     {ID: "alias", Service: true},
	} {
		got, err := n.ParsePeer(name)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
		if again, err := n.ParsePeer(got.ID); err != nil || again != got {
			t.Errorf("%q is not canonical: %+v, %v", got.ID, again, err)
		}
	}
	for _, name := range []string{"", "%", "#a%", "%irc.example.net", "#a", "#a b%irc.example.net", "a!b%irc.example.net", "#a%irc/x", "#a%-x", "#a%.x", "#a%ï.net",
		"#a%" + strings.Repeat("x", 256), "#" + strings.Repeat("x", 400) + "%irc.example.net"} {
		if p, err := n.ParsePeer(name); legacy.KindOf(err) != legacy.NotFound {
			t.Errorf("%q: %+v, %v", name, p, err)
		}
	}
	if got := n.(legacy.OccupantNamer).OccupantName(channel("#a%irc.example.net"), "Bob"); got != "Bob%irc.example.net" {
		t.Errorf("an occupant is %q", got)
	}
	for id, want := range map[string]string{"bob%irc.example.net": "bob", "irc.example.net": "irc.example.net"} {
		if got := n.(legacy.Nicker).Nick(legacy.Peer{ID: id}); got != want {
			t.Errorf("%s is called %q, want %q", id, got, want)
		}
	}
	fixed := network(t, "127.0.0.1:6667")
	if got := fixed.(legacy.Nicker).Nick(legacy.Peer{ID: "bob"}); got != "bob" {
		t.Errorf("bob is called %q", got)
	}
	if got := fixed.(legacy.OccupantNamer).OccupantName(channel("#a"), "Bob"); got != "Bob" {
		t.Errorf("an occupant is %q", got)
	}
}

// TestAllowed: the configuration limits the servers, whatever the port and the alias.
func TestAllowed(t *testing.T) {
	n := named(t, func(o *irc.Options) { o.Servers = []string{"irc.example.net", "*.example.org", "port.test:7000"} })
	configurer := n.(legacy.Configurer)
	for server, want := range map[string]bool{"irc.example.net": true, "irc.example.net:7000": true, "x.example.org": true, "x.y.example.org": true, "port.test:7000": true,
		"example.net": false, "xirc.example.net": false, "example.org": false, "evilexample.org": false, "irc.example.net.": false, "port.test:22": false, "irc.example.net.evil.test": false} {
		_, err := n.ParsePeer("#a%" + server)
		if (err == nil) != want || err != nil && legacy.KindOf(err) != legacy.Forbidden {
			t.Errorf("%s: %v", server, err)
		}
		err = configurer.ValidateSettings(legacy.Peer{ID: "irc.example.net", Service: true}, map[string]string{"address": server})
		if (err == nil) != want {
			t.Errorf("as an address, %s: %v", server, err)
		}
	}
}

func TestSettings(t *testing.T) {
	n := named(t, nil).(legacy.Configurer)
	fixed := network(t, "127.0.0.1:6667").(legacy.Configurer)
	vars := func(fields []legacy.Field) (names string) {
		for _, f := range fields {
			names += f.Var + " "
			if secret := f.Type == legacy.FieldSecret || f.Type == legacy.FieldSecretLines; secret != strings.Contains("sasl_password pass certificate", f.Var) {
				t.Errorf("%s: secret %v", f.Var, secret)
			}
		}
		return names
	}
	server := legacy.Peer{ID: "irc.example.net", Service: true}
	if got := vars(n.Settings(server)); !strings.HasSuffix(got, "address tls_ports ports ") {
		t.Errorf("settings %s", got)
	}
	if got := vars(fixed.Settings(legacy.Peer{})); strings.Contains(got, "address") || !strings.HasPrefix(got, "nick username realname account sasl_password pass certificate ") {
		t.Errorf("settings %s", got)
	}
	if got := vars(n.Settings(channel("#a%irc.example.net"))); got != "encoding_in encoding_out " {
		t.Errorf("settings %s", got)
	}
	if got := n.Settings(legacy.Peer{ID: "nick%irc.example.net"}); got != nil {
		t.Errorf("settings %+v", got)
	}
	good := map[string]string{"nick": "nick", "encoding_in": "koi8-r", "encoding_out": "UTF-8", "tls_ports": "6697, 7000;7001", "ports": "", "address": "irc.example.net",
		"fingerprint": strings.Repeat("AB:", 19) + "AB", "throttle_limit": "-1", "certificate": irc.SelfSigned(t, "me")}
	if err := n.ValidateSettings(server, good); err != nil {
		t.Errorf("good: %v", err)
	}
	for _, name := range []string{"latin-1", "Latin1", "CP-1251", "utf8", "ISO_8859-15"} {
		if err := n.ValidateSettings(server, map[string]string{"encoding_in": name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range [][2]string{{"nick", "1x"}, {"encoding_in", "klingon"}, {"encoding_out", "utf-16le"}, {"encoding_in", "utf-16be"}, {"tls_ports", "0"}, {"ports", "65536"},
		{"ports", "1,2,3,4,5,6,7,8,9"}, {"ports", "x"}, {"address", "a b"}, {"fingerprint", "abcd"}, {"fingerprint", strings.Repeat("g", 64)}, {"throttle_limit", "0"},
		{"throttle_limit", "100001"}, {"throttle_limit", "-2"}, {"throttle_limit", "many"}, {"certificate", "-----BEGIN"}} {
		err := n.ValidateSettings(server, map[string]string{bad[0]: bad[1]})
		var fe *legacy.FieldError
		if !errors.As(err, &fe) || fe.Var != bad[0] || fe.Text == "" {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestRegistration(t *testing.T) {
	n := network(t, "127.0.0.1:6667")
	for field, fields := range map[string]map[string]string{
		"password": {"username": "alice", "password": strings.Repeat("x", 301)}, "pass": {"username": "alice", "pass": strings.Repeat("x", 301)},
		"nicks": {"username": "alice", "nicks": "al, 1x"}, "username": {},
	} {
		var fe *legacy.FieldError
		if err := n.Validate(fields); !errors.As(err, &fe) || fe.Var != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if n.Login(alice) != "" || n.Login(map[string]string{"username": "Alice[", "password": "x"}) != "alice{" {
		t.Error("people are not told apart by their accounts")
	}
	if n.Info().Services || !named(t, nil).Info().Services || n.Info().Name != "IRC" {
		t.Errorf("info %+v", n.Info())
	}
	o := irc.DefaultOptions()
	o.Server, o.Name = "irc.libera.chat:6697", "Libera"
	if libera, err := irc.New(o); err != nil || libera.Info().Name != "Libera" || !strings.Contains(libera.Info().Instructions, "Libera") {
		t.Errorf("a network with a name: %v", err)
	}
}
