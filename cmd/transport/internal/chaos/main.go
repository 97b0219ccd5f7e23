// Chaos lets users chat through the gateway, between real XMPP and IRC servers and the mock
// ICQ network, while faults strike: processes are killed, stopped and restarted, connections
// break and slow down, the database becomes unusable, memory and file descriptors run out. It
// numbers every message, and counts the fate of each: make chaos.
//
// It exits with 1 if a message was lost without a word, or came twice in a way that its
// receiver cannot recognise.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	length  time.Duration // of all pairs together
	seed    uint64
	users   int
	rate    float64
	program string
	pairs   *regexp.Regexp
	only    *regexp.Regexp

	directions bool // the table has a row for each direction, too
}

const (
	parallelUpTo = 2 * time.Minute // shorter runs have all servers at the same time
	patientFrom  = 3 * time.Minute // longer runs have time to wait for a late recovery
	bigFrom      = 5 * time.Minute // longer runs have 200 users
	allUsers     = 150             // messages a second from and to all users together, at most
)

func main() {
	length := flag.Duration("for", 10*time.Minute, "how long faults strike, in all")
	seed := flag.Uint64("seed", 0, "repeats a run with this seed; 0 for a random one")
	users := flag.Int("users", 0, "number of users; 0 for 20, or 200 in a run of 5 minutes and more")
	rate := flag.Float64("rate", 0, "messages a second from and to each user; 0 for 3, or fewer if there are more than 50 users")
	directions := flag.Bool("directions", false, "show each direction of a fault in a row of its own, too")
	program := flag.String("transport", "", "the transport program; without it, build one")
	only := flag.String("only", "", "regular expression of the faults")
	servers := flag.String("pairs", "", "regular expression of the pairs of servers: prosody+ngircd, ejabberd+inspircd")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := options{length: *length, seed: *seed, users: *users, rate: *rate, program: *program, directions: *directions}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000) + 1
	}
	if o.users == 0 {
		o.users = 20
		if o.length >= bigFrom {
			o.users = 200
		}
	}
	if o.rate == 0 {
		o.rate = min(3, allUsers/float64(o.users))
	}
	failed, err := 0, error(nil)
	if o.only, err = regexp.Compile(*only); err == nil {
		if o.pairs, err = regexp.Compile(*servers); err == nil {
			failed, err = run(ctx, o)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	if err != nil || failed > 0 {
		os.Exit(1)
	}
}

// run runs a campaign with each pair of servers, and returns the number of failures.
func run(ctx context.Context, o options) (failed int, err error) {
	dir, err := os.MkdirTemp("", "transport-chaos-")
	if err != nil {
		return 0, err
	}
	defer func() {
		if failed == 0 && err == nil {
			os.RemoveAll(dir)
		} else {
			fmt.Println("The configurations and logs are in", dir)
		}
	}()
	if o.program == "" {
		o.program = filepath.Join(dir, "transport")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", o.program, "./cmd/transport").CombinedOutput(); err != nil {
			return 0, fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	var chosen []pair
	for _, p := range pairs {
		if o.pairs.MatchString(p.name) {
			chosen = append(chosen, p)
		}
	}
	var faults []fault
	for _, f := range allFaults() {
		if o.only.MatchString(f.name) {
			faults = append(faults, f)
		}
	}
	if len(chosen) == 0 || len(faults) == 0 {
		return 0, errors.New("-pairs or -only selects nothing")
	}
	fmt.Printf("%d users, %v, seed %d\n", o.users, o.length, o.seed)
	if o.length < parallelUpTo && len(chosen) > 1 {
		return runTogether(ctx, o, chosen, dir, faults)
	}
	for i, p := range chosen {
		n, err := one(ctx, os.Stdout, o.of(i), p, filepath.Join(dir, p.name), faults, o.length/time.Duration(len(chosen)))
		failed += n
		if err != nil {
			return failed, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return failed, nil
}

// of returns the options for a pair: each has its own order of faults.
func (o options) of(pair int) options {
	o.seed += uint64(pair)
	return o
}

// runTogether runs the campaigns of all pairs at the same time.
func runTogether(ctx context.Context, o options, chosen []pair, dir string, faults []fault) (failed int, err error) {
	outs, counts, errs := make([]bytes.Buffer, len(chosen)), make([]int, len(chosen)), make([]error, len(chosen))
	var wg sync.WaitGroup
	for i, p := range chosen {
		wg.Go(func() {
			if counts[i], errs[i] = one(ctx, &outs[i], o.of(i), p, filepath.Join(dir, p.name), faults, o.length); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", p.name, errs[i])
			}
		})
	}
	wg.Wait()
	for i := range chosen {
		fmt.Print(outs[i].String())
		failed += counts[i]
	}
	return failed, errors.Join(errs...)
}

// one runs a campaign with one pair of servers, and prints its table.
func one(ctx context.Context, out io.Writer, o options, p pair, dir string, faults []fault, length time.Duration) (failed int, err error) {
	fmt.Fprintf(out, "\n%s\n", p.name)
	w, err := newWorld(ctx, dir, o.program, p, o.users)
	defer func() { err = errors.Join(err, w.close()) }()
	if err != nil {
		return 0, err
	}
	c := newCampaign(w, out, o.users, o.seed, length >= patientFrom)
	err = c.run(ctx, faults, length, o.seed, o.rate)
	rows := c.ledger.rows(w.witness)
	fmt.Fprintln(out)
	printTable(out, perFault(rows))
	if o.directions {
		fmt.Fprintln(out)
		printTable(out, rows)
	}
	if len(c.flooders) > 0 {
		c.ledger.printLatencies(out, []string{noFault.name, floodName}, c.flooders)
	}
	for name := range c.leftOut {
		fmt.Fprintln(out, "left out:", name)
	}
	problems := w.problems()
	problems = append(problems, c.ledger.losses(w.witness, 40, false)...)
	if n := c.unrecorded(); n > 0 {
		problems = append(problems, fmt.Sprintf("%d messages arrived that the record of the connections lacks: its proofs are worthless", n))
	}
	for _, problem := range problems {
		fmt.Fprintln(out, problem)
	}
	if failed = failures(rows); failed == 0 {
		failed = len(problems)
	}
	for name, text := range map[string]string{"xmpp.log": w.xmpp.Log(), "irc.log": w.irc.Log()} {
		err = errors.Join(err, os.WriteFile(w.file(name), []byte(text), 0o600))
	}
	return failed, err
}
