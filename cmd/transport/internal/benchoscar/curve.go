package main

import (
	"context"

	"transport/cmd/transport/internal/bench"
)

const messages = 20_000 // of a curve that grows with something else

// curves are the curves of ICQ: what grows is the size.
func curves(r *bench.Runner) []bench.Curve {
	with := func(run func(w *world, n int) bench.Result) func(context.Context, int) bench.Result {
		return func(ctx context.Context, n int) bench.Result {
			return in(ctx, r, 64, func(w *world) bench.Result { return run(w, n) })
		}
	}
	return []bench.Curve{
		{Grows: "messages to ICQ", Cost: "CPU in all", Sizes: bench.Sizes, Show: bench.ShowCPU,
			Run: with(func(w *world, n int) bench.Result { return w.toICQMany(n, 1, 0, own) })},
		{Grows: "other, idle users of ICQ", Cost: "CPU a message", Sizes: bench.Sizes, Show: bench.ShowEach,
			Run: with(func(w *world, n int) bench.Result { return w.toICQMany(messages, 1, n, own) })},
		{Grows: "users of ICQ", Cost: "memory a user", Sizes: bench.Sizes, Show: bench.ShowMemory,
			Run: with(func(w *world, n int) bench.Result { return w.signOns(n) })},
		{Grows: "contacts of the sender on ICQ", Cost: "CPU a message", Sizes: bench.Sizes, Show: bench.ShowEach,
			Run: with(func(w *world, n int) bench.Result {
				return w.toICQMany(messages, 1, 0, func(int) []int {
					all := make([]int, n) // only the first one exists, and is online
					for i := range all {
						all[i] = i
					}
					return all
				})
			})},
	}
}
