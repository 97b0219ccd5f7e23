package componenttest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Explore plays random sequences of n steps, each of which must be possible in every state,
// until play reports an error. It prints the shortest sequence that it finds with an error.
// The seeds are 1 to seeds; the environment variable MODEL_SEEDS=from-to sets others.
func Explore[S fmt.Stringer](t *testing.T, seeds, n int, step func(*rand.Rand) S, play func([]S) error) {
	t.Helper()
	from, to := 1, seeds
	if first, last, ok := strings.Cut(os.Getenv("MODEL_SEEDS"), "-"); ok {
		var err1, err2 error
		from, err1 = strconv.Atoi(first)
		to, err2 = strconv.Atoi(last)
		if err1 != nil || err2 != nil {
			t.Fatal("MODEL_SEEDS is not from-to")
		}
	}
	for seed := from; seed <= to; seed++ {
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		steps := make([]S, n)
		for i := range steps {
			steps[i] = step(r)
		}
		err := play(steps)
		if err == nil {
			continue
		}
		steps, err = shrink(steps, err, play)
		var b strings.Builder
		for _, s := range steps {
			b.WriteString("\n\t" + s.String())
		}
		t.Fatalf("seed %d: %v, after%s", seed, err, b.String())
	}
}

// shrink removes steps as long as there is an error without them.
func shrink[S any](steps []S, err error, play func([]S) error) ([]S, error) {
	for size := len(steps); size > 0; {
		removed := false
		for at := 0; at < len(steps); {
			fewer := slices.Delete(slices.Clone(steps), at, min(at+size, len(steps)))
			if e := play(fewer); e != nil {
				steps, err, removed = fewer, e, true
			} else {
				at += size
			}
		}
		if size = min(size, len(steps)); size > 1 || !removed {
			size /= 2
		}
	}
	return steps, err
}
