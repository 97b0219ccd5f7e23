//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package registry

import (
	"os"
)

// lockFile creates the lock file without locking it: this system has no lock that ends
// with the process.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, locate("open: %w: %w", ErrDisk, err)
	}
	return f, nil
}

// keepOwner does nothing: this system has no user who owns everything.
func keepOwner(created, like string) error { return nil }
