package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"transport/component"
)

// memoryFloor is how many bytes the process may allocate between two garbage
// collections while the live heap is small. With Go's default (GOGC=100) a heap of a few
// megabytes would be collected many times a second under load. A larger live heap is
// collected when it has doubled, as usual.
const memoryFloor = 16 << 20

const (
	memoryEvery = time.Second
	memoryQuiet = 256 << 10 // idle: fewer bytes than this were allocated since the last sample
	memoryWaste = 3 << 20   // unused bytes that are worth returning to the system
	memoryPeak  = 32 << 20  // held bytes above which a busy process looks for a burst that has passed
	memoryPause = 10        // samples between two such looks, each of which costs a collection
	memoryIdle  = 120       // the same after looks that have found nothing
)

// memoryKeeper returns memory to the operating system after a burst, such as a thousand
// sign-ons after a restart. Without it, an idle process would keep that memory for
// minutes. It belongs to the goroutine of run.
type memoryKeeper struct {
	budget     *component.Memory // nil for none
	allocated  uint64            // total bytes allocated at the last sample
	since      int               // samples since the last return of memory
	pause      int               // samples until the next one while the process is busy, at least memoryPause
	released   uint64            // held bytes before the last one, 0 once its effect is known
	percent    int               // GOGC: bytes allocated between collections, in percent of the live heap
	setPercent func(int)
	release    func()
}

// newMemoryKeeper returns a keeper that controls the runtime's garbage collector, and samples
// the memory for a budget, nil for none. If the environment variable GOGC is set, it does not
// change the collector's rate.
func newMemoryKeeper(budget *component.Memory) *memoryKeeper {
	k := &memoryKeeper{budget: budget, release: shrink, setPercent: func(percent int) { debug.SetGCPercent(percent) }}
	if os.Getenv("GOGC") != "" {
		k.setPercent = func(int) {}
	}
	k.sample(0, 0, 0)
	return k
}

// shrink collects twice: each collection may halve the size of stacks.
func shrink() {
	runtime.GC()
	debug.FreeOSMemory()
}

// run takes a sample every memoryEvery until ctx ends.
func (k *memoryKeeper) run(ctx context.Context) {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
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
		held := value(2) + value(3)
		k.budget.Sample(value(4) - value(5) - value(6) - held + value(1)) // all that a collection cannot free
		k.sample(value(0), value(1), held)
	}
}

// sample sets the collector's rate, and returns unused memory to the system if the process
// is idle, or if a burst has left much of it. The arguments are bytes: allocated in total, in
// the live heap, and held from the system.
func (k *memoryKeeper) sample(allocated, live, held uint64) {
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
	if k.since++; k.released > 0 {
		if k.pause = min(2*max(k.pause, memoryPause), memoryIdle); held < k.released/4*3 {
			k.pause = memoryPause
		}
		k.released = 0
	}
	// Only a collection shows that a burst has passed, and a process with little traffic
	// collects rarely.
	passed := held > memoryPeak && k.since >= max(k.pause, memoryPause)
	if passed {
		k.released = held
	}
	if passed || quiet && held > live+memoryWaste {
		k.since = 0
		k.release()
	}
}
