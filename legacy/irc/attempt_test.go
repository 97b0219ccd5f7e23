package irc_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/irc"
	"transport/legacy/irc/ircwire"
	"transport/legacy/legacytest"
)

// guard is legacy.Env.Attempts: it records the attempts with their results.
type guard struct {
	mu      sync.Mutex
	said    []string
	refuse  error
	changed chan struct{}
}

func (g *guard) attempt(account string) (func(error), error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refuse != nil {
		return nil, g.refuse
	}
	return func(err error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		kind := "ok"
		if err != nil {
			kind = legacy.KindOf(err).String()
		}
		g.said = append(g.said, account+": "+kind)
		select {
		case g.changed <- struct{}{}:
		default:
		}
	}, nil
}

// expect waits for the attempts so far.
func (g *guard) expect(t *testing.T, want string) {
	t.Helper()
	for timeout := time.After(patience); ; {
		g.mu.Lock()
		got := strings.Join(g.said, ", ")
		g.mu.Unlock()
		if got == want {
			return
		}
		select {
		case <-g.changed:
		case <-timeout:
			t.Fatalf("attempts %q, want %q", got, want)
		}
	}
}

// TestAttempts: every password that is sent to a server is announced, with its result as far
// as servers tell it.
func TestAttempts(t *testing.T) {
	services := func(c *line, m ircwire.Message) bool {
		switch {
		case m.Command == "CAP" && m.Param(0) == "LS":
			c.send(":srv CAP * LS :")
		case m.Command == "PASS" && strings.HasSuffix(m.Last(), "wrong"):
			c.send(":srv 464 * :Password incorrect")
		case m.Command == "PRIVMSG" && strings.HasSuffix(m.Last(), "wrong"):
			c.send(":NickServ!s@services NOTICE %s :Invalid password for alice.", c.nick)
			c.send(":NickServ!s@services NOTICE %s :Invalid password for alice.", c.nick)
		case m.Command == "PRIVMSG":
			c.send(":NickServ!s@services NOTICE %s :You are now identified.", c.nick)
		default:
			return false
		}
		return true
	}
	for _, tt := range []struct {
		name, setting, value string
		answer               func(*line, ircwire.Message) bool
		want                 string
	}{
		{"no password", "nick", "Alice", nil, ""},
		{"SASL", "sasl_password", "right", nil, "alice at 127.0.0.1: ok"},
		{"wrong with SASL", "sasl_password", "wrong", nil, "alice at 127.0.0.1: auth"},
		{"NickServ", "sasl_password", "right", services, "alice at 127.0.0.1: internal"},
		{"wrong with NickServ", "sasl_password", "wrong", services, "alice at 127.0.0.1: internal, alice at 127.0.0.1: auth"},
		{"server password", "pass", "right", services, "alice at 127.0.0.1: internal"},
		{"wrong server password", "pass", "wrong", services, "alice at 127.0.0.1: auth"},
		{"wrong password of a bouncer", "pass", "Joe[x]:wrong", services, "joe{x} at 127.0.0.1: auth"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := startPeer(t, tt.answer)
			g := &guard{changed: make(chan struct{}, 1)}
			u := legacytest.Play(t, named(t, nil), at([]string{"srv.test", "ports", portOf(p.listener), tt.setting, tt.value}),
				legacytest.PlayOptions{Check: func(ev legacy.Event) error { return irc.Illegal(named(t, nil), ev) }, Env: func(e *legacy.Env) { e.Attempts = g.attempt }})
			expect[legacy.Ready](u)
			join(u, "#room%srv.test")
			if strings.HasSuffix(tt.want, "127.0.0.1: auth") && !strings.Contains(tt.want, ",") {
				expect[legacy.RoomFailed](u)
			} else {
				expect[legacy.RoomJoined](u)
			}
			g.expect(t, tt.want)
		})
	}
}

// TestAttemptRefused: while attempts are paused, no password is sent, and the user gets the
// reason.
func TestAttemptRefused(t *testing.T) {
	p := startPeer(t, nil)
	g := &guard{refuse: &legacy.Error{Kind: legacy.RateLimited, RetryAfter: time.Hour, Err: legacy.ErrPaused, Text: "Wait 60 minutes, then try again."}}
	u := legacytest.Play(t, named(t, nil), at([]string{"srv.test", "ports", portOf(p.listener), "sasl_password", "right"}),
		legacytest.PlayOptions{Env: func(e *legacy.Env) { e.Attempts = g.attempt }})
	expect[legacy.Ready](u)
	join(u, "#room%srv.test")
	if failed := expect[legacy.RoomFailed](u); legacy.KindOf(failed.Err) != legacy.RateLimited || !strings.Contains(failed.Err.Error(), "Wait 60 minutes") {
		t.Errorf("%+v", failed)
	}
	select {
	case text := <-p.got:
		t.Errorf("the server got %q", text)
	default:
	}
	// The registration of a network with one server.
	u = legacytest.Play(t, network(t, p.listener.Addr().String()), legacy.Account{Fields: map[string]string{"username": "alice", "password": "right"}},
		legacytest.PlayOptions{Env: func(e *legacy.Env) { e.Attempts = g.attempt }})
	if err := u.WaitEnd(); legacy.KindOf(err) != legacy.RateLimited {
		t.Errorf("ended with %v", err)
	}
}
