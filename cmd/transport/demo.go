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
		summary: "show the gateway with a real XMPP server and a mock network",
		about: `
Starts a temporary Prosody, a mock ICQ network and the gateway, reachable from this
machine only. Alice, with an XMPP client, finds the gateway, registers, adds Bob, who
is on ICQ, and talks to him. The demo prints what the two would see. At the end it
stops everything and removes its files.

With --keep, the servers keep running afterwards, and the demo prints how to log in
with your own client; Bob replies to messages. SIGINT and SIGTERM end it.

Prosody must be installed: on Debian or Ubuntu, apt-get install prosody.`,
		prepare: func(fs *flag.FlagSet) action {
			keep := fs.Bool("keep", false, "keep the servers running for your own client")
			verbose := fs.Bool("verbose", false, "print the gateway's log as well")
			return func(ctx context.Context, std stdio) int { return playDemo(ctx, std, *keep, *verbose) }
		},
	}
}

func playDemo(ctx context.Context, std stdio, keep, verbose bool) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	o := demo.Options{Out: std.out, Log: zerolog.Nop(), Version: version(), Dial: dial, Keep: keep}
	if verbose {
		o.Log = newLogger(std.err, zerolog.DebugLevel, config.FormatText)
	}
	err := demo.Play(ctx, o)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(std.err, "transport demo: interrupted; all servers are stopped")
		return exitFailure
	}
	fmt.Fprintln(std.err, "transport demo:", err)
	if errors.Is(err, lab.ErrMissing) {
		fmt.Fprintln(std.err, "The demo needs Prosody. On Debian and Ubuntu, \"make demo\" installs it.")
	} else if !verbose {
		fmt.Fprintln(std.err, "Run it with --verbose to see the gateway's log.")
	}
	return exitFailure
}
