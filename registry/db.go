package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// DefaultMaxMessages is the default of Options.MaxMessages.
const DefaultMaxMessages = 1000 // limit: spooled messages of a user in one direction | to the user: back-pressure on the network; from the user: the message is refused

// readConns is the number of concurrent reads.
const readConns = 4 // limit: concurrent reads of the registry | further ones wait

// Options are the paths and limits of a database.
type Options struct {
	// Path is the database file. In the same folder are SQLite's own files
	// (-wal, -shm) and the lock file (.lock).
	Path string
	// KeyFile is the key file, Path + ".key" by default. Two databases must not
	// share one.
	KeyFile string
	// MaxMessages limits the spooled messages of a user in one direction.
	// The default is DefaultMaxMessages.
	MaxMessages int
	// NoJournal disables the journal (Path + ".journal"): DB.Journal returns nil.
	NoJournal bool
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// DB is an open database. Any goroutine may call its methods.
type DB struct {
	path, keyFile string
	maxMessages   int
	now           func() time.Time

	journal *Journal // nil if it is disabled
	lock    *os.File
	pool    *sql.DB
	writer  *writer
	readers chan *conn // the idle ones
	ring    atomic.Pointer[ring]

	ending ending

	rotating chan struct{} // full while Rotate or Check runs, and after Close
	// crash runs between the steps of Rotate; tests return an error from it.
	crash func(step string) error
}

// Open opens the database, or creates it and its key with mode 0600. It migrates an
// older schema to the current one.
//
// Errors: ErrKey if the key file is missing, has an unsafe mode or belongs to another
// database; ErrBusy if another process has the database open; ErrNewer; ErrCorrupt if
// the file is damaged or no database of this program; ErrDisk if files cannot be
// written.
func Open(ctx context.Context, opts Options) (*DB, error) {
	if opts.Path == "" {
		return nil, errors.New("registry: open: no path given")
	}
	path, err := resolve(opts.Path)
	if err != nil {
		return nil, locate("open: %w", err)
	}
	d := &DB{
		path:        path,
		keyFile:     opts.KeyFile,
		maxMessages: opts.MaxMessages,
		now:         opts.Now,
		readers:     make(chan *conn, readConns),
		ending:      ending{begun: make(chan struct{})},
		rotating:    make(chan struct{}, 1),
		crash:       func(string) error { return nil },
	}
	if d.keyFile == "" {
		d.keyFile = path + ".key"
	} else if d.keyFile, err = filepath.Abs(d.keyFile); err != nil {
		return nil, locate("open: %w", err)
	}
	if d.maxMessages <= 0 {
		d.maxMessages = DefaultMaxMessages
	}
	if d.now == nil {
		d.now = time.Now
	}
	if err := d.open(ctx, opts); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *DB) open(ctx context.Context, opts Options) error {
	if info, err := os.Stat(d.path); err == nil && !info.Mode().IsRegular() {
		return locate("open: %s is a %s: give the path of a file", d.path, kindOf(info))
	}
	var err error
	if d.lock, err = lockFile(d.path); err != nil {
		return err
	}
	scripts, err := readMigrations(migrations)
	if err != nil {
		return d.wrap("open", err)
	}
	if err := refuseNewer(ctx, d.path, len(scripts)); err != nil {
		return err
	}
	if err := securePath(d.path); err != nil {
		return err
	}
	if d.pool, err = sql.Open("sqlite3", dataSource(d.path)); err != nil {
		return wrap("open", d.path, err)
	}
	d.pool.SetMaxOpenConns(1 + readConns)
	c, err := newConn(ctx, d.pool, "secure_delete=ON", "journal_size_limit=4194304")
	if err != nil {
		return d.wrap("open", err)
	}
	if err := d.prepare(ctx, c, scripts); err != nil {
		c.close()
		return err
	}
	for range readConns {
		r, err := newConn(ctx, d.pool, "query_only=ON")
		if err != nil {
			c.close()
			return d.wrap("open", err)
		}
		d.readers <- r
	}
	d.writer = startWriter(c)
	if opts.NoJournal {
		return nil
	}
	if d.journal, err = openJournal(d.path+".journal", d.ring.Load); err != nil {
		return err
	}
	return nil
}

// Journal returns the journal, nil if it is disabled.
func (d *DB) Journal() *Journal { return d.journal }

// resolve returns an absolute path without symbolic links: one file must always have the
// same lock file.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target, nil
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil { // the file does not exist yet
		return filepath.Join(dir, filepath.Base(path)), nil
	}
	return path, nil // opening it reports the error
}

func kindOf(info fs.FileInfo) string {
	if info.IsDir() {
		return "folder"
	}
	return "special file"
}

// securePath creates the database file, or removes the permissions of other users. SQLite
// gives its own files the mode of the database.
func securePath(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return locate("open: %w: %w: give the gateway's user read and write access to it", ErrDisk, err)
	}
	f.Close()
	for _, name := range []string{path, path + "-wal", path + "-shm", path + ".journal"} {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = os.Chmod(name, 0o600)
		}
		if err != nil {
			return locate("open: %w: %w: other users can read it: chmod 600 %s", ErrDisk, err, name)
		}
	}
	return nil
}

// prepare checks the schema and the key, migrates the schema and creates a missing key.
func (d *DB) prepare(ctx context.Context, c *conn, scripts []string) error {
	// Check that the database is this program's before changing it.
	version, err := schemaVersion(ctx, c, d.path, len(scripts))
	if err != nil {
		return err
	}
	var sentinel []byte
	if version > 0 {
		if sentinel, err = readSentinel(c); err != nil {
			return d.wrap("open", err)
		}
	}
	keys, err := d.loadKeys(sentinel != nil)
	if err != nil {
		return err
	}
	r, err := newRing(keys)
	if err != nil {
		return d.wrap("open", err)
	}
	if sentinel != nil {
		if err := r.verify(sentinel, d.keyFile, d.path); err != nil {
			return err
		}
	}
	d.ring.Store(r)

	if version == 0 {
		if err := incremental(ctx, c); err != nil {
			return d.wrap("open", err)
		}
	}
	var mode string
	if err := c.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil {
		return d.wrap("open", err)
	}
	if mode != "wal" {
		return locate("open: %s: SQLite cannot use a write-ahead log (journal mode %s): put the database on a local disk", d.path, mode)
	}
	if err := migrate(ctx, c, d.path, version, scripts); err != nil {
		return err
	}
	if sentinel == nil {
		return d.wrap("open", writeSentinel(c, r))
	}
	convert(ctx, c, d.path)
	return nil
}

// loadKeys reads the key file. If there is none and the database contains no sealed
// value, it creates one.
func (d *DB) loadKeys(sealed bool) ([]key, error) {
	keys, err := readKeys(d.keyFile)
	if err == nil {
		return keys, nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNoKeys) {
		return nil, err
	}
	if sealed {
		return nil, fmt.Errorf("%w: without this key file the passwords in %s cannot be decrypted: restore the key file from a backup", err, d.path)
	}
	k, err := newKey(nil)
	if err != nil {
		return nil, err
	}
	keys = []key{k}
	return keys, writeKeys(d.keyFile, keys)
}

// The sentinel is a sealed value in every database. Opening it detects a wrong key when
// the database is opened, instead of at the first sign-on.
const sentinelName = "sentinel"

var sentinelPlace = place("meta", "value", sentinelName)

// readSentinel returns nil if a crash happened before the sentinel was written; the
// database has no accounts then.
func readSentinel(c *conn) ([]byte, error) {
	var sealed []byte
	err := c.row("SELECT value FROM meta WHERE name=?", []any{sentinelName}, &sealed)
	if !errors.Is(err, ErrNotFound) {
		return sealed, err
	}
	var accounts bool
	if err := c.row("SELECT EXISTS (SELECT 1 FROM accounts)", nil, &accounts); err != nil {
		return nil, err
	}
	if accounts {
		return nil, fmt.Errorf("%w: the sentinel that identifies its key is missing: restore the database from a backup", ErrCorrupt)
	}
	return nil, nil
}

func writeSentinel(c *conn, r *ring) error {
	_, err := c.exec("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
		sentinelName, r.seal([]byte(sentinelName), sentinelPlace))
	return err
}

// verify returns ErrKey if the keys of a file do not belong to the database at path.
func (r *ring) verify(sentinel []byte, keyFile, path string) error {
	if _, err := r.open(sentinel, sentinelPlace); err != nil {
		return locate("key file %s: %w: it does not belong to database %s: restore the right key file from a backup", keyFile, ErrKey, path)
	}
	return nil
}

// write queues an operation, waits for its result, and adds its name to the error.
func (d *DB) write(ctx context.Context, name string, o op) error {
	o.ctx = ctx
	return d.wrap(name, d.writer.do(&o))
}

// read runs f with a read-only connection.
func (d *DB) read(ctx context.Context, name string, f func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return d.wrap(name, err)
	}
	select {
	case c := <-d.readers:
		defer func() { d.readers <- c }()
		return d.wrap(name, f(c))
	case <-d.ending.begun:
		return d.wrap(name, ErrClosed)
	case <-ctx.Done():
		return d.wrap(name, ctx.Err())
	}
}
