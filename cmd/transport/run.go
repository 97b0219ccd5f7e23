package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"transport/cmd/transport/internal/config"
	"transport/component"
	"transport/registry"
)

// stopLimit is how long a clean end may take before the process ends anyway.
const stopLimit = 4900 * time.Millisecond

func runCommand() *command {
	return &command{
		name:    "run",
		summary: "serve until told to stop",
		about: `
Connects every network of the configuration to its XMPP server, and keeps it
connected. One process serves all networks; one of them failing does not stop the
others.

Logs go to stderr: lines for people on a terminal, JSON objects otherwise.
Mistakes in the configuration are listed there as file:line: key: what is wrong.

SIGTERM and SIGINT end the process cleanly within five seconds: users see the
gateway go offline, and sessions sign off. A second signal ends it at once. SIGHUP
changes nothing: restart to apply a changed configuration. Who may use the gateway
(allow, deny, admins) is also read again when an administrator writes it "reload".

The exit code is 0 after a clean end, 1 if the configuration or the database is
unusable or no network is left, 2 for wrong flags.`,
		prepare: func(fs *flag.FlagSet) action {
			o := runOptions{config: configFlag(fs), exit: os.Exit}
			fs.Func("log-level", "`LEVEL` trace, debug, info, warn or error, in place of log.level", func(s string) error {
				level, err := config.ParseLevel(s)
				o.level = &level
				return err
			})
			fs.Func("log-format", "`FORMAT` auto, text or json, in place of log.format", func(s string) error {
				o.format = s
				if !slices.Contains(config.LogFormats, s) {
					return config.NotOneOf("log format", s, config.LogFormats)
				}
				return nil
			})
			return func(ctx context.Context, std stdio) int { return runNetworks(ctx, o, std) }
		},
	}
}

// runOptions are the flags of run.
type runOptions struct {
	config *string
	level  *zerolog.Level // nil for the configuration's
	format string         // "" for the configuration's
	exit   func(code int) // ends the process at once
}

func runNetworks(ctx context.Context, o runOptions, std stdio) int {
	cfg, err := config.Load(*o.config)
	if err != nil {
		fmt.Fprintln(std.err, "transport run:", config.Describe(err))
		return exitFailure
	}
	if o.level != nil {
		cfg.LogLevel = *o.level
	}
	if o.format != "" {
		cfg.LogFormat = o.format
	}
	log := newLogger(std.err, cfg.LogLevel, cfg.LogFormat)
	log.Info().Str("version", version()).Str("config", cfg.File).Int("networks", len(cfg.Networks)).Int("pid", os.Getpid()).Msg("starting")
	for _, w := range cfg.Warnings {
		log.Warn().Str("problem", w).Msg("unwise configuration")
	}
	// From here on signals are ours, so that a database is never left half open.
	ctx, release := onSignals(ctx, log, o.exit)
	defer release()
	db, err := openRegistry(ctx, cfg)
	if err != nil {
		log.Error().Err(err).Str("remedy", registryRemedy(err)).Msg("cannot open the database")
		return exitFailure
	}
	store, stopFiles, err := startFiles(cfg.Files, log)
	if err != nil {
		log.Error().Err(err).Str("remedy", filesRemedy(err)).Msg("cannot serve files")
	} else {
		ctx, stop := context.WithCancel(ctx)
		var keeper sync.WaitGroup
		keeper.Go(func() { newMemoryKeeper().run(ctx) })
		err = supervise(ctx, log, wiring{cfg, db, store, log}.instances())
		stop()
		keeper.Wait()
		stopFiles()
	}
	if closeErr := db.Close(); closeErr != nil {
		log.Error().Err(closeErr).Msg("cannot close the database")
		err = errors.Join(err, closeErr)
	}
	if err != nil {
		log.Error().Err(err).Msg("stopped")
		return exitFailure
	}
	log.Info().Msg("stopped")
	return exitOK
}

// instance is one network as it is run.
type instance struct {
	domain string
	run    func(context.Context) error
}

func (w wiring) instances() []instance {
	all := make([]instance, len(w.cfg.Networks))
	for i, n := range w.cfg.Networks {
		all[i] = instance{n.Domain, func(ctx context.Context) error {
			made, err := component.New(w.component(n))
			if err != nil {
				return err
			}
			return made.Run(ctx)
		}}
	}
	return all
}

var (
	errNoneLeft = errors.New("no network is left")
	errEarly    = errors.New("ended without a reason")
)

// supervise runs every instance until ctx ends or all have ended, which is an
// error. It returns when all have.
func supervise(ctx context.Context, log zerolog.Logger, instances []instance) error {
	var wg sync.WaitGroup
	ended := make(chan struct{})
	for _, in := range instances {
		wg.Go(func() {
			err := runSafely(ctx, in)
			if err == nil && ctx.Err() == nil {
				err = errEarly
			}
			if err != nil {
				log.Error().Err(err).Str("network", in.domain).Msg("network ended")
			}
		})
	}
	go func() { // ends with the last instance, which Wait below waits for too
		defer close(ended)
		wg.Wait()
	}()
	select {
	case <-ctx.Done():
		<-ended
		return nil
	case <-ended:
	}
	if ctx.Err() != nil {
		return nil
	}
	return errNoneLeft
}

// runSafely runs an instance and makes an error of a panic.
func runSafely(ctx context.Context, in instance) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return in.run(ctx)
}

// onSignals makes a context that ends with the first SIGINT or SIGTERM. A second
// one, or taking too long after the first, ends the process by exit. release
// gives the signals back to the system.
func onSignals(ctx context.Context, log zerolog.Logger, exit func(int)) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	released, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var late <-chan time.Time
		for {
			select {
			case got := <-signals:
				switch {
				case got == syscall.SIGHUP:
					log.Warn().Msg("SIGHUP: the configuration is not read again while running; restart to apply changes")
				case late == nil:
					log.Info().Str("signal", got.String()).Msg("stopping; a second signal ends at once")
					late = time.After(stopLimit)
					cancel()
				default:
					log.Warn().Str("signal", got.String()).Msg("second signal: ended at once")
					exit(128 + int(got.(syscall.Signal)))
					return
				}
			case <-late:
				log.Error().Dur("limit", stopLimit).Msg("stopping took too long: ended at once")
				exit(exitFailure)
				return
			case <-released:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(released)
		<-ended
		cancel()
	}
}

// registryRemedy is what to do about an error of opening the database.
func registryRemedy(err error) string {
	switch {
	case errors.Is(err, registry.ErrBusy):
		return "stop the other process first; only one may use a database"
	case errors.Is(err, registry.ErrKey):
		return "see that database.key_file is the file that was made with this database, mode 0600; without it the stored passwords cannot be read"
	case errors.Is(err, registry.ErrNewer):
		return "install the newer version of the program again, or restore a backup of the database"
	case errors.Is(err, registry.ErrCorrupt):
		return "see that database.path is right; if it is, restore the file from a backup"
	case errors.Is(err, registry.ErrDisk):
		return "see that the folder exists on a disk with room and can be written by the user that runs the program"
	}
	return "see that database.path and database.key_file are right"
}
