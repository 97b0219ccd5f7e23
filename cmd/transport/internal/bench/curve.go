package bench

import (
	"context"
	"fmt"
	"strings"
)

// Curve measures how cost grows with one number: messages, idle users, contacts, channels.
type Curve struct {
	Grows, Cost string
	Sizes       []int
	Run         func(ctx context.Context, size int) Result
	Show        func(Result) string
}

// Sizes are the sizes of most curves.
var Sizes = []int{100, 1000, 10_000}

// RunCurves runs the curves that the flag -only selects, and prints a table.
func (r *Runner) RunCurves(gateway string, curves []Curve) {
	var rows []string
	for _, c := range curves {
		row := fmt.Sprintf("| %s | %s |", c.Grows, c.Cost)
		if !r.match.MatchString(c.Grows) {
			continue
		}
		for _, size := range Sizes {
			cell := "–"
			for _, s := range c.Sizes {
				if s == size {
					s := Scenario{Name: fmt.Sprintf("%d %s", size, c.Grows)}
					got := r.Measure(gateway, s, func(ctx context.Context) Result { return c.Run(ctx, size) })
					if cell = got.Note; cell == "" {
						cell = c.Show(got)
					}
				}
			}
			row += " " + cell + " |"
		}
		rows = append(rows, row)
	}
	fmt.Printf("\n| grows | cost | 100 | 1,000 | 10,000 |\n|---|---|---|---|---|\n%s\n", strings.Join(rows, "\n"))
}

// ShowEach shows the CPU time per message.
func ShowEach(r Result) string { return fmt.Sprintf("%.1f µs", r.Each()) }

// ShowCPU shows the CPU time in all.
func ShowCPU(r Result) string {
	return fmt.Sprintf("%.1f ms", float64(r.CPU.Microseconds())/1000)
}

// ShowMemory shows the memory per user.
func ShowMemory(r Result) string { return fmt.Sprintf("%.1f KiB", r.Memory) }
