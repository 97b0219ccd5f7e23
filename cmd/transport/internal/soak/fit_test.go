package main

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// series returns ten minutes of samples, one in two seconds: a level, a leak a minute, noise,
// and a saw-tooth as of a garbage collector.
func series(level, leak, noise, tooth float64, seed uint64) []point {
	random := rand.New(rand.NewPCG(seed, 2))
	var all []point
	for at := time.Duration(0); at < 10*time.Minute; at += 2 * time.Second {
		v := level + leak*at.Minutes() + noise*random.NormFloat64() + tooth*math.Mod(at.Seconds(), 17)/17
		all = append(all, point{at, v})
	}
	return all
}

// A leak that is injected into the data is found, and noise is none.
func TestFit(t *testing.T) {
	for _, tt := range []struct {
		name                      string
		level, leak, noise, tooth float64
		want                      bool
	}{
		{"constant", 40, 0, 0, 0, false},
		{"nothing", 0, 0, 0, 0, false},
		{"noise", 40, 0, 3, 0, false},
		{"much noise", 40, 0, 20, 0, false},
		{"saw-tooth", 20_000, 0, 200, 8000, false},
		{"a goroutine a minute", 100, 1, 0.5, 0, true},
		{"a goroutine in ten minutes", 100, 0.1, 0.5, 0, false}, // below 2 %
		{"2 % in ten minutes", 1000, 1.9, 0, 0, false},
		{"more than 2 %", 1000, 2.2, 0, 0, true},
		{"1 MiB a minute beneath a saw-tooth", 20_000, 1024, 200, 8000, true},
		{"less and less", 1000, -50, 5, 0, false},
	} {
		for seed := range uint64(50) {
			got := fit(series(tt.level, tt.leak, tt.noise, tt.tooth, seed))
			if got.leaks() != tt.want {
				t.Errorf("%s, seed %d: %+v, allowed %f", tt.name, seed, got, got.allowed())
			}
		}
	}
	if few := fit(series(1, 1, 0, 0, 1)[:2]); few.leaks() {
		t.Errorf("two samples: %+v", few)
	}
}

func TestAfter(t *testing.T) {
	all := series(1, 0, 0, 0, 1)
	if got := after(all, time.Minute); len(got) != 270 || got[0].at != time.Minute {
		t.Errorf("%d samples remain after a minute of %d", len(got), len(all))
	}
	if got := after(all, time.Hour); got != nil {
		t.Errorf("%d samples remain after an hour", len(got))
	}
}

func TestPlot(t *testing.T) {
	got := plot([]point{{0, 0}, {5 * time.Second, 50}, {10 * time.Second, 100}}, 2*time.Second, 20, 4)
	want := strings.Join([]string{
		"       100     |              *",
		"               |     *",
		"               |",
		"         0 *   |",
		"           0           10s",
		""}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if plot(nil, 0, 20, 4) != "" {
		t.Error("no samples have a plot")
	}
}
