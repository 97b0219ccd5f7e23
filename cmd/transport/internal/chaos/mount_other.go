//go:build !linux

package main

import "errors"

// mountMemory is not supported on this system.
func mountMemory(string, string) error { return errors.ErrUnsupported }

// remountMemory is not supported on this system.
func remountMemory(string, string, bool) error { return errors.ErrUnsupported }

// unmount is not supported on this system.
func unmount(string) error { return errors.ErrUnsupported }
