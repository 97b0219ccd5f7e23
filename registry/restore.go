package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// RestoreOptions say what Restore restores.
type RestoreOptions struct {
	// Path is the file of the backup.
	Path string
	// Key is the key file of the backup, which replaces the one of the database. By
	// default the key file stays.
	Key string
	// Force: restore a backup in which some values cannot be decrypted.
	Force bool
}

// Restored describes what Restore has done.
type Restored struct {
	Copy
	// Old and OldKey are the new names of the former database and key file, "" if there
	// were none or the key file has not changed. OldMessages is the number of spooled
	// messages of the former database, -1 if it could not be read.
	Old, OldKey string
	OldMessages int
	// Journaled is the number of messages in the journal. The next process that opens the
	// database gives them an outcome. If some cannot be decrypted with the key of the
	// backup, the journal has the new name OldJournal instead.
	Journaled  int
	OldJournal string
}

// Restore replaces the database that opts describes by a backup. It copies the backup and
// verifies the copy and its key before it changes anything. The former database is kept
// under a new name. After an error or a crash the database is the former one, or the backup
// as a whole; then Restore can be repeated.
//
// ErrBusy if a process has the database open. Other errors: fs.ErrNotExist, ErrNewer,
// ErrCorrupt, ErrKey, ErrDisk.
func Restore(ctx context.Context, opts Options, b RestoreOptions) (done Restored, err error) {
	path, err := resolve(opts.Path)
	if err != nil {
		return done, locate("restore: %w", err)
	}
	from, err := filepath.Abs(b.Path)
	if err != nil {
		return done, locate("restore: %w", err)
	}
	info, err := os.Stat(from)
	if err != nil {
		return done, locate("restore: %w", err)
	}
	if old, err := os.Stat(path); err == nil && os.SameFile(info, old) || !info.Mode().IsRegular() {
		return done, locate("restore: %s is no backup: give the path of another file", from)
	}
	keyFile := keyFileOf(opts, path)
	newKey := keyFile
	if b.Key != "" {
		newKey = b.Key
	}
	lock, err := lockFile(path)
	if err != nil {
		return done, err
	}
	defer lock.Close()

	temp := path + ".restore"
	removeDatabase(temp) // left by an earlier crash
	defer removeDatabase(temp)
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return done, locate("restore: %w: %w", ErrDisk, err)
	}
	f.Close()
	if err := snapshot(ctx, from, temp, false); err != nil {
		return done, err
	}
	found, r, err := inspect(ctx, temp, newKey)
	if err != nil {
		return done, wrap("restore", from, err)
	}
	if found.Unreadable > 0 && !b.Force {
		return done, locate("restore: %s: %w: %d values in it cannot be decrypted with key file %s", from, ErrCorrupt, found.Unreadable, newKey)
	}
	if err := keepOwner(temp, path); err != nil {
		return done, locate("restore: %w: %w", ErrDisk, err)
	}
	now := time.Now
	if opts.Now != nil {
		now = opts.Now
	}
	s := swap{path: path, suffix: ".before-restore-" + now().UTC().Format("20060102T150405Z"), done: Restored{Copy: found}}
	for n, base := 2, s.suffix; s.taken(keyFile); n++ {
		s.suffix = fmt.Sprint(base, "-", n)
	}
	if err := s.run(ctx, temp, keyFile, b.Key != "", r); err != nil {
		return done, wrap("restore", path, err)
	}
	return s.done, nil
}

// swap replaces a database whose lock is held.
type swap struct {
	path   string
	suffix string // of the names of former files
	done   Restored
}

// taken reports whether a former file has one of the names already.
func (s *swap) taken(keyFile string) bool {
	for _, name := range []string{s.path, keyFile, s.path + ".journal"} {
		if _, err := os.Lstat(name + s.suffix); err == nil {
			return true
		}
	}
	return false
}

func (s *swap) run(ctx context.Context, temp, keyFile string, withKey bool, r *ring) error {
	if withKey {
		// If a crash follows, the former database does not open: Restore is to be
		// repeated.
		if err := s.replaceKey(keyFile, r); err != nil {
			return err
		}
	}
	if err := s.keepOld(ctx); err != nil {
		return err
	}
	if err := os.Rename(temp, s.path); err != nil {
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	if err := s.keepJournal(r); err != nil {
		return err
	}
	return syncDir(filepath.Dir(s.path))
}

// replaceKey writes the keys of r to the key file, and keeps a former key file with other
// keys.
func (s *swap) replaceKey(keyFile string, r *ring) error {
	former, err := readKeys(keyFile)
	if err == nil && string(formatKeys(former)) == string(formatKeys(r.keys)) {
		return nil
	}
	if _, err := os.Stat(keyFile); err == nil {
		if err := keep(keyFile, keyFile+s.suffix); err != nil {
			return err
		}
		s.done.OldKey = keyFile + s.suffix
	}
	return writeKeys(keyFile, r.keys)
}

// keepOld gives the former database a second name. At no time is there no database under its
// own name, since a gateway that starts then would create an empty one.
func (s *swap) keepOld(ctx context.Context) error {
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		removeLog(s.path)
		return nil
	}
	s.done.Old = s.path + s.suffix
	s.done.OldMessages = -1
	// The write-ahead log of the former database must not be applied to the backup, and
	// belongs to the database that is kept: closing it writes the log to the file.
	err := s.writeBack(ctx)
	if err == nil {
		removeLog(s.path)
		return keep(s.path, s.done.Old)
	}
	if wrapped := wrap("restore", s.path, err); !errors.Is(wrapped, ErrCorrupt) {
		return wrapped
	}
	// It is damaged: what SQLite has left of its log is kept beside it.
	if err := keep(s.path, s.done.Old); err != nil {
		return err
	}
	for _, suffix := range []string{"-wal", "-journal"} {
		if err := os.Rename(s.path+suffix, s.done.Old+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", ErrDisk, err)
		}
	}
	removeLog(s.path)
	return nil
}

// writeBack writes the write-ahead log of the former database to its file, and counts its
// messages.
func (s *swap) writeBack(ctx context.Context) error {
	c, release, err := single(ctx, dataSource(s.path)+"&mode=rw")
	if err != nil {
		return err
	}
	defer release()
	var busy, pages, moved int
	if err := c.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return fmt.Errorf("%w: another program has it open: stop that program first", ErrBusy)
	}
	if stats := (Stats{}); stats.count(c) == nil {
		s.done.OldMessages = stats.Messages
	}
	return nil
}

// keepJournal leaves the journal in its place if r decrypts all of it.
func (s *swap) keepJournal(r *ring) error {
	path := s.path + ".journal"
	all, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	j := Journal{path: path, ring: func() *ring { return r }}
	found := j.recover(all)
	s.done.Journaled = len(found.entries)
	if found.damaged == nil {
		return nil
	}
	if err := os.Rename(path, path+s.suffix); err != nil {
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	s.done.OldJournal = path + s.suffix
	return nil
}

// removeLog deletes SQLite's files beside a database.
func removeLog(path string) {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		os.Remove(path + suffix)
	}
}

// keep gives a file a second name, so that the first can be given to another file. If the
// file system has no links, it copies the file.
func keep(path, name string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrDisk, err)
		}
	}()
	if err := os.Link(path, name); err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Sync(), to.Close(), keepOwner(name, path))
}
