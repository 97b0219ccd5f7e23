//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package registry

import (
	"errors"
	"os"
)

func mapFile(*os.File, int) ([]byte, error) {
	return nil, errors.New(`this system has no mapped files: set durability = "memory" in [database]`)
}

func unmapFile([]byte) error { return nil }
