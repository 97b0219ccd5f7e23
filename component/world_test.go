package component_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"transport/component"
	"transport/component/componenttest"
	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// The tests run in bubbles of testing/synctest: time passes only when everybody
// waits, so that nothing is slow and nothing depends on the machine, and
// world.settle returns when everything has had all its consequences.

const (
	gw     = "gw.example.org"
	alice  = "alice@example.org"
	bob    = "bob@example.org"
	phone  = alice + "/phone"
	laptop = alice + "/laptop"
	carol  = "carol@" + gw // a contact
	secret = "prove me"
	hidden = "hunter2 is hidden" // the password of everybody
)

// setup says what is there before a test. The zero value is useful.
type setup struct {
	echo    legacytest.Options
	config  func(*component.Config)
	network func(legacy.Network) legacy.Network // to put around the echo
	users   []string                            // bare JIDs that are registered, with the localpart as name
	down    bool                                // the XMPP server is not there at first
	key     int                                 // messages that the registry keeps for one user, 0 for the default
	forgets bool                                // the registry has no journal
	files   string                              // a folder whose files are copied: a registry that has the users already
}

// world is a component under test: its server and its network are played.
type world struct {
	*componenttest.Server
	t    *testing.T
	echo *legacytest.Echo
	db   *registry.DB
	cfg  component.Config
	log  *logs
	dir  string // of the registry's files
	how  string // how the database is damaged
	key  int    // setup.key
	stop func()
}

// logs is what was logged.
type logs struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// stage runs a test in a bubble with a running component.
func stage(t *testing.T, s setup, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, s)
		w.start()
		if !s.down {
			w.Linked(1)
			w.settle()
			w.Take() // the probes
		}
		f(t, w)
	})
}

func newWorld(t *testing.T, s setup) *world {
	t.Helper()
	w := &world{t: t, log: &logs{}, key: s.key}
	t.Cleanup(func() {
		if strings.Contains(w.log.String(), hidden) {
			t.Error("a password is in the log")
		}
		if t.Failed() {
			t.Log(w.log.String())
		}
	})
	dir := t.TempDir()
	w.dir = dir
	if s.files != "" {
		if err := os.CopyFS(dir, os.DirFS(s.files)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"t.db", "t.key"} { // CopyFS keeps no modes
			if err := os.Chmod(filepath.Join(dir, name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.users = nil
	}
	var err error
	w.db, err = registry.Open(context.Background(), registry.Options{
		Path: filepath.Join(dir, "t.db"), KeyFile: filepath.Join(dir, "t.key"), MaxMessages: s.key, NoJournal: s.forgets,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.db.Close() })
	for _, u := range s.users {
		name, _, _ := strings.Cut(u, "@")
		err := w.db.PutAccount(context.Background(), registry.Account{Network: gw, User: u, Login: name,
			Fields: map[string]string{"username": name, "password": hidden}})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.echo.Patience = time.Hour // of the bubble's time
	w.echo = legacytest.NewEcho(s.echo)
	w.Server = componenttest.NewServer(t, gw, secret)
	w.Patience = time.Hour // of the bubble's time
	w.SetDown(s.down)
	var network legacy.Network = w.echo
	if s.network != nil {
		network = s.network(network)
	}
	w.cfg = component.Config{
		Domain: gw, Server: componenttest.Addr, Secret: secret, Network: network, Registry: w.db,
		Dial: w.Dial, Log: zerolog.New(w.log).Level(zerolog.DebugLevel),
	}
	if s.config != nil {
		s.config(&w.cfg)
	}
	return w
}

// start runs a component; w.stop, and the end of the test, end it.
func (w *world) start() {
	w.t.Helper()
	c, err := component.New(w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := c.Run(ctx); err != nil {
			w.t.Errorf("Run: %v", err)
		}
	}()
	w.stop = func() {
		cancel()
		<-ended
	}
	w.t.Cleanup(w.stop)
}

// settle waits until nothing more happens without time passing.
func (w *world) settle() { synctest.Wait() }

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// say sends a stanza from the user's side, whose address is gw unless to is set.
func (w *world) presence(from, to, typ string) {
	w.t.Helper()
	w.Send("<presence from='" + from + "' to='" + to + "' type='" + typ + "'/>")
}

// message sends a chat message.
func (w *world) message(from, to, id, body string) {
	w.t.Helper()
	w.Send("<message type='chat' from='" + from + "' to='" + to + "' id='" + id + "'><body>" + body + "</body></message>")
}

// signOn brings a registered user online, and forgets what was sent meanwhile.
func (w *world) signOn(full string) *legacytest.Handle {
	w.t.Helper()
	bare, _, _ := strings.Cut(full, "/")
	name, _, _ := strings.Cut(bare, "@")
	w.Send("<presence from='" + full + "' to='" + gw + "'/>")
	w.Expect("<presence from='" + fullJID(gw) + "' to='" + bare + "' type=''><c xmlns='http://jabber.org/protocol/caps'/></presence>")
	h := w.echo.Session(name)
	legacytest.Expect[legacytest.SignOn](w.t, h)
	w.settle()
	w.Take()
	return h
}

// emit has the network say something, and waits for what comes of it.
func (w *world) emit(h *legacytest.Handle, events ...legacy.Event) {
	w.t.Helper()
	if !h.Emit(events...) {
		w.t.Fatal("nobody is signed on")
	}
	w.settle()
}

// expectError expects an error stanza with a condition and its type.
func (w *world) expectError(stanza, condition, typ string) {
	w.t.Helper()
	open, _ := strings.CutSuffix(stanza, "/>")
	name := strings.Fields(strings.TrimPrefix(open, "<"))[0]
	w.Expect(fmt.Sprintf("%s type='error'><error type='%s'><%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></%s>", open, typ, condition, name))
}

// mustMatch checks a stanza against a pattern.
func (w *world) mustMatch(e *element.Element, pattern string) {
	w.t.Helper()
	if !componenttest.Match(e, pattern) {
		w.t.Fatalf("got  %s\nwant %s", e, pattern)
	}
}

// fullJID is the address that a contact's or the gateway's presence and messages come from.
func fullJID(bare string) string { return bare + "/echo" }

// senderOf is the address that presence of a type comes from: of a subscription, the bare
// one.
func senderOf(typ, bare string) string {
	if typ == "" || typ == "unavailable" {
		return fullJID(bare)
	}
	return bare
}

// sendersOf are the addresses that presence of a type comes from: of the gateway, available
// and unavailable presence has two.
func sendersOf(typ, bare string) []string {
	if bare == gw && (typ == "" || typ == "unavailable") {
		return []string{fullJID(bare), bare}
	}
	return []string{senderOf(typ, bare)}
}
