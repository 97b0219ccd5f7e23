package main

import "testing"

func TestMemoryKeeper(t *testing.T) {
	given := 0
	k := &memoryKeeper{release: func() { given++ }, setPercent: func(int) {}}
	for i, step := range []struct {
		allocated, live, held uint64 // MiB
		want                  int
	}{
		{100, 20, 50, 0}, // a burst
		{150, 20, 60, 0}, // still
		{150, 20, 60, 1}, // it is over
		{150, 30, 31, 1}, // nothing to give
		{150, 30, 32, 1}, // too little
		{160, 30, 45, 1}, // another
		{160, 30, 45, 2},
	} {
		if k.sample(step.allocated<<20, step.live<<20, step.held<<20); given != step.want {
			t.Errorf("step %d: released %d times, want %d", i, given, step.want)
		}
	}
}

func TestMemoryKeeperPercent(t *testing.T) {
	set := 0
	k := &memoryKeeper{setPercent: func(percent int) { set = percent }}
	for _, step := range []struct{ live, want int }{{0, 400}, {2, 400}, {8, 200}, {9, 177}, {9, 177}, {16, 100}, {32, 100}, {500, 100}} {
		if k.sample(0, uint64(step.live)<<20, 0); set != step.want {
			t.Errorf("with %d MiB in use: %d %%, want %d", step.live, set, step.want)
		}
	}
}
