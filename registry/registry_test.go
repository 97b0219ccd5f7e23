package registry

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// testNow is what the clock of test databases shows.
var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testOptions(dir string) Options {
	return Options{Path: filepath.Join(dir, "gw.db"), Now: func() time.Time { return testNow }}
}

// open opens a database that is closed when the test ends.
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

func TestAccount(t *testing.T) {
	d := openTemp(t)
	want := Account{
		Network: "icq.example.org", User: "juliet@example.org", Login: "123456",
		Fields:  map[string]string{"password": "sesame", "nick": "J☃"},
		Options: map[string]string{"away": "yes"},
		State:   []byte{0, 1, 2},
		Created: testNow.Add(-time.Hour), Updated: testNow,
	}
	if err := d.PutAccount(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := d.Account(t.Context(), want.Network, want.User)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
