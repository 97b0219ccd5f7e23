package main

import (
	"context"
	"flag"
	"fmt"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"transport/cmd/transport/internal/biboumi"
	"transport/cmd/transport/internal/config"
)

func importCommand() *command {
	return &command{
		name:    "import-biboumi",
		summary: "take over the users of a biboumi",
		about: `
Reads the SQLite database of a biboumi: settings of users, servers and channels,
subscriptions, and what was said in channels, as far back as history_days reaches.
Stop both gateways first. The network must have driver = "irc", and the domain that
biboumi had, so that addresses stay good.

Who is registered already stays as they are, and so does a channel whose history
there is: it can be run again. What could not be taken is told. biboumi's database
is not changed.`,
		prepare: func(fs *flag.FlagSet) action {
			file := configFlag(fs)
			domain := fs.String("network", "", "`DOMAIN` of the network in the configuration")
			from := fs.String("from", "", "`FILE` with biboumi's database")
			return func(ctx context.Context, std stdio) int { return importBiboumi(ctx, *file, *domain, *from, std) }
		},
	}
}

func importBiboumi(ctx context.Context, file, domain, from string, std stdio) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	fail := func(format string, args ...any) int {
		fmt.Fprintf(std.err, "transport import-biboumi: "+format+"\n", args...)
		return exitFailure
	}
	if domain == "" || from == "" {
		fail("--network and --from are needed")
		return exitUsage
	}
	cfg, err := config.Load(file)
	if err != nil {
		return fail("%s", config.Describe(err))
	}
	at := slices.IndexFunc(cfg.Networks, func(n config.Network) bool { return n.Domain == strings.ToLower(domain) && n.Driver == "irc" })
	if at < 0 {
		return fail("%s has no network %s with driver \"irc\"", config.Quote(file), config.Quote(domain))
	}
	old, err := biboumi.Open(from)
	if err != nil {
		return fail("%v", err)
	}
	defer old.Close()
	db, err := openRegistry(ctx, cfg)
	if err != nil {
		return fail("%v\nremedy: %s", err, registryRemedy(err))
	}
	taken, err := old.Import(ctx, db, &cfg.Networks[at], std.out)
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fail("%v\nremedy: run it again; what has been taken stays", err)
	}
	fmt.Fprintf(std.out, "taken: %d users, %d lines of history; registered already: %d users; not taken: %d\n", taken.Users, taken.Lines, taken.Registered, taken.Left)
	return exitOK
}
