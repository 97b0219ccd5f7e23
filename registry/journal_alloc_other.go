//go:build !linux

package registry

import "os"

// allocate gives a new file a size, and reserves that space on the disk.
func allocate(f *os.File, size int64) error { return writeZeros(f, size) }
