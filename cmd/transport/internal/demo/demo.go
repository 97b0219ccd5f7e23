package demo

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"transport/cmd/transport/internal/lab"
	"transport/component"
	"transport/legacy/oscar"
	"transport/legacy/oscar/oscarmock"
	"transport/registry"
)

// Options are the inputs of a demo.
type Options struct {
	Out     io.Writer      // gets the story
	Log     zerolog.Logger // of the gateway
	Version string         // of the program
	Dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	Keep    bool // keep the servers running after the story, until the context ends
}

// Play plays the story once, and returns when all servers are stopped and all files are
// removed. An error names the step that failed; it wraps lab.ErrMissing if Prosody is not
// installed. With Keep, the end of the context is no error.
func Play(ctx context.Context, o Options) error {
	began := time.Now()
	p := newPrinter(o.Out)
	err := play(ctx, p, o)
	switch interrupted := ctx.Err() != nil; {
	case interrupted && o.Keep && (err == nil || errors.Is(err, context.Canceled)):
		p.line("\nAll servers are stopped.")
		return nil
	case interrupted:
		return errors.Join(ctx.Err(), err)
	case err != nil:
		return err
	}
	p.line("\nThe demo succeeded in %s: %d steps, %d messages. All servers are stopped and their files removed.",
		time.Since(began).Round(100*time.Millisecond), p.steps, p.messages)
	return nil
}

const (
	domain     = "localhost"
	gateway    = "icq.localhost"
	secret     = "demo-secret" // of a temporary server on loopback
	password   = "alice-xmpp"
	storyLimit = 2 * time.Minute
)

// stage are the servers of the demo.
type stage struct {
	prosody *lab.Server
	mock    *oscarmock.Network
	bob     *oscarmock.Bot
}

// play starts the servers, plays the story, and stops the servers.
func play(ctx context.Context, p *printer, o Options) (err error) {
	dir, err := os.MkdirTemp("", "transport-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	st := &stage{}
	p.step("The servers")
	options := lab.Options{Domain: domain, Users: map[string]string{"alice": password},
		Components: map[string]string{gateway: secret}, TLS: o.Keep}
	if o.Keep && portFree("5222") {
		options.ClientPort = 5222
	}
	if st.prosody, err = lab.Prosody(ctx, options); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.prosody.Close()) }()
	p.fact("Prosody, an XMPP server, serves alice@%s on %s.", domain, st.prosody.Client)

	st.mock = oscarmock.New(oscarmock.Options{MOTD: "This is a mock network."})
	defer st.mock.Close()
	st.mock.AddAccount(oscarmock.Account{Name: AliceUIN, Password: AlicePassword, Nick: "Alice"})
	st.bob = NewBob(st.mock)
	if err := st.mock.Listen("127.0.0.1:0"); err != nil {
		return err
	}
	p.fact("A mock ICQ network runs on %s. Bob's number is %s, Alice's is %s.", st.mock.Addr(), BobUIN, AliceUIN)

	end, err := startGateway(ctx, dir, st, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	p.fact("The gateway connects the two as %s.", gateway)

	limited, cancel := context.WithTimeout(ctx, storyLimit)
	defer cancel()
	if err := tellStory(limited, p, st); err != nil {
		return err
	}
	if !o.Keep {
		return nil
	}
	st.bob.SignOn()
	p.invite(st)
	<-ctx.Done()
	return ctx.Err()
}

// portFree reports whether a port of the loopback interface is free.
func portFree(port string) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// startGateway starts the gateway; end stops it and waits for its goroutine.
func startGateway(ctx context.Context, dir string, st *stage, o Options) (end func() error, err error) {
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
		Domain: gateway, Server: st.prosody.Component, Secret: secret, Name: "ICQ", Version: o.Version,
		Network: icq, Registry: db, Log: o.Log, Dial: o.Dial,
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
