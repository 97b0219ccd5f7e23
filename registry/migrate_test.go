package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
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
			if name != "v1" {
				checkFrozenLines(t, d)
			}
		})
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

// checkFrozenLines compares the archives with those of the frozen dumps.
func checkFrozenLines(t *testing.T, d *DB) {
	t.Helper()
	for user, want := range map[string]string{testUser: "said ☃", "guest@example.org": "said to a guest"} {
		page, err := d.Lines(t.Context(), LineQuery{Network: testNet, User: user, Room: "#room", Limit: 9})
		if err != nil || len(page.Lines) != 1 || string(page.Lines[0].Payload) != want {
			t.Errorf("%s: %+v, %v", user, page, err)
		}
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
	for i, name := range []string{"v1", "v2"} {
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

func TestNewerSchema(t *testing.T) {
	opts := restore(t, "v1")
	change(t, opts.Path, "PRAGMA user_version=99")
	before := readFile(t, opts.Path)
	_, err := Open(t.Context(), opts)
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), opts.Path) || !strings.Contains(err.Error(), "schema 99") {
		t.Errorf("got %v", err)
	}
	if string(readFile(t, opts.Path)) != string(before) {
		t.Error("the file was changed")
	}
}

// A migration that fails leaves the previous schema unchanged.
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
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint("migrate to schema ", known+2)) || !strings.Contains(err.Error(), opts.Path) {
		t.Errorf("got %v", err)
	}
	version, err := schemaVersion(t.Context(), c, opts.Path, known+2)
	if err != nil || version != known+1 {
		t.Errorf("schema %d, %v", version, err)
	}
	var tables string
	err = c.QueryRowContext(t.Context(), "SELECT group_concat(name) FROM sqlite_schema WHERE name IN ('second', 'third')").Scan(&tables)
	if err != nil || tables != "second" {
		t.Errorf("tables %q, %v", tables, err)
	}
	scripts[known+1] = "CREATE TABLE third (x)"
	if err := migrate(t.Context(), c, opts.Path, version, scripts); err != nil {
		t.Error(err)
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
