package main

import (
	"context"
	"sync"
	"sync/atomic"

	"transport/legacy"
)

// parrots is a network in memory on which everybody repeats what is said to them. A
// session is one goroutine.
type parrots struct{ ready atomic.Int64 }

func (*parrots) Info() legacy.Info {
	return legacy.Info{Name: "Parrots", Type: "icq", PeerName: "name",
		Form: []legacy.Field{{Var: "username", Label: "Name", Required: true}}}
}
func (*parrots) ParsePeer(name string) (legacy.Peer, error) { return legacy.Peer{ID: name}, nil }
func (*parrots) Validate(map[string]string) error           { return nil }
func (*parrots) Login(f map[string]string) string           { return f["username"] }

func (n *parrots) NewSession(_ legacy.Account, env legacy.Env) (legacy.Session, error) {
	return &parrot{net: n, env: env, wake: make(chan struct{}, 1)}, nil
}

type parrot struct {
	net  *parrots
	env  legacy.Env
	wake chan struct{}

	mu    sync.Mutex
	queue []legacy.Outgoing // an idle session has none
}

func (s *parrot) Run(ctx context.Context) error {
	s.env.Emit(legacy.Ready{})
	s.net.ready.Add(1)
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil
		}
		s.mu.Lock()
		queue := s.queue
		s.queue = nil
		s.mu.Unlock()
		for _, m := range queue {
			s.env.Emit(legacy.MessageSent{Ref: m.Ref})
			s.env.Emit(legacy.MessageReceived{From: m.To, Text: m.Text})
		}
	}
}

func (s *parrot) Send(_ context.Context, m legacy.Outgoing) error {
	s.mu.Lock()
	s.queue = append(s.queue, m) // the load generator has few messages in transit
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}
