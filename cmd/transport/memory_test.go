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

// A process that is never idle returns the memory of a burst, too, and looks for one less
// often while it finds none.
func TestMemoryKeeperBusy(t *testing.T) {
	given := 0
	k := &memoryKeeper{release: func() { given++ }, setPercent: func(int) {}}
	allocated := uint64(0)
	pass := func(seconds int, live, held uint64) int {
		before := given
		for range seconds {
			allocated += 1 << 20
			k.sample(allocated, live<<20, held<<20)
		}
		return given - before
	}
	for i, step := range []struct {
		seconds    int
		live, held uint64 // MiB
		want       int
	}{
		{30, 5, 30, 0},     // small
		{1, 200, 300, 1},   // the burst of which it cannot know yet that it has passed
		{1, 5, 20, 0},      // it has
		{8, 5, 20, 0},      //
		{1, 5, 300, 1},     // another
		{1, 250, 290, 0},   // of use
		{18, 250, 290, 0},  // so that it waits longer
		{1, 250, 290, 1},   //
		{40, 250, 290, 1},  //
		{300, 250, 290, 2}, // and not more rarely than this
	} {
		if got := pass(step.seconds, step.live, step.held); got != step.want {
			t.Errorf("step %d: released %d times, want %d", i, got, step.want)
		}
	}
}
