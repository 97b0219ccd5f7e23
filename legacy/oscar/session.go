package oscar

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"transport/legacy"
	"transport/legacy/gate"
)

var (
	_ legacy.Session      = (*session)(nil)
	_ legacy.Presencer    = (*session)(nil)
	_ legacy.RosterEditor = (*session)(nil)
	_ legacy.Typer        = (*session)(nil)
)

const (
	queueLen   = 64 // limit: commands of a session | a further one is refused: resource-constraint
	maxBacklog = 64 // limit: messages delayed by the server's rate limits | a further one is refused: resource-constraint
)

// command is a task for Run's goroutine.
type command func(*client)

// session is one account.
type session struct {
	net      *network
	env      legacy.Env
	servers  []string     // authorizers, tried in order
	named    bool         // the user chose the server
	scope    legacy.Scope // of that server and of all redirects; of a configured server, its own since authorize
	self     string       // the account's normalised name
	password string
	state    []byte

	live    atomic.Bool  // signed on: commands are accepted
	backlog atomic.Int32 // messages from Send that are not written yet
	limits  roomLimits
	pace    atomic.Pointer[pace] // of messages
	queue   chan command
}

// Run implements legacy.Session.
func (s *session) Run(ctx context.Context) error {
	err := s.serve(ctx)
	s.live.Store(false)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

const (
	authorizeLimit = 25 * time.Second // for all authorizers together
	attachLimit    = 25 * time.Second // for the sign-on at BOS
)

// serve signs on and serves until the session ends.
func (s *session) serve(ctx context.Context) error {
	addr, cookie, pass, err := s.authorize(ctx)
	if err != nil {
		return err
	}
	defer pass.Done(gate.Neutral) // after a panic
	limited, cancel := context.WithTimeout(ctx, attachLimit)
	defer cancel()
	life, stop := context.WithCancel(ctx)
	c := newClient(s, life)
	c.rates.publishes = true
	defer func() {
		stop()
		c.close()
		c.background.Wait()
	}()
	err = c.attach(limited, addr, cookie)
	pass.Done(outcome(err))
	if err != nil {
		return err
	}
	cancel()
	s.live.Store(true)
	c.emit(legacy.Ready{Self: legacy.Peer{ID: s.self}, Contacts: c.contacts.list.contacts(), Blocked: c.contacts.blockedPeers()})
	if c.contacts.keep != nil {
		c.emit(legacy.StateSaved{State: c.contacts.keep})
	}
	for {
		err := c.run(ctx)
		var m *migration
		if !errors.As(err, &m) {
			return err
		}
		if err := c.migrate(ctx, m); err != nil {
			return err
		}
	}
}

// errOffline returns the error of a command while the session is not signed on.
func (s *session) errOffline() error {
	return legacy.Errorf(legacy.Offline, "You are not signed on to %s.", s.net.name())
}

// enqueue queues a command for Run. It never waits.
func (s *session) enqueue(c command) error {
	if !s.live.Load() {
		return s.errOffline()
	}
	select {
	case s.queue <- c:
		return nil
	default:
		return legacy.Errorf(legacy.RateLimited, "Too many requests to %s are waiting. Try again in a moment.", s.net.name())
	}
}

// SetPresence implements legacy.Presencer.
func (s *session) SetPresence(_ context.Context, p legacy.Presence) error {
	return s.enqueue(func(c *client) { c.buddies.setPresence(p) })
}

// AddContact implements legacy.RosterEditor.
func (s *session) AddContact(_ context.Context, ct legacy.Contact, reason string) error {
	return s.enqueue(func(c *client) { c.contacts.addContact(ct, reason) })
}

// RemoveContact implements legacy.RosterEditor.
func (s *session) RemoveContact(_ context.Context, p legacy.Peer) error {
	return s.enqueue(func(c *client) { c.contacts.removeContact(p) })
}

// Authorize implements legacy.RosterEditor.
func (s *session) Authorize(_ context.Context, p legacy.Peer, allow bool, reason string) error {
	return s.enqueue(func(c *client) { c.contacts.authorizePeer(p, allow, reason) })
}

// SetTyping implements legacy.Typer.
func (s *session) SetTyping(_ context.Context, p legacy.Peer, t legacy.Typing) error {
	return s.enqueue(func(c *client) { c.icbm.setTyping(p, t) })
}
