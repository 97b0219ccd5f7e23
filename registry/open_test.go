package registry

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenAgain(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	putTestAccount(t, d, testNet, testUser)
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	key := readFile(t, opts.Path+".key")
	d = open(t, opts)
	if _, err := d.Account(t.Context(), testNet, testUser); err != nil {
		t.Error(err)
	}
	if string(readFile(t, opts.Path+".key")) != string(key) {
		t.Error("the key was replaced")
	}
}

func TestClosed(t *testing.T) {
	d := openTemp(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, err := range map[string]error{
		"Account":    second(d.Account(ctx, testNet, testUser)),
		"PutAccount": d.PutAccount(ctx, Account{Network: testNet, User: testUser}),
		"PutContact": d.PutContact(ctx, Contact{Network: testNet, User: testUser}),
		"Stats":      second(d.Stats(ctx)),
		"Check":      d.Check(ctx),
		"Rotate":     d.Rotate(ctx),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Paths may contain characters that are special to SQLite, URIs or the driver.
func TestOpenPaths(t *testing.T) {
	for _, name := range []string{"a b.db", "a?mode=memory", "100%41.db", "a#b&c=d.db", "ü;'\".db", "file:x", ":memory:"} {
		dir := t.TempDir()
		opts := Options{Path: filepath.Join(dir, name)}
		d, err := Open(t.Context(), opts)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		putTestAccount(t, d, testNet, testUser)
		if err := d.Close(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if info, err := os.Stat(opts.Path); err != nil || info.Size() == 0 {
			t.Errorf("%q: %v", name, err)
		}
	}
	t.Chdir(t.TempDir())
	d := open(t, Options{Path: "relative.db", KeyFile: "relative.key"})
	putTestAccount(t, d, testNet, testUser)
	if _, err := os.Stat("relative.key"); err != nil {
		t.Error(err)
	}
}

// The error for a database that cannot be opened contains a remedy, and the database is
// not changed.
func TestOpenRefused(t *testing.T) {
	// made returns the options of a closed database with one account.
	made := func(t *testing.T) Options {
		opts := testOptions(t.TempDir())
		d := open(t, opts)
		putTestAccount(t, d, testNet, testUser)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		return opts
	}
	write := func(t *testing.T, name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name  string
		setup func(t *testing.T) Options
		err   error // nil: any
		text  string
	}{
		{"no path", func(t *testing.T) Options { return Options{} }, nil, "no path"},
		{"folder", func(t *testing.T) Options { return Options{Path: t.TempDir()} }, nil, "is a folder"},
		{"device", func(t *testing.T) Options { return Options{Path: os.DevNull} }, nil, "is a special file"},
		{"no such folder", func(t *testing.T) Options {
			return testOptions(filepath.Join(t.TempDir(), "missing"))
		}, ErrDisk, "no such file"},
		{"text file", func(t *testing.T) Options {
			opts := testOptions(t.TempDir())
			write(t, opts.Path, "[[network]]\n")
			return opts
		}, ErrCorrupt, "no SQLite database"},
		{"long text file", func(t *testing.T) Options {
			opts := testOptions(t.TempDir())
			write(t, opts.Path, strings.Repeat("[[network]]\n", 1000))
			return opts
		}, ErrCorrupt, "no SQLite database"},
		{"database of another program", func(t *testing.T) Options {
			opts := testOptions(t.TempDir())
			change(t, opts.Path, "CREATE TABLE prosody (x)")
			return opts
		}, ErrCorrupt, "another program"},
		{"another program's schema version", func(t *testing.T) Options {
			opts := testOptions(t.TempDir())
			change(t, opts.Path, "PRAGMA user_version=1")
			return opts
		}, ErrCorrupt, "another program"},
		{"key missing", func(t *testing.T) Options {
			opts := made(t)
			if err := os.Remove(opts.Path + ".key"); err != nil {
				t.Fatal(err)
			}
			return opts
		}, ErrKey, "restore the key file from a backup"},
		{"key file empty", func(t *testing.T) Options {
			opts := made(t)
			write(t, opts.Path+".key", "")
			return opts
		}, ErrKey, "restore the key file from a backup"},
		{"key file cut short", func(t *testing.T) Options {
			opts := made(t)
			key := string(readFile(t, opts.Path+".key"))
			write(t, opts.Path+".key", key[:len(key)-5])
			return opts
		}, ErrKey, "truncated"},
		{"key of another database", func(t *testing.T) Options {
			opts := made(t)
			opts.KeyFile = made(t).Path + ".key"
			return opts
		}, ErrKey, "does not belong to database"},
		{"key of another version", func(t *testing.T) Options {
			opts := made(t)
			write(t, opts.Path+".key", "2:"+hexA+"\n")
			return opts
		}, ErrKey, "does not belong to database"},
		{"key readable by others", func(t *testing.T) Options {
			opts := made(t)
			if err := os.Chmod(opts.Path+".key", 0o644); err != nil {
				t.Fatal(err)
			}
			return opts
		}, ErrKey, "chmod 600 "},
		{"key file is a folder", func(t *testing.T) Options {
			opts := testOptions(t.TempDir())
			opts.KeyFile = t.TempDir()
			return opts
		}, ErrKey, "not a regular file"},
		{"key file in no folder", func(t *testing.T) Options {
			opts := testOptions(t.TempDir())
			opts.KeyFile = filepath.Join(t.TempDir(), "missing", "key")
			return opts
		}, ErrDisk, "write key file"},
		{"proof of the key removed", func(t *testing.T) Options {
			opts := made(t)
			change(t, opts.Path, "DELETE FROM meta")
			return opts
		}, ErrCorrupt, "sentinel that identifies its key is missing"},
		{"first page overwritten", func(t *testing.T) Options {
			opts := made(t)
			data := readFile(t, opts.Path)
			write(t, opts.Path, string(data[:100])+strings.Repeat("\xff", len(data)-100))
			return opts
		}, ErrCorrupt, "backup"},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := test.setup(t)
			var before []byte
			if opts.Path != "" && opts.Path != os.DevNull {
				before, _ = os.ReadFile(opts.Path)
			}
			d, err := Open(t.Context(), opts)
			if err == nil {
				d.Close()
				t.Fatal("opened")
			}
			if test.err != nil && !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, want %v with %q", err, test.err, test.text)
			}
			if strings.Count(err.Error(), "registry: ") != 1 {
				t.Errorf("%q says registry more than once, or not", err)
			}
			named := filepath.Base(opts.Path)
			if strings.Contains(test.name, "key file") && opts.KeyFile != "" {
				named = opts.KeyFile
			}
			if opts.Path != "" && !strings.Contains(err.Error(), named) {
				t.Errorf("%v does not name %s", err, named)
			}
			if after, _ := os.ReadFile(opts.Path); before != nil && string(after) != string(before) {
				t.Error("the database was changed")
			}
			// The lock is released.
			if opts.Path != "" {
				if _, err := Open(t.Context(), opts); errors.Is(err, ErrBusy) {
					t.Error(err)
				}
			}
		})
	}
}

// An empty database gets a key, whatever files a crash or the operator has left.
func TestOpenFirstTime(t *testing.T) {
	for name, setup := range map[string]func(opts Options) error{
		"nothing":        func(Options) error { return nil },
		"empty database": func(opts Options) error { return os.WriteFile(opts.Path, nil, 0o644) },
		"empty key file": func(opts Options) error { return os.WriteFile(opts.Path+".key", nil, 0o600) },
		"key but no database": func(opts Options) error {
			return os.WriteFile(opts.Path+".key", []byte("7:"+hexA+"\n"), 0o600)
		},
		"crash before the key was proved": func(opts Options) error {
			d, err := Open(context.Background(), opts)
			if err != nil {
				return err
			}
			_, err = d.writer.c.exec("DELETE FROM meta")
			return errors.Join(err, d.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			opts := testOptions(t.TempDir())
			if err := setup(opts); err != nil {
				t.Fatal(err)
			}
			d := open(t, opts)
			putTestAccount(t, d, testNet, testUser)
			if err := d.Check(t.Context()); err != nil {
				t.Error(err)
			}
			for _, name := range []string{opts.Path, opts.Path + ".key", opts.Path + "-wal", opts.Path + "-shm", opts.Path + ".lock"} {
				if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 {
					t.Errorf("%s: %v, %v", name, info.Mode(), err)
				}
			}
		})
	}
}

// Opening a database removes the permissions of other users.
func TestOpenTightensModes(t *testing.T) {
	opts := testOptions(t.TempDir())
	if err := open(t, opts).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(opts.Path, 0o664); err != nil {
		t.Fatal(err)
	}
	open(t, opts)
	if info, err := os.Stat(opts.Path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestOpenTwice(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	_, err := Open(t.Context(), opts)
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), opts.Path) {
		t.Errorf("got %v", err)
	}
	putTestAccount(t, d, testNet, testUser) // undisturbed
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, opts)
}

// The lock belongs to the file, not to the path that was used to open it.
func TestOpenTwiceByLink(t *testing.T) {
	opts := testOptions(t.TempDir())
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(opts.Path, link); err != nil {
		t.Fatal(err)
	}
	d := open(t, opts)
	putTestAccount(t, d, testNet, testUser)
	if _, err := Open(t.Context(), Options{Path: link}); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, Options{Path: link})
	if _, err := d.Account(t.Context(), testNet, testUser); err != nil {
		t.Error(err)
	}
}

func TestOpenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	opts := testOptions(t.TempDir())
	if _, err := Open(ctx, opts); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	open(t, opts)
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, opts Options)
		want   error
	}{
		{"nothing", func(*testing.T, Options) {}, nil},
		{"contact without an account", func(t *testing.T, opts Options) {
			change(t, opts.Path, "INSERT INTO contacts (account, peer, name, groups, subscription, listed, last_seen) VALUES (99, '', '', '', 0, 0, 0)")
		}, ErrCorrupt},
		{"key file gone", func(t *testing.T, opts Options) {
			if err := os.Remove(opts.Path + ".key"); err != nil {
				t.Fatal(err)
			}
		}, ErrKey},
		{"another key file", func(t *testing.T, opts Options) {
			if err := os.WriteFile(opts.Path+".key", []byte("1:"+hexB), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrKey},
		{"proof changed", func(t *testing.T, opts Options) {
			change(t, opts.Path, "UPDATE meta SET value = zeroblob(40)")
		}, ErrKey},
		{"page overwritten", func(t *testing.T, opts Options) {
			var page, size int64
			query(t, opts.Path, "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'messages_queue'", func(row []any) {
				page, size = row[0].(int64), row[1].(int64)
			})
			f, err := os.OpenFile(opts.Path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, int(size)), (page-1)*size); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := testOptions(t.TempDir())
			d := open(t, opts)
			putTestAccount(t, d, testNet, testUser)
			keepTestMessage(t, d, testUser, Inbound, "x")
			if err := d.Close(); err != nil { // so that everything is in the file
				t.Fatal(err)
			}
			d = open(t, opts)
			test.damage(t, opts)
			err := d.Check(t.Context())
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if err != nil && strings.Count(err.Error(), "registry: ") != 1 {
				t.Errorf("%q", err)
			}
		})
	}
}
