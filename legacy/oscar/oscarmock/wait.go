package oscarmock

import (
	"context"
	"fmt"
	"slices"

	"transport/legacy/oscar/oscarwire"
)

// wait blocks until done is true or ctx ends. done is called with n.mu held.
func (n *Network) wait(ctx context.Context, what string, done func() bool) error {
	stop := context.AfterFunc(ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.changed.Broadcast()
	})
	defer stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	for !done() {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("oscarmock: waiting for %s: %w", what, err)
		}
		if n.closed {
			return fmt.Errorf("oscarmock: waiting for %s: the network is closed", what)
		}
		n.changed.Wait()
	}
	return nil
}

func (n *Network) find(name string) *account { return n.accounts[oscarwire.NormalizeScreenName(name)] }

// SignOns returns the number of complete sessions of an account so far.
func (n *Network) SignOns(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		return a.begun
	}
	return 0
}

// WaitSignOns waits for that number of complete sessions of an account. Unlike
// WaitSignedOn, it does not mistake an ending session for a new one.
func (n *Network) WaitSignOns(ctx context.Context, name string, times int) error {
	return n.wait(ctx, fmt.Sprintf("%d sign-ons of %s", times, name), func() bool {
		a := n.find(name)
		return a != nil && a.begun >= times
	})
}

// WaitSignedOn waits until an account has a complete session.
func (n *Network) WaitSignedOn(ctx context.Context, name string) error {
	return n.wait(ctx, name+" to sign on", func() bool {
		a := n.find(name)
		return a != nil && a.online()
	})
}

// WaitSignedOff waits until an account has no session.
func (n *Network) WaitSignedOff(ctx context.Context, name string) error {
	return n.wait(ctx, name+" to sign off", func() bool {
		a := n.find(name)
		return a == nil || !a.online() && len(a.sessions) == 0
	})
}

// WaitSNAC waits until the sessions of an account have sent a SNAC that many times in
// total.
func (n *Network) WaitSNAC(ctx context.Context, name string, id oscarwire.ID, times int) error {
	return n.wait(ctx, fmt.Sprintf("%s to send %v", name, id), func() bool {
		a := n.find(name)
		if a == nil {
			return false
		}
		sum := 0
		for _, s := range a.sessions {
			sum += s.snacs[id]
		}
		return sum >= times
	})
}

// WaitStruck waits until every fault with a limited count has struck.
func (n *Network) WaitStruck(ctx context.Context) error {
	return n.wait(ctx, "faults to strike", func() bool {
		return !slices.ContainsFunc(n.faults, func(f *Fault) bool { return f.Times > 0 })
	})
}

// WaitRoom waits until an account is in a room of exchange 4 (in) or not.
func (n *Network) WaitRoom(ctx context.Context, name, room string, in bool) error {
	return n.wait(ctx, fmt.Sprintf("%s to be in %s: %v", name, room, in), func() bool {
		r, a := n.findRoom(ownExchange, room, false), n.find(name)
		return in == (r != nil && a != nil && slices.ContainsFunc(r.members, func(s *session) bool { return s.account == a }))
	})
}

// WaitUploads waits for that number of icon uploads.
func (n *Network) WaitUploads(ctx context.Context, times int) error {
	return n.wait(ctx, fmt.Sprintf("%d uploads", times), func() bool { return n.uploads >= times })
}

// Uploads returns the number of icon uploads.
func (n *Network) Uploads() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.uploads
}

// Sessions returns the number of complete sessions of an account.
func (n *Network) Sessions(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	if a := n.find(name); a != nil {
		for _, s := range a.sessions {
			if s.ready {
				count++
			}
		}
	}
	return count
}

// Presence returns the presence of an account as visible to others: status, status text
// and away text.
func (n *Network) Presence(name string) (status oscarwire.Status, text, away string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		return a.status, a.statusText, a.away
	}
	return 0, "", ""
}

// HasCapability reports whether an account's clients advertise a capability.
func (n *Network) HasCapability(name string, c oscarwire.GUID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.find(name)
	return a != nil && slices.Contains(a.caps, c)
}

// WaitStatus waits until an account is signed on with a status.
func (n *Network) WaitStatus(ctx context.Context, name string, status oscarwire.Status) error {
	return n.wait(ctx, fmt.Sprintf("%s to be in status %04x", name, uint32(status)), func() bool {
		a := n.find(name)
		return a != nil && a.online() && a.status == status
	})
}

// Stored returns the number of stored messages of an account.
func (n *Network) Stored(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		return len(a.offline)
	}
	return 0
}

// Disconnect ends every session of an account.
func (n *Network) Disconnect(name string, how DisconnectHow) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		for len(a.sessions) > 0 {
			a.sessions[0].disconnect(how)
		}
	}
}

// SendAll sends a SNAC with any body to every session of an account.
func (n *Network) SendAll(name string, id oscarwire.ID, body []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		for _, s := range a.sessions {
			s.send(id, 0, oscarwire.Raw(body))
		}
	}
}

// Migrate moves every session of an account to another address, with a cookie that is
// valid there if it is this network's.
func (n *Network) Migrate(name, addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.find(name)
	if a == nil {
		return
	}
	for _, s := range a.sessions {
		multi := oscarwire.MultiConnSingle
		if s.multi {
			multi = oscarwire.MultiConnAllow
		}
		s.send(oscarwire.ServicePause, 0, nil)
		s.send(oscarwire.ServiceMigrate, 0, oscarwire.Migration{Addr: addr, Cookie: n.newCookie(a, multi)})
	}
}

// SetLevel sets the rate level of an account's sessions, and of its room connections,
// without informing the client.
func (n *Network) SetLevel(name string, class uint16, level uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.find(name)
	if a == nil {
		return
	}
	conns := slices.Clone(a.sessions)
	for _, room := range n.rooms {
		for _, m := range room.members {
			if m.account == a {
				conns = append(conns, m)
			}
		}
	}
	for _, s := range conns {
		if r := s.rates[class]; r != nil {
			r.class.Current, r.last = level, n.opts.Now()
		}
	}
}
