//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockFile locks the database at path until the returned file is closed or the process
// ends. The lock file is never deleted: deleting it would be a race. ErrBusy if another
// process has the lock.
func lockFile(path string) (*os.File, error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, locate("open: %w: %w: give the gateway's user write access to that folder", ErrDisk, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		pid, _ := io.ReadAll(io.LimitReader(f, 20)) // for the message only
		f.Close()
		by := "another process" // it has not written its ID yet
		if id := strings.TrimSpace(string(pid)); id != "" {
			by = "process " + id
		}
		return nil, locate("open: %s: %w by %s: stop that process first", path, ErrBusy, by)
	}
	if err != nil {
		f.Close()
		return nil, locate("open: lock %s: %w: put the database on a local disk", name, err)
	}
	if err := keepOwner(name, path); err != nil {
		f.Close()
		return nil, locate("open: %w: %w", ErrDisk, err)
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return f, nil
}

// keepOwner gives a file that root has created the owner of the file that it replaces or
// belongs to, or of its folder. The gateway does not run as root.
func keepOwner(created, like string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(like)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Dir(like))
	}
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	err = os.Chown(created, int(stat.Uid), int(stat.Gid))
	if errors.Is(err, fs.ErrPermission) {
		return nil // a root who may not do everything, as in some containers
	}
	return err
}
