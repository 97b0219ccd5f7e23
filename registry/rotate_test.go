package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fill creates more accounts and messages than two batches of Rotate.
func fill(t testing.TB, d *DB) (users int) {
	t.Helper()
	users = 2*rotateBatch + 7
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := g; i < users; i += 8 {
				user := fmt.Sprintf("user%d@example.org", i)
				putTestAccount(t, d, testNet, user)
				keepTestMessage(t, d, user, Inbound, "to "+user)
			}
		})
	}
	wg.Wait()
	if err := d.PutAccount(context.Background(), Account{Network: testNet, User: "bare@example.org"}); err != nil {
		t.Fatal(err)
	}
	return users
}

// checkFilled checks that the database contains everything that fill created.
func checkFilled(t testing.TB, d *DB, users int) {
	t.Helper()
	ctx := context.Background()
	accounts, err := d.Accounts(ctx, testNet)
	if err != nil || len(accounts) != users+1 {
		t.Fatalf("%d accounts, want %d, %v", len(accounts), users+1, err)
	}
	for _, a := range accounts {
		if a.User == "bare@example.org" {
			if a.Fields != nil || a.Options != nil || a.State != nil || a.Login != "" {
				t.Errorf("bare account %+v", a)
			}
			continue
		}
		if a.Login != a.User || a.Fields["password"] != "sesame-"+a.User || a.Options["away"] != "yes" || string(a.State) != "state of "+a.User {
			t.Fatalf("account %+v", a)
		}
		kept, err := d.KeptMessages(ctx, testNet, a.User, Inbound)
		if err != nil || len(kept) != 1 || string(kept[0].Payload) != "to "+a.User {
			t.Fatalf("messages %+v, %v", kept, err)
		}
		if user, err := d.AccountByLogin(ctx, testNet, a.User); err != nil || user != a.User {
			t.Fatalf("login of %s: %q, %v", a.User, user, err)
		}
	}
}

// versions counts the sealed values of each key version.
func versions(t testing.TB, path string) map[byte]int {
	t.Helper()
	m := make(map[byte]int)
	query(t, path, `SELECT sealed_fields FROM accounts UNION ALL SELECT sealed_options FROM accounts
		UNION ALL SELECT sealed_state FROM accounts UNION ALL SELECT sealed_payload FROM messages UNION ALL SELECT value FROM meta`,
		func(row []any) {
			if b, ok := row[0].([]byte); ok && len(b) > 0 {
				m[b[0]]++
			}
		})
	return m
}

func TestRotate(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	users := fill(t, d)
	total := 4*users + 2 // three values and a message, the bare account, the sentinel
	oldKeys := readFile(t, opts.Path+".key")
	if got := versions(t, opts.Path); len(got) != 1 || got[1] != total {
		t.Fatalf("before: %v, want %d of version 1", got, total)
	}
	for round := range 2 {
		if err := d.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := versions(t, opts.Path); len(got) != 1 || got[byte(round+2)] != total {
			t.Errorf("round %d: %v, want %d of version %d", round, got, total, round+2)
		}
		checkFilled(t, d, users)
		if err := d.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	newKeys := readFile(t, opts.Path+".key")
	if keys, err := parseKeys(newKeys); err != nil || len(keys) != 1 || keys[0].version != 3 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	if info, err := os.Stat(opts.Path + ".key"); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	d = open(t, opts)
	checkFilled(t, d, users)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(opts.Path+".key", oldKeys, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), opts); !errors.Is(err, ErrKey) {
		t.Errorf("with the old key: %v", err)
	}
}

// copyDatabase copies the database as it would be left by a crash of the process now.
func copyDatabase(t *testing.T, opts Options) Options {
	t.Helper()
	dir := t.TempDir()
	for _, suffix := range []string{"", "-wal", ".key"} {
		if _, err := os.Stat(opts.Path + suffix); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "gw.db"+suffix), readFile(t, opts.Path+suffix), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return testOptions(dir)
}

// Rotate is stopped after each of its steps in turn, by an error and by a crash of the
// process. No value is lost, and repeating Rotate completes it.
func TestRotateStopped(t *testing.T) {
	stopped := errors.New("stopped")
	seen := make(map[string]bool)
	base := testOptions(t.TempDir())
	d := open(t, base)
	users := fill(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for stop := 0; ; stop++ {
		opts := copyDatabase(t, base)
		d := open(t, opts)
		var image Options
		step, reached := 0, ""
		d.crash = func(name string) error {
			seen[name] = true
			if step++; step <= stop {
				return nil
			}
			reached = name
			image = copyDatabase(t, opts)
			return stopped
		}
		err := d.Rotate(t.Context())
		if reached == "" {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if !errors.Is(err, stopped) {
			t.Fatalf("stopped after %q: %v", reached, err)
		}
		t.Logf("step %d, %s: %v", step, reached, versions(t, image.Path))

		d.crash = func(string) error { return nil }
		after := open(t, image)
		for _, d := range []*DB{d, after} {
			checkFilled(t, d, users)
			if err := d.Check(t.Context()); err != nil {
				t.Errorf("after %q: %v", reached, err)
			}
			if err := d.PutAccount(t.Context(), Account{Network: "irc.example.org", User: testUser, Login: "new"}); err != nil {
				t.Error(err)
			}
			if err := d.Rotate(t.Context()); err != nil {
				t.Errorf("again after %q: %v", reached, err)
			}
			checkFilled(t, d, users)
			if user, err := d.AccountByLogin(t.Context(), "irc.example.org", "new"); err != nil || user != testUser {
				t.Errorf("after %q: %q, %v", reached, user, err)
			}
			if got := versions(t, d.path); len(got) != 1 {
				t.Errorf("after %q and again: %v", reached, got)
			}
			if keys, err := readKeys(d.keyFile); err != nil || len(keys) != 1 {
				t.Errorf("after %q and again: %d keys, %v", reached, len(keys), err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			d, err := Open(t.Context(), Options{Path: d.path})
			if err != nil {
				t.Fatal(err)
			}
			checkFilled(t, d, users)
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	for _, name := range []string{"key added", "batch sealed", "all sealed", "old keys dropped"} {
		if !seen[name] {
			t.Errorf("there is no step %q", name)
		}
	}
}

// If the key file cannot be written, Rotate stops before the first change, or, at the
// end, before it removes an old key.
func TestRotateKeyFileFails(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	users := fill(t, d)
	block := filepath.Join(opts.Path+".key.new", "in the way")
	if err := os.MkdirAll(block, 0o700); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, opts.Path+".key")
	if err := d.Rotate(t.Context()); !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), opts.Path+".key") {
		t.Errorf("got %v", err)
	}
	if !bytes.Equal(readFile(t, opts.Path+".key"), before) {
		t.Error("the key file was changed")
	}
	if got := versions(t, opts.Path); len(got) != 1 || got[1] == 0 {
		t.Errorf("versions %v", got)
	}

	unblock := func() {
		t.Helper()
		if err := os.RemoveAll(filepath.Dir(block)); err != nil {
			t.Fatal(err)
		}
	}
	unblock()
	d.crash = func(step string) error {
		if step == "all sealed" {
			return os.MkdirAll(block, 0o700)
		}
		return nil
	}
	if err := d.Rotate(t.Context()); !errors.Is(err, ErrDisk) {
		t.Errorf("got %v", err)
	}
	if keys, err := readKeys(opts.Path + ".key"); err != nil || len(keys) != 2 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	checkFilled(t, d, users)
	d.crash = func(string) error { return nil }
	unblock()
	if err := d.Rotate(t.Context()); err != nil {
		t.Error(err)
	}
	checkFilled(t, d, users)
}

// If a value cannot be decrypted, Rotate stops and keeps the old key.
func TestRotateDamaged(t *testing.T) {
	for name, sql := range map[string]string{
		"account": "UPDATE accounts SET sealed_state = CAST(x'01' || zeroblob(40) AS BLOB) WHERE user = 'user150@example.org'",
		"message": "UPDATE messages SET peer = 'mallory' WHERE id = 150",
	} {
		t.Run(name, func(t *testing.T) {
			opts := testOptions(t.TempDir())
			d := open(t, opts)
			fill(t, d)
			if n := change(t, opts.Path, sql); n != 1 {
				t.Fatalf("%d rows changed", n)
			}
			if err := d.Rotate(t.Context()); !errors.Is(err, ErrCorrupt) {
				t.Errorf("got %v", err)
			}
			if keys, err := readKeys(opts.Path + ".key"); err != nil || len(keys) != 2 {
				t.Errorf("%d keys, %v", len(keys), err)
			}
		})
	}
}

// Other calls run while Rotate runs.
func TestRotateInUse(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	users := fill(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				user := fmt.Sprintf("user%d@example.org", (i*7+g)%users)
				a, err := d.Account(t.Context(), testNet, user)
				if err != nil || a.Fields["password"] != "sesame-"+user {
					t.Errorf("account %+v, %v", a, err)
				}
				if found, err := d.AccountByLogin(t.Context(), testNet, user); err != nil || found != user {
					t.Errorf("login of %s: %q, %v", user, found, err)
				}
				if g == 0 {
					putTestAccount(t, d, testNet, user)
				}
				if kept, err := d.KeptMessages(t.Context(), testNet, user, Inbound); err != nil || len(kept) != 1 {
					t.Errorf("messages %+v, %v", kept, err)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
	for range 5 {
		if err := d.Rotate(t.Context()); err != nil {
			t.Error(err)
		}
	}
	cancel()
	wg.Wait()
	checkFilled(t, d, users)
	if got := versions(t, opts.Path); len(got) != 1 {
		t.Errorf("versions %v", got)
	}
}

// Close waits for Rotate, which may be about to write the key file.
func TestRotateClosed(t *testing.T) {
	for _, at := range []string{"key added", "all sealed"} {
		t.Run(at, func(t *testing.T) {
			opts := testOptions(t.TempDir())
			d := open(t, opts)
			users := fill(t, d)
			closed := make(chan error, 1)
			d.crash = func(step string) error {
				if step != at {
					return nil
				}
				go func() { closed <- d.Close() }()
				<-d.writer.gone
				for range 1000 {
					yield()
					if other, err := Open(t.Context(), opts); !errors.Is(err, ErrBusy) {
						other.Close()
						t.Fatalf("the database was open to others: %v", err)
					}
				}
				return nil
			}
			err := d.Rotate(t.Context())
			if at == "key added" && !errors.Is(err, ErrClosed) || at == "all sealed" && err != nil {
				t.Errorf("Rotate: %v", err)
			}
			if err := <-closed; err != nil {
				t.Errorf("Close: %v", err)
			}
			checkFilled(t, open(t, opts), users)
		})
	}
}

// A second Rotate, or Check, waits for the first, until its context ends.
func TestRotateAlone(t *testing.T) {
	d := openTemp(t)
	inside, gate := make(chan struct{}), make(chan struct{})
	d.crash = func(step string) error {
		if step == "key added" {
			close(inside)
			<-gate
		}
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- d.Rotate(t.Context()) }()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := d.Rotate(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Rotate: %v", err)
	}
	if err := d.Check(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Check: %v", err)
	}
	close(gate)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
