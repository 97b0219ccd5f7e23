package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"transport/cmd/transport/internal/lab"
	"transport/component"
	"transport/legacy/oscar"
	"transport/legacy/oscar/oscarmock"
	"transport/registry"
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
			return func(ctx context.Context, std stdio) int { return demo(ctx, std, *keep, *verbose) }
		},
	}
}

const (
	demoDomain   = "localhost"
	demoGateway  = "icq.localhost"
	demoSecret   = "demo-secret" // of a throw-away server on loopback
	demoPassword = "alice-xmpp"
	demoLimit    = 2 * time.Minute
)

// demo plays the story and returns the exit code.
func demo(ctx context.Context, std stdio, keep, verbose bool) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	began := time.Now()
	p := newPrinter(std.out)
	err := playDemo(ctx, p, std, keep, verbose)
	interrupted := ctx.Err() != nil
	switch {
	case keep && interrupted && (err == nil || errors.Is(err, context.Canceled)):
		p.line("\nEverything is stopped.")
		return exitOK
	case interrupted:
		fmt.Fprintln(std.err, "transport demo: interrupted; everything is stopped")
		return exitFailure
	case err != nil:
		fmt.Fprintln(std.err, "transport demo:", err)
		if errors.Is(err, lab.ErrMissing) {
			fmt.Fprintln(std.err, "The demo needs a real XMPP server. \"make demo\" installs it where it can.")
		} else if !verbose {
			fmt.Fprintln(std.err, "With --verbose the gateway's log is printed as well.")
		}
		return exitFailure
	}
	p.line("\nAll of it worked, in %s: %d steps, %d messages. Everything is stopped and removed.",
		time.Since(began).Round(100*time.Millisecond), p.steps, p.messages)
	return exitOK
}

// stage is everything that the demo runs on.
type stage struct {
	prosody *lab.Server
	mock    *oscarmock.Network
	bob     *oscarmock.Bot
}

// playDemo sets the stage, plays, and clears it away again.
func playDemo(ctx context.Context, p *printer, std stdio, keep, verbose bool) (err error) {
	dir, err := os.MkdirTemp("", "transport-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	st := &stage{}
	p.step("The stage")
	options := lab.Options{Domain: demoDomain, Users: map[string]string{"alice": demoPassword},
		Components: map[string]string{demoGateway: demoSecret}, TLS: keep}
	if keep && portFree("5222") {
		options.ClientPort = 5222
	}
	if st.prosody, err = lab.Prosody(ctx, options); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.prosody.Close()) }()
	p.fact("An XMPP server, Prosody, serves alice@%s on %s.", demoDomain, st.prosody.Client)

	st.mock = oscarmock.New(oscarmock.Options{MOTD: "This is a mock network."})
	defer st.mock.Close()
	st.mock.AddAccount(oscarmock.Account{Name: aliceUIN, Password: alicePassword, Nick: "Alice"})
	st.bob = newBob(st.mock)
	if err := st.mock.Listen("127.0.0.1:0"); err != nil {
		return err
	}
	p.fact("An ICQ network serves on %s. Bob has the number %s there, and Alice has an account, %s.", st.mock.Addr(), bobUIN, aliceUIN)

	log := zerolog.Nop()
	if verbose {
		log = newLogger(std.err, zerolog.DebugLevel, formatText)
	}
	end, err := startGateway(ctx, dir, st, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	p.fact("The gateway connects the two, as %s.", demoGateway)

	limited, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	if err := tellStory(limited, p, st); err != nil {
		return err
	}
	if !keep {
		return nil
	}
	st.bob.SignOn()
	p.invite(st)
	<-ctx.Done()
	return ctx.Err()
}

// portFree reports whether a port of loopback can be listened on.
func portFree(port string) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// startGateway runs the gateway until end is called, which waits for it.
func startGateway(ctx context.Context, dir string, st *stage, log zerolog.Logger) (end func() error, err error) {
	options := oscar.DefaultOptions()
	options.Server = st.mock.Addr()
	icq, err := oscar.New(options)
	if err != nil {
		return nil, err
	}
	db, err := registry.Open(ctx, registry.Options{Path: filepath.Join(dir, "transport.db"), KeyFile: filepath.Join(dir, "transport.key")})
	if err != nil {
		return nil, err
	}
	c, err := component.New(component.Config{
		Domain: demoGateway, Server: st.prosody.Component, Secret: demoSecret, Name: "ICQ", Version: version(),
		Network: icq, Registry: db, Log: log, Dial: dialer.DialContext,
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	var ran error
	wg.Go(func() { ran = c.Run(life) })
	return func() error {
		cancel()
		wg.Wait()
		return errors.Join(ran, db.Close())
	}, nil
}
