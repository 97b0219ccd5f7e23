package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultMaxMessages is how many messages are kept when Options do not say.
const DefaultMaxMessages = 1000

// readConns is how many reads can run at once.
const readConns = 4

// Options say where the database is and how much it takes.
type Options struct {
	// Path is the database file. Beside it are those that SQLite makes
	// (-wal, -shm) and one to lock it with (.lock).
	Path string
	// KeyFile is the file of the keys, Path + ".key" by default. No two
	// databases may share one.
	KeyFile string
	// MaxMessages bounds the messages kept for a user in one direction,
	// DefaultMaxMessages by default.
	MaxMessages int
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// DB is an open database. Its methods may be called concurrently.
type DB struct {
	path, keyFile string
	maxMessages   int
	now           func() time.Time

	lock    *os.File
	pool    *sql.DB
	writer  *writer
	readers chan *conn // the idle ones
	ring    atomic.Pointer[ring]

	closeOnce sync.Once
	closing   chan struct{}
	closeErr  error

	rotating chan struct{} // full while Rotate or Check runs, and once closed
	// crash is called by Rotate between its steps; tests stop it there.
	crash func(step string) error
}

// Open opens the database, or creates it together with its key, mode 0600. It
// brings an older schema up to date.
//
// Errors: ErrKey when the key file is missing, unsafe or of another database;
// ErrBusy when another process has the database open; ErrNewer; ErrCorrupt when
// the file is no database of ours; ErrDisk when files cannot be written.
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
		closing:     make(chan struct{}),
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
	if err := d.open(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *DB) open(ctx context.Context) error {
	if info, err := os.Stat(d.path); err == nil && !info.Mode().IsRegular() {
		return locate("open: %s is a %s: give the path of a file", d.path, kindOf(info))
	}
	var err error
	if d.lock, err = lockFile(d.path); err != nil {
		return err
	}
	if err := securePath(d.path); err != nil {
		return err
	}
	if d.pool, err = sql.Open("sqlite3", dataSource(d.path)); err != nil {
		return wrap("open", d.path, err)
	}
	d.pool.SetMaxOpenConns(1 + readConns)
	c, err := newConn(ctx, d.pool, "secure_delete=ON", "journal_size_limit=67108864")
	if err != nil {
		return d.wrap("open", err)
	}
	if err := d.prepare(ctx, c); err != nil {
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
	return nil
}

// resolve makes a path absolute, and follows links: the same file must always
// have the same lock beside it.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target, nil
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil { // a file that is yet to be made
		return filepath.Join(dir, filepath.Base(path)), nil
	}
	return path, nil // does not exist, which is reported when it is opened
}

func kindOf(info fs.FileInfo) string {
	if info.IsDir() {
		return "folder"
	}
	return "special file"
}

// securePath creates the database file, or takes from others what they may do
// with it. SQLite gives its own files the mode of the database.
func securePath(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return locate("open: %w: %w: the gateway must be able to read and write it", ErrDisk, err)
	}
	f.Close()
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = os.Chmod(name, 0o600)
		}
		if err != nil {
			return locate("open: %w: %w: only the gateway's user may read it: chmod 600 %s", ErrDisk, err, name)
		}
	}
	return nil
}

// prepare checks schema and key, and brings both up to date.
func (d *DB) prepare(ctx context.Context, c *conn) error {
	scripts, err := readMigrations(migrations)
	if err != nil {
		return d.wrap("open", err)
	}
	// Before anything is changed: whose is it?
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
		if err := d.proveKeys(r, sentinel); err != nil {
			return err
		}
	}
	d.ring.Store(r)

	var mode string
	if err := c.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil {
		return d.wrap("open", err)
	}
	if mode != "wal" {
		return locate("open: %s: write-ahead log refused (journal mode %s): is it on a local disk?", d.path, mode)
	}
	if err := migrate(ctx, c, d.path, version, scripts); err != nil {
		return err
	}
	if sentinel == nil {
		return d.wrap("open", writeSentinel(c, r))
	}
	return nil
}

// loadKeys reads the key file. A database that holds nothing sealed yet gets a
// new one if there is none.
func (d *DB) loadKeys(sealed bool) ([]key, error) {
	keys, err := readKeys(d.keyFile)
	if err == nil {
		return keys, nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNoKeys) {
		return nil, err
	}
	if sealed {
		return nil, fmt.Errorf("%w: the passwords in %s cannot be read without it: restore it from a backup", err, d.path)
	}
	k, err := newKey(nil)
	if err != nil {
		return nil, err
	}
	keys = []key{k}
	return keys, writeKeys(d.keyFile, keys)
}

// The sentinel is a sealed value that every database has, so that a wrong key
// is found when the database is opened and not at the first login.
const sentinelName = "sentinel"

var sentinelPlace = place("meta", "value", sentinelName)

// readSentinel returns nil if a crash kept it from being written, which was
// before anything else could be.
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
		return nil, fmt.Errorf("%w: the proof of its key is missing", ErrCorrupt)
	}
	return nil, nil
}

func writeSentinel(c *conn, r *ring) error {
	_, err := c.exec("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
		sentinelName, r.seal([]byte(sentinelName), sentinelPlace))
	return err
}

// proveKeys fails unless the keys are those of this database.
func (d *DB) proveKeys(r *ring, sentinel []byte) error {
	if _, err := r.open(sentinel, sentinelPlace); err != nil {
		return locate("key file %s: %w: it does not belong to database %s: restore the right one from a backup", d.keyFile, ErrKey, d.path)
	}
	return nil
}

// Close carries out what is queued, waits for reads and for Rotate to stop, and
// closes the database.
// Calls that come later return ErrClosed. Closing twice is harmless.
func (d *DB) Close() error {
	d.closeOnce.Do(func() {
		close(d.closing)
		var errs []error
		if d.writer != nil {
			d.writer.stop()
			// Rotate must not touch the key file once others can open the
			// database. Neither it nor Check can begin again.
			d.rotating <- struct{}{}
			for range readConns {
				errs = append(errs, (<-d.readers).close())
			}
			// The last connection to close writes the log back and removes it.
			errs = append(errs, d.writer.c.close())
		} else {
			close(d.readers)
			for c := range d.readers {
				errs = append(errs, c.close())
			}
		}
		if d.pool != nil {
			errs = append(errs, d.pool.Close())
		}
		if d.lock != nil {
			errs = append(errs, d.lock.Close())
		}
		d.closeErr = d.wrap("close", errors.Join(errs...))
	})
	return d.closeErr
}

// write queues an operation and names its error.
func (d *DB) write(ctx context.Context, name string, o op) error {
	o.ctx = ctx
	return d.wrap(name, d.writer.do(&o))
}

// read runs f with a connection that only reads.
func (d *DB) read(ctx context.Context, name string, f func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return d.wrap(name, err)
	}
	select {
	case c := <-d.readers:
		defer func() { d.readers <- c }()
		return d.wrap(name, f(c))
	case <-d.closing:
		return d.wrap(name, ErrClosed)
	case <-ctx.Done():
		return d.wrap(name, ctx.Err())
	}
}
