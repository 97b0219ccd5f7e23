package component

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
)

// tick is a clock that a test sets.
type tick struct {
	systemClock
	now time.Time
}

func (c *tick) Now() time.Time { return c.now }

var errWrong = legacy.Errorf(legacy.Auth, "wrong password")

// trial is a sign-on: the result, and the pause that is expected, 0 if it is permitted.
type trial struct {
	after         time.Duration // since the one before
	user, account string
	err           error
	pause         time.Duration
}

// TestAttempts: the pauses after wrong passwords.
func TestAttempts(t *testing.T) {
	const alice, bob = "alice@example.org", "bob@example.net"
	repeat := func(n int, tr trial) (all []trial) {
		for range n {
			all = append(all, tr)
		}
		return all
	}
	var guesses []trial // as many as are possible
	for _, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		pause *= time.Minute
		guesses = append(guesses, trial{0, alice, "1", errWrong, pause}, trial{pause - time.Second, alice, "2", errWrong, time.Second}, trial{time.Second, alice, "3", errWrong, 0})
	}
	for i := range guesses {
		guesses[i].account = fmt.Sprint("account", i)
	}
	others := make([]trial, 0, 100) // many users guess at one account
	for i := range 20 {
		pause := time.Duration(0)
		if i >= 3 {
			pause = time.Minute
		}
		others = append(others, trial{0, fmt.Sprintf("user%d@server%d.example", i, i), "victim", errWrong, pause})
	}
	crowd := make([]trial, 0, 100) // many users of a server guess at many accounts
	for i := range 40 {
		pause := time.Duration(0)
		if i >= 30 {
			pause = time.Minute
		}
		crowd = append(crowd, trial{0, fmt.Sprintf("user%d@server.example", i), fmt.Sprint("account", i), errWrong, pause})
	}
	first := repeat(3, trial{0, alice, "a", errWrong, 0})
	for _, tt := range []struct {
		name   string
		trials []trial
	}{
		{"the user", append([]trial{{0, alice, "x", errWrong, 0}, {0, alice, "y", errWrong, 0}, {0, alice, "z", errWrong, 0}}, guesses...)},
		{"the account", append(others, trial{59 * time.Second, bob, "victim", errWrong, time.Second}, trial{time.Second, bob, "victim", errWrong, 0}, trial{0, alice, "victim", nil, 2 * time.Minute})},
		{"the server", append(crowd, trial{0, bob, "mine", nil, 0}, trial{time.Minute, "user@server.example", "mine", nil, 0})},
		{"other errors do not count", append(repeat(50, trial{0, alice, "a", legacy.Errorf(legacy.Temporary, "lost"), 0}), repeat(50, trial{0, alice, "a", errWrong.Err, 0})...)},
		{"a success resets the user", append(append(append(repeat(2, trial{0, alice, "a", errWrong, 0}), trial{0, alice, "b", nil, 0}), trial{0, alice, "c", errWrong, 0}, trial{0, alice, "c", errWrong, 0}, trial{0, alice, "d", errWrong, 0}), trial{0, alice, "e", errWrong, time.Minute})},
		{"a success does not reset the account", []trial{{0, alice, "a", errWrong, 0}, {0, alice, "a", errWrong, 0}, {0, alice, "a", nil, 0}, {0, bob, "a", errWrong, 0}, {0, bob, "a", errWrong, time.Minute}}},
		{"a second success resets nothing", []trial{{0, alice, "own", nil, 0}, {0, alice, "a", errWrong, 0}, {0, alice, "b", errWrong, 0}, {0, alice, "own", nil, 0}, {0, alice, "c", errWrong, 0}, {0, alice, "d", errWrong, time.Minute}}},
		{"others do not lock the owner out", append([]trial{{0, alice, "a", nil, 0}, {0, bob, "a", errWrong, 0}, {0, bob, "a", errWrong, 0}, {0, bob, "a", errWrong, 0}, {0, bob, "a", errWrong, time.Minute}},
			repeat(5, trial{0, alice, "a", nil, 0})...)},
		{"the owner's failure ends that", []trial{{0, alice, "a", nil, 0}, {0, bob, "a", errWrong, 0}, {0, bob, "a", errWrong, 0}, {0, alice, "a", errWrong, 0}, {0, alice, "a", errWrong, time.Minute}}},
		{"failures are forgiven", append(append(first, trial{time.Hour, alice, "b", errWrong, 0}), trial{0, alice, "b", errWrong, time.Minute}, trial{4 * time.Hour, alice, "b", errWrong, 0}, trial{0, alice, "b", errWrong, 0}, trial{0, alice, "c", errWrong, 0}, trial{0, alice, "d", errWrong, time.Minute})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock := &tick{now: time.Unix(1_000_000, 0)}
			at := newAttempts(clock)
			for i, tr := range tt.trials {
				clock.now = clock.now.Add(tr.after)
				report, err := at.begin(tr.user, tr.account)
				if tr.pause == 0 && err == nil {
					report(tr.err)
					continue
				}
				if got := retryAfter(err); got != tr.pause || legacy.KindOf(err) != legacy.RateLimited && tr.pause > 0 {
					t.Fatalf("number %d, %s at %s: %v, pause %v, want %v", i, tr.user, tr.account, err, got, tr.pause)
				}
			}
		})
	}
}

// TestAttemptsAtOnce: sign-ons that are under way count like failures, at one account.
func TestAttemptsAtOnce(t *testing.T) {
	at := newAttempts(&tick{now: time.Unix(1_000_000, 0)})
	var reports []func(error)
	for i := range 10 {
		report, err := at.begin(fmt.Sprintf("user%d@server%d.example", i, i), "victim")
		if (err == nil) != (i < 3) || err != nil && retryAfter(err) != busyPause {
			t.Fatalf("number %d: %v", i, err)
		}
		if err == nil {
			reports = append(reports, report)
		}
	}
	reports[0](nil)
	reports[0](nil) // more is known
	if _, err := at.begin("alice@example.org", "victim"); err != nil {
		t.Errorf("one has ended: %v", err)
	}
	if _, err := at.begin("bob@example.org", "victim"); err == nil {
		t.Error("a report is counted twice")
	}
	reports[1](errWrong)
	reports[1](errWrong)
	if n := at.accounts.peek("victim").n; n != 2 {
		t.Errorf("%d failures", n)
	}
}

// TestAttemptsBounded: the tables are bounded, and the one that was used the longest ago goes.
func TestAttemptsBounded(t *testing.T) {
	at := newAttempts(&tick{now: time.Unix(1_000_000, 0)})
	for i := range maxTallied + 100 {
		report, err := at.begin(fmt.Sprintf("u@s%d.example", i), fmt.Sprint("account", i))
		if err != nil {
			t.Fatal(err)
		}
		report([]error{nil, errWrong}[i%2])
	}
	for name, n := range map[string]int{"users": len(at.users.items), "servers": len(at.servers.items), "accounts": len(at.accounts.items), "trusted": len(at.trusted.items)} {
		if n > maxTallied || n < maxTallied/2 {
			t.Errorf("%s has %d entries", name, n)
		}
	}
	if at.accounts.peek("account1") != nil || at.accounts.peek(fmt.Sprint("account", maxTallied)) == nil || at.accounts.order.Len() != len(at.accounts.items) {
		t.Error("another one than the oldest is dropped")
	}
}

// TestAttemptsText: users read how long to wait.
func TestAttemptsText(t *testing.T) {
	for wait, want := range map[time.Duration]string{500 * time.Millisecond: "Wait 1 seconds", 10 * time.Second: "Wait 10 seconds", time.Minute: "Wait one minute",
		61 * time.Second: "Wait 2 minutes", time.Hour: "Wait 60 minutes"} {
		if text := userText(tooManyAttempts(wait)); !strings.Contains(text, want+", then try again.") {
			t.Errorf("%v: %s", wait, text)
		}
	}
}

// TestStrangers: the registered users of a domain that the administrator has not named are
// limited.
func TestStrangers(t *testing.T) {
	c := &Component{}
	c.registered = make(map[string]struct{})
	for i := range maxStrangers {
		c.registered[fmt.Sprintf("u%d@many.example", i)] = struct{}{}
	}
	for _, tt := range []struct {
		allow, admins, user string
		want                bool
	}{
		{"*", "", "new@many.example", false},
		{"*", "", "u1@many.example", true}, // registered already
		{"*", "", "new@other.example", true},
		{"*", "", "new@very.many.example", true},
		{"* many.example", "", "new@many.example", true},
		{"* new@many.example", "", "new@many.example", true},
		{"*", "new@many.example", "new@many.example", true},
	} {
		c.policy.Store(&Policy{Allow: strings.Fields(tt.allow), Admins: strings.Fields(tt.admins)})
		if why := c.mayRegister(tt.user); (why == nil) != tt.want {
			t.Errorf("%+v: %+v", tt, why)
		}
	}
}
