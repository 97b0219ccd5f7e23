package main

import "syscall"

// mountMemory mounts a file system in memory. It needs the rights of root.
func mountMemory(dir, options string) error { return syscall.Mount("tmpfs", dir, "tmpfs", 0, options) }

// remountMemory makes one read-only, or writable again.
func remountMemory(dir, options string, readOnly bool) error {
	flags := uintptr(syscall.MS_REMOUNT)
	if readOnly {
		flags |= syscall.MS_RDONLY
	}
	return syscall.Mount("tmpfs", dir, "tmpfs", flags, options)
}

// unmount unmounts a file system, even if it is in use.
func unmount(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }
