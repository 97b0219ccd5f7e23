// Soak runs the gateway between real XMPP and IRC servers and the mock ICQ network for a long
// time, while users come and go, rooms fill and empty, and the connections on both sides
// break: make soak. It samples the goroutines, descriptors, memory and database of the
// gateway.
//
// It exits with 1 if one of them grows: if the straight line through the samples after the
// warm-up rises by more than twice their standard deviation from it, and by more than 2 % of
// their mean.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	length, warm time.Duration
	users        int
	seed         uint64
	program      string
}

const (
	sampleEvery  = 2 * time.Second
	disturbEvery = 40 * time.Second
	progressOf   = 10 // lines of progress
)

func main() {
	var o options
	flag.DurationVar(&o.length, "for", 30*time.Minute, "how long the run takes")
	flag.DurationVar(&o.warm, "warm-up", 0, "samples of this time at the beginning do not count; 0 for a third of the run, at most 10 minutes")
	flag.IntVar(&o.users, "users", 20, "number of users")
	flag.Uint64Var(&o.seed, "seed", 0, "what users do; 0 for a random one")
	flag.StringVar(&o.program, "transport", "", "the transport program; without it, build one")
	flag.Parse()
	if o.warm == 0 {
		o.warm = min(o.length/3, 10*time.Minute)
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000) + 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := run(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// run makes a run and prints its result.
func run(ctx context.Context, o options) (failed bool, err error) {
	dir, err := os.MkdirTemp("", "transport-soak-")
	if err != nil {
		return false, err
	}
	defer func() {
		if !failed && err == nil {
			os.RemoveAll(dir)
		} else {
			fmt.Println("The configuration, the log and the database are in", dir)
		}
	}()
	if o.program == "" {
		o.program = filepath.Join(dir, "transport")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", o.program, "./cmd/transport").CombinedOutput(); err != nil {
			return false, fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	fmt.Printf("%d users, %v of which %v are the warm-up, seed %d\n", o.users, o.length, o.warm, o.seed)
	w, err := newWorld(ctx, dir, o.program, o.users)
	defer func() { err = errors.Join(err, w.close()) }()
	if err != nil {
		return false, err
	}
	s, err := w.soak(ctx, o)
	problems := w.problems()
	for _, problem := range problems {
		fmt.Println(problem)
	}
	return report(s, o.warm) || len(problems) > 0, err
}

// soak lets users come and go, and takes samples meanwhile.
func (w *world) soak(ctx context.Context, o options) (samples, error) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var n counts
	for i := range o.users {
		p := newPerson(w, i, o.seed, &n)
		wg.Go(func() { p.run(ctx) })
	}
	s, began := make(samples), time.Now()
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	disturbed, shown, missed := 0, 0, 0
	for {
		at := time.Since(began)
		switch {
		case at >= o.length:
			fmt.Printf("%d visits of users, %d of them interrupted; %d messages, %d stanzas received; %d interruptions; %d samples, %d missed\n\n",
				n.visits.Load(), n.failed.Load(), n.messages.Load(), n.received.Load(), disturbed, len(s[goroutines]), missed)
			return s, nil
		case at >= time.Duration(disturbed+1)*disturbEvery:
			what, err := w.disturb(ctx, disturbed, o.users)
			if err != nil {
				return s, fmt.Errorf("%s: %w", what, err)
			}
			disturbed++
		case at >= time.Duration(shown+1)*o.length/progressOf:
			shown++
			fmt.Printf("%6v", at.Round(time.Second))
			for _, name := range measures {
				if last := len(s[name]) - 1; last >= 0 {
					fmt.Printf("  %s %.0f", name, s[name][last].value)
				}
			}
			fmt.Println()
		}
		if !w.take(ctx, s, at) {
			missed++
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

// report prints the trends, and the plot of each measure. It returns true if one leaks.
func report(s samples, warm time.Duration) (failed bool) {
	const row = "%-20s %10s %10s %10s %10s  %s\n"
	fmt.Printf(row, "", "level", "growth", "noise", "allowed", "")
	for _, name := range measures {
		t, verdict := fit(after(s[name], warm)), "levels off"
		switch {
		case t.level == 0:
			verdict, failed = "NOT MEASURED", true
		case t.leaks():
			verdict, failed = "GROWS", true
		}
		show := func(v float64) string { return fmt.Sprintf("%.1f", v) }
		fmt.Printf(row, name, show(t.level), show(t.growth), show(t.noise), show(t.allowed()), verdict)
	}
	for _, name := range measures {
		fmt.Printf("\n%s\n%s", name, plot(s[name], warm, 100, 8))
	}
	return failed
}
