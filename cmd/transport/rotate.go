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
Makes a new key, encrypts everything in the database with it, and removes the old
key from the key file. Stop the gateway first. If it is interrupted, run it again:
until all is done the key file holds both keys.

Copies of the old key file open only old backups of the database afterwards: make
a new copy of both.`,
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
		return fail(fmt.Sprintf("there is no database %s yet, and so no key to change", config.Quote(cfg.Database)))
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
		return fail(err.Error() + "\nremedy: run it again; the key file still holds every key that is needed")
	}
	fmt.Fprintf(std.out, "everything in %s is encrypted with a new key; keep a copy of %s, apart from the database\n", cfg.Database, cfg.KeyFile)
	return exitOK
}
