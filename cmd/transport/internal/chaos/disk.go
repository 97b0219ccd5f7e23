package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// disk is a small file system in memory for the gateway's database, which can become full or
// read-only. Without the right to mount one, it is an ordinary folder that cannot.
type disk struct {
	dir     string
	mounted bool
	missing error // why it is not mounted
}

const diskOptions = "mode=700,size=96m" // more than 200 users need, little enough to fill at once

// newDisk mounts a disk at dir. The caller must call close.
func newDisk(dir string) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d := &disk{dir: dir}
	d.missing = mountMemory(dir, diskOptions)
	d.mounted = d.missing == nil
	return d, nil
}

// close unmounts the disk.
func (d *disk) close() error {
	if !d.mounted {
		return nil
	}
	d.mounted = false
	return unmount(d.dir)
}

func (d *disk) filler() string { return filepath.Join(d.dir, "filler") }

// fill leaves no space on the disk.
func (d *disk) fill() error {
	f, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		for block := make([]byte, size); ; {
			if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
				break
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// free gives the space back.
func (d *disk) free() error {
	err := os.Remove(d.filler())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// setReadOnly makes the disk read-only, or writable again. No file on it may be open for
// writing.
func (d *disk) setReadOnly(yes bool) error {
	if err := remountMemory(d.dir, diskOptions, yes); err != nil {
		return fmt.Errorf("remount %s: %w", d.dir, err)
	}
	return nil
}
