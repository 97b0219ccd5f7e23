package legacytest_test

import (
	"context"
	"testing"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// chatterbox is a network whose sessions emit events without end.
type chatterbox struct {
	legacy.Network
	full chan struct{} // closed when the test's buffer is full
}

type chatter struct {
	legacy.Session
	env  legacy.Env
	full chan struct{}
}

func (n chatterbox) NewSession(_ legacy.Account, env legacy.Env) (legacy.Session, error) {
	return chatter{env: env, full: n.full}, nil
}

func (s chatter) Run(ctx context.Context) error {
	for n := 0; ctx.Err() == nil; n++ {
		if n == 4096 {
			close(s.full)
		}
		s.env.Emit(legacy.Notice{Text: "blah"})
	}
	return nil
}

// TestPlayedEnds: a session ends although nobody reads its events.
func TestPlayedEnds(t *testing.T) {
	n := chatterbox{full: make(chan struct{})}
	p := legacytest.Play(t, n, legacy.Account{}, legacytest.PlayOptions{})
	<-n.full
	p.Cancel()
	if err := p.WaitEnd(); err != nil {
		t.Error(err)
	}
	if len(p.Events) != cap(p.Events) {
		t.Errorf("%d events are kept, want %d", len(p.Events), cap(p.Events))
	}
}
