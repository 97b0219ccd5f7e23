//go:build !linux

package main

// forbidCoreDumps does nothing: the system has no such call.
func forbidCoreDumps() error { return nil }
