package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"
)

// The sentinels for errors.Is.
var (
	// ErrNotFound: there is no such account, contact or login.
	ErrNotFound = errors.New("not found")
	// ErrFull: the spool of this user in this direction has Options.MaxMessages.
	ErrFull = errors.New("too many spooled messages")
	// ErrKey: the key file is missing, unreadable, has an unsafe mode, or belongs to
	// another database.
	ErrKey = errors.New("wrong key")
	// ErrNewer: a newer version of the program has written the database.
	ErrNewer = errors.New("database is newer than this program")
	// ErrCorrupt: the database is damaged, was tampered with, or is another kind of file.
	ErrCorrupt = errors.New("database is damaged")
	// ErrBusy: another process has the database open.
	ErrBusy = errors.New("database is in use")
	// ErrDisk: the disk is full, failing or read-only.
	ErrDisk = errors.New("disk error")
	// ErrClosed: the database has been closed.
	ErrClosed = errors.New("closed")
)

// located is an error whose text already contains the operation and the file.
type located struct{ error }

func (l located) Unwrap() error { return l.error }

// locate returns an error that wrap does not change.
func locate(format string, args ...any) error {
	return located{fmt.Errorf("registry: "+format, args...)}
}

// wrap classifies an error of SQLite, and adds the operation and the file to its text.
func (d *DB) wrap(op string, err error) error { return wrap(op, d.path, err) }

func wrap(op, path string, err error) error {
	if l := (located{}); err == nil || errors.As(err, &l) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, ErrNotFound) || errors.Is(err, ErrFull) || errors.Is(err, ErrClosed) {
		return locate("%s: %w", op, err)
	}
	if errors.Is(err, errSealed) {
		return locate("%s: %s: %w: %w", op, path, ErrCorrupt, err)
	}
	if v := errVersion(0); errors.As(err, &v) {
		return locate("%s: %s: %w: %w", op, path, ErrKey, err)
	}
	var se sqlite3.Error
	if !errors.As(err, &se) {
		return locate("%s: %s: %w", op, path, err)
	}
	kind, fix := ErrDisk, ""
	switch se.Code {
	case sqlite3.ErrFull:
		fix = "the disk is full: free some space"
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm, sqlite3.ErrAuth:
		fix = "cannot be written: check the owner and mode of the file and its folder"
	case sqlite3.ErrIoErr:
		fix = "cannot be read or written: check the disk"
	case sqlite3.ErrCorrupt:
		kind, fix = ErrCorrupt, "restore it from a backup"
	case sqlite3.ErrNotADB:
		kind, fix = ErrCorrupt, "this file is no SQLite database: check the path"
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		kind, fix = ErrBusy, "another process has it open: stop that process first"
	default:
		return locate("%s: %s: %w", op, path, err)
	}
	return locate("%s: %s: %w: %s: %w", op, path, kind, fix, err)
}
