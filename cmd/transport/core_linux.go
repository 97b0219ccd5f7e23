package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

// forbidCoreDumps keeps the kernel from writing the process's memory, which has passwords, into
// a file, and processes of the same user from reading it. The limit alone does not bind a program
// that core_pattern names. (prctl(2), core(5))
func forbidCoreDumps() error {
	return errors.Join(unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0), unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}))
}
