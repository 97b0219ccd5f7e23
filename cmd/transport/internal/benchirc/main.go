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
	"strings"

	"transport/cmd/transport/internal/bench"
)

func main() {
	mode := flag.String("mode", "played", "played: the load generator acts as both servers; real: Prosody and ngircd; curve: how the costs of this gateway grow, played")
	which := flag.String("gateways", "biboumi,transport", "the gateways to measure")
	bench.Main("benchirc", func(r *bench.Runner) error {
		if *mode == "curve" {
			r.RunCurves("transport", curves(r))
			return r.Ctx.Err()
		}
		return run(r, *mode, strings.Split(*which, ","))
	})
}

func run(r *bench.Runner, mode string, gateways []string) error {
	results := make(map[string]map[string]bench.Result) // by scenario and gateway
	for _, name := range gateways {
		for _, sc := range scenarios {
			if r.Ctx.Err() != nil {
				return r.Ctx.Err()
			}
			if !r.Wants(sc.Scenario) || !strings.Contains(sc.modes, mode) {
				continue
			}
			if results[sc.Name] == nil {
				results[sc.Name] = make(map[string]bench.Result)
			}
			results[sc.Name][name] = r.Measure(name, sc.Scenario, func(ctx context.Context) bench.Result {
				return in(ctx, r, mode, name, sc.history, sc.run)
			})
		}
	}
	printTable(mode, results)
	return nil
}

// in runs a scenario with a gateway, in a world of its own.
func in(ctx context.Context, r *bench.Runner, mode, gateway string, history bool, run func(*world) bench.Result) bench.Result {
	w := &world{Runner: r, ctx: ctx, atXMPP: bench.NewCounter(), atIRC: bench.NewCounter()}
	defer w.close()
	w.start(mode, gateway, history)
	return run(w)
}

func printTable(mode string, results map[string]map[string]bench.Result) {
	fmt.Printf("\n| scenario (%s) | biboumi | transport | ratio | goal |\n|---|---|---|---|---|\n", mode)
	for _, sc := range scenarios {
		if mode == "real" && sc.Of == bench.PerSecond { // Prosody is the bottleneck
			sc.Of, sc.More = bench.CPUEach, false
		}
		of := results[sc.Name]
		if of == nil {
			continue
		}
		cell := func(r bench.Result, ok bool) string {
			if !ok {
				return "–"
			}
			return sc.Show(r)
		}
		theirs, ok1 := of["biboumi"]
		ours, ok2 := of["transport"]
		ratio := "–"
		if ok1 && ok2 && theirs.Note == "" && ours.Note == "" && sc.Value(ours) > 0 && sc.Value(theirs) > 0 {
			ratio = fmt.Sprintf("%.1f", sc.Value(theirs)/sc.Value(ours))
			if sc.More {
				ratio = fmt.Sprintf("%.1f", sc.Value(ours)/sc.Value(theirs))
			}
		}
		fmt.Printf("| %s | %s | %s | %s | %s |\n", sc.Name, cell(theirs, ok1), cell(ours, ok2), ratio, sc.goals[mode])
	}
}
