package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// hold blocks the writer until the returned function is called. Calls queued in the
// meantime become one batch.
func hold(t *testing.T, d *DB) (release func()) {
	t.Helper()
	started, gate, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- d.write(context.Background(), "hold", op{run: func(*conn) error {
			close(started)
			<-gate
			return nil
		}})
	}()
	<-started
	return func() {
		t.Helper()
		close(gate)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// queue starts a call while the writer is blocked, and returns when the call is queued.
func queue(d *DB, call func() error) <-chan error {
	before := len(d.writer.queue)
	done := make(chan error, 1)
	go func() { done <- call() }()
	for len(d.writer.queue) == before {
		yield()
	}
	return done
}

// A call that fails is rolled back alone, for each kind of call and at each position in
// the batch.
func TestBatchIsolation(t *testing.T) {
	d := openTemp(t)
	ctx := t.Context()
	putTestAccount(t, d, testNet, testUser)
	contact := func(peer string) Contact { return Contact{Network: testNet, User: testUser, Peer: peer} }
	nobody := Contact{Network: testNet, User: "nobody@example.org", Peer: "x"}

	release := hold(t, d)
	type call struct {
		name string
		done <-chan error
		want func(error) bool
	}
	ok := func(err error) bool { return err == nil }
	notFound := func(err error) bool { return errors.Is(err, ErrNotFound) }
	panicked := func(err error) bool { return err != nil && strings.Contains(err.Error(), "panic: oops") }
	failed := errors.New("failed after writing")
	cancelled, cancel := context.WithCancel(ctx)
	var calls []call
	add := func(name string, want func(error) bool, f func() error) {
		calls = append(calls, call{name, queue(d, f), want})
	}
	add("first", ok, func() error { return d.PutContact(ctx, contact("1")) })
	add("nobody's", notFound, func() error { return d.PutContact(ctx, nobody) })
	add("second", ok, func() error { return d.PutContact(ctx, contact("2")) })
	add("many, one nobody's", notFound, func() error { return d.PutContacts(ctx, []Contact{contact("a"), contact("b"), nobody}) })
	add("many", ok, func() error { return d.PutContacts(ctx, []Contact{contact("3"), contact("4")}) })
	add("panic", panicked, func() error {
		return d.write(ctx, "panic", op{run: func(*conn) error { panic("oops") }})
	})
	add("panic after writing", panicked, func() error {
		return d.write(ctx, "panic", op{compound: true, run: func(c *conn) error {
			c.exec("DELETE FROM contacts")
			panic("oops")
		}})
	})
	add("failure after writing", func(err error) bool { return errors.Is(err, failed) }, func() error {
		return d.write(ctx, "fail", op{compound: true, run: func(c *conn) error {
			c.exec("DELETE FROM accounts")
			return failed
		}})
	})
	add("bad statement", func(err error) bool { return err != nil }, func() error {
		return d.write(ctx, "fail", op{run: func(c *conn) error {
			_, err := c.exec("INSERT INTO contacts (account, peer, name, groups, subscription, listed, last_seen) VALUES (1, NULL, '', '', 0, 0, 0)")
			return err
		}})
	})
	add("cancelled", func(err error) bool { return errors.Is(err, context.Canceled) }, func() error {
		return d.PutContact(cancelled, contact("cancelled"))
	})
	add("last", ok, func() error { return d.PutContact(ctx, contact("5")) })
	cancel()
	release()
	for _, c := range calls {
		if err := <-c.done; !c.want(err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	var got string
	contacts, err := d.Contacts(ctx, testNet, testUser)
	for _, c := range contacts {
		got += c.Peer
	}
	if err != nil || got != "12345" {
		t.Errorf("contacts %q, %v", got, err)
	}
}

// A call returns when its context ends, although it is still queued.
func TestCancelledWhileQueued(t *testing.T) {
	d := openTemp(t)
	putTestAccount(t, d, testNet, testUser)
	release := hold(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	done := queue(d, func() error { return d.SaveState(ctx, testNet, testUser, []byte("new")) })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	a, err := d.Account(t.Context(), testNet, testUser)
	if err != nil || string(a.State) == "new" {
		t.Errorf("state %q, %v", a.State, err)
	}
	if err := d.SaveState(ctx, testNet, testUser, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := d.Account(ctx, testNet, testUser); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := d.Users(ctx, testNet); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The caller may change its slices after the call has returned, even if the call has
// returned early and runs afterwards.
func TestArgumentsAreCopied(t *testing.T) {
	d := openTemp(t)
	putTestAccount(t, d, testNet, testUser)
	state, payload := []byte("state"), []byte("payload")
	contacts := []Contact{{Network: testNet, User: testUser, Peer: "1", Groups: []string{"Friends"}}}
	ctx, cancel := context.WithCancel(t.Context())
	release := hold(t, d)
	// The next batch: one call that waits, and its successors.
	started, gate := make(chan struct{}), make(chan struct{})
	first := queue(d, func() error {
		return d.write(t.Context(), "wait", op{run: func(*conn) error {
			close(started)
			<-gate
			return nil
		}})
	})
	calls := []<-chan error{
		queue(d, func() error { return d.SaveState(ctx, testNet, testUser, state) }),
		queue(d, func() error { return d.PutContacts(ctx, contacts) }),
		queue(d, func() error {
			return second(d.KeepMessage(ctx, Message{Network: testNet, User: testUser, Direction: Inbound, Payload: payload}))
		}),
	}
	release()
	<-started
	cancel()
	for _, done := range calls {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	copy(state, "-----")
	copy(payload, "-------")
	contacts[0].Peer, contacts[0].Groups[0] = "X", "X"
	close(gate)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	putTestContact(t, d, testUser, "2") // comes after them
	a, err := d.Account(t.Context(), testNet, testUser)
	if err != nil || string(a.State) != "state" {
		t.Errorf("state %q, %v", a.State, err)
	}
	kept, err := d.KeptMessages(t.Context(), testNet, testUser, Inbound)
	if err != nil || len(kept) != 1 || string(kept[0].Payload) != "payload" {
		t.Errorf("kept %+v, %v", kept, err)
	}
	got, err := d.Contacts(t.Context(), testNet, testUser)
	if err != nil || len(got) != 2 || got[0].Peer != "1" || got[0].Groups[0] != "Friends" {
		t.Errorf("contacts %+v, %v", got, err)
	}
}

// Calls that are queued when the database is closed still run.
func TestCloseCarriesOut(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	putTestAccount(t, d, testNet, testUser)
	release := hold(t, d)
	var calls []<-chan error
	for i := range 100 {
		calls = append(calls, queue(d, func() error {
			return d.PutContact(t.Context(), Contact{Network: testNet, User: testUser, Peer: fmt.Sprint(i)})
		}))
	}
	closed := make(chan error, 1)
	go func() { closed <- d.Close() }()
	<-d.ending.begun
	release()
	for _, done := range calls {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	got, err := open(t, opts).Contacts(t.Context(), testNet, testUser)
	if err != nil || len(got) != 100 {
		t.Errorf("%d contacts, %v", len(got), err)
	}
}

// The durable calls, and only they, wait for an fsync.
func TestDurability(t *testing.T) {
	d := openTemp(t)
	ctx := t.Context()
	putTestAccount(t, d, testNet, testUser)
	contact := Contact{Network: testNet, User: testUser, Peer: "1"}
	for _, test := range []struct {
		name    string
		call    func() error
		durable bool
	}{
		{"PutContact", func() error { return d.PutContact(ctx, contact) }, false},
		{"PutAccount", func() error { return d.PutAccount(ctx, Account{Network: testNet, User: testUser}) }, true},
		{"PutContacts", func() error { return d.PutContacts(ctx, []Contact{contact, contact}) }, false},
		{"KeepMessage", func() error {
			return second(d.KeepMessage(ctx, Message{Network: testNet, User: testUser, Direction: Inbound}))
		}, true},
		{"ForgetMessages", func() error { return d.ForgetMessages(ctx, 1) }, false},
		{"SetOptions", func() error { return d.SetOptions(ctx, testNet, testUser, nil) }, true},
		{"SaveState", func() error { return d.SaveState(ctx, testNet, testUser, nil) }, false},
		{"DeleteContact", func() error { return d.DeleteContact(ctx, testNet, testUser, "1") }, false},
		{"Rotate", func() error { return d.Rotate(ctx) }, true},
		{"DeleteAccount", func() error { return d.DeleteAccount(ctx, testNet, testUser) }, true},
	} {
		if err := test.call(); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		var level int // 1 NORMAL, 2 FULL; nothing is written meanwhile
		if err := d.writer.c.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&level); err != nil {
			t.Fatal(err)
		}
		if durable := level == 2; durable != test.durable {
			t.Errorf("%s ran with synchronous=%d", test.name, level)
		}
	}
}

// On a full disk, the calls that need space return ErrDisk; they work again when there is
// free space.
func TestFullDisk(t *testing.T) {
	opts := testOptions(t.TempDir())
	opts.MaxMessages = 1 << 20
	d := open(t, opts)
	ctx := t.Context()
	putTestAccount(t, d, testNet, testUser)
	limit := func(pages string) {
		t.Helper()
		err := d.write(ctx, "limit", op{run: func(c *conn) error {
			_, err := c.ExecContext(ctx, "PRAGMA max_page_count="+pages)
			return err
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // means: the current number of pages
	big := Message{Network: testNet, User: testUser, Direction: Inbound, Payload: make([]byte, 100_000)}
	release := hold(t, d)
	var calls []<-chan error
	for range 3 {
		calls = append(calls,
			queue(d, func() error { return second(d.KeepMessage(ctx, big)) }),
			queue(d, func() error { return d.SetOptions(ctx, testNet, testUser, map[string]string{"a": "b"}) }))
	}
	release()
	for i, done := range calls {
		err := <-done
		if i%2 == 0 && (!errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), opts.Path) || !strings.Contains(err.Error(), "full")) {
			t.Errorf("big message: %v", err)
		}
		if i%2 == 1 && err != nil {
			t.Errorf("what needs no room, beside it: %v", err)
		}
	}
	if err := d.Check(ctx); err != nil {
		t.Error(err)
	}
	limit("1000000")
	if _, err := d.KeepMessage(ctx, big); err != nil {
		t.Error(err)
	}
}

// If another process has the write lock, calls return ErrBusy, and change nothing.
func TestForeignLock(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	putTestAccount(t, d, testNet, testUser)
	err := d.write(t.Context(), "timeout", op{run: func(c *conn) error {
		_, err := c.ExecContext(context.Background(), "PRAGMA busy_timeout=1")
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	other, err := newForeign(opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	release := hold(t, d)
	var calls []<-chan error
	for i := range 3 {
		calls = append(calls, queue(d, func() error {
			return d.PutContact(t.Context(), Contact{Network: testNet, User: testUser, Peer: fmt.Sprint(i)})
		}))
	}
	release()
	for _, done := range calls {
		if err := <-done; !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), opts.Path) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	putTestContact(t, d, testUser, "now")
	if got, err := d.Contacts(t.Context(), testNet, testUser); err != nil || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Many concurrent callers of all methods, for the race detector.
func TestConcurrent(t *testing.T) {
	d := openTemp(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			user := fmt.Sprintf("user%d@example.org", g)
			check := func(err error) {
				if err != nil {
					t.Errorf("%s: %v", user, err)
				}
			}
			for i := range 10 {
				check(d.PutAccount(ctx, Account{Network: testNet, User: user, Login: user, Fields: map[string]string{"i": fmt.Sprint(i)}}))
				check(d.PutContacts(ctx, []Contact{{Network: testNet, User: user, Peer: "a"}, {Network: testNet, User: user, Peer: "b"}}))
				check(d.PutContact(ctx, Contact{Network: testNet, User: user, Peer: fmt.Sprint(i)}))
				check(d.SaveState(ctx, testNet, user, []byte{byte(i)}))
				id, err := d.KeepMessage(ctx, Message{Network: testNet, User: user, Direction: Inbound, Payload: []byte{byte(i)}})
				check(err)
				a, err := d.Account(ctx, testNet, user)
				check(err)
				if a.Fields["i"] != fmt.Sprint(i) || len(a.State) != 1 || a.State[0] != byte(i) {
					t.Errorf("%s: read %+v in round %d", user, a, i)
				}
				kept, err := d.KeptMessages(ctx, testNet, user, Inbound)
				check(err)
				if len(kept) != 1 || kept[0].ID != id || kept[0].Payload[0] != byte(i) {
					t.Errorf("%s: kept %+v in round %d", user, kept, i)
				}
				check(d.ForgetMessages(ctx, id))
				found, err := d.AccountByLogin(ctx, testNet, user)
				check(err)
				if found != user {
					t.Errorf("%s: found %q", user, found)
				}
				if g == 0 {
					check(d.Rotate(ctx))
				}
				if i%3 == 0 {
					check(d.DeleteAccount(ctx, testNet, user))
				}
			}
		})
	}
	wg.Wait()
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
