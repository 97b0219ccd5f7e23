package registry

import (
	"context"
	"database/sql"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

const (
	testNet  = "icq.example.org"
	testUser = "juliet@example.org"
)

// testNow is the time of the clock of test databases.
var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func maxProcs() int { return runtime.GOMAXPROCS(0) }

func yield() { runtime.Gosched() }

// newForeign opens a connection to the database at path, as another program would.
func newForeign(path string) (*sql.DB, error) {
	pool, err := sql.Open("sqlite3", path)
	if err == nil {
		pool.SetMaxOpenConns(1)
	}
	return pool, err
}

func testOptions(dir string) Options {
	return Options{Path: filepath.Join(dir, "gw.db"), Now: func() time.Time { return testNow }}
}

// open opens a database, and closes it when the test ends.
func open(t testing.TB, opts Options) *DB {
	t.Helper()
	d, err := Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func openTemp(t testing.TB) *DB {
	t.Helper()
	return open(t, testOptions(t.TempDir()))
}

// putTestAccount registers a user with a login of the same name.
func putTestAccount(t testing.TB, d *DB, network, user string) {
	t.Helper()
	err := d.PutAccount(context.Background(), Account{Network: network, User: user, Login: user,
		Fields:  map[string]string{"uin": "123456", "password": "sesame-" + user},
		Options: map[string]string{"away": "yes"}, State: []byte("state of " + user)})
	if err != nil {
		t.Fatal(err)
	}
}

func putTestContact(t testing.TB, d *DB, user, peer string) {
	t.Helper()
	err := d.PutContact(context.Background(), Contact{Network: testNet, User: user, Peer: peer,
		Name: "Name of " + peer, Groups: []string{"Friends"}, Subscription: To})
	if err != nil {
		t.Fatal(err)
	}
}

// keepTestMessage spools a message with text as payload.
func keepTestMessage(t testing.TB, d *DB, user string, dir Direction, text string) int64 {
	t.Helper()
	id, err := d.KeepMessage(context.Background(), Message{Network: testNet, User: user, Peer: "peer", Direction: dir,
		StanzaID: "stanza-" + text, Payload: []byte(text), Created: testNow})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// testRing returns a ring with keys of the given versions, newest first.
func testRing(t testing.TB, versions ...byte) *ring {
	t.Helper()
	var keys []key
	for _, v := range versions {
		k := key{version: v}
		for i := range k.secret {
			k.secret[i] = v + byte(i)
		}
		keys = append(keys, k)
	}
	r, err := newRing(keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
