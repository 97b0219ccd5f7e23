package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// backUp makes a backup of a database.
func backUp(t *testing.T, opts Options) (path string, found Copy) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "backup.db")
	found, err := Backup(t.Context(), opts, BackupOptions{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return path, found
}

// The backup of an open database is one file, with everything that was committed, and
// replaces a later state. The former database is kept.
func TestBackupAndRestore(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	users := fill(t, d)
	path, found := backUp(t, opts)
	scripts, err := readMigrations(migrations)
	if want := (Copy{Schema: len(scripts), Stats: Stats{Accounts: users + 1, Messages: users}}); err != nil || found != want {
		t.Errorf("found %+v, want %+v, %v", found, want, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if names := filesIn(t, filepath.Dir(path)); len(names) != 1 {
		t.Errorf("there are %d files", len(names))
	}
	keepTestMessage(t, d, "later@example.org", Inbound, "later")
	putTestAccount(t, d, testNet, "later@example.org")
	if err := d.DeleteAccount(t.Context(), testNet, "user0@example.org"); err != nil {
		t.Fatal(err)
	}
	d.Journal().add(t, entry(1))
	if _, err := Restore(t.Context(), opts, RestoreOptions{Path: path}); !errors.Is(err, ErrBusy) {
		t.Errorf("while it is open: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	done, err := Restore(t.Context(), opts, RestoreOptions{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	suffix := ".before-restore-20260301T120000Z"
	if want := (Restored{Copy: found, Old: opts.Path + suffix, OldMessages: users, Journaled: 1}); done != want {
		t.Errorf("restored %+v, want %+v", done, want)
	}
	d = open(t, opts)
	checkFilled(t, d, users)
	if got := payloads(t, d.Journal()); len(got) != 1 {
		t.Errorf("the journal has %q", got)
	}
	old := open(t, Options{Path: done.Old, KeyFile: opts.Path + ".key"})
	if _, err := old.Account(t.Context(), testNet, "later@example.org"); err != nil {
		t.Errorf("in the former database: %v", err)
	}
}

// Backup does not overwrite files, and leaves none after an error.
func TestBackupRefused(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	putTestAccount(t, d, testNet, testUser)
	dir := t.TempDir()
	there := filepath.Join(dir, "there.db")
	if err := os.WriteFile(there, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	newer := restore(t, "v1")
	change(t, newer.Path, "PRAGMA user_version=99")
	wrongKey := opts
	wrongKey.KeyFile = restore(t, "v2").Path + ".key"
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name string
		ctx  context.Context
		opts Options
		b    BackupOptions
		want error // nil: any
	}{
		{"missing", t.Context(), testOptions(dir), BackupOptions{Path: filepath.Join(dir, "a")}, fs.ErrNotExist},
		{"existing file", t.Context(), opts, BackupOptions{Path: there}, fs.ErrExist},
		{"folder", t.Context(), opts, BackupOptions{Path: dir, Force: true}, fs.ErrExist},
		{"no such folder", t.Context(), opts, BackupOptions{Path: filepath.Join(dir, "no", "a")}, ErrDisk},
		{"itself", t.Context(), opts, BackupOptions{Path: opts.Path, Force: true}, nil},
		{"over its key", t.Context(), opts, BackupOptions{Path: opts.Path + ".key", Force: true}, nil},
		{"newer", t.Context(), newer, BackupOptions{Path: filepath.Join(dir, "a")}, ErrNewer},
		{"wrong key", t.Context(), wrongKey, BackupOptions{Path: filepath.Join(dir, "a"), WithKey: true}, ErrKey},
		{"interrupted", cancelled, opts, BackupOptions{Path: filepath.Join(dir, "a")}, context.Canceled},
	} {
		_, err := Backup(test.ctx, test.opts, test.b)
		if err == nil || test.want != nil && !errors.Is(err, test.want) || strings.Count(err.Error(), "registry: ") != 1 {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if files := filesIn(t, dir); !reflect.DeepEqual(files, map[string]string{"there.db": "x"}) {
			t.Fatalf("%s: left %d files", test.name, len(files))
		}
	}
	if _, err := Backup(t.Context(), opts, BackupOptions{Path: there, Force: true, WithKey: true}); err != nil {
		t.Error(err)
	}
	for _, name := range []string{there, there + ".key"} {
		if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
	if string(readFile(t, there+".key")) != string(readFile(t, opts.Path+".key")) {
		t.Error("the copy of the key file differs")
	}
}

// Databases of every schema can be backed up and restored. (They are migrated when they are
// opened the next time.)
func TestBackupOfEverySchema(t *testing.T) {
	names, newest := oldSchemas(t)
	for i, name := range append(names, fmt.Sprintf("v%d", newest)) {
		opts := frozenWAL(t, name)
		path, found := backUp(t, opts)
		if found.Schema != i+1 || found.Unreadable != 0 || found.Accounts < 2 {
			t.Errorf("found %+v", found)
		}
		to := testOptions(t.TempDir())
		done, err := Restore(t.Context(), to, RestoreOptions{Path: path, Key: opts.Path + ".key"})
		if err != nil || done.Copy != found || done.Old != "" || done.OldKey != "" {
			t.Fatalf("restored %+v, %v", done, err)
		}
		d := open(t, to)
		checkFrozen(t, d)
		checkFrozenMore(t, d, i+1)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		change(t, path, "UPDATE accounts SET sealed_fields = x'0102' WHERE id = 1; UPDATE messages SET peer = 'x' WHERE id = 2")
		_, err = Restore(t.Context(), to, RestoreOptions{Path: path})
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "2 values") {
			t.Errorf("with changed values: %v", err)
		}
		if done, err := Restore(t.Context(), to, RestoreOptions{Path: path, Force: true}); err != nil || done.Unreadable != 2 {
			t.Errorf("%+v, %v", done, err)
		}
	}
}

// A restore that is refused changes no file.
func TestRestoreRefused(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	putTestAccount(t, d, testNet, testUser)
	good, _ := backUp(t, opts)
	d.Journal().add(t, entry(1))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	variant := func(f func(path string)) string {
		path := filepath.Join(t.TempDir(), "b.db")
		if err := os.WriteFile(path, readFile(t, good), 0o600); err != nil {
			t.Fatal(err)
		}
		f(path)
		return path
	}
	for _, test := range []struct {
		name string
		b    RestoreOptions
		want error // nil: any
	}{
		{"missing", RestoreOptions{Path: good + "x"}, fs.ErrNotExist},
		{"folder", RestoreOptions{Path: filepath.Dir(good)}, nil},
		{"itself", RestoreOptions{Path: opts.Path}, nil},
		{"empty", RestoreOptions{Path: variant(func(p string) { os.Truncate(p, 0) })}, ErrCorrupt},
		{"cut short", RestoreOptions{Path: variant(func(p string) { os.Truncate(p, 8192) })}, ErrCorrupt},
		{"text", RestoreOptions{Path: opts.Path + ".key"}, ErrCorrupt},
		{"newer", RestoreOptions{Path: variant(func(p string) { change(t, p, "PRAGMA user_version=99") })}, ErrNewer},
		{"another program", RestoreOptions{Path: variant(func(p string) { change(t, p, "PRAGMA application_id=1") })}, ErrCorrupt},
		{"a row without an account", RestoreOptions{Path: variant(func(p string) { change(t, p, "INSERT INTO contacts VALUES (99, '', '', '', 0, 0, 0, '')") })}, ErrCorrupt},
		{"no sentinel", RestoreOptions{Path: variant(func(p string) { change(t, p, "DELETE FROM meta") })}, ErrCorrupt},
		{"its key missing", RestoreOptions{Path: good, Key: good + ".key"}, ErrKey},
		{"another key", RestoreOptions{Path: good, Key: restore(t, "v2").Path + ".key"}, ErrKey},
		{"of another key", RestoreOptions{Path: restore(t, "v4").Path}, ErrKey},
	} {
		before := filesIn(t, filepath.Dir(opts.Path))
		_, err := Restore(t.Context(), opts, test.b)
		if err == nil || test.want != nil && !errors.Is(err, test.want) || strings.Count(err.Error(), "registry: ") != 1 {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if !reflect.DeepEqual(before, filesIn(t, filepath.Dir(opts.Path))) {
			t.Errorf("%s: files were changed", test.name)
		}
	}
	if _, err := Restore(t.Context(), opts, RestoreOptions{Path: good}); err != nil {
		t.Error(err)
	}
}

// A restore with the key of the backup keeps the former key and the journal, which the new
// key does not decrypt. The write-ahead log of a crashed process goes to the former database
// and not to the restored one, also if the former one is damaged.
func TestRestoreAfterCrash(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		t.Run(fmt.Sprint("damaged ", damaged), func(t *testing.T) {
			source := restore(t, "v4")
			backup, _ := backUp(t, source)
			d := open(t, testOptions(t.TempDir()))
			putTestAccount(t, d, testNet, testUser)
			if err := d.Close(); err != nil { // so that not every page is in the log
				t.Fatal(err)
			}
			d = open(t, Options{Path: d.path})
			putTestAccount(t, d, testNet, "lost@example.org")
			d.Journal().add(t, entry(1))
			opts := copyDatabase(t, Options{Path: d.path}) // as after a crash
			if err := os.WriteFile(opts.Path+".journal", readFile(t, d.path+".journal"), 0o600); err != nil {
				t.Fatal(err)
			}
			if damaged {
				if err := os.WriteFile(opts.Path, []byte(strings.Repeat("damaged ", 1000)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			done, err := Restore(t.Context(), opts, RestoreOptions{Path: backup, Key: source.Path + ".key"})
			if err != nil {
				t.Fatal(err)
			}
			suffix := ".before-restore-20260301T120000Z"
			messages := 0
			if damaged {
				messages = -1
			}
			if done.Old != opts.Path+suffix || done.OldKey != opts.Path+".key"+suffix || done.OldJournal != opts.Path+".journal"+suffix || done.OldMessages != messages {
				t.Errorf("restored %+v", done)
			}
			noLog(t, opts.Path)
			restored := open(t, opts)
			checkFrozen(t, restored)
			checkFrozenMore(t, restored, 4)
			if _, err := os.Stat(done.OldJournal); err != nil {
				t.Error(err)
			}
			if damaged {
				return
			}
			old := open(t, Options{Path: done.Old, KeyFile: done.OldKey})
			if _, err := old.Account(t.Context(), testNet, "lost@example.org"); err != nil {
				t.Error(err)
			}
		})
	}
}

// busyContext writes to a database whenever the backup looks whether it is cancelled.
type busyContext struct {
	context.Context
	write func()
}

func (c busyContext) Done() <-chan struct{} {
	c.write()
	return c.Context.Done()
}

// A backup in many steps does not begin again after each write, but ends.
func TestBackupEnds(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	putTestAccount(t, d, testNet, testUser)
	var lines []Line
	for n := range 100 {
		lines = append(lines, Line{Network: testNet, User: testUser, Room: "#large", StanzaID: fmt.Sprint(n), Payload: make([]byte, 64<<10), Created: testNow})
	}
	if err := d.AppendLines(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex // package sql asks, too
	writes := 0
	busy := busyContext{ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		putTestContact(t, d, testUser, fmt.Sprint(writes))
		if writes++; writes > 1000 {
			cancel()
		}
	}}
	path := filepath.Join(t.TempDir(), "backup.db")
	_, err := Backup(busy, opts, BackupOptions{Path: path})
	mu.Lock()
	defer mu.Unlock()
	if err != nil || writes < 5 {
		t.Errorf("after %d writes: %v", writes, err)
	}
}

// Backups of a database while several goroutines write to it are consistent: rows that one
// transaction writes are all of it or none, and what was committed before is there.
func TestBackupUnderLoad(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	const writers = 4
	for g := range writers {
		putTestAccount(t, d, testNet, fmt.Sprintf("user%d", g))
	}
	var mu sync.Mutex
	committed := make([]int, writers)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for g := range writers {
		wg.Go(func() {
			user := fmt.Sprintf("user%d", g)
			for n := 1; ctx.Err() == nil; n++ {
				var contacts []Contact // of one transaction
				for c := range 20 {
					contacts = append(contacts, Contact{Network: testNet, User: user, Peer: fmt.Sprint(c), Name: fmt.Sprint(n)})
				}
				if err := d.PutContacts(context.Background(), contacts); err != nil {
					t.Error(err)
					return
				}
				line := Line{Network: testNet, User: user, Room: fmt.Sprint("#", n), StanzaID: "1", Payload: []byte("said"), Created: testNow}
				if err := d.AppendLines(context.Background(), []Line{line}); err != nil { // two rows
					t.Error(err)
					return
				}
				mu.Lock()
				committed[g] = n
				mu.Unlock()
			}
		})
	}
	for round := range 5 {
		mu.Lock()
		before := append([]int(nil), committed...)
		mu.Unlock()
		path, found := backUp(t, opts)
		if found.Accounts != writers || found.Unreadable != 0 {
			t.Errorf("found %+v", found)
		}
		to := testOptions(t.TempDir())
		if _, err := Restore(t.Context(), to, RestoreOptions{Path: path, Key: opts.Path + ".key"}); err != nil {
			t.Fatal(err)
		}
		restored := open(t, to)
		if err := restored.Check(t.Context()); err != nil {
			t.Error(err)
		}
		for g := range writers {
			contacts, err := restored.Contacts(t.Context(), testNet, fmt.Sprintf("user%d", g))
			if err != nil {
				t.Fatal(err)
			}
			names := make(map[string]int)
			last := 0
			for _, c := range contacts {
				names[c.Name]++
				fmt.Sscan(c.Name, &last)
			}
			if len(names) > 1 || last < before[g] || last > 0 && len(contacts) != 20 {
				t.Errorf("round %d: contacts of several transactions, or of an old one: %v after %d", round, names, before[g])
			}
		}
		query(t, to.Path, "SELECT count(*) FROM archive_rooms WHERE id NOT IN (SELECT room FROM archive)", func(row []any) {
			if row[0] != int64(0) {
				t.Errorf("round %d: %d rooms without their line", round, row[0])
			}
		})
	}
}

// Values that are set aside are copied, and do not keep a backup from being restored.
func TestBackupOfValuesSetAside(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	putTestAccount(t, d, testNet, testUser)
	keepTestMessage(t, d, testUser, Inbound, "x")
	change(t, opts.Path, "UPDATE messages SET peer = 'mallory'")
	_, err := d.KeptMessages(t.Context(), testNet, testUser, Inbound)
	damaged := new(Damaged)
	if !errors.As(err, &damaged) {
		t.Fatal(err)
	}
	if _, found := backUp(t, opts); found.Unreadable != 1 || found.Messages != 1 {
		t.Errorf("before: %+v", found)
	}
	if err := damaged.SetAside(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	path, found := backUp(t, opts)
	if found.Unreadable != 0 || found.Messages != 0 || found.Damaged != 1 {
		t.Errorf("after: %+v", found)
	}
	if _, err := Restore(t.Context(), testOptions(t.TempDir()), RestoreOptions{Path: path, Key: opts.Path + ".key"}); err != nil {
		t.Error(err)
	}
}
