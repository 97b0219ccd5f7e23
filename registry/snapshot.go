package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-sqlite3"
)

// backupPages is the number of pages that are copied before the context is checked again.
const backupPages = 256

// snapshot copies the database at from to the file at to, which exists and is empty. If live
// is set, other processes may write to the database meanwhile: the copy is its state at the
// begin. Otherwise the database is only read. The copy is one file without a write-ahead
// log, and is on the disk.
func snapshot(ctx context.Context, from, to string, live bool) error {
	params := "&mode=rw"
	if !live {
		params = "&mode=ro"
		if log, err := os.Stat(from + "-wal"); err != nil || log.Size() == 0 {
			params += "&immutable=1" // works also in a folder that cannot be written
		}
	}
	if err := copyPages(ctx, dataSource(from)+params, dataSource(to)); err != nil {
		return wrap("copy", from, err)
	}
	err := func() error {
		pool, err := sql.Open("sqlite3", dataSource(to))
		if err != nil {
			return err
		}
		defer pool.Close()
		// The copy of a database with a write-ahead log would have one, too.
		_, err = pool.ExecContext(ctx, "PRAGMA journal_mode=DELETE")
		return err
	}()
	if err != nil {
		return wrap("copy", to, err)
	}
	f, err := os.OpenFile(to, os.O_RDWR, 0)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err != nil {
		return locate("copy: %w: %w", ErrDisk, err)
	}
	return nil
}

// copyPages copies a database with the online backup API of SQLite.
func copyPages(ctx context.Context, from, to string) (err error) {
	source, release, err := single(ctx, from, "query_only=ON")
	if err != nil {
		return err
	}
	defer release()
	// The copy begins again after each write of another connection, unless a read
	// transaction keeps the state. It does not block others; only the write-ahead log
	// grows while it lasts.
	if _, err := source.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	defer source.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	var n int
	if err := source.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n); err != nil {
		return err
	}
	target, release, err := single(ctx, to, "synchronous=OFF", "journal_mode=OFF")
	if err != nil {
		return err
	}
	defer release()
	return target.Raw(func(t any) error {
		return source.Raw(func(s any) error {
			into, ok1 := t.(*sqlite3.SQLiteConn)
			out, ok2 := s.(*sqlite3.SQLiteConn)
			if !ok1 || !ok2 {
				return fmt.Errorf("unexpected drivers %T and %T", t, s)
			}
			b, err := into.Backup("main", out, "main")
			if err != nil {
				return err
			}
			err = steps(ctx, b)
			return errors.Join(err, b.Finish())
		})
	})
}

// steps copies all pages.
func steps(ctx context.Context, b *sqlite3.SQLiteBackup) error {
	for {
		before := b.Remaining()
		done, err := b.Step(backupPages)
		if done || err != nil {
			return err
		}
		wait := time.Duration(0)
		if b.Remaining() == before { // another connection has the database locked
			wait = 10 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// single opens a single connection.
func single(ctx context.Context, source string, pragmas ...string) (c *conn, release func(), err error) {
	pool, err := sql.Open("sqlite3", source)
	if err != nil {
		return nil, nil, err
	}
	if c, err = newConn(ctx, pool, pragmas...); err != nil {
		pool.Close()
		return nil, nil, err
	}
	return c, func() { c.close(); pool.Close() }, nil
}

// Copy describes a copy of a database.
type Copy struct {
	// Schema is the version of its schema.
	Schema int
	Stats
	// Unreadable is the number of sealed values that the key file cannot decrypt,
	// although it belongs to the database, without those that are set aside.
	Unreadable int
}

// inspect verifies the copy of a database at path, and that the key file belongs to it.
// Nothing else may use the copy. Errors: ErrCorrupt, ErrNewer, ErrKey.
func inspect(ctx context.Context, path, keyFile string) (Copy, *ring, error) {
	var found Copy
	scripts, err := readMigrations(migrations)
	if err != nil {
		return found, nil, err
	}
	c, release, err := single(ctx, dataSource(path)+"&mode=ro&immutable=1")
	if err != nil {
		return found, nil, err
	}
	defer release()
	var text string
	if err := c.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&text); err != nil {
		return found, nil, err
	}
	if text != "ok" {
		return found, nil, fmt.Errorf("%w: %s", ErrCorrupt, text)
	}
	if err := checkFile(ctx, c); err != nil {
		return found, nil, err
	}
	if found.Schema, err = schemaVersion(ctx, c, path, len(scripts)); err != nil {
		return found, nil, err
	}
	if found.Schema == 0 {
		return found, nil, fmt.Errorf("%w: it is empty", ErrCorrupt)
	}
	if err := found.count(c); err != nil {
		return found, nil, err
	}
	// The key file is read after the copy was made: then it has every key of the copy,
	// unless a rotation has ended meanwhile.
	keys, err := readKeys(keyFile)
	if err != nil {
		return found, nil, err
	}
	r, err := newRing(keys)
	if err != nil {
		return found, nil, err
	}
	sentinel, err := readSentinel(c)
	if err == nil && sentinel == nil {
		err = fmt.Errorf("%w: the sentinel that identifies its key is missing", ErrCorrupt)
	}
	if err != nil {
		return found, nil, err
	}
	if _, err := r.open(sentinel, sentinelPlace); err != nil {
		return found, nil, locate("key file %s: %w: it does not belong to this database", keyFile, ErrKey)
	}
	found.Unreadable, err = countUnreadable(ctx, c, r, found.Schema)
	return found, r, err
}

// countUnreadable counts the sealed values of a database with a schema that the keys of r
// cannot decrypt.
func countUnreadable(ctx context.Context, c *conn, r *ring, schema int) (n int, err error) {
	count := func(sealed, place []byte) {
		if _, err := r.open(sealed, place); sealed != nil && err != nil {
			n++
		}
	}
	err = c.each(ctx, "SELECT network, user, sealed_fields, sealed_options, sealed_state FROM accounts", nil, func(scan func(...any) error) error {
		var network, user string
		var fields, options, state []byte
		err := scan(&network, &user, &fields, &options, &state)
		count(fields, accountPlace("fields", network, user))
		count(options, accountPlace("options", network, user))
		count(state, accountPlace("state", network, user))
		return err
	})
	if err != nil {
		return n, err
	}
	messages := "SELECT network, user, direction, peer, stanza_id, created, sealed_payload FROM messages WHERE direction <= ?"
	if schema < 3 { // migrations/0003.sql
		messages = `SELECT a.network, a.user, m.direction, m.peer, m.stanza_id, m.created, m.sealed_payload
			FROM messages m JOIN accounts a ON a.id = m.account WHERE m.direction <= ?`
	}
	err = c.each(ctx, messages, []any{asideBy}, func(scan func(...any) error) error {
		var m Message
		var created int64
		var sealed []byte
		err := scan(&m.Network, &m.User, &m.Direction, &m.Peer, &m.StanzaID, &created, &sealed)
		m.Created = fromMicro(created)
		count(sealed, m.place())
		return err
	})
	if err != nil || schema < 2 { // migrations/0002.sql
		return n, err
	}
	return n, c.each(ctx, `SELECT r.network, r.user, r.room, l.stanza_id, l.created, l.sealed_payload
		FROM archive l JOIN archive_rooms r ON r.id = l.room`, nil, func(scan func(...any) error) error {
		var l Line
		var created int64
		var sealed []byte
		err := scan(&l.Network, &l.User, &l.Room, &l.StanzaID, &created, &sealed)
		l.Created = fromMicro(created)
		count(sealed, l.place())
		return err
	})
}
