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

// stopLimit is the deadline of a clean shutdown; after it, the process exits anyway.
const stopLimit = 4900 * time.Millisecond

func runCommand() *command {
	return &command{
		name:    "run",
		summary: "run the gateway until SIGTERM or SIGINT",
		about: `
Connects every network of the configuration to its XMPP server, and reconnects when
a connection is lost. One process serves all networks; if one of them fails, the
others continue.

The log goes to stderr: lines of text on a terminal, JSON objects otherwise. Mistakes
in the configuration are listed there as file:line: key: problem.

SIGTERM and SIGINT shut the process down cleanly within five seconds: users see the
gateway go offline, and their sessions sign off. A second signal ends it at once.
SIGHUP has no effect: restart the program to apply a changed configuration. An
administrator can write "reload" to the gateway to make it read allow, deny and
admins again.

The exit code is 0 after a clean shutdown, 1 if the configuration or the database is
unusable or all networks have ended, 2 for invalid flags.`,
		prepare: func(fs *flag.FlagSet) action {
			o := runOptions{config: configFlag(fs), exit: os.Exit}
			fs.Func("log-level", "`LEVEL` of the log: trace, debug, info, warn or error; overrides log.level", func(s string) error {
				level, err := config.ParseLevel(s)
				o.level = &level
				return err
			})
			fs.Func("log-format", "`FORMAT` of the log: auto, text or json; overrides log.format", func(s string) error {
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
	level  *zerolog.Level // nil: use the configuration
	format string         // "": use the configuration
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
		log.Warn().Str("problem", w).Msg("configuration warning")
	}
	for _, w := range modeWarnings(cfg) { // before the database repairs its own files
		log.Warn().Str("problem", w).Msg("other users may have access to secrets")
	}
	if err := forbidCoreDumps(); err != nil {
		log.Warn().Err(err).Msg("the system may write a memory dump of this process if it crashes")
	}
	// Handle signals from here on, so that a signal cannot leave the database open.
	ctx, release := onSignals(ctx, log, o.exit)
	defer release()
	db, err := openRegistry(ctx, cfg)
	if err != nil {
		log.Error().Err(err).Str("remedy", registryRemedy(err)).Msg("cannot open the database")
		return exitFailure
	}
	if left := registry.LeftJournal(cfg.Database); left != "" && cfg.Durability == config.DurabilityMemory {
		log.Warn().Str("file", left).Msg("an earlier process may have left messages in its journal, which database.durability = \"memory\" ignores: start the gateway once with \"journal\", and it tells their senders")
	}
	store, stopFiles, err := startFiles(cfg.Files, log)
	if err != nil {
		log.Error().Err(err).Str("remedy", filesRemedy(err)).Msg("cannot serve files")
	} else {
		ctx, stop := context.WithCancel(ctx)
		var keeper sync.WaitGroup
		memory := newMemory(cfg.Memory, os.DirFS("/"), log)
		keeper.Go(func() { newMemoryKeeper(memory).run(ctx) })
		err = supervise(ctx, log, wiring{cfg, db, store, log, memory}.instances())
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

// instance is one running network.
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
	errNoneLeft = errors.New("all networks have ended")
	errEarly    = errors.New("ended unexpectedly")
)

// supervise runs every instance until ctx ends, and returns when all have ended. It
// returns errNoneLeft if they have all ended before ctx.
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
	go func() { // ends with the last instance; ended, received below, reports it
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

// runSafely runs an instance and returns a panic as an error.
func runSafely(ctx context.Context, in instance) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return in.run(ctx)
}

// onSignals returns a context that the first SIGINT or SIGTERM cancels. A second
// signal, or a shutdown longer than stopLimit, ends the process by calling exit.
// release restores the default handling of signals, and waits for the goroutine.
func onSignals(ctx context.Context, log zerolog.Logger, exit func(int)) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 4) // limit: signals that wait | they are ignored
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
					log.Warn().Msg("SIGHUP ignored: a running gateway does not read its configuration again; restart to apply changes")
				case late == nil:
					log.Info().Str("signal", got.String()).Msg("shutting down; a second signal ends the process at once")
					late = time.After(stopLimit)
					cancel()
				default:
					log.Warn().Str("signal", got.String()).Msg("second signal: process ended at once")
					exit(128 + int(got.(syscall.Signal)))
					return
				}
			case <-late:
				log.Error().Dur("limit", stopLimit).Msg("shutdown took too long: process ended at once")
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

// registryRemedy returns the remedy for an error of opening the database.
func registryRemedy(err error) string {
	switch {
	case errors.Is(err, registry.ErrBusy):
		return "stop the other process first; only one process can open a database"
	case errors.Is(err, registry.ErrKey):
		return "check that database.key_file is the key file of this database, with mode 0600; without the key, the stored passwords cannot be decrypted"
	case errors.Is(err, registry.ErrNewer):
		return "install the newer version of the program again, or restore a backup of the database from before the update (transport restore)"
	case errors.Is(err, registry.ErrCorrupt):
		return "check database.path; if it is right, restore the file from a backup"
	case errors.Is(err, registry.ErrDisk):
		return "check that the folder exists, that its disk has free space, and that the user running the program can write to it"
	}
	return "check database.path and database.key_file"
}
