// Benchirc benchmarks this gateway and Debian's biboumi with the same load, and prints the
// results: make bench-irc.
//
// With -mode played, the load generator acts as XMPP server and as IRC server, so that the
// gateway is the bottleneck. With -mode real, Prosody and ngircd are the servers, and the
// CPU time per message is the main result.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"
)

func main() {
	mode := flag.String("mode", "played", "played: the load generator acts as both servers; real: Prosody and ngircd")
	only := flag.String("only", "", "regular expression of the scenarios to run")
	which := flag.String("gateways", "biboumi,transport", "the gateways to measure")
	scale := flag.Float64("n", 1, "factor for the load; 0.1 for a quick run")
	program := flag.String("transport", "", "the transport program to measure; without it, build one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	interrupted = ctx
	if err := run(ctx, *mode, *only, strings.Split(*which, ","), *scale, *program); err != nil {
		fmt.Fprintln(os.Stderr, "benchirc:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, mode, only string, gateways []string, scale float64, program string) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	dir, err := os.MkdirTemp("", "benchirc")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	results := make(map[string]map[string]result) // by scenario and gateway
	for _, name := range gateways {
		for _, sc := range scenarios {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !match.MatchString(sc.name) || !strings.Contains(sc.modes, mode) {
				continue
			}
			r, err := measure(ctx, dir, mode, name, program, sc, scale)
			if err != nil {
				r.note = err.Error()
			}
			fmt.Printf("%-10s %-44s %s\n", name, sc.name, r)
			if results[sc.name] == nil {
				results[sc.name] = make(map[string]result)
			}
			results[sc.name][name] = r
		}
	}
	printTable(mode, results)
	return nil
}

// measure runs one scenario with one gateway, with fresh servers and data.
func measure(ctx context.Context, dir, mode, name, program string, sc scenario, scale float64) (r result, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	defer func() { // scenarios panic with a failure
		if p := recover(); p != nil {
			f, ok := p.(failure)
			if !ok {
				panic(p)
			}
			err = f
		}
	}()
	b := &bench{ctx: ctx, dir: dir, scale: scale, atXMPP: newCounter(), atIRC: newCounter()}
	defer b.close()
	b.start(mode, name, program, sc.history)
	return sc.run(b), nil
}

// failure is the panic value that ends a scenario.
type failure struct{ error }

func check(err error, what string) {
	if err != nil {
		panic(failure{fmt.Errorf("%s: %w", what, err)})
	}
}

// result is the result of a scenario.
type result struct {
	messages int           // messages, or deliveries
	elapsed  time.Duration // for all messages
	cpu      time.Duration // of the gateway
	p50, p99 time.Duration
	lost     int
	repeated int
	disorder int
	memory   int // KiB per user, if measured
	rss      int // MiB
	note     string
}

func (r result) String() string {
	if r.note != "" {
		return r.note
	}
	s := fmt.Sprintf("%8d in %7v  %8.0f/s", r.messages, r.elapsed.Round(time.Millisecond), float64(r.messages)/r.elapsed.Seconds())
	s += fmt.Sprintf("  %6.1f µs CPU each", r.each())
	if r.p99 > 0 {
		s += fmt.Sprintf("  p50 %v p99 %v", r.p50.Round(10*time.Microsecond), r.p99.Round(10*time.Microsecond))
	}
	if r.lost+r.repeated+r.disorder > 0 {
		s += fmt.Sprintf("  LOST %d REPEATED %d DISORDER %d", r.lost, r.repeated, r.disorder)
	}
	if r.memory > 0 {
		s += fmt.Sprintf("  %d KiB a user, %d MiB in all", r.memory, r.rss)
	}
	return s
}

// each returns the gateway's CPU time per message, in microseconds.
func (r result) each() float64 {
	return float64(r.cpu.Microseconds()) / float64(max(r.messages, 1))
}

func printTable(mode string, results map[string]map[string]result) {
	fmt.Printf("\n| scenario (%s) | biboumi | transport | ratio | goal |\n|---|---|---|---|---|\n", mode)
	for _, sc := range scenarios {
		if mode == "real" && sc.of == perSecond { // Prosody is the bottleneck
			sc.of, sc.more = cpuEach, false
		}
		of := results[sc.name]
		if of == nil {
			continue
		}
		cell := func(r result, ok bool) string {
			if !ok {
				return "–"
			}
			return sc.show(r)
		}
		theirs, ok1 := of["biboumi"]
		ours, ok2 := of["transport"]
		ratio := "–"
		if ok1 && ok2 && theirs.note == "" && ours.note == "" && sc.value(ours) > 0 && sc.value(theirs) > 0 {
			ratio = fmt.Sprintf("%.1f", sc.value(theirs)/sc.value(ours))
			if sc.more {
				ratio = fmt.Sprintf("%.1f", sc.value(ours)/sc.value(theirs))
			}
		}
		fmt.Printf("| %s | %s | %s | %s | %s |\n", sc.name, cell(theirs, ok1), cell(ours, ok2), ratio, sc.goal(mode))
	}
}
