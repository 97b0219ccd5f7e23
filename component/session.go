package component

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"transport/component/stream"
	"transport/legacy"
	"transport/registry"
)

// session is one run of a legacy session. The actor owns it; run has a goroutine
// of its own.
type session struct {
	legacy legacy.Session
	cancel context.CancelFunc
	ready  bool // the network has signed the account on
	ending bool // cancel was called
	trial  bool // it tries a registration

	since    time.Time // signed on
	signOnBy time.Time // until then the network must have signed the account on
	turn     time.Time // until then the sign-on waits for its turn, zero if it does not
}

// sessionEvent is what a session says to its actor: a legacy.Event, a sessionFlush
// or a sessionEnd.
type sessionEvent struct {
	from *session
	what any
}

// sessionFlush is to be closed when everything before is dealt with.
type sessionFlush chan<- struct{}

// sessionEnd is how a session has ended.
type sessionEnd struct{ err error }

const (
	signOnTimeout = 60 * time.Second // from the first connection to Ready
	backoffFloor  = 2 * time.Second
	backoffCeil   = 5 * time.Minute
)

// startSession starts a session for an account. The actor calls it while it has
// none.
func (u *user) startSession(account *registry.Account, trial bool) error {
	ctx, cancel := context.WithCancel(u.ctx)
	s := &session{cancel: cancel, trial: trial, signOnBy: u.c.clock.Now().Add(signOnTimeout)}
	place := make(chan struct{}, 1) // holds our place among the sign-ons
	over := func() {
		select {
		case <-place:
			<-u.c.signOns
		default:
		}
	}
	storeFile := u.c.cfg.StoreFile
	if storeFile == nil && u.c.cfg.MaxFile > 0 {
		storeFile = func(ctx context.Context, name string, size int64, r io.Reader) (string, error) {
			return u.c.upload(ctx, u.domain, name, size, r)
		}
	}
	env := legacy.Env{
		Log: u.log,
		Emit: func(ev legacy.Event) {
			switch ev.(type) {
			case legacy.Ready, legacy.SignOnDelayed: // others need not wait as well
				over()
			}
			u.deliver(sessionEvent{s, ev})
		},
		Flush:     func(ctx context.Context) error { return u.flush(ctx, s) },
		Dial:      u.c.cfg.Dial,
		StoreFile: storeFile,
		MaxFile:   u.c.cfg.MaxFile,
		Now:       u.c.clock.Now,
	}
	var err error
	s.legacy, err = u.c.cfg.Network.NewSession(legacy.Account{Fields: account.Fields, Settings: allSettings(account), State: account.State}, env)
	if err != nil {
		cancel()
		return err
	}
	u.session = s
	u.shown = legacy.Presence{}
	u.c.actors.Go(func() {
		defer func() {
			over()
			cancel()
		}()
		if u.c.waitToSignOn(ctx) {
			place <- struct{}{}
			u.runSession(ctx, s)
			return
		}
		u.deliver(sessionEvent{s, sessionEnd{}})
	})
	return nil
}

// waitToSignOn waits for a place among those who sign on: ten thousand users must
// not do so at once after a restart. It is not inlined: the room that it
// takes would double the stack of every session, as long as that lasts.
//
//go:noinline
func (c *Component) waitToSignOn(ctx context.Context) bool {
	select {
	case c.signOns <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// runSession runs a session, and tells the actor how it has ended. A panic of the
// adapter ends that session only.
func (u *user) runSession(ctx context.Context, s *session) {
	var err error
	defer func() {
		if r := recover(); r != nil {
			u.log.Error().Interface("panic", r).Bytes("stack", debug.Stack()).Msg("a session panicked")
			err = legacy.Wrap(legacy.Internal, fmt.Errorf("panic: %v", r), "Something went wrong inside the gateway.")
		}
		u.deliver(sessionEvent{s, sessionEnd{err}})
	}()
	err = s.legacy.Run(ctx)
}

// deliver hands an event to the actor. It blocks while the actor's queue is full,
// so that TCP slows the network, and gives up when the actor has ended.
func (u *user) deliver(ev sessionEvent) {
	select {
	case u.events <- ev:
	case <-u.done:
	}
}

// flush waits until the actor has dealt with everything that was emitted, and
// the XMPP server is known to have it.
func (u *user) flush(ctx context.Context, s *session) error {
	dealt := make(chan struct{})
	select {
	case u.events <- sessionEvent{s, sessionFlush(dealt)}:
	case <-u.done:
		return stream.ErrDown
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-dealt:
		return nil
	case <-u.done:
		return stream.ErrDown
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wanted reports whether the user should be signed on now.
func (u *user) wanted() bool {
	switch {
	case u.account == nil, u.block != nil, u.option(optLoggedOut):
		return false
	case u.inRooms(), u.option(optStay), !u.visitEnd.IsZero():
		return true
	case u.guest: // the clients may come back
		return !u.graceEnd.IsZero() && u.session != nil && len(u.rooms) > 0
	case u.online():
		return true
	}
	return !u.graceEnd.IsZero() && (u.session != nil || u.called)
}

// steer starts or ends the session as the user's state wants it.
func (u *user) steer() {
	switch s := u.session; {
	case u.trial != nil:
		u.steerTrial()
	case s == nil && u.wanted() && u.retryAt.IsZero():
		if err := u.startSession(u.account, false); err != nil {
			u.log.Error().Err(err).Msg("cannot prepare a session")
			u.block = err
			u.failVisits(u.notOnline())
			u.tellSignOnFailed(err)
		}
	case s != nil && !s.ready && !s.ending && !s.signOnBy.After(u.c.clock.Now()):
		u.log.Warn().Msg("the network did not sign the account on in time")
		s.cancel() // not ending: onEnded makes it a failure
	case s == nil && !u.wanted():
		u.retryAt = time.Time{}
		u.attempt = 0
	case s != nil && !s.ending && !u.wanted():
		u.hideAll("")
		u.endSession()
	}
}

// endSession asks the running session to sign off. Its end comes as an event.
func (u *user) endSession() {
	if s := u.session; s != nil && !s.ending {
		s.ending = true
		s.cancel()
	}
}

// onEvent handles what the session says.
func (u *user) onEvent(ev sessionEvent) {
	old := ev.from != u.session // it was given up
	switch what := ev.what.(type) {
	case sessionFlush:
		if old {
			close(what)
			return
		}
		u.confirm(what)
	case sessionEnd:
		if !old {
			u.onEnded(what.err)
		}
	case legacy.Event:
		if !old {
			u.onLegacy(what)
		}
	}
}

// onLegacy is the one switch over what a network can say.
func (u *user) onLegacy(ev legacy.Event) {
	if u.onRoomEvent(ev) {
		return
	}
	switch ev := ev.(type) {
	case legacy.Ready:
		u.onReady(ev)
	case legacy.CredentialsChanged:
		u.onCredentialsChanged(ev.Fields)
	case legacy.SignOnDelayed:
		u.onSignOnDelayed(ev)
	case legacy.ContactChanged:
		u.onContactChanged(ev.Contact)
	case legacy.ContactRemoved:
		u.onContactRemoved(ev.Peer)
	case legacy.ContactFailed:
		u.onContactFailed(ev.Peer, ev.Err)
	case legacy.AuthRequested:
		u.onAuthRequested(ev)
	case legacy.AuthGranted:
		u.onAuthGranted(ev.From)
	case legacy.AuthDenied:
		u.onAuthDenied(ev.From, ev.Reason)
	case legacy.AddedYou:
		u.onAddedYou(ev.From)
	case legacy.BlockChanged:
		u.onBlockChanged(ev)
	case legacy.PresenceChanged:
		u.onPresenceChanged(ev.From, ev.Presence)
	case legacy.MessageReceived:
		u.onMessageReceived(ev)
	case legacy.OwnMessage:
		u.onOwnMessage(ev)
	case legacy.MessageSent:
		u.onMessageSent(ev)
	case legacy.MessageFailed:
		u.onMessageFailed(ev.Ref, ev.Err)
	case legacy.TypingChanged:
		u.onTypingChanged(ev)
	case legacy.ProfileReceived:
		if !u.onNickFound(ev) {
			u.onLookup(ev.Ref, ev)
		}
	case legacy.VersionReceived:
		u.onLookup(ev.Ref, ev)
	case legacy.SearchFinished:
		u.onLookup(ev.Ref, ev)
	case legacy.PeerNamed:
		u.onPeerNamed(ev)
	case legacy.AvatarChanged:
		u.onAvatarChanged(ev)
	case legacy.CommandDone:
		u.onLookup(ev.Ref, ev)
	case legacy.Notice:
		u.onNotice(ev)
	case legacy.StateSaved:
		u.onStateSaved(ev.State)
	default:
		panic(fmt.Sprintf("component: event %T is not handled", ev))
	}
}

// onReady: the account is signed on.
func (u *user) onReady(ev legacy.Ready) {
	u.session.ready = true
	u.session.since = u.c.clock.Now()
	u.attempt = 0
	u.signedOn.Store(true)
	if u.trial != nil && !u.commitTrial() {
		return
	}
	u.log.Info().Int("contacts", len(ev.Contacts)).Msg("signed on to the network")
	if !u.guest {
		u.sendGatewayPresence(u.bare)
	}
	u.showOwnPresence()
	u.setBlocked(ev.Blocked)
	u.mergeContacts(ev.Contacts)
	u.readRoster(func() {})
	u.ownPicture, u.ownPhoto = "", noPhoto
	u.showSelf()
	u.sendKept()
	u.watchContacts()
	u.rejoin()
	u.makeVisits()
}

// onSignOnDelayed: the network takes the account later. The user is told, and a
// registration does not wait for it.
func (u *user) onSignOnDelayed(ev legacy.SignOnDelayed) {
	s := u.session
	s.signOnBy, s.turn = ev.Until.Add(signOnTimeout), ev.Until
	if u.trial == nil {
		u.log.Info().Time("until", ev.Until).Msg("a sign-on waits for its turn")
		u.hideAll(ev.Text)
	} else if s.trial && ev.Until.After(u.trial.deadline) {
		u.endTrial(legacy.Errorf(legacy.RateLimited, "%s Register again then.", ev.Text))
	}
}

// onEnded: the session is over, for the reason in err, nil after we ended it.
func (u *user) onEnded(err error) {
	s := u.session
	u.session = nil
	u.signedOn.Store(false)
	clear(u.typing)
	u.failBlocking()
	u.endNicks()
	u.failAdding()
	u.endSettling()
	clear(u.leaving)
	if err == nil && !s.ending {
		err = legacy.Errorf(legacy.Temporary, "The network closed the connection.")
	}
	u.failSent(translateError(orTemporary(err)))
	if u.trial == nil || !s.trial {
		u.roomsLost(s.ending, err)
	}
	if u.trial != nil {
		if s.trial {
			u.endTrial(err)
		}
		return
	}
	if s.ending {
		u.log.Info().Msg("signed off from the network")
		if !u.wanted() {
			u.failVisits(u.notOnline())
		}
		return
	}
	u.failVisits(translateError(err))
	kind := legacy.KindOf(err)
	u.lastError, u.lastErrorAt = err, u.c.clock.Now()
	u.log.Warn().Err(err).Stringer("kind", kind).Msg("a session ended")
	if s.ready || u.attempt == 0 { // else it was said before
		u.hideAll(userText(err))
	}
	switch kind {
	case legacy.Auth, legacy.Replaced, legacy.Forbidden, legacy.BadNick:
		u.block = err
		u.tellSignOnFailed(err)
		return
	}
	u.retryAt = u.c.clock.Now().Add(signOnBackoff(u.attempt, err))
	u.attempt++
}

// signOnBackoff is how long to wait after a number of failures in a row, with
// full jitter, and never less than the network asked for.
func signOnBackoff(attempt int, err error) time.Duration {
	ceiling := min(backoffFloor<<min(attempt, 10), backoffCeil)
	return max(rand.N(ceiling)+time.Second/2, retryAfter(err))
}

// tellSignOnFailed tells the user, once, that signing on was given up and what
// mends it. (XEP-0100 §4.4.2)
func (u *user) tellSignOnFailed(err error) {
	u.sendPresenceError(u.bare, translateError(err))
	u.notify(refusalText(err))
}
