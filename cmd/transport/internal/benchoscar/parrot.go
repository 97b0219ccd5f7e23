package main

import (
	"context"
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
	return &parrot{n, env, make(chan legacy.Outgoing, 8)}, nil
}

type parrot struct {
	net   *parrots
	env   legacy.Env
	queue chan legacy.Outgoing
}

func (s *parrot) Run(ctx context.Context) error {
	s.env.Emit(legacy.Ready{})
	s.net.ready.Add(1)
	for {
		select {
		case m := <-s.queue:
			s.env.Emit(legacy.MessageSent{Ref: m.Ref})
			s.env.Emit(legacy.MessageReceived{From: m.To, Text: m.Text})
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *parrot) Send(ctx context.Context, m legacy.Outgoing) error {
	select {
	case s.queue <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
