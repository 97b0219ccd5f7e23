//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package registry

import (
	"errors"
	"fmt"
	"io"
	"os"
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
		return nil, locate("open: %s: %w by process %s: stop that process first", path, ErrBusy, strings.TrimSpace(string(pid)))
	}
	if err != nil {
		f.Close()
		return nil, locate("open: lock %s: %w: put the database on a local disk", name, err)
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return f, nil
}
