package registry

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// BackupOptions say where a backup is written.
type BackupOptions struct {
	// Path is the file of the copy.
	Path string
	// WithKey: also copy the key file, to Path + ".key".
	WithKey bool
	// Force: replace existing files.
	Force bool
}

// Backup copies the database that opts describes to a file with mode 0600, verifies the copy
// and describes it. Another process, or this one, may have the database open and write to it:
// the copy is its state when Backup began. It has no messages that are only in the journal.
// Any goroutine may call it.
//
// The file appears under its name when it is complete and on the disk. After an error there
// is no new file. Errors: fs.ErrNotExist, fs.ErrExist, ErrNewer, ErrCorrupt, ErrKey, ErrDisk.
func Backup(ctx context.Context, opts Options, b BackupOptions) (found Copy, err error) {
	path, err := resolve(opts.Path)
	if err != nil {
		return found, locate("backup: %w", err)
	}
	to, err := filepath.Abs(b.Path)
	if err != nil {
		return found, locate("backup: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return found, locate("backup: %w", err)
	}
	targets := []string{to}
	if b.WithKey {
		targets = append(targets, to+".key")
	}
	for _, name := range targets {
		there, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return found, locate("backup: %w: %w", ErrDisk, err)
		}
		if os.SameFile(info, there) || name == keyFileOf(opts, path) {
			return found, locate("backup: %s is the file to copy: choose another name", name)
		}
		if !b.Force || !there.Mode().IsRegular() {
			return found, locate("backup: %s: %w: choose another name", name, fs.ErrExist)
		}
	}
	scripts, err := readMigrations(migrations)
	if err != nil {
		return found, wrap("backup", path, err)
	}
	if err := refuseNewer(ctx, path, len(scripts)); err != nil {
		return found, err
	}
	f, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.new") // mode 0600
	if err != nil {
		return found, locate("backup: %w: %w", ErrDisk, err)
	}
	temp := f.Name()
	f.Close()
	defer removeDatabase(temp)
	if err := snapshot(ctx, path, temp, true); err != nil {
		return found, err
	}
	found, r, err := inspect(ctx, temp, keyFileOf(opts, path))
	if err != nil {
		return found, wrap("backup", path, err)
	}
	if b.WithKey {
		if err := writeKeys(to+".key", r.keys); err != nil {
			return found, err
		}
	}
	if err := rename(temp, to, b.Force); err != nil {
		if b.WithKey {
			os.Remove(to + ".key")
		}
		return found, locate("backup: %w: %w", ErrDisk, err)
	}
	return found, nil
}

// keyFileOf returns the key file of the database at path.
func keyFileOf(opts Options, path string) string {
	if opts.KeyFile == "" {
		return path + ".key"
	}
	file, err := filepath.Abs(opts.KeyFile)
	if err != nil {
		return opts.KeyFile // opening it reports the error
	}
	return file
}

// removeDatabase deletes the files of a database, if they exist.
func removeDatabase(path string) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		os.Remove(path + suffix)
	}
}

// rename gives a file its name, and makes that durable. Unless replace is set, a file with
// that name is an error.
func rename(from, to string, replace bool) error {
	if !replace {
		err := os.Link(from, to)
		if errors.Is(err, fs.ErrExist) {
			return err
		}
		if err == nil {
			return errors.Join(os.Remove(from), syncDir(filepath.Dir(to)))
		}
		// The file system has no links.
		if _, err := os.Lstat(to); err == nil {
			return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
		}
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}
