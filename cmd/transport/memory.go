package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	memoryEvery = time.Second
	memoryQuiet = 256 << 10 // bytes allocated since the last look: little goes on
	memoryWaste = 6 << 20   // bytes that are worth giving back
)

// memoryKeeper gives memory back to the system when a burst is over, such as a
// thousand people who sign on after a restart: what that has left behind would
// otherwise stay with an idle process for minutes.
type memoryKeeper struct {
	allocated uint64 // in all, when it was looked at last
	giveBack  func()
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

// look gives back what is held without being in use, once nothing goes on.
func (k *memoryKeeper) look(allocated, live, held uint64) {
	quiet := allocated-k.allocated < memoryQuiet
	k.allocated = allocated
	if quiet && held > live+memoryWaste {
		k.giveBack()
	}
}

// newMemoryKeeper has the collector give memory back.
func newMemoryKeeper() *memoryKeeper { return &memoryKeeper{giveBack: debug.FreeOSMemory} }
