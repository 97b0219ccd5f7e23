package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// restore creates a database from a frozen dump and its key in testdata.
func restore(t *testing.T, name string) Options {
	t.Helper()
	opts := testOptions(t.TempDir())
	folder := filepath.Join("..", "testdata", "registry")
	change(t, opts.Path, string(readFile(t, filepath.Join(folder, name+".sql"))))
	if err := os.WriteFile(opts.Path+".key", readFile(t, filepath.Join(folder, name+".key")), 0o600); err != nil {
		t.Fatal(err)
	}
	return opts
}

// Databases of every released schema can be opened, read and written.
func TestFrozenSchemas(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("..", "testdata", "registry", "v*.sql"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		name = strings.TrimSuffix(filepath.Base(name), ".sql")
		t.Run(name, func(t *testing.T) {
			opts := restore(t, name)
			d := open(t, opts)
			checkFrozen(t, d)
			if err := d.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkFrozen(t, d)
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d = open(t, opts)
			checkFrozen(t, d)
			schema, err := strconv.Atoi(strings.TrimPrefix(name, "v"))
			if err != nil {
				t.Fatal(err)
			}
			checkFrozenMore(t, d, schema)
		})
	}
}

// Every schema has a frozen database, with rows in every table.
func TestEverySchemaIsFrozen(t *testing.T) {
	scripts, err := readMigrations(migrations)
	if err != nil {
		t.Fatal(err)
	}
	for i := range scripts {
		path := restore(t, fmt.Sprintf("v%d", i+1)).Path // see TestFreeze
		var tables []string
		query(t, path, "SELECT name FROM sqlite_schema WHERE type = 'table'", func(row []any) {
			tables = append(tables, row[0].(string))
		})
		for _, table := range tables {
			query(t, path, "SELECT count(*) FROM "+table, func(row []any) {
				if row[0] == int64(0) {
					t.Errorf("schema %d: table %s has no rows", i+1, table)
				}
			})
		}
	}
}

// checkFrozen compares a database with the contents of the frozen dumps.
func checkFrozen(t *testing.T, d *DB) {
	t.Helper()
	ctx := t.Context()
	if err := d.Check(ctx); err != nil {
		t.Error(err)
	}
	want := []Account{{Network: testNet, User: testUser, Login: "123456",
		Fields:  map[string]string{"uin": "123456", "password": "sesame ☃"},
		Options: map[string]string{"away": "yes"}, State: []byte("cookie\x00\xff"),
		Created: testNow.Add(-time.Hour), Updated: testNow}}
	if got, err := d.Accounts(ctx, testNet); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("accounts %+v, %v, want %+v", got, err, want)
	}
	if user, err := d.AccountByLogin(ctx, testNet, "123456"); err != nil || user != testUser {
		t.Errorf("by login: %q, %v", user, err)
	}
	bare := Account{Network: "irc.example.org", User: testUser, Created: testNow, Updated: testNow}
	if got, err := d.Account(ctx, bare.Network, testUser); err != nil || !reflect.DeepEqual(got, bare) {
		t.Errorf("account %+v, %v, want %+v", got, err, bare)
	}
	contacts := []Contact{
		{Network: testNet, User: testUser, Subscription: To | From},
		{Network: testNet, User: testUser, Peer: "200", Name: "Rómeo", Groups: []string{"Friends", `A "b"`},
			Subscription: AskTo | AskFrom, Listed: true, LastSeen: testNow.Add(-time.Minute)},
		{Network: testNet, User: testUser, Peer: "300", Subscription: Refused},
	}
	if got, err := d.Contacts(ctx, testNet, testUser); err != nil || !reflect.DeepEqual(got, contacts) {
		t.Errorf("contacts %+v, %v, want %+v", got, err, contacts)
	}
	for dir, want := range map[Direction]Message{
		Inbound: {ID: 2, Network: testNet, User: testUser, Peer: "200", Direction: Inbound, StanzaID: "s1",
			Payload: []byte("hello ☃"), Created: testNow},
		Outbound: {ID: 3, Network: testNet, User: testUser, Peer: "300", Direction: Outbound,
			Payload: []byte{0, 255}, Created: testNow.Add(time.Second)},
	} {
		if got, err := d.KeptMessages(ctx, testNet, testUser, dir); err != nil || !reflect.DeepEqual(got, []Message{want}) {
			t.Errorf("%s: %+v, %v, want %+v", dir, got, err, want)
		}
	}
	// IDs continue after the last one.
	id := keepTestMessage(t, d, testUser, Inbound, "new")
	if id <= 3 {
		t.Errorf("a new message has ID %d", id)
	}
	if err := d.ForgetMessages(ctx, id); err != nil {
		t.Error(err)
	}
}

// frozenGuest is a user without a registration.
const frozenGuest = "guest@example.org"

// checkFrozenMore checks what the frozen dumps of later schemas have in addition.
func checkFrozenMore(t *testing.T, d *DB, schema int) {
	t.Helper()
	ctx := t.Context()
	if schema >= 2 {
		for user, want := range map[string]string{testUser: "said ☃", frozenGuest: "said to a guest"} {
			page, err := d.Lines(ctx, LineQuery{Network: testNet, User: user, Room: "#room", Limit: 9})
			if err != nil || len(page.Lines) != 1 || string(page.Lines[0].Payload) != want {
				t.Errorf("%s: %+v, %v", user, page, err)
			}
		}
	}
	if schema < 3 {
		return
	}
	want := []Message{{ID: 4, Network: testNet, User: frozenGuest, Peer: "#room", Direction: Inbound, StanzaID: "s2",
		Payload: []byte("to a guest"), Created: testNow}}
	if got, err := d.KeptMessages(ctx, testNet, frozenGuest, Inbound); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("messages of a guest: %+v, %v, want %+v", got, err, want)
	}
	a, err := d.Account(ctx, frozenAIM, testUser)
	if value, _ := a.Setting("#room", "history"); err != nil || value != "50" || a.Login != "romeo" {
		t.Errorf("account %+v, %v", a, err)
	}
	contacts := []Contact{{Network: frozenAIM, User: testUser, Peer: "tybalt", Subscription: From}}
	if schema >= 4 {
		contacts[0].Nick = "Tybalt ☃"
	}
	if got, err := d.Contacts(ctx, frozenAIM, testUser); err != nil || !reflect.DeepEqual(got, contacts) {
		t.Errorf("contacts %+v, %v, want %+v", got, err, contacts)
	}
}

// The migrations up to a schema still produce the schema of its frozen dump.
func TestMigrationsAreFrozen(t *testing.T) {
	schema := func(path string) map[string]string {
		m := make(map[string]string)
		query(t, path, "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL", func(row []any) {
			m[row[0].(string)] = row[1].(string)
		})
		return m
	}
	scripts, err := readMigrations(migrations)
	if err != nil {
		t.Fatal(err)
	}
	for i := range scripts {
		name := fmt.Sprintf("v%d", i+1)
		fresh := filepath.Join(t.TempDir(), "fresh.db")
		change(t, fresh, strings.Join(scripts[:i+1], "\n"))
		if frozen, now := schema(restore(t, name).Path), schema(fresh); !reflect.DeepEqual(frozen, now) {
			t.Errorf("%s was changed after it was frozen:\n%v\n%v", name, frozen, now)
		}
	}
	fresh := testOptions(t.TempDir())
	if err := open(t, fresh).Close(); err != nil {
		t.Fatal(err)
	}
	updated := restore(t, "v1")
	if err := open(t, updated).Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := schema(updated.Path), schema(fresh.Path); !reflect.DeepEqual(got, want) {
		t.Errorf("an updated database has\n%v\nand a new one\n%v", got, want)
	}
}

// A database with a newer schema is refused, and no file is changed or created, also if the
// newer program has crashed, or its files are readable by others.
func TestNewerSchema(t *testing.T) {
	scripts, err := readMigrations(migrations)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("it has schema 99, this program supports schema %d: install the newer version again, or restore a backup", len(scripts))
	for _, test := range []struct {
		name  string
		write func(t *testing.T, path string)
	}{
		{"rollback journal", func(t *testing.T, path string) { change(t, path, "PRAGMA user_version=99") }},
		{"write-ahead log", func(t *testing.T, path string) {
			change(t, path, "PRAGMA user_version=99; PRAGMA journal_mode=WAL; CREATE TABLE more (x)")
		}},
		{"crashed", func(t *testing.T, path string) {
			change(t, path, "PRAGMA journal_mode=WAL")
			crashed(t, path, "PRAGMA user_version=99; CREATE TABLE more (x)")
		}},
		{"crashed later", func(t *testing.T, path string) {
			change(t, path, "PRAGMA user_version=99; PRAGMA journal_mode=WAL")
			crashed(t, path, "CREATE TABLE more (x)")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := restore(t, "v1")
			test.write(t, opts.Path)
			if err := os.Chmod(opts.Path, 0o640); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Dir(opts.Path)
			before := filesIn(t, dir)
			_, err := Open(t.Context(), opts)
			if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), opts.Path) ||
				!strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
			after := filesIn(t, dir)
			delete(after, "gw.db.lock")
			if _, had := before["gw.db-shm"]; had {
				delete(after, "gw.db-shm") // SQLite's index of the log, which it makes from the log
				delete(before, "gw.db-shm")
			}
			if !reflect.DeepEqual(before, after) {
				t.Errorf("the files were %v and are %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
			}
			if info, err := os.Stat(opts.Path); err != nil || info.Mode() != 0o640 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
		})
	}
}

// crashed executes SQL in a database with a write-ahead log and leaves the files that a
// crash would leave.
func crashed(t *testing.T, path, text string) {
	t.Helper()
	other := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(other, readFile(t, path), 0o600); err != nil {
		t.Fatal(err)
	}
	pool, err := newForeign(other)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(text); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.WriteFile(path+suffix, readFile(t, other+suffix), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// filesIn returns the contents of the files in a folder by their names.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, e := range entries {
		all[e.Name()] = string(readFile(t, filepath.Join(dir, e.Name())))
	}
	return all
}

// A migration that fails leaves the schema unchanged from which it began.
func TestFailingMigration(t *testing.T) {
	opts := restore(t, "v1")
	d := open(t, opts)
	scripts, err := readMigrations(migrations)
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	known := len(scripts)
	scripts = append(scripts, "CREATE TABLE second (x)", "CREATE TABLE third (x); INSERT INTO contacts SELECT * FROM nowhere")
	c := d.writer.c // nothing is written meanwhile
	err = migrate(t.Context(), c, opts.Path, known, scripts)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("migrate to schema %d (the database keeps schema %d)", known+2, known)) ||
		!strings.Contains(err.Error(), opts.Path) {
		t.Errorf("got %v", err)
	}
	version, err := schemaVersion(t.Context(), c, opts.Path, known+2)
	if err != nil || version != known {
		t.Errorf("schema %d, %v", version, err)
	}
	var tables int
	err = c.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_schema WHERE name IN ('second', 'third')").Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("%d tables, %v", tables, err)
	}
	scripts[known+1] = "CREATE TABLE third (x)"
	if err := migrate(t.Context(), c, opts.Path, version, scripts); err != nil {
		t.Error(err)
	}
	if version, err := schemaVersion(t.Context(), c, opts.Path, known+2); err != nil || version != known+2 {
		t.Errorf("schema %d, %v", version, err)
	}
	checkFrozen(t, d)
}

func TestReadMigrations(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("x")}
	for _, test := range []struct {
		fsys fs.FS
		want int
		ok   bool
	}{
		{fstest.MapFS{"migrations/0001.sql": file, "migrations/0002.sql": file}, 2, true},
		{fstest.MapFS{"migrations/0001.sql": file, "migrations/0003.sql": file}, 0, false},
		{fstest.MapFS{"migrations/0001.sql": file, "migrations/0002-x.sql": file}, 0, false},
		{fstest.MapFS{"migrations/0000.sql": file}, 0, false},
	} {
		scripts, err := readMigrations(test.fsys)
		if len(scripts) != test.want || (err == nil) != test.ok {
			t.Errorf("%v: %d scripts, %v", test.fsys, len(scripts), err)
		}
	}
}
