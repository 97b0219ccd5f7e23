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

// handshakeLimit is how long check waits for one XMPP server.
const handshakeLimit = 20 * time.Second

func checkCommand() *command {
	return &command{
		name:    "check",
		summary: "try out the configuration and say what to mend",
		about: `
Reads the configuration, opens the database, tries the folder and the address of
[files], and connects every network to its
XMPP server as run would, then disconnects again. Each step is printed as ok or
FAILED, with what to do about it. Nothing is changed: a database that does not
exist yet is not created.

Stop a running gateway first: it holds the database and the connections.

The exit code is 0 if every step is ok, 1 if not, 2 for wrong flags.`,
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

// checker prints steps and counts those that failed.
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

// detail prints a text that may have several lines.
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
			remedy = "mend these lines; transport.toml in the program's source explains every key"
		}
		c.fail(remedy, "configuration: %s", config.Describe(err))
		return
	}
	c.ok("configuration: %s", cfg.File)
	for _, w := range cfg.Warnings {
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
	db, err := openRegistry(ctx, cfg)
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
}

// newDatabase checks whether run could create the database.
func (c *checker) newDatabase(cfg *config.Config) {
	for _, file := range []string{cfg.Database, cfg.KeyFile} {
		f, err := os.CreateTemp(filepath.Dir(file), ".transport-check-*")
		if err != nil {
			c.fail("let the user that runs the program write to the folder, or set database.path and database.key_file",
				"database: %s does not exist and cannot be created: %s", file, config.Cause(err))
			return
		}
		f.Close()
		os.Remove(f.Name())
	}
	c.ok("database: %s does not exist yet; run will create it", cfg.Database)
}

func (c *checker) network(ctx context.Context, cfg *config.Config, n config.Network) {
	c.ok("%s: driver %s (%s), secret: set (%s)", n.Domain, n.Driver, n.Legacy.Info().Name, n.SecretSource)
	if ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	if err := component.Handshake(ctx, wiring{cfg: cfg, log: zerolog.Nop()}.component(n)); err != nil {
		c.fail(handshakeRemedy(err, n), "%s: XMPP server %s: %v", n.Domain, n.Server, err)
		return
	}
	c.ok("%s: XMPP server %s accepts the component", n.Domain, n.Server)
}

// handshakeRemedy is what to do about a failed component handshake.
func handshakeRemedy(err error, n config.Network) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, component.ErrUnauthorized):
		return fmt.Sprintf("the secret (%s) and the one in the XMPP server's configuration differ; make them the same.\n"+
			"Prosody: component_secret below Component %q.\n"+
			"ejabberd: password of the host in the ejabberd_service listener; it says the same of a domain that is not among the hosts", n.SecretSource, n.Domain)
	case errors.Is(err, component.ErrHostUnknown):
		return fmt.Sprintf("the XMPP server has no such component; add it there, or correct the domain.\n"+
			"Prosody: Component %q and component_secret in prosody.cfg.lua; ejabberd: hosts of an ejabberd_service listener", n.Domain)
	case errors.Is(err, component.ErrConflict):
		return "another process is connected with this domain. If it is your running gateway, all is well; else stop it"
	case errors.As(err, &dns):
		return "there is no such host; correct server.address, or the network's address"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: start the XMPP server, or correct server.address.\n" +
			"Components have a port of their own. Prosody: component_ports, usually 5347, open once there is a Component.\n" +
			"ejabberd: the port of an ejabberd_service listener"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &op) && op.Timeout():
		return "no answer: is this the port for components (in Prosody usually 5347), and does a firewall let it through?"
	}
	return "is this the port for components (in Prosody usually 5347) and not the one for users? The XMPP server's log says more"
}
