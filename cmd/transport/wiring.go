package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"transport/component"
	"transport/registry"
)

// dialer opens every connection of the process. A peer that is gone without a
// word is found out within a minute or so.
var dialer = net.Dialer{
	Timeout:         15 * time.Second,
	KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3},
}

// componentConfig is what package component needs for one network. Without a
// database it is good for a handshake only.
func (n network) componentConfig(db *registry.DB, log zerolog.Logger) component.Config {
	return component.Config{
		Domain:   n.domain,
		Server:   n.address,
		Secret:   n.secret.reveal(),
		Name:     n.name,
		Version:  version(),
		Network:  n.legacy,
		Registry: db,
		Log:      log,
		Dial:     dialer.DialContext,
		Policy:   n.policy(),
		Rate:     n.rate,
		History:  n.history,
	}
}

func (n network) policy() component.Policy {
	return component.Policy{Allow: n.allow, Deny: n.deny, Admins: n.admins}
}

// reloadPolicy reads the configuration anew and returns the policy of one
// network.
func (c *config) reloadPolicy(domain string) (component.Policy, error) {
	fresh, err := loadConfig(c.file)
	if err != nil {
		return component.Policy{}, err
	}
	i := slices.IndexFunc(fresh.networks, func(n network) bool { return n.domain == domain })
	if i < 0 {
		return component.Policy{}, fmt.Errorf("%s: there is no network with the domain %s any more", c.file, domain)
	}
	return fresh.networks[i].policy(), nil
}

// openRegistry opens the configured database.
func (c *config) openRegistry(ctx context.Context) (*registry.DB, error) {
	return registry.Open(ctx, registry.Options{Path: c.database, KeyFile: c.keyFile})
}
