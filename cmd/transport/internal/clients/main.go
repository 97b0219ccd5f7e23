// Clients walks the XMPP clients that people use through the gateway, as a new user
// would: make clients. Each gets a laboratory of its own, with a Prosody, a mock ICQ
// network, an ngircd and the gateway of this tree; what it shows is asserted where it
// can be asked and kept as pictures for people to look at.
//
// Converse runs in a headless Chromium, driven by walk/converse.mjs. Gajim and Dino run on
// an X server without a screen, driven by walk/walk_gajim.py and walk/walk_dino.py, as the
// user nobody, in a view of the file system in which example.org is the laboratory's
// server and its certificate is trusted. That needs root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	var o options
	names := flag.String("clients", "converse,gajim,dino", "the clients to walk, with commas between")
	flag.StringVar(&o.out, "out", "", "folder for pictures and logs; a new one by default")
	flag.StringVar(&o.program, "transport", "", "the program to walk through, instead of building it")
	flag.BoolVar(&o.fetch, "fetch", false, "fetch Converse.js by npm into the user's cache, if it is not there")
	flag.BoolVar(&o.keep, "keep", false, "leave the laboratory and the client up after the walk, until a SIGINT; for one client")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, strings.FieldsFunc(*names, func(r rune) bool { return r == ',' || r == ' ' }), o); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
}

type options struct {
	out     string // for pictures and logs
	program string // the gateway
	modules string // the folder of what comes from npm
	fetch   bool   // by npm
	keep    bool
}

// walkLimit is how long one client may take.
const walkLimit = 12 * time.Minute

func run(ctx context.Context, names []string, o options) (err error) {
	if o.keep && len(names) != 1 {
		return errors.New("-keep is for one client: name it with -clients")
	}
	for _, name := range names {
		if clients[name] == nil {
			return fmt.Errorf("there is no client %q, but %s", name, strings.Join(slices.Sorted(maps.Keys(clients)), ", "))
		}
		if lack := missing(name); lack != "" {
			return errors.New(lack)
		}
	}
	work, err := os.MkdirTemp("", "transport-clients-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if slices.Contains(names, "converse") { // which takes no laboratory to find out
		if o.modules, err = npm(ctx, o.fetch); err != nil {
			return err
		}
	}
	if o.out == "" {
		if o.out, err = os.MkdirTemp("", "transport-pictures-"); err != nil {
			return err
		}
	}
	if o.out, err = filepath.Abs(o.out); err != nil {
		return err
	}
	if o.program == "" {
		if o.program, err = build(ctx, work); err != nil {
			return err
		}
	}
	fmt.Println("pictures and logs:", o.out)
	table := newTable(os.Stdout)
	for _, name := range names {
		fmt.Println("\n" + name)
		if err := walk(ctx, name, work, o, table); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := table.writeIndex(o.out); err != nil {
			return err
		}
	}
	fmt.Printf("\n%s\npictures and logs: %s\n", table, filepath.Join(o.out, "index.html"))
	if n := table.failures(); n > 0 {
		return fmt.Errorf("%d steps failed", n)
	}
	return nil
}

// walk takes one client through all steps.
func walk(ctx context.Context, name, work string, o options, table *table) (err error) {
	out := filepath.Join(o.out, name)
	if err := os.RemoveAll(out); err != nil { // pictures of an earlier run
		return err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(out, 0o777); err != nil { // the user nobody writes there
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	st, err := setStage(ctx, work, out, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.clear()) }()
	cmd, err := clients[name](ctx, st)
	if err != nil {
		return err
	}
	if o.keep {
		cmd.Env = append(cmd.Env, "KEEP=yes")
	}
	if !o.keep {
		limited, stop := context.WithTimeout(ctx, walkLimit)
		defer stop()
		ctx = limited
	}
	err = table.follow(ctx, name, out, cmd, o.keep)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		table.giveUp(name, fmt.Sprintf("not done after %v", walkLimit))
	}
	return err
}
