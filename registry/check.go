package registry

import (
	"context"
	"errors"
	"fmt"
)

// Check looks for damage: in the file, in the references between tables, and
// whether the key file, as it is on the disk now, is that of the database. It
// reads the whole database. Errors: ErrCorrupt, ErrKey.
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
			err = fmt.Errorf("%w: the proof of its key is missing", ErrCorrupt)
		}
		if err != nil {
			return err
		}
		return d.proveKeys(r, sentinel)
	})
}

// checkFile may take long, so these statements can be interrupted.
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
		return fmt.Errorf("%w: a row belongs to no account", ErrCorrupt)
	}
	return rows.Err()
}

// Stats counts everything. It does not read the rows.
func (d *DB) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	err := d.read(ctx, "count", func(c *conn) error {
		return c.row("SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM contacts), (SELECT count(*) FROM messages)",
			nil, &s.Accounts, &s.Contacts, &s.Messages)
	})
	return s, err
}

// lockRotation keeps the key file from changing until unlockRotation.
func (d *DB) lockRotation(ctx context.Context) error {
	select {
	case d.rotating <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.closing:
		return ErrClosed
	}
}

func (d *DB) unlockRotation() { <-d.rotating }

// opener opens values that were read from the database. It is made before they
// are read: then it has every key that they can be sealed with, unless they are
// newer than it, and then the current ring has it.
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
