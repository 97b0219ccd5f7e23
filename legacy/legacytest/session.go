package legacytest

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"transport/legacy"
)

// What a Session can do is checked here, and declared in Echo.Info.
var (
	_ legacy.Session      = (*Session)(nil)
	_ legacy.Presencer    = (*Session)(nil)
	_ legacy.RosterEditor = (*Session)(nil)
	_ legacy.Typer        = (*Session)(nil)
	_ legacy.Blocker      = (*Session)(nil)

	_ legacy.AvatarSetter  = (*Session)(nil)
	_ legacy.ProfileSetter = (*Session)(nil)
)

// Session is an account's session on an Echo. Run owns everything that has no
// lock; the other methods only put a command into the queue.
type Session struct {
	net      *Echo
	env      legacy.Env
	login    string
	password string
	state    []byte

	live  atomic.Bool  // signed on: commands are taken
	queue chan Command // what the core wants done
	in    *mailbox     // what the network says
}

// errOffline is what commands get while the session is not signed on.
func errOffline() error {
	return legacy.Errorf(legacy.Offline, "You are not signed on to the Echo network.")
}

// Run implements legacy.Session.
func (s *Session) Run(ctx context.Context) (err error) {
	defer func() { s.net.ended(s, err) }()

	closed, hangUp, err := s.dial(ctx)
	if err != nil {
		return endOf(ctx, err)
	}
	defer hangUp()

	signedOn, err := s.net.signOn(ctx, s)
	if err != nil {
		return endOf(ctx, err)
	}
	s.live.Store(true)
	defer s.live.Store(false)
	s.env.Emit(signedOn)
	s.net.greet(s)

	for {
		queue := s.queue
		if s.net.stalled(s) {
			queue = nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-closed:
			return legacy.Errorf(legacy.Temporary, "The connection to the Echo network was lost.")
		case <-s.in.wake:
			for _, it := range s.in.take() {
				if it.end {
					return it.err
				}
				if it.do != nil {
					it.do(s.env)
					continue
				}
				s.env.Emit(it.event)
			}
		case c := <-queue:
			s.net.carryOut(s, c)
		}
	}
}

// endOf is what Run returns for an error: nil when the error is only that the
// core has ended the session.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// dial connects, if the network has an address. closed is closed when the
// connection is lost; hangUp closes it and waits for its reader.
func (s *Session) dial(ctx context.Context) (closed <-chan struct{}, hangUp func(), err error) {
	if s.net.opts.Addr == "" {
		return nil, func() {}, nil
	}
	conn, err := s.env.Dial(ctx, "tcp", s.net.opts.Addr)
	if err != nil {
		return nil, nil, legacy.Wrap(legacy.Temporary, err, "The Echo network cannot be reached.")
	}
	s.env.Log.Debug().Msg("connected")
	lost := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(lost)
		_, _ = io.Copy(io.Discard, conn) // any end is the end
	})
	return lost, func() {
		conn.Close()
		reader.Wait()
	}, nil
}

// enqueue hands a command to Run. It never waits.
func (s *Session) enqueue(c Command) error {
	if !s.live.Load() {
		return errOffline()
	}
	select {
	case s.queue <- c:
		return nil
	default:
		return legacy.Errorf(legacy.RateLimited, "That is too fast for the Echo network.")
	}
}

// Send implements legacy.Session.
func (s *Session) Send(_ context.Context, m legacy.Outgoing) error {
	if err := s.net.sendError(s); err != nil {
		return err
	}
	return s.enqueue(Send{m})
}

// SetPresence implements legacy.Presencer.
func (s *Session) SetPresence(_ context.Context, p legacy.Presence) error {
	return s.enqueue(SetPresence{p})
}

// AddContact implements legacy.RosterEditor.
func (s *Session) AddContact(_ context.Context, c legacy.Contact, reason string) error {
	return s.enqueue(AddContact{c, reason})
}

// RemoveContact implements legacy.RosterEditor.
func (s *Session) RemoveContact(_ context.Context, p legacy.Peer) error {
	return s.enqueue(RemoveContact{p})
}

// Authorize implements legacy.RosterEditor.
func (s *Session) Authorize(_ context.Context, p legacy.Peer, allow bool, reason string) error {
	return s.enqueue(Authorize{p, allow, reason})
}

// SetTyping implements legacy.Typer.
func (s *Session) SetTyping(_ context.Context, p legacy.Peer, t legacy.Typing) error {
	return s.enqueue(SetTyping{p, t})
}

// Block implements legacy.Blocker.
func (s *Session) Block(_ context.Context, p legacy.Peer, blocked bool) error {
	return s.enqueue(Block{p, blocked})
}

// SetAvatar implements legacy.AvatarSetter.
func (s *Session) SetAvatar(_ context.Context, image []byte) error {
	return s.enqueue(SetAvatar{image})
}

// SetProfile implements legacy.ProfileSetter.
func (s *Session) SetProfile(_ context.Context, p legacy.Profile) error {
	return s.enqueue(SetProfile{p})
}

// mailbox carries what the network says to a session. Those who put into it
// never wait, so that a session that the core slows down slows nobody else.
type mailbox struct {
	wake chan struct{} // something is there, or changed; capacity 1

	mu    sync.Mutex
	items []item
	shut  bool
}

// item is an event, or something to be done, or the session's end.
type item struct {
	event legacy.Event
	do    func(legacy.Env)
	end   bool
	err   error // with end, what Run returns
}

// maxMail is how many items wait for a session.
const maxMail = 4096

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// put adds items. It is false when the session is over or the mailbox full.
func (b *mailbox) put(items ...item) bool {
	b.mu.Lock()
	ok := !b.shut && len(b.items)+len(items) <= maxMail
	if ok {
		b.items = append(b.items, items...)
	}
	b.mu.Unlock()
	b.poke()
	return ok
}

// say adds events.
func (b *mailbox) say(events ...legacy.Event) bool {
	items := make([]item, len(events))
	for i, ev := range events {
		items[i].event = ev
	}
	return b.put(items...)
}

func (b *mailbox) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *mailbox) take() []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.items
	b.items = nil
	return items
}

// close drops what is left.
func (b *mailbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shut, b.items = true, nil
}
