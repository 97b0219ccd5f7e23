package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"transport/cmd/transport/internal/config"
	"transport/component"
	"transport/legacy"
	"transport/legacy/files"
	"transport/registry"
)

// dialer opens every connection of the process, by dial. TCP keepalive detects a dead peer
// within about a minute.
var dialer = net.Dialer{
	Timeout:         15 * time.Second,
	KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3},
}

// dial connects to an address. The connection acknowledges what it receives at once.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return prompt(conn), nil
}

// wiring are the parts that the networks of a process share. If db is nil, the result
// is usable for a handshake only; if store is nil, files are uploaded to the users' own
// servers.
type wiring struct {
	cfg   *config.Config
	db    *registry.DB
	store *files.Store
	log   zerolog.Logger

	memory *component.Memory // nil: there is no budget
}

// component returns the configuration of package component for one network. No other
// function fills it in.
func (w wiring) component(n config.Network) component.Config {
	c := component.Config{
		Domain:   n.Domain,
		Server:   n.Server,
		Secret:   n.Secret.Reveal(),
		Name:     n.Name,
		Version:  version(),
		Network:  n.Legacy,
		Registry: w.db,
		Log:      w.log,
		Dial:     dial,
		Policy:   policy(n),
		Reload:   func() (component.Policy, error) { return reloadPolicy(w.cfg.File, n.Domain) },
		Rate:     n.Rate,
		History:  n.History,
		Linger:   w.cfg.Linger,
		MaxFile:  w.cfg.MaxFile,
		Memory:   w.memory,
	}
	if w.store != nil {
		c.StoreFile = func(ctx context.Context, f legacy.File, r io.Reader) (string, error) {
			f.Sender = n.Domain + "/" + f.Sender // an address of two networks is two senders
			return w.store.Save(ctx, f, r)
		}
	}
	return c
}

// policy returns the access rules of a network.
func policy(n config.Network) component.Policy {
	return component.Policy{Allow: n.Allow, Deny: n.Deny, Admins: n.Admins}
}

// reloadPolicy reads the configuration file again and returns the policy of one
// network.
func reloadPolicy(file, domain string) (component.Policy, error) {
	fresh, err := config.Load(file)
	if err != nil {
		return component.Policy{}, err
	}
	i := slices.IndexFunc(fresh.Networks, func(n config.Network) bool { return n.Domain == domain })
	if i < 0 {
		return component.Policy{}, fmt.Errorf("%s no longer has a network with the domain %s", file, domain)
	}
	return policy(fresh.Networks[i]), nil
}

// openRegistry opens the configured database.
func openRegistry(ctx context.Context, cfg *config.Config) (*registry.DB, error) {
	return registry.Open(ctx, registry.Options{Path: cfg.Database, KeyFile: cfg.KeyFile, NoJournal: cfg.Durability == config.DurabilityMemory})
}
