package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// If the environment variable OSCAR_SERVER is set, tests that do not depend on the mock use
// the OSCAR server of another project. Its value is
//
//   - the name of a program on PATH, or its path: an Open OSCAR Server, which is
//     started for each test, with its own database and the two accounts; or
//   - the host:port of a running server, with the accounts of Alice and Bob in
//     OSCAR_ACCOUNTS ("number:password number:password").
const serverVariable, accountsVariable = "OSCAR_SERVER", "OSCAR_ACCOUNTS"

// icqNetwork is the ICQ network of a test.
type icqNetwork struct {
	server        string // host:port
	alice, bob    string // numbers
	password      string // Alice's
	bobsPassword  string
	friend        friend // Bob, at his client
	watchContacts func() (removed func(peer string))
}

// friend is a network user at another client, who adds every user that adds them.
type friend interface {
	SignOn()
	SignOff()
	Send(to, text string) error
	heard() (from, text string) // waits for a message
	show(legacy.Presence)
	types(to string)
	sees(name string) legacy.Presence
	picture(name string) []byte
}

func (n *icqNetwork) bobJID() string { return n.bob + "@" + icqDomain }

// icq returns the network of a test that does not depend on the mock: the mock, unless
// OSCAR_SERVER is set.
func (w *world) icq() *icqNetwork {
	w.t.Helper()
	n := &icqNetwork{alice: demo.AliceUIN, bob: demo.BobUIN, password: networkPass, server: w.mock.Addr(), friend: mockFriend{w}}
	n.watchContacts = func() func(string) {
		return func(peer string) {
			w.wait("removal of "+peer, func() bool { return !w.mockLists(demo.AliceUIN, peer) })
		}
	}
	if server := os.Getenv(serverVariable); server != "" {
		n.alice, n.bob, n.password, n.bobsPassword = "100001", "100002", "alicepw", "bobspw"
		if _, _, err := net.SplitHostPort(server); err == nil {
			n.server = server
			n.readAccounts(w.t)
		} else {
			n.server = w.startOSCARServer(server, map[string]string{n.alice: n.password, n.bob: n.bobsPassword})
		}
		n.friend = newClientFriend(w.t, n.server, n.bob, n.bobsPassword)
		n.watchContacts = func() func(string) {
			alice := newClientFriend(w.t, n.server, n.alice, n.password)
			alice.SignOn()
			return func(peer string) {
				alice.wait("removal of "+peer, func() bool { return alice.removed[peer] })
				alice.SignOff()
			}
		}
	}
	w.icqServer, w.password = n.server, n.password
	return n
}

func (n *icqNetwork) readAccounts(t *testing.T) {
	t.Helper()
	accounts := os.Getenv(accountsVariable)
	if accounts == "" {
		return
	}
	fields := strings.FieldsFunc(accounts, func(r rune) bool { return r == ':' || r == ' ' })
	if len(fields) != 4 {
		t.Fatalf("%s is not of the form number:password number:password", accountsVariable)
	}
	n.alice, n.password, n.bob, n.bobsPassword = fields[0], fields[1], fields[2], fields[3]
}

// mockLists reports whether an account of the mock has a contact on its list.
func (w *world) mockLists(owner, peer string) bool {
	for _, i := range w.mock.Feedbag(owner) {
		if i.Name == peer && i.Class == oscarwire.FeedbagBuddy {
			return true
		}
	}
	return false
}

// startOSCARServer starts an Open OSCAR Server with accounts and returns its
// address.
func (w *world) startOSCARServer(program string, accounts map[string]string) string {
	t := w.t
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s: %v", serverVariable, err)
	}
	if path, err = filepath.Abs(path); err != nil {
		t.Fatal(err)
	}
	addrs := make([]string, 4)
	for i := range addrs {
		if addrs[i], err = lab.FreeAddr(); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(path)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(os.Environ(),
		"OSCAR_LISTENERS=LOCAL://"+addrs[0], "OSCAR_ADVERTISED_LISTENERS_PLAIN=LOCAL://"+addrs[0],
		"API_LISTENER="+addrs[1], "TOC_LISTENERS="+addrs[2], "WEBAPI_LISTENERS="+addrs[3],
		"DB_PATH="+filepath.Join(dir, "oscar.sqlite"), "DISABLE_AUTH=false", "LOG_LEVEL=info", "ICQ_LEGACY_ENABLED=false")
	process, err := lab.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		process.Kill()
		if text, err := os.ReadFile(filepath.Join(dir, "log")); err == nil && t.Failed() {
			t.Logf("the log of %s:\n%s", program, tail(string(text), 30))
		}
	})
	w.wait("answer of "+program, func() bool {
		c, err := net.Dial("tcp", addrs[1])
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
	for name, password := range accounts {
		body, err := json.Marshal(map[string]string{"screen_name": name, "password": password})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), longEnough)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addrs[1]+"/user", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != http.StatusCreated {
			t.Fatalf("%s does not make account %s: %s", program, name, reply.Status)
		}
	}
	return addrs[0]
}

// mockFriend is Bob as a bot of the mock.
type mockFriend struct{ w *world }

func (f mockFriend) SignOn()                    { f.w.bob.SignOn() }
func (f mockFriend) SignOff()                   { f.w.bob.SignOff() }
func (f mockFriend) Send(to, text string) error { return f.w.bob.Send(to, text) }
func (f mockFriend) types(to string)            { f.w.bob.SetTyping(to, oscarwire.TypingBegun) }

func (f mockFriend) heard() (from, text string) {
	f.w.t.Helper()
	m := f.w.heard()
	return m.From, m.Text
}

func (f mockFriend) picture(name string) []byte { return f.w.mock.Icon(name) }

// modes are the presences of the tests.
var modes = map[legacy.Show]oscarwire.Mode{legacy.ShowOnline: oscarwire.ModeOnline, legacy.ShowAway: oscarwire.ModeAway,
	legacy.ShowXA: oscarwire.ModeNA, legacy.ShowDND: oscarwire.ModeDND, legacy.ShowChat: oscarwire.ModeFree}

func (f mockFriend) show(p legacy.Presence) {
	f.w.bob.SetStatus(modes[p.Show].Status(), p.Status, "")
}

func (f mockFriend) sees(name string) legacy.Presence {
	status, online := f.w.bob.Sees(name)
	if !online {
		return legacy.Presence{}
	}
	_, text, _ := f.w.mock.Presence(name)
	for show, mode := range modes {
		if status.Mode() == mode {
			return legacy.Presence{Show: show, Status: text}
		}
	}
	panic(fmt.Sprintf("the status %#x means nothing", uint32(status)))
}

// friendsTime is the deadline of one action of a client on another server: such servers have
// strict rate limits.
const friendsTime = 60 * time.Second
