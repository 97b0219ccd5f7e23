package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os/signal"
	"syscall"

	"transport/cmd/transport/internal/config"
	"transport/registry"
)

func backupCommand() *command {
	return &command{
		name:    "backup",
		summary: "copy the database, also while the gateway runs",
		about: `
Copies the database to FILE, which is complete and verified when it appears, and has
mode 0600. The gateway may run meanwhile. The copy is the state at the begin of the
command. Run it as the gateway's user.

FILE does not contain the key. Without the key, nobody can decrypt the passwords in
the copy; with both, anybody can: back up the key file once, and store it in another
place. Only rotate-key changes it. --with-key writes a copy of it to FILE.key.

Messages whose outcome is not known yet are in the journal, and not in the copy.`,
		file: "FILE",
		prepare: func(fs *flag.FlagSet) action {
			conf := configFlag(fs)
			b := registry.BackupOptions{}
			fs.BoolVar(&b.WithKey, "with-key", false, "also copy the key file, to FILE.key")
			fs.BoolVar(&b.Force, "force", false, "replace FILE if it exists")
			return func(ctx context.Context, std stdio) int {
				b.Path = fs.Arg(0)
				return backup(ctx, *conf, b, std)
			}
		},
	}
}

func backup(ctx context.Context, file string, b registry.BackupOptions, std stdio) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	fail := func(text string) int {
		fmt.Fprintln(std.err, "transport backup:", text)
		return exitFailure
	}
	cfg, err := config.Load(file)
	if err != nil {
		return fail(config.Describe(err))
	}
	found, err := registry.Backup(ctx, registry.Options{Path: cfg.Database, KeyFile: cfg.KeyFile}, b)
	if err != nil {
		return fail(err.Error() + "\nremedy: " + backupRemedy(err))
	}
	fmt.Fprintf(std.out, "%s: %s\n", b.Path, contents(found))
	if found.Unreadable > 0 {
		fmt.Fprintf(std.err, "transport backup: warning: %d values cannot be decrypted with %s: they were damaged before\n", found.Unreadable, cfg.KeyFile)
	}
	if b.WithKey {
		fmt.Fprintf(std.out, "%s.key: the key, with which anybody can read the backup\n", b.Path)
	} else {
		fmt.Fprintf(std.out, "it does not contain the key: back up %s, too, in another place\n", cfg.KeyFile)
	}
	return exitOK
}

// contents describes a copy of a database.
func contents(c registry.Copy) string {
	return fmt.Sprintf("%d registered, %d contacts, %d undelivered messages, schema %d", c.Accounts, c.Contacts, c.Messages, c.Schema)
}

// backupRemedy returns the remedy for an error of a backup.
func backupRemedy(err error) string {
	switch {
	case errors.Is(err, fs.ErrExist):
		return "choose another name, or replace the file with --force"
	case errors.Is(err, registry.ErrKey):
		return "check that database.key_file is the key file of this database; if rotate-key has just run, repeat the command"
	case errors.Is(err, fs.ErrNotExist) && !errors.Is(err, registry.ErrDisk):
		return "check database.path; transport run creates the database"
	case errors.Is(err, registry.ErrBusy):
		return "another program has locked the database: repeat the command later"
	case errors.Is(err, context.Canceled):
		return "repeat the command"
	}
	return registryRemedy(err)
}

func restoreCommand() *command {
	return &command{
		name:    "restore",
		summary: "replace the database by a backup",
		about: `
Replaces the database by the backup in FILE. Stop the gateway first. The command
verifies the backup, and that the key decrypts everything in it, before it changes
anything; the replacement is atomic. A FILE that was written by an older version is
migrated at the next start.

The former database stays beside the new one, as DATABASE.before-restore-TIME; so
does the former key with --key. Delete them when you no longer need them.

Everything newer than the backup is only in the former database: registrations,
contacts, settings, archives and undelivered messages. Messages that were undelivered
at the time of the backup are delivered again. The journal stays: at its next start
the gateway reports the messages in it to their senders, or delivers them. If the key
of the backup does not decrypt it, it gets a name like that of the former database.`,
		file: "FILE",
		prepare: func(fs *flag.FlagSet) action {
			conf := configFlag(fs)
			r := registry.RestoreOptions{}
			fs.StringVar(&r.Key, "key", "", "the key `FILE` of the backup, which replaces database.key_file; by default\nthe key file stays")
			fs.BoolVar(&r.Force, "force", false, "restore a backup in which some values cannot be decrypted")
			return func(ctx context.Context, std stdio) int {
				r.Path = fs.Arg(0)
				return restore(ctx, *conf, r, std)
			}
		},
	}
}

func restore(ctx context.Context, file string, r registry.RestoreOptions, std stdio) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	fail := func(text string) int {
		fmt.Fprintln(std.err, "transport restore:", text)
		return exitFailure
	}
	cfg, err := config.Load(file)
	if err != nil {
		return fail(config.Describe(err))
	}
	done, err := registry.Restore(ctx, registry.Options{Path: cfg.Database, KeyFile: cfg.KeyFile}, r)
	if err != nil {
		return fail(err.Error() + "\nremedy: " + restoreRemedy(err))
	}
	fmt.Fprintf(std.out, "restored: %s\n", contents(done.Copy))
	if done.Unreadable > 0 {
		fmt.Fprintf(std.out, "%d values cannot be decrypted\n", done.Unreadable)
	}
	switch {
	case done.Old == "":
	case done.OldMessages < 0:
		fmt.Fprintf(std.out, "the former database is %s; it cannot be read\n", done.Old)
	default:
		fmt.Fprintf(std.out, "the former database is %s, with %d undelivered messages\n", done.Old, done.OldMessages)
	}
	if done.OldKey != "" {
		fmt.Fprintf(std.out, "the former key is %s\n", done.OldKey)
	}
	switch {
	case done.OldJournal != "":
		fmt.Fprintf(std.out, "warning: the key does not decrypt the journal, or the journal is damaged; it is %s. Nobody is told about the messages in it\n", done.OldJournal)
	case done.Journaled > 0:
		fmt.Fprintf(std.out, "the journal has %d entries from before: the gateway reports or delivers these messages at its next start\n", done.Journaled)
	}
	return exitOK
}

// restoreRemedy returns the remedy for an error of a restore.
func restoreRemedy(err error) string {
	switch {
	case errors.Is(err, registry.ErrBusy):
		return "stop the gateway first, and every other program that has the database open"
	case errors.Is(err, registry.ErrKey):
		return "give the key file of the time of the backup with --key; a backup that was made with --with-key has it beside it, as FILE.key"
	case errors.Is(err, registry.ErrNewer):
		return "install the version of the program that has made the backup, or a newer one"
	case errors.Is(err, registry.ErrCorrupt):
		return "use another backup; if the key does not decrypt some values only, --force restores the rest"
	case errors.Is(err, fs.ErrNotExist) && !errors.Is(err, registry.ErrDisk):
		return "check the path of the backup"
	case errors.Is(err, registry.ErrDisk):
		return "check that the folder has enough free space, and that the user running the program can write to it; then repeat the command"
	}
	return "repeat the command"
}
