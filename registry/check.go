package registry

import (
	"context"
	"errors"
	"fmt"
)

// Check verifies the file, the references between tables, and that the key file now on
// the disk belongs to the database. It reads the whole database. Errors: ErrCorrupt,
// ErrKey.
func (d *DB) Check(ctx context.Context) error {
	if err := d.lockRotation(ctx); err != nil {
		return d.wrap("check", err)
	}
	defer d.unlockRotation()
	return d.read(ctx, "check", func(c *conn) error {
		if err := checkFile(ctx, c); err != nil {
			return err
		}
		keys, err := readKeys(d.keyFile)
		if err != nil {
			return err
		}
		r, err := newRing(keys)
		if err != nil {
			return err
		}
		sentinel, err := readSentinel(c)
		if err == nil && sentinel == nil {
			err = fmt.Errorf("%w: the sentinel that identifies its key is missing: restore the database from a backup", ErrCorrupt)
		}
		if err != nil {
			return err
		}
		return r.verify(sentinel, d.keyFile, d.path)
	})
}

// checkFile verifies the database file. It can take long, so its statements use ctx.
func checkFile(ctx context.Context, c *conn) error {
	var text string
	if err := c.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&text); err != nil {
		return err
	}
	if text != "ok" {
		return fmt.Errorf("%w: %s: restore it from a backup", ErrCorrupt, text)
	}
	rows, err := c.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		return fmt.Errorf("%w: a row refers to a missing account: restore the database from a backup", ErrCorrupt)
	}
	return rows.Err()
}

// Stats returns totals over all networks. It does not read the rows.
func (d *DB) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	err := d.read(ctx, "count", s.count)
	return s, err
}

// count counts the rows of a database of any schema.
func (s *Stats) count(c *conn) error {
	return c.row("SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM contacts), (SELECT count(*) FROM messages WHERE direction <= ?1), "+
		"(SELECT count(*) FROM messages WHERE direction > ?1) + (SELECT count(*) FROM meta WHERE substr(name, 1, length(?2)) = ?2)",
		[]any{asideBy, asidePrefix}, &s.Accounts, &s.Contacts, &s.Messages, &s.Damaged)
}

// lockRotation waits for Rotate and Check, and excludes both until unlockRotation.
func (d *DB) lockRotation(ctx context.Context) error {
	select {
	case d.rotating <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.ending.begun:
		return ErrClosed
	}
}

func (d *DB) unlockRotation() { <-d.rotating }

// opener decrypts values from the database. It must be created before they are read: then
// its ring has the key of every value, unless Rotate has added a key since, which is in
// the current ring.
type opener struct {
	d *DB
	r *ring
}

func (d *DB) opener() opener { return opener{d, d.ring.Load()} }

func (o opener) open(sealed, place []byte) ([]byte, error) {
	plain, err := o.r.open(sealed, place)
	if v := errVersion(0); errors.As(err, &v) {
		return o.d.ring.Load().open(sealed, place)
	}
	return plain, err
}
