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
		summary: "import the users of a biboumi gateway",
		about: `
Imports the SQLite database of biboumi: the settings of users, servers and channels,
the subscriptions, and the channels' archives as far back as history_days reaches.
Stop both gateways first. The network must have driver = "irc" and biboumi's domain,
so that addresses do not change.

The import skips users who are already registered and channels that already have an
archive, so you can run it again. It reports what it cannot import, and does not
change biboumi's database.`,
		prepare: func(fs *flag.FlagSet) action {
			file := configFlag(fs)
			domain := fs.String("network", "", "`DOMAIN` of the network, as in the configuration")
			from := fs.String("from", "", "biboumi's database `FILE`")
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
		fail("--network and --from are required")
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
	counts, err := old.Import(ctx, db, &cfg.Networks[at], std.out)
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fail("%v\nremedy: run the command again; it keeps what it has imported and continues", err)
	}
	fmt.Fprintf(std.out, "imported: %d users, %d archived messages; already registered: %d users; not imported: %d\n", counts.Users, counts.Lines, counts.Registered, counts.Skipped)
	return exitOK
}
