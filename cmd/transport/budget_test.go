package main

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/fstest"

	"github.com/rs/zerolog"
)

func TestCgroupLimit(t *testing.T) {
	for _, tt := range []struct {
		name   string
		files  map[string]string
		limit  int64
		budget bool
	}{
		{"no Linux", nil, 0, false},
		{"no limit", map[string]string{"proc/self/cgroup": "0::/system.slice/transport.service\n", "sys/fs/cgroup/system.slice/transport.service/memory.max": "max\n"}, 0, false},
		{"of the service", map[string]string{"proc/self/cgroup": "0::/system.slice/transport.service\n", "sys/fs/cgroup/system.slice/transport.service/memory.max": "268435456\n"}, 256 << 20, true},
		{"of the slice", map[string]string{"proc/self/cgroup": "0::/system.slice/transport.service\n", "sys/fs/cgroup/system.slice/memory.max": "134217728\n",
			"sys/fs/cgroup/system.slice/transport.service/memory.max": "268435456\n"}, 128 << 20, true},
		{"in a container", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1048576000\n"}, 1048576000, true},
		{"version 1", map[string]string{"proc/self/cgroup": "5:cpu:/x\n4:memory:/docker/x\n0::/\n", "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "268435456\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 256 << 20, true},
		{"version 1 without a limit", map[string]string{"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0, false},
		{"not a number", map[string]string{"proc/self/cgroup": "nonsense\n0::/../../a\n", "sys/fs/cgroup/a/memory.max": "-3\n"}, 0, false},
	} {
		root := make(fstest.MapFS)
		for name, text := range tt.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := cgroupLimit(root); got != tt.limit {
			t.Errorf("%s: the limit is %d, want %d", tt.name, got, tt.limit)
		}
		before := debug.SetMemoryLimit(math.MaxInt64)
		if got := newMemory(0, root, zerolog.Nop()); (got != nil) != tt.budget {
			t.Errorf("%s: the budget is %v", tt.name, got)
		}
		if limit := debug.SetMemoryLimit(before); tt.budget && limit != tt.limit/10*9 {
			t.Errorf("%s: the runtime's limit is %d", tt.name, limit)
		}
	}
}

func TestConfiguredMemory(t *testing.T) {
	before := debug.SetMemoryLimit(1 << 40) // as by GOMEMLIMIT
	defer debug.SetMemoryLimit(before)
	root := fstest.MapFS{"proc/self/cgroup": {Data: []byte("0::/\n")}, "sys/fs/cgroup/memory.max": {Data: []byte("1\n")}}
	if newMemory(0, root, zerolog.Nop()) == nil || debug.SetMemoryLimit(-1) != 1<<40 {
		t.Error("GOMEMLIMIT is not the budget")
	}
	if newMemory(1<<30, root, zerolog.Nop()) == nil || debug.SetMemoryLimit(-1) != 1<<30 {
		t.Error("limits.memory is not the budget")
	}
}
