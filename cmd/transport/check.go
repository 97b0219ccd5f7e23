package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"transport/cmd/transport/internal/config"
	"transport/component"
)

// handshakeLimit is the deadline of the handshake with one XMPP server.
const handshakeLimit = 20 * time.Second

func checkCommand() *command {
	return &command{
		name:    "check",
		summary: "test the configuration and suggest remedies",
		about: `
Reads the configuration, checks that other users cannot read the files with secrets,
opens the database, tests the folder and the address of
[files], connects every network to its XMPP server like run, and disconnects again.
It prints ok or FAILED for each step, with a remedy if the step failed. It changes
nothing, and does not create a missing database.

Stop a running gateway first: only one process can open the database and connect as
the component.

The exit code is 0 if every step is ok, 1 if not, 2 for invalid flags.`,
		prepare: func(fs *flag.FlagSet) action {
			file := configFlag(fs)
			return func(ctx context.Context, std stdio) int {
				ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
				defer stop()
				c := &checker{std: std}
				c.all(ctx, *file)
				return c.end()
			}
		},
	}
}

// checker prints steps and counts the failed ones.
type checker struct {
	std           stdio
	steps, failed int
}

func (c *checker) ok(format string, args ...any) {
	c.steps++
	fmt.Fprintf(c.std.out, "ok      %s\n", fmt.Sprintf(format, args...))
}

func (c *checker) fail(remedy, format string, args ...any) {
	c.steps++
	c.failed++
	c.detail("FAILED", fmt.Sprintf(format, args...))
	if remedy != "" {
		c.detail("", "remedy: "+remedy)
	}
}

// detail prints a text of one or more lines, the first after mark.
func (c *checker) detail(mark, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintf(c.std.out, "%-7s %s\n", mark, line)
		mark = ""
	}
}

func (c *checker) end() int {
	if c.failed > 0 {
		fmt.Fprintf(c.std.out, "\n%d of %d steps failed\n", c.failed, c.steps)
		return exitFailure
	}
	fmt.Fprintf(c.std.out, "\nall %d steps ok\n", c.steps)
	return exitOK
}

func (c *checker) all(ctx context.Context, file string) {
	cfg, err := config.Load(file)
	if err != nil {
		remedy := ""
		if errors.As(err, new(config.Problems)) {
			remedy = "correct these lines; transport.toml in the program's source explains every key"
		}
		c.fail(remedy, "configuration: %s", config.Describe(err))
		return
	}
	c.ok("configuration: %s", cfg.File)
	for _, w := range cfg.Warnings {
		c.detail("", "warning: "+w)
	}
	for _, w := range modeWarnings(cfg) {
		c.detail("", "warning: "+w)
	}
	c.database(ctx, cfg)
	if cfg.Files != nil {
		c.files(*cfg.Files)
	}
	for _, n := range cfg.Networks {
		if ctx.Err() != nil {
			c.fail("", "%s: interrupted", n.Domain)
			return
		}
		c.network(ctx, cfg, n)
	}
}

func (c *checker) database(ctx context.Context, cfg *config.Config) {
	if _, err := os.Stat(cfg.Database); errors.Is(err, fs.ErrNotExist) {
		c.newDatabase(cfg)
		return
	}
	unchanged := *cfg
	unchanged.Durability = config.DurabilityMemory // the journal is not created
	db, err := openRegistry(ctx, &unchanged)
	if err != nil {
		c.fail(registryRemedy(err), "database: %v", err)
		return
	}
	defer db.Close()
	stats, err := db.Stats(ctx)
	if err == nil {
		err = db.Check(ctx)
	}
	if err != nil {
		c.fail(registryRemedy(err), "database: %v", err)
		return
	}
	c.ok("database: %s, key %s, %d registered, %d contacts, %d undelivered messages",
		cfg.Database, cfg.KeyFile, stats.Accounts, stats.Contacts, stats.Messages)
	if stats.Damaged > 0 {
		c.detail("", fmt.Sprintf("warning: %d values could not be decrypted and were set aside. Their users were told. The log has the reasons; if there are many, restore a backup", stats.Damaged))
	}
}

// newDatabase checks that run can create the database.
func (c *checker) newDatabase(cfg *config.Config) {
	for _, file := range []string{cfg.Database, cfg.KeyFile} {
		f, err := os.CreateTemp(filepath.Dir(file), ".transport-check-*")
		if err != nil {
			c.fail("give the user running the program write access to the folder, or set database.path and database.key_file",
				"database: %s does not exist and cannot be created: %s", file, config.Cause(err))
			return
		}
		f.Close()
		os.Remove(f.Name())
	}
	c.ok("database: %s does not exist yet; transport run will create it", cfg.Database)
}

func (c *checker) network(ctx context.Context, cfg *config.Config, n config.Network) {
	c.ok("%s: driver %s (%s), secret: set (%s)", n.Domain, n.Driver, n.Legacy.Info().Name, n.SecretSource)
	if ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	server, err := component.Handshake(ctx, wiring{cfg: cfg, log: zerolog.Nop()}.component(n))
	if err != nil {
		c.fail(handshakeRemedy(err, n), "%s: XMPP server %s: %v", n.Domain, n.Server, err)
		return
	}
	software := ""
	if server.Software != "" {
		software = fmt.Sprintf(" (%s)", strings.TrimSpace(server.Software+" "+server.Version))
	}
	c.ok("%s: XMPP server %s%s accepts the component", n.Domain, n.Server, software)
	if server.Privileges == nil {
		c.detail("", "it grants no privileges: users confirm each contact. README, \"Attach it to Prosody\", shows how to grant them")
		return
	}
	c.detail("", "it grants the privileges "+strings.Join(server.Privileges, ", "))
	if faults, remedy := component.PrivilegeFaults(server.Software, server.Version); faults != "" {
		c.detail("", "warning: this version has faults: "+faults)
		c.detail("", "remedy: "+remedy)
	}
}

// handshakeRemedy returns the remedy for a failed component handshake.
func handshakeRemedy(err error, n config.Network) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, component.ErrUnauthorized):
		return fmt.Sprintf("the secret (%s) differs from the one in the XMPP server's configuration; make them the same.\n"+
			"Prosody: component_secret below Component %q.\n"+
			"ejabberd: password of the host in the ejabberd_service listener; the error is the same if the domain is not among the hosts", n.SecretSource, n.Domain)
	case errors.Is(err, component.ErrHostUnknown):
		return fmt.Sprintf("the XMPP server has no component of this name; add it there, or correct the domain.\n"+
			"Prosody: Component %q and component_secret in prosody.cfg.lua; ejabberd: hosts of an ejabberd_service listener", n.Domain)
	case errors.Is(err, component.ErrConflict):
		return "another process is connected with this domain. If that is your running gateway, nothing is wrong; otherwise stop that process"
	case errors.As(err, &dns):
		return "the host name does not exist; correct server.address or the network's address"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "no server listens at this address: start the XMPP server, or correct server.address.\n" +
			"Components use a separate port. Prosody: component_ports, usually 5347, open if a Component is configured.\n" +
			"ejabberd: the port of an ejabberd_service listener"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &op) && op.Timeout():
		return "the server does not answer: check that this is the port for components (in Prosody usually 5347), and that no firewall blocks it"
	}
	return "check that this is the port for components (in Prosody usually 5347), not the one for clients; see the XMPP server's log"
}
