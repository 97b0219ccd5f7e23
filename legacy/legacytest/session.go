package legacytest

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"transport/legacy"
)

// The interfaces that a Session implements; Echo.Info declares their features.
var (
	_ legacy.Session      = (*Session)(nil)
	_ legacy.Presencer    = (*Session)(nil)
	_ legacy.RosterEditor = (*Session)(nil)
	_ legacy.Typer        = (*Session)(nil)
	_ legacy.ReadMarker   = (*Session)(nil)
	_ legacy.Blocker      = (*Session)(nil)

	_ legacy.AvatarSetter  = (*Session)(nil)
	_ legacy.ProfileSetter = (*Session)(nil)
)

// Session is an account's session on an Echo. Run owns every field without a lock; the
// other methods only queue a command.
type Session struct {
	net      *Echo
	env      legacy.Env
	login    string
	password string
	state    []byte

	live  atomic.Bool  // signed on: commands are accepted
	queue chan Command // commands of the core
	in    *mailbox     // events from the network
}

// errOffline returns the error of a command while the session is not signed on.
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

	report, err := s.env.Attempt(s.login)
	if err != nil {
		return endOf(ctx, err)
	}
	signedOn, err := s.net.signOn(ctx, s)
	report(err)
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

// endOf returns the result of Run for an error: nil if the error is only that the core
// has ended the session.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// dial connects, if the network has an address. closed is closed when the connection is
// lost; hangUp closes the connection and waits for its reader.
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
		_, _ = io.Copy(io.Discard, conn) // any result is the end
	})
	return lost, func() {
		conn.Close()
		reader.Wait()
	}, nil
}

// enqueue queues a command for Run. It never waits.
func (s *Session) enqueue(c Command) error {
	if !s.live.Load() {
		return errOffline()
	}
	select {
	case s.queue <- c:
		return nil
	default:
		return legacy.Errorf(legacy.RateLimited, "Too many requests to the Echo network are waiting. Try again in a moment.")
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

// MarkRead implements legacy.ReadMarker.
func (s *Session) MarkRead(_ context.Context, p legacy.Peer, mark time.Time) error {
	return s.enqueue(MarkRead{p, mark})
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

// mailbox is the queue of events from the network to a session. Producers never wait,
// so that a session slowed down by back-pressure does not slow down others.
type mailbox struct {
	wake chan struct{} // signals an item or a change; capacity 1

	mu    sync.Mutex
	items []item
	shut  bool
}

// item is an event, a function to call, or the session's end.
type item struct {
	event legacy.Event
	do    func(legacy.Env)
	end   bool
	err   error // with end, the result of Run
}

// maxMail is the limit of items queued for a session.
const maxMail = 4096

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// put adds items. It returns false if the session has ended or the mailbox is full.
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

// putEvents adds events.
func (b *mailbox) putEvents(events ...legacy.Event) bool {
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

// close drops the queued items.
func (b *mailbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shut, b.items = true, nil
}
