package bench

import (
	"context"
	"fmt"
	"time"
)

// Failure is the panic value that ends a scenario.
type Failure struct{ error }

// Unwrap returns the error.
func (f Failure) Unwrap() error { return f.error }

// Check ends the scenario if err is not nil.
func Check(err error, what string) {
	if err != nil {
		panic(Failure{fmt.Errorf("%s: %w", what, err)})
	}
}

// Fail ends the scenario.
func Fail(format string, args ...any) { panic(Failure{fmt.Errorf(format, args...)}) }

// Protect runs a scenario and returns its failure as an error.
func Protect(run func() Result) (r Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(Failure)
			if !ok {
				panic(p)
			}
			err = f
		}
	}()
	return run(), nil
}

// Until polls until a condition holds. It fails after timeout, or when ctx ends.
func Until(ctx context.Context, what string, timeout time.Duration, done func() bool) {
	for end := time.Now().Add(timeout); !done(); {
		Check(ctx.Err(), what)
		if time.Now().After(end) {
			Fail("%s did not happen within %v", what, timeout)
		}
		time.Sleep(time.Millisecond)
	}
}

// Result is the result of a scenario.
type Result struct {
	Messages int           // messages, or deliveries
	Elapsed  time.Duration // for all messages
	CPU      time.Duration // of the gateway
	P50, P99 time.Duration
	Lost     int
	Repeated int
	Disorder int
	Memory   float64 // KiB per user, if measured
	RSS      int     // MiB
	Peak     float64 // the largest RSS, as a multiple of RSS; 0 if it was not measured
	Note     string  // the error, if the scenario failed
	Profile  string  // where the time went, if a profile was taken
}

// String formats the result for the output while the benchmark runs.
func (r Result) String() string {
	if r.Note != "" {
		return r.Note
	}
	s := fmt.Sprintf("%8d in %7v  %8.0f/s", r.Messages, r.Elapsed.Round(time.Millisecond), float64(r.Messages)/r.Elapsed.Seconds())
	s += fmt.Sprintf("  %6.1f µs CPU each", r.Each())
	if r.P99 > 0 {
		s += fmt.Sprintf("  p50 %v p99 %v", r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond))
	}
	if r.Lost+r.Repeated+r.Disorder > 0 {
		s += fmt.Sprintf("  LOST %d REPEATED %d DISORDER %d", r.Lost, r.Repeated, r.Disorder)
	}
	if r.Memory > 0 {
		s += fmt.Sprintf("  %.1f KiB a user, %d MiB in all", r.Memory, r.RSS)
	}
	if r.Peak > 0 {
		s += fmt.Sprintf("  peak %.2f × steady", r.Peak)
	}
	return s
}

// Each returns the gateway's CPU time per message, in microseconds.
func (r Result) Each() float64 {
	return float64(r.CPU.Microseconds()) / float64(max(r.Messages, 1))
}

// Scenario is one kind of load, and how its result is shown.
type Scenario struct {
	Name string
	Of   Metric // the main result
	More bool   // higher is better
}

// Metric is the main result of a scenario.
type Metric int

// The metrics.
const (
	PerSecond  Metric = iota // messages per second, CPU time per message
	CPUEach                  // CPU time per message
	WholeTime                // the time that it takes, CPU time per message
	MemoryEach               // memory per user
	CPUSecond                // CPU time per second
	Arrival                  // how many messages arrive
	ComingBack               // whether and when something happens
	SignOns                  // time, CPU time in all, and memory of many sign-ons
	LowRate                  // latency, CPU time per message
)

// Value returns the main result as a number.
func (s Scenario) Value(r Result) float64 {
	switch s.Of {
	case CPUEach:
		return r.Each()
	case WholeTime:
		return float64(r.Elapsed.Milliseconds())
	case MemoryEach:
		return r.Memory
	case CPUSecond:
		return float64(r.CPU.Milliseconds()) / r.Elapsed.Seconds()
	case Arrival, ComingBack:
		return float64(r.Messages - r.Lost)
	case SignOns:
		return r.CPU.Seconds()
	case LowRate:
		return float64(r.P50.Microseconds())
	}
	return float64(r.Messages) / r.Elapsed.Seconds()
}

// Show formats the result for a table.
func (s Scenario) Show(r Result) string {
	if r.Note != "" {
		return r.Note
	}
	text := ""
	switch s.Of {
	case WholeTime:
		text = fmt.Sprintf("%d ms", r.Elapsed.Milliseconds())
		if r.Messages > 1 {
			text += fmt.Sprintf(", %.1f µs CPU each", r.Each())
		}
	case MemoryEach:
		text = fmt.Sprintf("%.1f KiB, %d MiB in all", r.Memory, r.RSS)
	case CPUSecond:
		text = fmt.Sprintf("%.1f ms CPU a second", s.Value(r))
	case Arrival:
		return fmt.Sprintf("%d of %d", r.Messages-r.Lost, r.Messages)
	case ComingBack:
		if r.Lost > 0 {
			return "no"
		}
		return fmt.Sprintf("after %.1f s", r.Elapsed.Seconds())
	case SignOns:
		text = fmt.Sprintf("%.1f s, %.1f s CPU, %.1f KiB a user, %d MiB in all, peak %.2f × steady", r.Elapsed.Seconds(), r.CPU.Seconds(), r.Memory, r.RSS, r.Peak)
	case LowRate:
		text = fmt.Sprintf("p50 %.2f ms, p99 %.2f ms, %.0f µs CPU each", r.P50.Seconds()*1000, r.P99.Seconds()*1000, r.Each())
	default:
		text = fmt.Sprintf("%.0f/s, %.1f µs CPU each", float64(r.Messages)/r.Elapsed.Seconds(), r.Each())
		if r.P99 > 0 {
			text += fmt.Sprintf(", p50 %.1f ms, p99 %.1f ms", r.P50.Seconds()*1000, r.P99.Seconds()*1000)
		}
	}
	if bad := r.Lost + r.Repeated + r.Disorder; bad > 0 {
		text += fmt.Sprintf(" (lost %d, repeated %d, out of order %d)", r.Lost, r.Repeated, r.Disorder)
	}
	return text
}
