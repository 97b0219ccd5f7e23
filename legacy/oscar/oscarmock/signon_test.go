package oscarmock_test

import (
	"bytes"
	"testing"
	"time"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

var logins = map[string]login{"strong": md5(true), "weak": md5(false), "roasted": roasted}

func TestSignOn(t *testing.T) {
	n := start(t, oscarmock.Options{})
	tests := []struct {
		name, pass string
		want       oscarwire.SignOnCode
	}{
		{alice, password, 0},
		{"carolsmith", password, 0},
		{"CAROL  smith", password, 0},
		{alice, "wrong", oscarwire.SignOnBadPassword},
		{alice, "", oscarwire.SignOnBadPassword},
		{"999999", password, oscarwire.SignOnUnknownUser},
		{"", "", oscarwire.SignOnUnknownUser},
	}
	for method, in := range logins {
		for _, tt := range tests {
			t.Run(method+" "+tt.name+" "+tt.pass, func(t *testing.T) {
				r := in(t, n.Addr(), tt.name, tt.pass, oscarwire.MultiConnSingle)
				if r.Code != tt.want {
					t.Fatalf("got %v, want %v", r.Code, tt.want)
				}
				if tt.want == 0 {
					c := enter(t, r, oscarwire.MultiConnSingle)
					c.prepare()
					c.complete()
				}
			})
		}
	}
}

// TestCutPasswords: only ICQ clients may truncate passwords.
func TestCutPasswords(t *testing.T) {
	n := start(t, oscarmock.Options{})
	for _, tt := range []struct {
		name, pass string
		in         login
		want       oscarwire.SignOnCode
	}{
		{alice, password[:8], roasted, 0},
		{alice, password[:7], roasted, oscarwire.SignOnBadPassword},
		{alice, password[:9], roasted, oscarwire.SignOnBadPassword},
		{alice, "correcT ", roasted, oscarwire.SignOnBadPassword},
		{alice, password[:8], md5(true), oscarwire.SignOnBadPassword},
		{carol, password[:8], roasted, oscarwire.SignOnBadPassword},
	} {
		if r := tt.in(t, n.Addr(), tt.name, tt.pass, 0); r.Code != tt.want {
			t.Errorf("%s %q: got %v, want %v", tt.name, tt.pass, r.Code, tt.want)
		}
	}
}

// TestCookies: a cookie is valid once, and for a minute.
func TestCookies(t *testing.T) {
	now := newClock()
	n := start(t, oscarmock.Options{Now: now.Now})
	refused := func(cookie []byte) {
		t.Helper()
		c := dial(t, n.Addr())
		c.write(oscarwire.ChannelSignOn, oscarwire.CookieSignOn(cookie, 0))
		if f := c.end(); len(f) > 0 {
			t.Errorf("got %v, want the end", f)
		}
	}
	r := roasted(t, n.Addr(), alice, password, 0)
	if len(r.Cookie) != 256 {
		t.Errorf("the cookie has %d bytes; BitLBee and BarnOwl send 256 back", len(r.Cookie))
	}
	enter(t, r, 0)
	refused(r.Cookie)
	refused([]byte("made up"))
	r = roasted(t, n.Addr(), alice, password, 0)
	now.add(time.Minute)
	refused(r.Cookie)
	n.Inject(oscarmock.Fault{Step: oscarmock.StepRedirect, Action: oscarmock.ExpiredCookie})
	refused(roasted(t, n.Addr(), alice, password, 0).Cookie)
	n.Inject(oscarmock.Fault{Step: oscarmock.StepRedirect, Action: oscarmock.WrongCookie})
	refused(roasted(t, n.Addr(), alice, password, 0).Cookie)
}

func TestSignOnLimit(t *testing.T) {
	now := newClock()
	n := start(t, oscarmock.Options{Now: now.Now, SignOns: 2})
	for i, want := range []oscarwire.SignOnCode{0, 0, oscarwire.SignOnRateLimited2} {
		if r := roasted(t, n.Addr(), alice, password, 0); r.Code != want {
			t.Errorf("sign-on %d: got %v, want %v", i, r.Code, want)
		}
	}
	now.add(time.Minute)
	if r := roasted(t, n.Addr(), alice, password, 0); r.Code != 0 {
		t.Errorf("a minute later: got %v", r.Code)
	}
}

func TestOpenRegistration(t *testing.T) {
	n := start(t, oscarmock.Options{OpenRegistration: true})
	for _, tt := range []struct {
		name, pass string
		in         login
		want       oscarwire.SignOnCode
	}{
		{"200001", "first", roasted, 0},
		{"200001", "second", roasted, oscarwire.SignOnBadPassword},
		{"200001", "first", md5(true), 0},
		{"200002", "first", md5(true), 0}, // its password is unknown
		{alice, "wrong", md5(true), oscarwire.SignOnBadPassword},
		{"", "x", roasted, oscarwire.SignOnUnknownUser},
	} {
		if r := tt.in(t, n.Addr(), tt.name, tt.pass, 0); r.Code != tt.want {
			t.Errorf("%s %s: got %v, want %v", tt.name, tt.pass, r.Code, tt.want)
		}
	}
}

// TestBotPassword: a client can sign on as a bot only if the bot has a password.
func TestBotPassword(t *testing.T) {
	n := start(t, oscarmock.Options{OpenRegistration: true})
	n.Bot("300001", oscarmock.BotOptions{})
	n.Bot("300002", oscarmock.BotOptions{Password: password})
	for method, in := range logins {
		for _, tt := range []struct {
			name, pass string
			want       oscarwire.SignOnCode
		}{
			{"300001", "", oscarwire.SignOnBadPassword},
			{"300001", "guess", oscarwire.SignOnBadPassword},
			{"300002", "guess", oscarwire.SignOnBadPassword},
			{"300002", password, 0},
		} {
			if r := in(t, n.Addr(), tt.name, tt.pass, 0); r.Code != tt.want {
				t.Errorf("%s: %s %q: got %v, want %v", method, tt.name, tt.pass, r.Code, tt.want)
			}
		}
	}
}

func TestRedirect(t *testing.T) {
	n := start(t, oscarmock.Options{AuthHost: "localhost"})
	if r := roasted(t, n.Addr(), alice, password, 0); !bytes.HasPrefix([]byte(r.Addr), []byte("localhost:")) {
		t.Errorf("got %s", r.Addr)
	}
	n.Inject(oscarmock.Fault{Step: oscarmock.StepRedirect, Addr: "192.0.2.1:5190"})
	if r := roasted(t, n.Addr(), alice, password, 0); r.Addr != "192.0.2.1:5190" {
		t.Errorf("got %s", r.Addr)
	}
	for _, code := range []oscarwire.SignOnCode{0x01, 0x05, 0x07, 0x08, 0x11, 0x18, 0x1D} {
		n.Inject(oscarmock.Fault{Step: oscarmock.StepRefuse, Code: code})
		if r := md5(true)(t, n.Addr(), alice, password, 0); r.Code != code {
			t.Errorf("got %v, want %v", r.Code, code)
		}
	}
}

// TestDuplicate: the end of an older session.
func TestDuplicate(t *testing.T) {
	n := start(t, oscarmock.Options{})
	t.Run("truncated", func(t *testing.T) {
		first := signOnAs(t, n, alice, oscarwire.MultiConnAbsent)
		signOnAs(t, n, alice, oscarwire.MultiConnAbsent)
		f := first.end()
		if len(f) == 0 || !f[len(f)-1].Short {
			t.Errorf("got %v, want the 4 bytes", f)
		}
	})
	t.Run("side by side", func(t *testing.T) {
		n.Disconnect(alice, oscarmock.DisconnectClose)
		first, second := signOn(t, n, alice), signOn(t, n, alice)
		first.sync()
		second.sync()
		if got := n.Sessions(alice); got != 2 {
			t.Errorf("%d sessions, want 2", got)
		}
		signOnAs(t, n, alice, oscarwire.MultiConnSingle)
		for _, c := range []*client{first, second} {
			f := c.end()
			if len(f) == 0 {
				t.Fatal("no last frame")
			}
			last := f[len(f)-1]
			if off := oscarwire.ParseSignOff(last.Payload); last.Channel != oscarwire.ChannelSignOff ||
				off.Code != oscarwire.DisconnectNewSignOn || off.CodeLen != 1 || off.URL == "" {
				t.Errorf("got %d %x", last.Channel, last.Payload)
			}
		}
	})
}

func TestRemoveAccount(t *testing.T) {
	n := start(t, oscarmock.Options{})
	c := signOn(t, n, alice)
	c.edit(oscarwire.FeedbagInsert, friends, buddy(1, bob))
	n.Bot(bob, oscarmock.BotOptions{}).SignOn()
	c.arrived()
	n.RemoveAccount(bob)
	c.departed(bob)
	n.RemoveAccount(alice)
	c.end()
	if r := roasted(t, n.Addr(), alice, password, 0); r.Code != oscarwire.SignOnUnknownUser {
		t.Errorf("got %v", r.Code)
	}
}

// TestClose: Close ends everything, even if it is called twice or before Listen.
func TestClose(t *testing.T) {
	n := start(t, oscarmock.Options{})
	c := signOn(t, n, alice)
	n.Bot(bob, oscarmock.BotOptions{})
	n.Bot(bob, oscarmock.BotOptions{}).SignOn()
	n.Inject(oscarmock.Fault{Step: oscarmock.StepMessage, Action: oscarmock.Delay, Delay: time.Hour})
	c.im(bob, "slow", 0)
	if err := n.WaitSNAC(within(t), alice, oscarwire.ICBMSend, 1); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.Close()
		n.Close()
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("Close does not return")
	}
	c.end()
	n.Bot("300003", oscarmock.BotOptions{}).SignOn()
	if n.Listen("127.0.0.1:0") == nil {
		t.Error("a closed network listens")
	}
	if n.WaitSignedOn(within(t), carol) == nil {
		t.Error("a closed network waits")
	}
	n.Close()
}
