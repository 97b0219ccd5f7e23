package component

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"transport/component/stanza"
	"transport/component/stream"
	"transport/legacy"
	"transport/registry"
)

// session is one run of a legacy session. The actor owns it; run has a goroutine
// of its own.
type session struct {
	legacy    legacy.Session
	cancel    context.CancelFunc
	ready     bool // the network has signed the account on
	ending    bool // cancel was called
	registers bool // it tries a registration

	since       time.Time // signed on
	signOnBy    time.Time // until then the network must have signed the account on
	queuedUntil time.Time // until then the sign-on waits for its turn, zero if it does not
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
func (lg *login) startSession(account *registry.Account, trial bool) error {
	ctx, cancel := context.WithCancel(lg.u.ctx)
	s := &session{cancel: cancel, registers: trial, signOnBy: lg.u.c.clock.Now().Add(signOnTimeout)}
	place := make(chan struct{}, 1) // holds our place among the sign-ons
	over := func() {
		select {
		case <-place:
			<-lg.u.c.signOns
		default:
		}
	}
	storeFile := lg.u.c.cfg.StoreFile
	if storeFile == nil && lg.u.c.cfg.MaxFile > 0 {
		storeFile = func(ctx context.Context, name string, size int64, r io.Reader) (string, error) {
			return lg.u.c.upload(ctx, lg.u.domain(), name, size, r)
		}
	}
	env := legacy.Env{
		Log: lg.u.log,
		Emit: func(ev legacy.Event) {
			switch ev.(type) {
			case legacy.Ready, legacy.SignOnDelayed: // others need not wait as well
				over()
			}
			lg.u.post(sessionEvent{s, ev})
		},
		Flush:     func(ctx context.Context) error { return lg.u.flush(ctx, s) },
		Dial:      lg.u.c.cfg.Dial,
		StoreFile: storeFile,
		MaxFile:   lg.u.c.cfg.MaxFile,
		Now:       lg.u.c.clock.Now,
	}
	var err error
	s.legacy, err = lg.u.c.cfg.Network.NewSession(legacy.Account{Fields: account.Fields, Settings: allSettings(account), State: account.State}, env)
	if err != nil {
		cancel()
		return err
	}
	lg.session = s
	lg.u.clients.resetPresence()
	lg.u.c.running.Go(func() {
		defer func() {
			over()
			cancel()
		}()
		if lg.u.c.waitToSignOn(ctx) {
			place <- struct{}{}
			lg.runSession(ctx, s)
			return
		}
		lg.u.post(sessionEvent{s, sessionEnd{}})
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
func (lg *login) runSession(ctx context.Context, s *session) {
	var err error
	defer func() {
		if r := recover(); r != nil {
			lg.u.log.Error().Interface("panic", r).Bytes("stack", debug.Stack()).Msg("a session panicked")
			err = legacy.Wrap(legacy.Internal, fmt.Errorf("panic: %v", r), "Something went wrong inside the gateway.")
		}
		lg.u.post(sessionEvent{s, sessionEnd{err}})
	}()
	err = s.legacy.Run(ctx)
}

// post hands an event to the actor. It blocks while the actor's queue is full,
// so that TCP slows the network, and gives up when the actor has ended.
func (u *user) post(ev sessionEvent) {
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

// wantsSession reports whether the user should be signed on now.
func (lg *login) wantsSession() bool {
	switch {
	case !lg.u.account.exists(), lg.signOnErr != nil, lg.u.account.option(optLoggedOut):
		return false
	case lg.u.rooms.inRooms(), lg.u.account.option(optStay), !lg.visitEnd.IsZero():
		return true
	case lg.u.account.isGuest(): // the clients may come back
		return !lg.graceEnd.IsZero() && lg.session != nil && lg.u.rooms.busy()
	case lg.u.clients.online():
		return true
	}
	return !lg.graceEnd.IsZero() && (lg.session != nil || lg.forcedOnline)
}

// reconcileSession starts or ends the session as the user's state wants it.
func (lg *login) reconcileSession() {
	switch s := lg.session; {
	case lg.pending != nil:
		lg.advanceRegistration()
	case s == nil && lg.wantsSession() && lg.retryAt.IsZero():
		account := lg.u.account.stored()
		if err := lg.startSession(&account, false); err != nil {
			lg.u.log.Error().Err(err).Msg("cannot prepare a session")
			lg.signOnErr = err
			lg.u.login.failVisits(lg.notOnline())
			lg.reportSignOnFailure(err)
		}
	case s != nil && !s.ready && !s.ending && !s.signOnBy.After(lg.u.c.clock.Now()):
		lg.u.log.Warn().Msg("the network did not sign the account on in time")
		s.cancel() // not ending: onEnded makes it a failure
	case s == nil && !lg.wantsSession():
		lg.retryAt = time.Time{}
		lg.attempt = 0
	case s != nil && !s.ending && !lg.wantsSession():
		lg.u.roster.hideAll("")
		lg.endSession()
	}
}

// endSession asks the running session to sign off. Its end comes as an event.
func (lg *login) endSession() {
	if s := lg.session; s != nil && !s.ending {
		s.ending = true
		s.cancel()
	}
}

// onEvent handles what the session says.
func (u *user) onEvent(ev sessionEvent) {
	old := !u.login.is(ev.from) // it was given up
	switch what := ev.what.(type) {
	case sessionFlush:
		if old {
			close(what)
			return
		}
		u.outbox.onFlush(what)
	case sessionEnd:
		if !old {
			u.login.onEnded(what.err)
		}
	case legacy.Event:
		if !old {
			u.onLegacy(what)
		}
	}
}

// onLegacy is the one switch over what a network can say.
func (u *user) onLegacy(ev legacy.Event) {
	if u.rooms.onRoomEvent(ev) {
		return
	}
	switch ev := ev.(type) {
	case legacy.Ready:
		u.login.onReady(ev)
	case legacy.CredentialsChanged:
		u.login.onCredentialsChanged(ev.Fields)
	case legacy.SignOnDelayed:
		u.login.onSignOnDelayed(ev)
	case legacy.ContactChanged:
		u.roster.onContactChanged(ev.Contact)
	case legacy.ContactRemoved:
		u.roster.onContactRemoved(ev.Peer)
	case legacy.ContactFailed:
		u.roster.onContactFailed(ev.Peer, ev.Err)
	case legacy.AuthRequested:
		u.roster.onAuthRequested(ev)
	case legacy.AuthGranted:
		u.roster.onAuthGranted(ev.From)
	case legacy.AuthDenied:
		u.roster.onAuthDenied(ev.From, ev.Reason)
	case legacy.AddedYou:
		u.roster.onAddedYou(ev.From)
	case legacy.BlockChanged:
		u.roster.onBlockChanged(ev)
	case legacy.PresenceChanged:
		u.roster.onPresenceChanged(ev.From, ev.Presence)
	case legacy.MessageReceived:
		u.outbox.onMessageReceived(ev)
	case legacy.OwnMessage:
		u.outbox.onOwnMessage(ev)
	case legacy.MessageSent:
		u.outbox.onMessageSent(ev)
	case legacy.MessageFailed:
		u.outbox.onMessageFailed(ev.Ref, ev.Err)
	case legacy.TypingChanged:
		u.outbox.onTypingChanged(ev)
	case legacy.ProfileReceived:
		if !u.roster.onNickFound(ev) {
			u.calls.onQueryResult(ev.Ref, ev)
		}
	case legacy.VersionReceived:
		u.calls.onQueryResult(ev.Ref, ev)
	case legacy.SearchFinished:
		u.calls.onQueryResult(ev.Ref, ev)
	case legacy.PeerNamed:
		u.roster.onPeerNamed(ev)
	case legacy.AvatarChanged:
		u.roster.onAvatarChanged(ev)
	case legacy.CommandDone:
		u.calls.onQueryResult(ev.Ref, ev)
	case legacy.Notice:
		u.outbox.onNotice(ev)
	case legacy.StateSaved:
		u.account.onStateSaved(ev.State)
	default:
		panic(fmt.Sprintf("component: event %T is not handled", ev))
	}
}

// onReady: the account is signed on.
func (lg *login) onReady(ev legacy.Ready) {
	lg.session.ready = true
	lg.session.since = lg.u.c.clock.Now()
	lg.attempt = 0
	lg.u.signedOn.Store(true)
	if lg.pending != nil && !lg.commitRegistration() {
		return
	}
	lg.u.log.Info().Int("contacts", len(ev.Contacts)).Msg("signed on to the network")
	if !lg.u.account.isGuest() {
		lg.u.roster.sendGatewayPresence(lg.u.bare)
	}
	lg.u.clients.showOwnPresence()
	lg.u.roster.setBlocked(ev.Blocked)
	lg.u.roster.mergeContacts(ev.Contacts)
	lg.u.roster.readRoster(func() {})
	lg.u.clients.resetAvatar()
	lg.u.clients.publishProfile()
	lg.u.outbox.sendSpooled()
	lg.u.roster.watchContacts()
	lg.u.rooms.rejoin()
	lg.u.login.runVisits()
}

// onSignOnDelayed: the network takes the account later. The user is told, and a
// registration does not wait for it.
func (lg *login) onSignOnDelayed(ev legacy.SignOnDelayed) {
	s := lg.session
	s.signOnBy, s.queuedUntil = ev.Until.Add(signOnTimeout), ev.Until
	if lg.pending == nil {
		lg.u.log.Info().Time("until", ev.Until).Msg("a sign-on waits for its turn")
		lg.u.roster.hideAll(ev.Text)
	} else if s.registers && ev.Until.After(lg.pending.deadline) {
		lg.abortRegistration(legacy.Errorf(legacy.RateLimited, "%s Register again then.", ev.Text))
	}
}

// onEnded: the session is over, for the reason in err, nil after we ended it.
func (lg *login) onEnded(err error) {
	s := lg.session
	lg.session = nil
	lg.u.signedOn.Store(false)
	lg.u.reset(sessionEnded)
	if err == nil && !s.ending {
		err = legacy.Errorf(legacy.Temporary, "The network closed the connection.")
	}
	lg.u.outbox.failSent(stanza.Translate(orTemporary(err)))
	if lg.pending == nil || !s.registers {
		lg.u.rooms.onSessionLost(s.ending, err)
	}
	if lg.pending != nil {
		if s.registers {
			lg.abortRegistration(err)
		}
		return
	}
	if s.ending {
		lg.u.log.Info().Msg("signed off from the network")
		if !lg.wantsSession() {
			lg.u.login.failVisits(lg.notOnline())
		}
		return
	}
	lg.u.login.failVisits(stanza.Translate(err))
	kind := legacy.KindOf(err)
	lg.lastError, lg.lastErrorAt = err, lg.u.c.clock.Now()
	lg.u.log.Warn().Err(err).Stringer("kind", kind).Msg("a session ended")
	if s.ready || lg.attempt == 0 { // else it was said before
		lg.u.roster.hideAll(userText(err))
	}
	switch kind {
	case legacy.Auth, legacy.Replaced, legacy.Forbidden, legacy.BadNick:
		lg.signOnErr = err
		lg.reportSignOnFailure(err)
		return
	}
	lg.retryAt = lg.u.c.clock.Now().Add(signOnBackoff(lg.attempt, err))
	lg.attempt++
}

// signOnBackoff is how long to wait after a number of failures in a row, with
// full jitter, and never less than the network asked for.
func signOnBackoff(attempt int, err error) time.Duration {
	ceiling := min(backoffFloor<<min(attempt, 10), backoffCeil)
	return max(rand.N(ceiling)+time.Second/2, retryAfter(err))
}

// reportSignOnFailure tells the user, once, that signing on was given up and what
// mends it. (XEP-0100 §4.4.2)
func (lg *login) reportSignOnFailure(err error) {
	if lg.u.account.isGuest() { // whose joins and questions have been answered so
		return
	}
	lg.u.roster.sendPresenceError(lg.u.bare, stanza.Translate(err))
	lg.u.notify(refusalText(err))
}
