package bench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// Runner runs scenarios, as the flags of the program say.
type Runner struct {
	Ctx context.Context // ends at SIGINT and SIGTERM
	Dir string          // a folder for the time of the run

	only     string
	match    *regexp.Regexp
	scale    float64
	program  string
	profiles bool
	built    string
}

// Main parses the flags, runs a program, and ends the process. The program defines its own
// flags before.
func Main(name string, run func(*Runner) error) {
	r := &Runner{}
	flag.StringVar(&r.only, "only", "", "regular expression of the scenarios to run")
	flag.Float64Var(&r.scale, "n", 1, "factor for the load; 0.1 for a quick run")
	flag.StringVar(&r.program, "transport", "", "the transport program to measure; without it, build one")
	flag.BoolVar(&r.profiles, "profile", false, "build the program with the tag profile, and print where time and memory go")
	flag.Parse()
	if err := r.main(name, run); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func (r *Runner) main(name string, run func(*Runner) error) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r.Ctx = ctx
	if r.match, err = regexp.Compile(r.only); err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if r.Dir, err = os.MkdirTemp("", name); err != nil {
		return err
	}
	defer os.RemoveAll(r.Dir)
	return run(r)
}

// Scaled applies the flag -n to a number.
func (r *Runner) Scaled(n int) int { return max(1, int(float64(n)*r.scale)) }

// Wants reports whether a scenario is to run.
func (r *Runner) Wants(s Scenario) bool { return r.match.MatchString(s.Name) }

// Program returns the transport program to measure, and whether it can be profiled.
func (r *Runner) Program() (program string, profiles bool) {
	if r.program != "" {
		return r.program, false
	}
	if r.built == "" {
		r.built = Build(r.Ctx, r.Dir, r.profiles)
	}
	return r.built, r.profiles
}

// Folder returns a new, empty folder.
func (r *Runner) Folder() string {
	dir, err := os.MkdirTemp(r.Dir, "")
	Check(err, "folder")
	return dir
}

const limit = 5 * time.Minute // of a scenario

// Measure runs a scenario with a gateway, and prints its result and its profile.
func (r *Runner) Measure(gateway string, s Scenario, run func(context.Context) Result) Result {
	ctx, cancel := context.WithTimeout(r.Ctx, limit)
	defer cancel()
	got, err := Protect(func() Result { return run(ctx) })
	if err != nil {
		got.Note = err.Error()
	}
	fmt.Printf("%-10s %-44s %s\n", gateway, s.Name, got)
	if got.Profile != "" {
		fmt.Printf("\n%s", got.Profile)
	}
	return got
}
