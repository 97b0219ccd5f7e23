package registry

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/mattn/go-sqlite3"
)

// The environment variables of a child process that opens the database in a folder, see
// TestMain.
const (
	openEnv  = "REGISTRY_OPEN_DIR"
	killEnv  = "REGISTRY_KILL_AT"   // the statement at which it kills itself
	limitEnv = "REGISTRY_FILE_SIZE" // the size limit of its files, in bytes
)

// openInChild opens and closes the database, and prints how many statements that takes.
func openInChild(dir string) error {
	var at, limit int
	fmt.Sscan(os.Getenv(killEnv), &at)
	fmt.Sscan(os.Getenv(limitEnv), &limit)
	n := 0
	restore, err := onStatement(func() int {
		if n++; n == at {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return sqlite3.SQLITE_OK
	})
	if err != nil {
		return err
	}
	defer restore()
	if limit > 0 {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(limit), Max: uint64(limit)}); err != nil {
			return err
		}
	}
	opts := testOptions(dir)
	opts.NoJournal = true // its file is larger than the limits
	d, err := Open(context.Background(), opts)
	if err != nil {
		return err
	}
	fmt.Println("statements", n)
	return d.Close()
}

// onConnect calls f for each connection that is opened until restore is called.
func onConnect(f func(*sqlite3.SQLiteConn) error) (restore func(), err error) {
	pool, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	driver, ok := pool.Driver().(*sqlite3.SQLiteDriver)
	if !ok {
		return nil, fmt.Errorf("unexpected driver %T", pool.Driver())
	}
	driver.ConnectHook = f
	return func() { driver.ConnectHook = nil }, nil
}

// onStatement calls f before each statement of each connection, and before each commit. It
// returns SQLITE_OK, or SQLITE_DENY to make the statement fail.
func onStatement(f func() int) (restore func(), err error) {
	statements := []int{sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_PRAGMA, sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_INDEX,
		sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_ALTER_TABLE, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
	return onConnect(func(c *sqlite3.SQLiteConn) error {
		c.RegisterAuthorizer(func(op int, table, _, _ string) int {
			if !slices.Contains(statements, op) || table == "sqlite_master" { // those are parts of others
				return sqlite3.SQLITE_OK
			}
			return f()
		})
		c.RegisterCommitHook(func() int { return f() })
		return nil
	})
}

// frozenWAL is restore for a database with a write-ahead log, as the gateway makes it.
func frozenWAL(t *testing.T, name string) Options {
	t.Helper()
	opts := restore(t, name)
	change(t, opts.Path, "PRAGMA journal_mode=WAL")
	return opts
}

// oldSchemas are the names of the frozen databases that are migrated when they are opened.
func oldSchemas(t *testing.T) (names []string, newest int) {
	t.Helper()
	scripts, err := readMigrations(migrations)
	if err != nil {
		t.Fatal(err)
	}
	for i := range scripts[1:] {
		names = append(names, fmt.Sprintf("v%d", i+1))
	}
	return names, len(scripts)
}

// checkUnmigrated checks that the file of a database is as it was or, if the migration was
// done, has the newest schema, and that it opens with everything that was in it.
func checkUnmigrated(t *testing.T, opts Options, before []byte, schema int) (migrated bool) {
	t.Helper()
	_, newest := oldSchemas(t)
	after := readFile(t, opts.Path)
	query(t, opts.Path, "PRAGMA user_version", func(row []any) {
		switch row[0] {
		case int64(schema):
			if !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		case int64(newest):
			migrated = true
		default:
			t.Errorf("it has schema %v", row[0])
		}
	})
	d := open(t, opts)
	checkFrozen(t, d)
	checkFrozenMore(t, d, schema)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	return migrated
}

// child runs openInChild in a process of its own, and returns its output.
func child(t *testing.T, dir string, env ...string) (out string, killed bool) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(append(os.Environ(), openEnv+"="+dir), env...)
	text, err := cmd.CombinedOutput()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return string(text), err != nil && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// A process that is killed at any statement while it migrates a database leaves the old one
// or the new one.
func TestMigrationKilled(t *testing.T) {
	names, _ := oldSchemas(t)
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			kept := 0
			for at := 1; at < 500; at++ {
				opts := frozenWAL(t, name)
				before := readFile(t, opts.Path)
				out, killed := child(t, filepath.Dir(opts.Path), killEnv+"="+fmt.Sprint(at))
				if !killed {
					if !strings.HasPrefix(out, "statements ") {
						t.Errorf("at %d: %s", at, out)
					}
					t.Logf("killed at %d statements, %d before the commit", at-1, kept)
					break
				}
				if !checkUnmigrated(t, opts, before, i+1) {
					kept++
				}
				if t.Failed() {
					t.Fatalf("killed at statement %d", at)
				}
				if testing.Short() {
					at += 4
				}
			}
			if kept < 2 {
				t.Errorf("%d kills were before the commit", kept)
			}
		})
	}
}

// A new database whose creation was killed is created again.
func TestCreationKilled(t *testing.T) {
	at := 1
	for ; at < 500; at++ {
		opts := testOptions(t.TempDir())
		if _, killed := child(t, filepath.Dir(opts.Path), killEnv+"="+fmt.Sprint(at)); !killed {
			break
		}
		d := open(t, opts)
		putTestAccount(t, d, testNet, testUser)
		if err := errors.Join(d.Check(t.Context()), d.Close()); err != nil {
			t.Errorf("killed at statement %d: %v", at, err)
		}
	}
	if at < 20 {
		t.Errorf("killed at %d statements", at-1)
	}
}

// A migration with a statement that fails leaves the file as it was.
func TestMigrationFailsAtEachStatement(t *testing.T) {
	names, _ := oldSchemas(t)
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			for at := 1; at < 500; at++ {
				opts := frozenWAL(t, name)
				before := readFile(t, opts.Path)
				n := 0
				unhook, err := onStatement(func() int {
					if n++; n == at {
						return sqlite3.SQLITE_DENY
					}
					return sqlite3.SQLITE_OK
				})
				if err != nil {
					t.Fatal(err)
				}
				d, err := Open(t.Context(), opts)
				unhook()
				if n < at {
					if err != nil {
						t.Fatal(err)
					}
					d.Close()
					break
				}
				if err == nil { // the statement of an end that is not required
					d.Close()
				} else if !strings.Contains(err.Error(), opts.Path) {
					t.Errorf("the error does not name the file: %v", err)
				}
				noLog(t, opts.Path)
				checkUnmigrated(t, opts, before, i+1)
				if t.Failed() {
					t.Fatalf("failed at statement %d: %v", at, err)
				}
			}
		})
	}
}

// noLog checks that a closed database has no write-ahead log.
func noLog(t *testing.T, path string) {
	t.Helper()
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if _, err := os.Stat(path + suffix); err == nil {
			t.Errorf("%s is left", path+suffix)
		}
	}
}

// A migration for which the disk has not enough space leaves the file as it was.
func TestMigrationDiskFull(t *testing.T) {
	names, _ := oldSchemas(t)
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			var pages int64
			query(t, frozenWAL(t, name).Path, "PRAGMA page_count", func(row []any) { pages = row[0].(int64) })
			failed := 0
			for limit := pages; limit < pages+100; limit++ {
				opts := frozenWAL(t, name)
				before := readFile(t, opts.Path)
				unhook, err := onConnect(func(c *sqlite3.SQLiteConn) error {
					_, err := c.Exec(fmt.Sprintf("PRAGMA max_page_count=%d", limit), nil)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				d, err := Open(t.Context(), opts)
				unhook()
				if err == nil {
					d.Close()
					break
				}
				failed++
				if !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), "the disk is full: free some space") ||
					!strings.Contains(err.Error(), fmt.Sprintf("(the database keeps schema %d)", i+1)) {
					t.Errorf("got %v", err)
				}
				noLog(t, opts.Path)
				if checkUnmigrated(t, opts, before, i+1) {
					t.Error("it was migrated")
				}
			}
			if failed == 0 && i < 2 { // schema 4 only adds a column
				t.Error("there was enough space")
			}
		})
	}
}

// A migration whose files cannot grow leaves the database as it was.
func TestMigrationFileTooLarge(t *testing.T) {
	names, _ := oldSchemas(t)
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			failed := 0
			for limit := 4 << 10; limit < 4<<20; limit += 4 << 10 {
				opts := frozenWAL(t, name)
				before := readFile(t, opts.Path)
				out, _ := child(t, filepath.Dir(opts.Path), limitEnv+"="+fmt.Sprint(limit))
				if strings.HasPrefix(out, "statements") {
					break
				}
				failed++
				if !strings.Contains(out, ErrDisk.Error()) || !strings.Contains(out, opts.Path) {
					t.Errorf("limit %d: %s", limit, out)
				}
				checkUnmigrated(t, opts, before, i+1)
				if t.Failed() {
					t.Fatalf("limit %d", limit)
				}
			}
			if failed == 0 {
				t.Error("no limit was too small")
			}
		})
	}
}
