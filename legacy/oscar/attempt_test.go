package oscar_test

import (
	"fmt"
	"net"
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

// guard is legacy.Env.Attempts: it records the attempts with their results.
type guard struct {
	mu     sync.Mutex
	said   []string
	refuse error
}

func (g *guard) attempt(account string) (func(error), error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refuse != nil {
		g.said = append(g.said, account+": refused")
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
	}, nil
}

func (g *guard) all() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.said, ", ")
}

// TestAttempts: every password that is sent to a sign-on server is announced, with its result.
func TestAttempts(t *testing.T) {
	for _, method := range []string{"md5", "md5-weak", "roasted"} {
		for _, named := range []bool{false, true} {
			t.Run(fmt.Sprint(method, named), func(t *testing.T) {
				mock := startMock(t, oscarmock.Options{})
				o := optionsFor(mock.Addr())
				o.SignOn, o.UserServer, o.AllowPrivate = method, true, true
				n := newNetwork(t, o)
				account := alice
				fields := credentials(alice)
				if named {
					fields["server"] = strings.Replace(mock.Addr(), "127.0.0.1", "localhost", 1)
					account += " at 127.0.0.1"
				}
				g := &guard{}
				play := func(password string) *legacytest.Played {
					fields["password"] = password
					return legacytest.Play(t, n, legacy.Account{Fields: fields}, legacytest.PlayOptions{Env: func(e *legacy.Env) { e.Attempts = g.attempt }})
				}
				right := fields["password"]
				if err := play("wrong").WaitEnd(); legacy.KindOf(err) != legacy.Auth {
					t.Fatalf("ended with %v", err)
				}
				u := play(right)
				legacytest.Await[legacy.Ready](u, nil)
				u.Cancel()
				u.WaitEnd()
				if got, want := g.all(), account+": auth, "+account+": ok"; got != want {
					t.Errorf("attempts %q, want %q", got, want)
				}
				// A pause of one user is none of the others.
				g.refuse = &legacy.Error{Kind: legacy.RateLimited, RetryAfter: time.Minute, Err: legacy.ErrPaused, Text: "Wait."}
				if err := play(right).WaitEnd(); err == nil || err.Error() != g.refuse.Error() || mock.Sessions(alice) != 0 {
					t.Errorf("ended with %v, %d sessions", err, mock.Sessions(alice))
				}
				g.refuse = nil
				u = play(right)
				ev := legacytest.Await[legacy.Event](u, nil)
				if _, delayed := ev.(legacy.SignOnDelayed); delayed {
					t.Error("a pause of the gateway counts as a rate limit of the server")
				}
			})
		}
	}
}

// TestAttemptWithoutServer: a server that cannot be reached is no attempt.
func TestAttemptWithoutServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	n, err := oscar.New(optionsFor(l.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	g := &guard{}
	u := legacytest.Play(t, n, legacy.Account{Fields: credentials(alice)}, legacytest.PlayOptions{Env: func(e *legacy.Env) { e.Attempts = g.attempt }})
	if err := u.WaitEnd(); legacy.KindOf(err) != legacy.Temporary || !slices.Equal(g.said, nil) {
		t.Errorf("%v, attempts %q", err, g.said)
	}
}
