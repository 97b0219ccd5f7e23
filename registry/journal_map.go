//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package registry

import (
	"os"
	"syscall"
)

// mapFile maps the first bytes of a file into memory, shared with the kernel.
func mapFile(f *os.File, size int) ([]byte, error) {
	return syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}

func unmapFile(data []byte) error { return syscall.Munmap(data) }
