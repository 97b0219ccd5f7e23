package main

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"path"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/rs/zerolog"

	"transport/component"
)

// newMemory returns the memory budget of the process: the configured one in bytes, or for 0
// the limit that its environment sets, nil if there is none. root is the file system.
//
// The Go runtime collects garbage more often as the process nears the budget; the components
// refuse what is new.
func newMemory(configured int64, root fs.FS, log zerolog.Logger) *component.Memory {
	budget, from := configured, "limits.memory"
	if budget == 0 {
		if budget = debug.SetMemoryLimit(-1); budget < math.MaxInt64 {
			from = "GOMEMLIMIT"
		} else if budget, from = cgroupLimit(root)/10*9, "cgroup"; budget == 0 {
			return nil
		}
	}
	debug.SetMemoryLimit(budget)
	log.Info().Int64("bytes", budget).Str("from", from).Msg("memory budget")
	return component.NewMemory(uint64(budget), log)
}

// cgroupLimit returns the lowest memory limit of the process's control groups in bytes, 0 for
// none. SQLite and the program itself need a part of it that the Go runtime does not count.
func cgroupLimit(root fs.FS) int64 {
	data, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0 // not Linux
	}
	least := int64(math.MaxInt64)
	read := func(file string) {
		text, err := fs.ReadFile(root, file)
		if n, numErr := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64); err == nil && numErr == nil && n > 0 {
			least = min(least, n)
		}
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		_, rest, _ := strings.Cut(lines.Text(), ":") // behind the number of the hierarchy
		controllers, group, _ := strings.Cut(rest, ":")
		mount, file := "sys/fs/cgroup", "memory.max"
		switch controllers {
		case "": // version 2
		case "memory":
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for group = path.Clean("/" + group); ; group = path.Dir(group) { // a parent's limit applies, too
			read(path.Join(mount, group, file))
			if group == "/" {
				break
			}
		}
	}
	if least >= math.MaxInt64/2 { // version 1 has a large number for none
		return 0
	}
	return least
}
