package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// With little in use, the collector would run after each few megabytes: many times a
// second under load, for nothing. It may wait for so much, and for as much as is in
// use.
const memoryFloor = 16 << 20

const (
	memoryEvery = time.Second
	memoryQuiet = 256 << 10 // bytes allocated since the last look: little goes on
	memoryWaste = 3 << 20   // bytes that are worth giving back
)

// memoryKeeper gives memory back to the system when a burst is over, such as a
// thousand people who sign on after a restart: what that has left behind would
// otherwise stay with an idle process for minutes.
type memoryKeeper struct {
	allocated  uint64 // in all, when it was looked at last
	percent    int    // of what is in use, that may be allocated between collections
	setPercent func(int)
	giveBack   func()
}

// newMemoryKeeper has the collector do it. Where the administrator has set GOGC, the
// collector runs as that says.
func newMemoryKeeper() *memoryKeeper {
	k := &memoryKeeper{giveBack: shrink, setPercent: func(percent int) { debug.SetGCPercent(percent) }}
	if os.Getenv("GOGC") != "" {
		k.setPercent = func(int) {}
	}
	k.look(0, 0, 0)
	return k
}

// shrink collects twice: each time stacks may become half as big.
func shrink() {
	runtime.GC()
	debug.FreeOSMemory()
}

// run looks after the memory until ctx ends.
func (k *memoryKeeper) run(ctx context.Context) {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	ticker := time.NewTicker(memoryEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		metrics.Read(samples)
		value := func(i int) uint64 { return samples[i].Value.Uint64() }
		k.look(value(0), value(1), value(2)+value(3))
	}
}

// look has the collector run as often as is wise, and gives back what is held
// without being in use, once nothing goes on.
func (k *memoryKeeper) look(allocated, live, held uint64) {
	percent := 400 // of the collector's smallest heap of 4 MiB
	if live > 0 {
		percent = int(min(max(100*memoryFloor/live, 100), 400))
	}
	if percent < k.percent*9/10 || percent > k.percent*11/10 {
		k.percent = percent
		k.setPercent(percent)
	}
	quiet := allocated-k.allocated < memoryQuiet
	k.allocated = allocated
	if quiet && held > live+memoryWaste {
		k.giveBack()
	}
}
