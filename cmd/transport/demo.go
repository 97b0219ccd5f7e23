package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"

	"transport/cmd/transport/internal/config"
	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
)

func demoCommand() *command {
	return &command{
		name:    "demo",
		summary: "show the gateway at work, with a real XMPP server and a mock network",
		about: `
Starts a Prosody with throw-away state, a mock ICQ network and the gateway, all on
this machine only. Alice, with an XMPP client, finds the gateway, registers, adds
Bob, who is on ICQ, and talks to him. What happens is printed as people would see
it. In the end everything is stopped and removed.

With --keep it stays up afterwards and says how to log in with a client of one's
own; Bob answers. SIGINT and SIGTERM end it.

Prosody must be installed: on Debian or Ubuntu, apt-get install prosody.`,
		prepare: func(fs *flag.FlagSet) action {
			keep := fs.Bool("keep", false, "stay up, for a client of one's own")
			verbose := fs.Bool("verbose", false, "print the gateway's log as well")
			return func(ctx context.Context, std stdio) int { return playDemo(ctx, std, *keep, *verbose) }
		},
	}
}

func playDemo(ctx context.Context, std stdio, keep, verbose bool) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	o := demo.Options{Out: std.out, Log: zerolog.Nop(), Version: version(), Dial: dialer.DialContext, Keep: keep}
	if verbose {
		o.Log = newLogger(std.err, zerolog.DebugLevel, config.FormatText)
	}
	err := demo.Play(ctx, o)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(std.err, "transport demo: interrupted; everything is stopped")
		return exitFailure
	}
	fmt.Fprintln(std.err, "transport demo:", err)
	if errors.Is(err, lab.ErrMissing) {
		fmt.Fprintln(std.err, "The demo needs a real XMPP server. \"make demo\" installs it where it can.")
	} else if !verbose {
		fmt.Fprintln(std.err, "With --verbose the gateway's log is printed as well.")
	}
	return exitFailure
}
