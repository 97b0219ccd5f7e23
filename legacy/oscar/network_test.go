package oscar

import (
	"errors"
	"strings"
	"testing"

	"transport/legacy"
)

func options(flavor string) Options {
	o := DefaultOptions()
	o.Flavor, o.Server = flavor, "127.0.0.1:5190"
	return o
}

func mustNew(t testing.TB, o Options) *network {
	t.Helper()
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return n.(*network)
}

func TestOptionsErrors(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Options)
		option string
		says   string
	}{
		{"flavor", func(o *Options) { o.Flavor = "msn" }, "flavor", `"icq" or "aim"`},
		{"no server", func(o *Options) { o.Server = " " }, "server", "missing"},
		{"no port", func(o *Options) { o.Server = "icq.example.net" }, "server", "port is missing"},
		{"port 0", func(o *Options) { o.Server = "icq.example.net:0" }, "server", "1 to 65535"},
		{"port name", func(o *Options) { o.Server = "icq.example.net:oscar" }, "server", "1 to 65535"},
		{"no host", func(o *Options) { o.Server = ":5190" }, "server", "host is missing"},
		{"second server", func(o *Options) { o.Server = "a:1, b" }, "server", `"b"`},
		{"bare IPv6", func(o *Options) { o.Server = "::1:5190" }, "server", "brackets"},
		{"too many servers", func(o *Options) { o.Server = strings.Repeat("a:1,", 9) }, "server", "more than 8"},
		{"sign-on", func(o *Options) { o.SignOn = "kerberos" }, "sign_on", "md5-weak"},
		{"encoding", func(o *Options) { o.Encoding = "klingon" }, "encoding", "windows-1251"},
		{"keepalive", func(o *Options) { o.Keepalive = 1 }, "keepalive", "10 to 600"},
		{"file proxy", func(o *Options) { o.FileProxy = "proxy" }, "file_proxy", "port is missing"},
		{"sign-on interval", func(o *Options) { o.SignOnInterval = 0 }, "sign_on_interval", "1 to 3600"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options(flavorICQ)
			tt.change(&o)
			_, err := New(o)
			var fe *legacy.FieldError
			if !errors.As(err, &fe) || fe.Var != tt.option || !strings.Contains(fe.Text, tt.says) {
				t.Errorf("got %v, want an error of %s with %q", err, tt.option, tt.says)
			}
		})
	}
	o := options(flavorICQ)
	o.Flavor, o.Encoding, o.Server = "", "", ""
	if _, err := New(o); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v, want three errors", err)
	}
}

func TestParsePeer(t *testing.T) {
	tests := []struct {
		in, icq, aim string // "" for not found
	}{
		{"123456789", "123456789", "123456789"},
		{"123-456-789", "123456789", "123456789"},
		{" 123 456 ", "123456", "123456"},
		{"Bob Smith", "bobsmith", "bobsmith"},
		{"bob@example.net", "bob@example.net", "bob@example.net"},
		{"0123", "", ""},
		{"99999999999", "", ""},
		{"", "", ""},
		{"-", "", ""},
		{"b", "", ""},
		{"☃", "", ""},
		{"bob\x00", "", ""},
		{"a<b", "", ""},
		{"#chess", "", "#chess"},
		{" # Chess Club ", "", "#chess club"},
		{"#5-Chess", "", "#5-chess"},
		{"#4-chess", "", "#chess"},
		{"#4-5-chess", "", "#4-5-chess"},
		{"#4-4-chess", "", "#4-4-chess"},
		{"#4-", "", "#4-"},
		{"#04-x", "", "#04-x"},
		{"#65536-x", "", "#65536-x"},
		{"#", "", ""},
		{"#\x01", "", ""},
		{"#schön", "", ""},
		{"#" + strings.Repeat("x", 101), "", ""},
		{strings.Repeat("a", 98), "", ""},
	}
	for _, flavor := range []string{flavorICQ, flavorAIM} {
		n := mustNew(t, options(flavor))
		for _, tt := range tests {
			want := tt.icq
			if flavor == flavorAIM {
				want = tt.aim
			}
			p, err := n.ParsePeer(tt.in)
			if want == "" {
				if legacy.KindOf(err) != legacy.NotFound {
					t.Errorf("%s: %q: got %v, %v, want not found", flavor, tt.in, p, err)
				}
				continue
			}
			if err != nil || p.ID != want {
				t.Errorf("%s: %q: got %v, %v, want %q", flavor, tt.in, p, err, want)
			}
			if again, err := n.ParsePeer(p.ID); err != nil || again != p {
				t.Errorf("%s: %q is not canonical: %v, %v", flavor, p.ID, again, err)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		flavor, name, password, field string
	}{
		{flavorICQ, "100001", "secret", ""},
		{flavorICQ, "100-001", "secret", ""},
		{flavorICQ, "", "secret", "username"},
		{flavorICQ, "  ", "secret", "username"},
		{flavorICQ, "bob", "secret", "username"},
		{flavorICQ, "100001", "", "password"},
		{flavorICQ, "100001", strings.Repeat("x", 200), "password"},
		{flavorAIM, "Bob Smith", "secret", ""},
		{flavorAIM, "☃", "secret", "username"},
		{flavorAIM, "#chess", "secret", "username"},
	}
	for _, tt := range tests {
		n := mustNew(t, options(tt.flavor))
		err := n.Validate(map[string]string{"username": tt.name, "password": tt.password})
		var fe *legacy.FieldError
		switch {
		case tt.field == "" && err != nil:
			t.Errorf("%s %q: %v", tt.flavor, tt.name, err)
		case tt.field != "" && (!errors.As(err, &fe) || fe.Var != tt.field || fe.Text == ""):
			t.Errorf("%s %q: got %v, want an error of %s", tt.flavor, tt.name, err, tt.field)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Error("the password is in an error")
		}
	}
}

// TestRoomNick: the nick in a room is the screen name.
func TestRoomNick(t *testing.T) {
	a := legacy.Account{Fields: map[string]string{"username": "Alice AIM"}}
	if got := (&network{}).RoomNick(a, legacy.Peer{ID: "lobby", Room: true}); got != "Alice AIM" {
		t.Errorf("alice is called %q", got)
	}
}

// TestAlwaysFits: a short text fits, without encoding it, whatever it consists of.
func TestAlwaysFits(t *testing.T) {
	n := mustNew(t, options("icq"))
	for _, part := range []string{"a", "<", "&", "\r", "<a", "č", "\u3c3c", "\u563c\u6100", "\u1f82", "😀", "\n", "\u200b"} {
		text := strings.Repeat(part, alwaysFits/len(part))
		for _, escape := range []bool{false, true} {
			if size := sizeOf(n.encode("100001", text, nil, escape)); size > maxIM {
				t.Errorf("%q, escaped %t: %d bytes", part, escape, size)
			}
		}
	}
}
