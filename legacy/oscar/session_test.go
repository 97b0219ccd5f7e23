package oscar_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/legacy/oscar"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

const (
	alice    = "100001"
	bob      = "100002"
	password = "correct horse"
)

// timeout is the time limit of an expected event.
const patience = 10 * time.Second

func startMock(t testing.TB, o oscarmock.Options) *oscarmock.Network {
	t.Helper()
	n := oscarmock.New(o)
	n.AddAccount(oscarmock.Account{Name: alice, Password: password, Nick: "Alice"})
	if err := n.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

func optionsFor(server string) oscar.Options {
	o := oscar.DefaultOptions()
	o.Server = server
	return o
}

func newNetwork(t testing.TB, o oscar.Options) legacy.Network {
	t.Helper()
	n, err := oscar.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// user is a session, played by the test.
type user struct {
	*legacytest.Played
	t testing.TB
}

// dialFunc is legacy.Env.Dial.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// start runs a session without waiting for the sign-on.
func start(t testing.TB, n legacy.Network, fields map[string]string, state []byte) *user {
	t.Helper()
	return startBy(t, n, fields, state, nil)
}

// startBy is start with another dialer.
func startBy(t testing.TB, n legacy.Network, fields map[string]string, state []byte, dial dialFunc) *user {
	t.Helper()
	return &user{legacytest.Play(t, n, legacy.Account{Fields: fields, State: state}, legacytest.PlayOptions{Dial: dial, Log: true}), t}
}

func credentials(name string) map[string]string {
	return map[string]string{"username": name, "password": password}
}

// signOn runs a session and waits for the sign-on.
func signOn(t testing.TB, mock *oscarmock.Network, n legacy.Network, name string) *user {
	t.Helper()
	before := mock.SignOns(name)
	u := start(t, n, credentials(name), nil)
	expect(u, func(legacy.Ready) bool { return true })
	u.Do(u.Session.(legacy.Presencer).SetPresence(t.Context(), legacy.Presence{Show: legacy.ShowOnline}))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := mock.WaitSignOns(ctx, name, before+1); err != nil {
		t.Fatal(err)
	}
	return u
}

// expect waits for an event of a type that fits, and skips all others.
func expect[E legacy.Event](u *user, fits func(E) bool) E { return legacytest.Await(u.Played, fits) }

func any[E legacy.Event](E) bool { return true }

func (u *user) send(ref, to, text string) {
	u.t.Helper()
	u.Do(u.Send(u.t.Context(), legacy.Outgoing{Ref: ref, To: legacy.Peer{ID: to}, Text: text}))
}

// harness returns the Harness of a mock network.
func harness(mocked oscarmock.Options, options func(*oscar.Options), made func(legacy.Network)) legacytest.Harness {
	return legacytest.Harness{
		Start: func(t *testing.T) legacytest.Lab {
			mock := startMock(t, mocked)
			b := mock.Bot(bob, oscarmock.BotOptions{})
			b.SignOn()
			o := optionsFor(mock.Addr())
			options(&o)
			gone, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			nowhere := optionsFor(gone.Addr().String())
			gone.Close()
			n := newNetwork(t, o)
			made(n)
			return legacytest.Lab{
				Network:     n,
				Unreachable: newNetwork(t, nowhere),
				Say: func(text string) {
					if err := b.Send(alice, text); err != nil {
						t.Error(err)
					}
				},
				Drop:  func() { mock.Disconnect(alice, oscarmock.DisconnectClose) },
				Stall: mock.Stall,
			}
		},
		Good:       credentials(alice),
		Wrong:      map[string]string{"username": alice, "password": "wrong"},
		Invalid:    map[string]map[string]string{"username": {"username": "bob", "password": "x"}, "password": {"username": alice}},
		Peer:       bob,
		Spellings:  []string{"100-002", " 100 002 "},
		Impossible: []string{"", "0123", "☃", "99999999999", strings.Repeat("9", 200)},
	}
}

func TestConformance(t *testing.T) {
	for _, tt := range []struct{ flavor, signOn string }{
		{"icq", "auto"}, {"icq", "md5"}, {"icq", "md5-weak"}, {"icq", "roasted"}, {"aim", "auto"},
	} {
		t.Run(tt.flavor+" "+tt.signOn, func(t *testing.T) {
			h := harness(oscarmock.Options{}, func(o *oscar.Options) { o.Flavor, o.SignOn = tt.flavor, tt.signOn }, func(legacy.Network) {})
			if tt.flavor == "aim" {
				h.Invalid["username"] = map[string]string{"username": "☃", "password": "x"}
			}
			legacytest.Conformance(t, h)
		})
	}
}

func TestSignOnRefused(t *testing.T) {
	tests := []struct {
		code oscarwire.SignOnCode
		kind legacy.Kind
	}{
		{oscarwire.SignOnUnknownUser, legacy.Auth},
		{oscarwire.SignOnBadPassword, legacy.Auth},
		{oscarwire.SignOnInvalidAccount, legacy.Auth},
		{oscarwire.SignOnDeletedAccount, legacy.Auth},
		{oscarwire.SignOnSuspended, legacy.Forbidden},
		{oscarwire.SignOnRateLimited, legacy.RateLimited},
		{oscarwire.SignOnRateLimited2, legacy.RateLimited},
		{oscarwire.SignOnTooHeavyWarned, legacy.Temporary},
		{oscarwire.SignOnUpgradeNeeded, legacy.Unsupported},
		{oscarwire.SignOnUnavailable, legacy.Temporary},
		{oscarwire.SignOnCode(0x77), legacy.Temporary},
	}
	for _, method := range []string{"md5", "roasted"} {
		mock := startMock(t, oscarmock.Options{})
		o := optionsFor(mock.Addr())
		o.SignOn = method
		n := newNetwork(t, o)
		oscar.SetSignOnInterval(n, time.Millisecond) // after the limit is reached
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s %02x", method, uint16(tt.code)), func(t *testing.T) {
				mock.Inject(oscarmock.Fault{Step: oscarmock.StepRefuse, Code: tt.code})
				err := start(t, n, credentials(alice), nil).WaitEnd()
				if legacy.KindOf(err) != tt.kind {
					t.Errorf("got %v (%v), want %v", legacy.KindOf(err), err, tt.kind)
				}
				var e *legacy.Error
				if !errors.As(err, &e) || e.Text == "" || strings.Contains(err.Error(), password) {
					t.Errorf("the text is bad: %v", err)
				}
			})
		}
	}
}

// TestFaults breaks the sign-on at every step in every way: each is a Temporary error,
// within the time limit, without a panic.
func TestFaults(t *testing.T) {
	steps := map[string]oscarmock.Step{
		"connect": oscarmock.StepConnect, "challenge": oscarmock.StepChallenge, "login": oscarmock.StepLogin,
		"bos": oscarmock.StepBOS, "versions": oscarmock.StepVersions, "rates": oscarmock.StepRates, "list": oscarmock.StepList,
	}
	actions := map[string]oscarmock.Action{
		"close": oscarmock.Close, "reset": oscarmock.Reset, "garbage": oscarmock.Garbage, "truncate": oscarmock.Truncate,
		"short": oscarmock.Short, "empty": oscarmock.EmptySNAC,
	}
	for step, s := range steps {
		for action, a := range actions {
			t.Run(step+" "+action, func(t *testing.T) {
				mock := startMock(t, oscarmock.Options{}) // no earlier session must consume the fault
				o := optionsFor(mock.Addr())
				o.SignOn = "md5"
				mock.Inject(oscarmock.Fault{Step: s, Action: a, Times: 1})
				err := start(t, newNetwork(t, o), credentials(alice), nil).WaitEnd()
				if k := legacy.KindOf(err); k != legacy.Temporary && k != legacy.Replaced {
					t.Errorf("got %v: %v", k, err)
				}
			})
		}
	}
}

func TestUnknownSNACsAreSkipped(t *testing.T) {
	mock := startMock(t, oscarmock.Options{ExtraHeaders: true, ByteByByte: true, SplitList: 2})
	for _, step := range []oscarmock.Step{oscarmock.StepVersions, oscarmock.StepRates, oscarmock.StepList, oscarmock.StepReady} {
		mock.Inject(oscarmock.Fault{Step: step, Action: oscarmock.UnknownSNAC})
	}
	signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
}

func TestFallBackToRoasted(t *testing.T) {
	mock := startMock(t, oscarmock.Options{NoMD5: true})
	signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
}

func TestSeveralServers(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	signOn(t, mock, newNetwork(t, optionsFor(gone.Addr().String()+", "+mock.Addr())), alice)
}

func TestWrongCookie(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.Inject(oscarmock.Fault{Step: oscarmock.StepRedirect, Action: oscarmock.WrongCookie})
	err := start(t, newNetwork(t, optionsFor(mock.Addr())), credentials(alice), nil).WaitEnd()
	if legacy.KindOf(err) != legacy.Temporary {
		t.Errorf("got %v", err)
	}
}

func TestReplaced(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	for _, multiple := range []bool{true, false} {
		t.Run(fmt.Sprint(multiple), func(t *testing.T) {
			o := optionsFor(mock.Addr())
			o.Multiple = multiple
			n := newNetwork(t, o)
			u := signOn(t, mock, n, alice)
			mock.Disconnect(alice, oscarmock.DisconnectReplaced)
			if err := u.WaitEnd(); legacy.KindOf(err) != legacy.Replaced {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("by ourselves", func(t *testing.T) {
		o := optionsFor(mock.Addr())
		o.Multiple = false
		n := newNetwork(t, o)
		first := signOn(t, mock, n, alice)
		signOn(t, mock, n, alice)
		if err := first.WaitEnd(); legacy.KindOf(err) != legacy.Replaced {
			t.Errorf("got %v", err)
		}
	})
	t.Run("side by side", func(t *testing.T) {
		mock := startMock(t, oscarmock.Options{})
		n := newNetwork(t, optionsFor(mock.Addr()))
		signOn(t, mock, n, alice)
		signOn(t, mock, n, alice)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := mock.WaitSNAC(ctx, alice, oscarwire.ServiceClientReady, 2); err != nil {
			t.Fatal(err)
		}
		if got := mock.Sessions(alice); got != 2 {
			t.Errorf("%d sessions, want 2", got)
		}
	})
}

func TestMigration(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	mock.Migrate(alice, mock.Addr())
	for i := range 20 {
		u.send(fmt.Sprint(i), bob, fmt.Sprint("message ", i))
	}
	for i := range 20 {
		if got := (<-b.Messages()).Text; got != fmt.Sprint("message ", i) {
			t.Fatalf("got %q as number %d", got, i)
		}
	}
}
