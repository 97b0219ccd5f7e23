package main

import (
	"context"
	"fmt"
	"time"

	"transport/cmd/transport/internal/bench"
)

const messages = 20_000 // of a curve that grows with something else

// curves are the curves of IRC: what grows is the size.
func curves(r *bench.Runner) []bench.Curve {
	with := func(run func(w *world, n int) bench.Result) func(context.Context, int) bench.Result {
		return func(ctx context.Context, n int) bench.Result {
			return in(ctx, r, "played", "transport", false, func(w *world) bench.Result { return run(w, n) })
		}
	}
	return []bench.Curve{
		{Grows: "messages to IRC", Cost: "CPU in all", Sizes: bench.Sizes, Show: bench.ShowCPU,
			Run: with(func(w *world, n int) bench.Result { return w.toIRCMany(1, n, 1000) })},
		{Grows: "other, idle users of IRC", Cost: "CPU a message", Sizes: bench.Sizes, Show: bench.ShowEach,
			Run: with(func(w *world, n int) bench.Result {
				w.crowd(1, n, func(user int) string { return fmt.Sprint("#m", user/100) })
				return w.toIRCMany(1, messages, 1000)
			})},
		{Grows: "users of IRC, 100 in a channel", Cost: "memory a user", Sizes: bench.Sizes, Show: bench.ShowMemory,
			Run: with(func(w *world, n int) bench.Result {
				return w.memoryOf(n, func(user int) string { return fmt.Sprint("#m", user/100) })
			})},
		{Grows: "channels of the sender (at most 250)", Cost: "CPU a message", Sizes: []int{100}, Show: bench.ShowEach,
			Run: with(func(w *world, n int) bench.Result {
				w.channels(n)
				return w.toIRCMany(1, messages, 1000)
			})},
	}
}

const atOnce = 100 // joins under way

// crowd makes users join channels, from first on.
func (b *world) crowd(first, n int, channel func(user int) string) {
	b.inTurn(n, func(i int) { b.users.join(first+i, channel(first+i)) })
}

// channels makes the first user join channels.
func (b *world) channels(n int) {
	b.inTurn(n, func(i int) { b.users.join(0, fmt.Sprint("#other", i)) })
}

// inTurn makes n joins, at most atOnce at a time.
func (b *world) inTurn(n int, join func(i int)) {
	for from := 0; from < n; from += atOnce {
		before, to := b.users.subjects(), min(from+atOnce, n)
		for i := from; i < to; i++ {
			join(i)
		}
		bench.Until(b.ctx, "entering channels", time.Minute, func() bool { return b.users.subjects() >= before+to-from })
	}
}
