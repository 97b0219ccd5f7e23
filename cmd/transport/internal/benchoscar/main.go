// Benchoscar benchmarks the ICQ gateway and prints the results: make bench-oscar. The load
// generator acts as XMPP server, and the mock network of legacy/oscar/oscarmock, without
// rate limits, as ICQ.
//
// With -mode curve, it measures how the costs grow with messages, idle users and contacts;
// with -mode idle, what 100,000 idle users cost the core, in this process.
package main

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"

	"transport/cmd/transport/internal/bench"
)

func main() {
	debug.SetGCPercent(800) // the mock network has large queues, and is not what is measured
	mode := flag.String("mode", "played", "played: all scenarios; curve: how costs grow; idle: many idle users in this process")
	bench.Main("benchoscar", func(r *bench.Runner) error {
		switch *mode {
		case "played":
			return run(r)
		case "curve":
			r.RunCurves("transport", curves(r))
			return r.Ctx.Err()
		case "idle":
			return idleInProcess(r)
		}
		return fmt.Errorf("-mode: there is no mode %q", *mode)
	})
}

func run(r *bench.Runner) error {
	var rows []string
	for _, sc := range scenarios {
		if r.Ctx.Err() != nil {
			return r.Ctx.Err()
		}
		if !r.Wants(sc.Scenario) {
			continue
		}
		got := r.Measure("transport", sc.Scenario, func(ctx context.Context) bench.Result { return in(ctx, r, sc.every, sc.run) })
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |", sc.Name, sc.Show(got), sc.goal))
	}
	fmt.Printf("\n| scenario (ICQ, played) | transport | goal |\n|---|---|---|\n")
	for _, row := range rows {
		fmt.Println(row)
	}
	return nil
}

// in runs a scenario in a world of its own.
func in(ctx context.Context, r *bench.Runner, every int, run func(*world) bench.Result) bench.Result {
	w := newWorld(ctx, r, every)
	defer w.close()
	return run(w)
}
