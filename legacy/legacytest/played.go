package legacytest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy"
)

// Patience is the time limit of an expected event.
const Patience = 10 * time.Second

// Played is a running session of an adapter; the test plays the core. Only the test's
// goroutine may call its methods.
type Played struct {
	legacy.Session
	Events chan legacy.Event // all but StateSaved; buffers 4,096
	Cancel context.CancelFunc

	t     testing.TB
	ended chan error
	mu    sync.Mutex
	state []byte
}

// PlayOptions configure Play. The zero value is ready to use.
type PlayOptions struct {
	Dial  func(ctx context.Context, network, addr string) (net.Conn, error) // nil for the network
	Check func(legacy.Event) error                                          // checks each event; nil for none
	Log   bool                                                              // to the test's log
	Env   func(*legacy.Env)                                                 // modifies the session's Env; may be nil
}

// Play runs a session until the test ends, without waiting for the sign-on.
func Play(t testing.TB, n legacy.Network, account legacy.Account, o PlayOptions) *Played {
	t.Helper()
	p := &Played{t: t, Events: make(chan legacy.Event, 4096), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	p.Cancel = cancel
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	log := zerolog.Nop()
	if o.Log {
		log = zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.DebugLevel)
	}
	env := legacy.Env{
		Log: log, Now: time.Now, Dial: o.Dial,
		Flush: func(context.Context) error { return nil },
		Emit: func(ev legacy.Event) {
			if o.Check != nil {
				if err := o.Check(ev); err != nil {
					t.Errorf("%T%+v: %v", ev, ev, err)
				}
			}
			if st, ok := ev.(legacy.StateSaved); ok {
				p.mu.Lock()
				p.state = st.State
				p.mu.Unlock()
			}
			select { // an event that has room is kept, also after the end
			case p.Events <- ev:
				return
			default:
			}
			select {
			case p.Events <- ev:
			case <-ctx.Done():
			}
		},
	}
	if o.Env != nil {
		o.Env(&env)
	}
	s, err := n.NewSession(account, env)
	if err != nil {
		t.Fatal(err)
	}
	p.Session = s
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.ended <- s.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(Patience):
			t.Error("Run has not returned after the end of its context")
		}
	})
	return p
}

// State returns the blob of the last StateSaved.
func (p *Played) State() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// Do fails the test if the session has rejected a command.
func (p *Played) Do(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// WaitEnd waits for Run to return, and returns its error.
func (p *Played) WaitEnd() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		return err
	case <-time.After(Patience):
		p.t.Fatal("Run has not returned")
		return nil
	}
}

// Await waits for an event of type E that matches fits, and skips all others. If fits is
// nil, the first event of the type matches.
func Await[E legacy.Event](p *Played, fits func(E) bool) E {
	p.t.Helper()
	var skipped []string
	timeout := time.After(Patience)
	for {
		select {
		case ev := <-p.Events:
			if e, ok := ev.(E); ok && (fits == nil || fits(e)) {
				return e
			}
			skipped = append(skipped, fmt.Sprintf("%T%+v", ev, ev))
		case <-timeout:
			var want E
			p.t.Fatalf("no %T came, but\n%s", want, strings.Join(skipped, "\n"))
		}
	}
}
