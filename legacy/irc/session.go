package irc

import (
	"context"
	"sync/atomic"
	"time"

	"transport/legacy"
)

var (
	_ legacy.Session   = (*session)(nil)
	_ legacy.Presencer = (*session)(nil)
	_ legacy.Roomer    = (*session)(nil)
)

const (
	queueLen    = 256 // commands that wait for Run
	signOnLimit = 50 * time.Second
)

// command is something that the core wants done, by Run's goroutine.
type command func(*client)

// session is one user's connection.
type session struct {
	net    *network
	env    legacy.Env
	fields map[string]string
	live   atomic.Bool
	queue  chan command
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

func (s *session) serve(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, signOnLimit)
	defer cancel()
	c, err := s.connect(limited, ctx)
	if err != nil {
		return err
	}
	defer c.conn.close()
	s.live.Store(true)
	s.env.Emit(legacy.Ready{Self: legacy.Peer{ID: c.fold(c.nick)}})
	return c.run(ctx)
}

// enqueue hands a command to Run. It never waits.
func (s *session) enqueue(c command) error {
	if !s.live.Load() {
		return legacy.Errorf(legacy.Offline, "You are not connected to %s.", s.net.name())
	}
	select {
	case s.queue <- c:
		return nil
	default:
		return legacy.Errorf(legacy.RateLimited, "That is more than %s takes at once. Wait a little.", s.net.name())
	}
}

// Send implements legacy.Session.
func (s *session) Send(_ context.Context, m legacy.Outgoing) error {
	return s.enqueue(func(c *client) { c.sendText(m) })
}

// SetPresence implements legacy.Presencer.
func (s *session) SetPresence(_ context.Context, p legacy.Presence) error {
	return s.enqueue(func(c *client) { c.setAway(p) })
}

// JoinRoom implements legacy.Roomer.
func (s *session) JoinRoom(_ context.Context, room legacy.Peer, password string) error {
	return s.enqueue(func(c *client) { c.join(room.ID, password) })
}

// LeaveRoom implements legacy.Roomer.
func (s *session) LeaveRoom(_ context.Context, room legacy.Peer, reason string) error {
	return s.enqueue(func(c *client) { c.part(room.ID, reason) })
}

// SetNick implements legacy.Roomer.
func (s *session) SetNick(_ context.Context, nick string) error {
	return s.enqueue(func(c *client) { c.setNick(nick) })
}

// Invite implements legacy.Roomer.
func (s *session) Invite(_ context.Context, room, who legacy.Peer) error {
	return s.enqueue(func(c *client) { c.invite(room.ID, who.ID) })
}

// SetTopic implements legacy.Roomer.
func (s *session) SetTopic(_ context.Context, room legacy.Peer, topic string) error {
	return s.enqueue(func(c *client) { c.setTopic(room.ID, topic) })
}

// Moderate implements legacy.Roomer.
func (s *session) Moderate(_ context.Context, ref string, room legacy.Peer, m legacy.Moderation) error {
	return s.enqueue(func(c *client) { c.moderate(ref, room.ID, m) })
}
