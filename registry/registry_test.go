package registry

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAccount(t *testing.T) {
	now := testNow
	opts := testOptions(t.TempDir())
	opts.Now = func() time.Time { return now }
	d := open(t, opts)

	full := Account{
		Network: testNet, User: testUser, Login: "123456",
		Fields:  map[string]string{"password": "sesame", "nick": "J☃<&>\x00"},
		Options: map[string]string{"away": "yes"},
		State:   []byte{0, 1, 2},
		Created: testNow.Add(-time.Hour), Updated: testNow,
	}
	with := func(a Account, change func(*Account)) Account { change(&a); return a }
	later := testNow.Add(time.Minute)
	for _, test := range []struct {
		name      string
		put, want Account
	}{
		{"new", full, full},
		{"change keeps what is nil, and created",
			Account{Network: testNet, User: testUser, Login: "78", Fields: map[string]string{"password": "open"}},
			with(full, func(a *Account) { a.Login, a.Fields, a.Updated = "78", map[string]string{"password": "open"}, later })},
		{"empty state and options clear",
			Account{Network: testNet, User: testUser, Options: map[string]string{}, State: []byte{}},
			with(full, func(a *Account) {
				a.Login, a.Fields, a.Options, a.State, a.Updated = "", nil, map[string]string{}, nil, later
			})},
		{"least", Account{Network: testNet, User: "nurse@example.org"},
			Account{Network: testNet, User: "nurse@example.org", Created: later, Updated: later}},
		{"same user on another network", Account{Network: "irc.example.org", User: testUser, Login: "123456"},
			Account{Network: "irc.example.org", User: testUser, Login: "123456", Created: later, Updated: later}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := d.PutAccount(t.Context(), test.put); err != nil {
				t.Fatal(err)
			}
			got, err := d.Account(t.Context(), test.put.Network, test.put.User)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
		now = later
	}

	if err := d.SaveState(t.Context(), testNet, testUser, []byte("cookie")); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	if err := d.SetOptions(t.Context(), testNet, testUser, map[string]string{"away": "no"}); err != nil {
		t.Fatal(err)
	}
	got, err := d.Account(t.Context(), testNet, testUser)
	if err != nil || string(got.State) != "cookie" || got.Options["away"] != "no" || !got.Updated.Equal(now) {
		t.Errorf("after SaveState and SetOptions: %+v, %v", got, err)
	}
	if got, err := d.Account(t.Context(), "irc.example.org", testUser); err != nil || got.State != nil || got.Options != nil {
		t.Errorf("another network's account changed with it: %+v, %v", got, err)
	}
}

func TestAccountRefused(t *testing.T) {
	d := openTemp(t)
	for name, a := range map[string]Account{
		"no network":       {User: testUser},
		"no user":          {Network: testNet},
		"field not UTF-8":  {Network: testNet, User: testUser, Fields: map[string]string{"password": "ses\xffame"}},
		"option not UTF-8": {Network: testNet, User: testUser, Options: map[string]string{"x\xff": ""}},
		"login not UTF-8":  {Network: testNet, User: testUser, Login: "\xff"},
	} {
		if err := d.PutAccount(t.Context(), a); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "ame") {
			t.Errorf("%s: error contains the password: %v", name, err)
		}
	}
	if s, err := d.Stats(t.Context()); err != nil || s != (Stats{}) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestUsers(t *testing.T) {
	d := openTemp(t)
	want := []string{"zoe@example.org", "adam@example.org", "mia@example.org"}
	for _, user := range want {
		putTestAccount(t, d, testNet, user)
	}
	putTestAccount(t, d, "irc.example.org", "other@example.org")
	users, err := d.Users(t.Context(), testNet)
	if err != nil || !slices.Equal(users, want) {
		t.Errorf("users %q, %v", users, err)
	}
	accounts, err := d.Accounts(t.Context(), testNet)
	if err != nil || len(accounts) != len(want) {
		t.Fatalf("%d accounts, %v", len(accounts), err)
	}
	for i, a := range accounts {
		one, err := d.Account(t.Context(), testNet, want[i])
		if err != nil || !reflect.DeepEqual(a, one) {
			t.Errorf("Accounts has %+v, Account %+v, %v", a, one, err)
		}
	}
	if users, err := d.Users(t.Context(), "none.example.org"); err != nil || users != nil {
		t.Errorf("users of no network: %q, %v", users, err)
	}
}

func TestAccountByLogin(t *testing.T) {
	d := openTemp(t)
	put := func(network, user, login string) {
		t.Helper()
		if err := d.PutAccount(t.Context(), Account{Network: network, User: user, Login: login}); err != nil {
			t.Fatal(err)
		}
	}
	put(testNet, "first@example.org", "123")
	put(testNet, "second@example.org", "123")
	put(testNet, "none@example.org", "")
	put("irc.example.org", "irc@example.org", "456")
	find := func(network, login, want string) {
		t.Helper()
		user, err := d.AccountByLogin(t.Context(), network, login)
		if want == "" && !errors.Is(err, ErrNotFound) || want != "" && (err != nil || user != want) {
			t.Errorf("%s on %s: %q, %v, want %q", login, network, user, err, want)
		}
	}
	find(testNet, "123", "first@example.org")
	find(testNet, "456", "")
	find(testNet, "", "")
	find("irc.example.org", "456", "irc@example.org")
	put(testNet, "first@example.org", "789")
	find(testNet, "123", "second@example.org")
	find(testNet, "789", "first@example.org")
	put(testNet, "first@example.org", "")
	find(testNet, "789", "")
}

// All methods that read or change a missing account return ErrNotFound.
func TestNotFound(t *testing.T) {
	d := openTemp(t)
	putTestAccount(t, d, testNet, "other@example.org")
	ctx := t.Context()
	for name, err := range map[string]error{
		"Account":        second(d.Account(ctx, testNet, testUser)),
		"AccountByLogin": second(d.AccountByLogin(ctx, testNet, testUser)),
		"SaveState":      d.SaveState(ctx, testNet, testUser, nil),
		"SetOptions":     d.SetOptions(ctx, testNet, testUser, nil),
		"DeleteAccount":  d.DeleteAccount(ctx, testNet, testUser),
		"PutContact":     d.PutContact(ctx, Contact{Network: testNet, User: testUser}),
		"PutContacts":    d.PutContacts(ctx, []Contact{{Network: testNet, User: testUser}}),
		"DeleteContact":  d.DeleteContact(ctx, testNet, testUser, "peer"),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if contacts, err := d.Contacts(ctx, testNet, testUser); err != nil || contacts != nil {
		t.Errorf("Contacts: %v, %v", contacts, err)
	}
	if kept, err := d.KeptMessages(ctx, testNet, testUser, Inbound); err != nil || kept != nil {
		t.Errorf("KeptMessages: %v, %v", kept, err)
	}
}

func second[T any](_ T, err error) error { return err }

// DeleteAccount leaves no row of the user in any table, including future tables.
func TestDeleteAccountLeavesNothing(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	romeo := "romeo@example.org"
	for _, user := range []string{testUser, romeo} {
		putTestAccount(t, d, testNet, user)
		for i := range 20 {
			putTestContact(t, d, user, fmt.Sprintf("contact%d-of-%s", i, user))
			keepTestMessage(t, d, user, Inbound, "in-"+user)
			keepTestMessage(t, d, user, Outbound, "out-"+user)
		}
	}
	putTestAccount(t, d, "irc.example.org", testUser)

	ids := func() map[string]int64 { // of the accounts on testNet
		m := make(map[string]int64)
		query(t, opts.Path, "SELECT user, id FROM accounts WHERE network = '"+testNet+"'", func(row []any) {
			m[string(row[0].(string))] = row[1].(int64)
		})
		return m
	}
	juliet := ids()[testUser]
	if juliet == 0 {
		t.Fatal("account has no row")
	}
	if err := d.DeleteAccount(t.Context(), testNet, testUser); err != nil {
		t.Fatal(err)
	}

	tables := 0
	query(t, opts.Path, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", func(row []any) {
		tables++
		table := row[0].(string)
		query(t, opts.Path, "SELECT * FROM "+table, func(row []any) {
			text := fmt.Sprintf("%q", row)
			if table == "accounts" && row[1] == "irc.example.org" {
				return
			}
			if strings.Contains(text, testUser) {
				t.Errorf("%s still has %s", table, text)
			}
		})
		query(t, opts.Path, "SELECT * FROM pragma_foreign_key_list('"+table+"')", func(row []any) {
			// Columns: id, seq, table, from, …
			query(t, opts.Path, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s = %d", table, row[3], juliet), func(row []any) {
				if row[0] != int64(0) {
					t.Errorf("%s still has %d rows of the account", table, row[0])
				}
			})
		})
	})
	if tables < 4 {
		t.Errorf("only %d tables were looked at", tables)
	}
	s, err := d.Stats(t.Context())
	if want := (Stats{Accounts: 2, Contacts: 20, Messages: 40}); err != nil || s != want {
		t.Errorf("left is %+v, want %+v, %v", s, want, err)
	}
	if _, err := d.Account(t.Context(), "irc.example.org", testUser); err != nil {
		t.Errorf("the account on another network: %v", err)
	}

	// Deleted values are overwritten in the file, too.
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	file := readFile(t, opts.Path)
	if needle := []byte("contact7-of-" + testUser); bytes.Contains(file, needle) {
		t.Error("the file still has a deleted contact's address")
	}
	if needle := []byte("contact7-of-" + romeo); !bytes.Contains(file, needle) {
		t.Error("the file does not have a kept contact's address: is this the right file?")
	}
}

// No file contains a secret in clear text.
func TestSealedOnDisk(t *testing.T) {
	dir := t.TempDir()
	d := open(t, testOptions(dir))
	err := d.PutAccount(t.Context(), Account{Network: testNet, User: testUser, Login: "SECRET-login",
		Fields: map[string]string{"password": "SECRET-password"}, Options: map[string]string{"a": "SECRET-option"},
		State: []byte("SECRET-state")})
	if err != nil {
		t.Fatal(err)
	}
	keepTestMessage(t, d, testUser, Inbound, "x")
	if _, err := d.KeepMessage(t.Context(), Message{Network: testNet, User: testUser, Peer: "public", Direction: Outbound, Payload: []byte("SECRET-payload")}); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) < 4 {
		t.Fatalf("%q, %v", names, err)
	}
	public := false
	for _, name := range names {
		data := readFile(t, name)
		if i := bytes.Index(data, []byte("SECRET")); i >= 0 {
			t.Errorf("%s has %q", name, data[i:i+15])
		}
		public = public || bytes.Contains(data, []byte("public"))
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	if !public {
		t.Error("no file has the peer's address: were the right ones read?")
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// query reads the database at path without this package.
func query(t testing.TB, path, text string, f func(row []any)) {
	t.Helper()
	pool, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	rows, err := pool.Query(text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row := make([]any, len(columns))
		dest := make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		f(row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// change writes to the database at path without this package. It returns the number of
// changed rows.
func change(t testing.TB, path, text string, args ...any) int64 {
	t.Helper()
	pool, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	res, err := pool.Exec(text, args...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
