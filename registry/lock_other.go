//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package registry

import (
	"os"
)

// lockFile only marks that the database is in use: there is no lock on this
// system that goes away with the process.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, locate("open: %w: %w", ErrDisk, err)
	}
	return f, nil
}
