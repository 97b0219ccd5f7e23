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

// lockFile takes the lock of the database at path, which lasts until the file
// is closed or the process ends. The file stays: removing it would be a race.
func lockFile(path string) (*os.File, error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, locate("open: %w: %w: the gateway must be able to write to that folder", ErrDisk, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		pid, _ := io.ReadAll(io.LimitReader(f, 20)) // only to help
		f.Close()
		return nil, locate("open: %s: %w by process %s: stop that first", path, ErrBusy, strings.TrimSpace(string(pid)))
	}
	if err != nil {
		f.Close()
		return nil, locate("open: lock %s: %w: is it on a local disk?", name, err)
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return f, nil
}
