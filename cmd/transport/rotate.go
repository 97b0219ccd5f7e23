package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"transport/cmd/transport/internal/config"
)

func rotateCommand() *command {
	return &command{
		name:    "rotate-key",
		summary: "encrypt the database with a new key",
		about: `
Makes a new key, encrypts the whole database with it, and removes the old key from
the key file. Stop the gateway first. If the command is interrupted, run it again:
until it is done, the key file contains both keys.

Afterwards, copies of the old key file decrypt only old backups of the database: make
new copies of the database and the key file.`,
		prepare: func(fs *flag.FlagSet) action {
			file := configFlag(fs)
			return func(ctx context.Context, std stdio) int { return rotateKey(ctx, *file, std) }
		},
	}
}

func rotateKey(ctx context.Context, file string, std stdio) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	fail := func(text string) int {
		fmt.Fprintln(std.err, "transport rotate-key:", text)
		return exitFailure
	}
	cfg, err := config.Load(file)
	if err != nil {
		return fail(config.Describe(err))
	}
	if _, err := os.Stat(cfg.Database); errors.Is(err, fs.ErrNotExist) {
		return fail(fmt.Sprintf("the database %s does not exist yet, so there is no key to change", config.Quote(cfg.Database)))
	}
	db, err := openRegistry(ctx, cfg)
	if err != nil {
		return fail(err.Error() + "\nremedy: " + registryRemedy(err))
	}
	err = db.Rotate(ctx)
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fail(err.Error() + "\nremedy: run the command again; the key file still contains every key that is needed")
	}
	fmt.Fprintf(std.out, "%s is encrypted with a new key; back up %s, separately from the database\n", cfg.Database, cfg.KeyFile)
	return exitOK
}
