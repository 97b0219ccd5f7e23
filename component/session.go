package component

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"transport/component/stanza"
	"transport/component/stream"
	"transport/legacy"
	"transport/registry"
)

// session is one run of a legacy session. The actor owns it; legacy.Session.Run has its
// own goroutine.
type session struct {
	legacy    legacy.Session
	cancel    context.CancelFunc
	ready     bool // the network has signed the account on
	ending    bool // cancel was called
	registers bool // its account is a pending registration
	timedOut  bool // cancel was called because the sign-on took too long

	entry       uint64    // of the journal, 0 until the network has signed the account on
	since       time.Time // signed on
	signOnBy    time.Time // the deadline of the sign-on
	queuedUntil time.Time // the end of the wait in the network's sign-on queue, zero without one
}

// signsOn reports whether the session has a deadline for its sign-on.
func (s *session) signsOn() bool { return !s.ready && !s.ending && !s.timedOut }

// sessionEvent is an event that a session sends to its actor: a legacy.Event, a
// sessionFlush or a sessionEnd.
type sessionEvent struct {
	from *session
	what any
}

// sessionFlush is closed once all earlier events have been handled.
type sessionFlush chan<- struct{}

// sessionEnd reports the end of a session.
type sessionEnd struct{ err error }

const (
	signOnTimeout = 60 * time.Second // from the start of the session to Ready
)

// startSession starts a session for an account. The actor calls it while no session is
// running.
func (lg *login) startSession(account *registry.Account, trial bool) error {
	ctx, cancel := context.WithCancel(lg.u.ctx)
	s := &session{cancel: cancel, registers: trial, signOnBy: lg.u.c.clock.Now().Add(signOnTimeout)}
	place := make(chan struct{}, 1) // filled while we occupy a slot of Component.signOns
	over := func() {
		select {
		case <-place:
			<-lg.u.c.signOns
		default:
		}
	}
	storeFile := lg.u.c.cfg.StoreFile
	if storeFile == nil && lg.u.c.cfg.MaxFile > 0 {
		storeFile = func(ctx context.Context, f legacy.File, r io.Reader) (string, error) {
			return lg.u.c.upload(ctx, lg.u.domain(), f, r)
		}
	}
	env := legacy.Env{
		Log: lg.u.log,
		Emit: func(ev legacy.Event) {
			switch ev.(type) {
			case legacy.Ready, legacy.SignOnDelayed: // the sign-on is over or delayed: free the slot
				over()
			}
			lg.u.post(sessionEvent{s, ev})
		},
		Flush:     func(ctx context.Context) error { return lg.u.flush(ctx, s) },
		Dial:      lg.u.c.cfg.Dial,
		StoreFile: storeFile,
		MaxFile:   lg.u.c.cfg.MaxFile,
		Attempts:  func(account string) (func(error), error) { return lg.u.c.attempts.begin(lg.u.bare, account) },
		Now:       lg.u.c.clock.Now,
	}
	var err error
	s.legacy, err = lg.u.c.cfg.Network.NewSession(legacy.Account{Fields: account.Fields, Settings: account.AllSettings(), State: account.State}, env)
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

// waitToSignOn waits for one of maxSignOns slots: it limits concurrent sign-ons, so that a
// restart does not make all users sign on at once. It must not be inlined: its frame would
// double the stack of every session for the whole session.
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

// runSession runs a session and reports its end to the actor. A panic of the adapter ends
// this session only.
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

// post sends an event to the actor. It blocks while the event queue is full
// (back-pressure on the network's connection) and gives up when the actor has ended.
func (u *user) post(ev sessionEvent) { u.events.add(ev, nil) }

// flush waits until the actor has handled all events that were emitted before, and the
// XMPP server has acknowledged the messages.
func (u *user) flush(ctx context.Context, s *session) error {
	dealt := make(chan struct{})
	if !u.events.add(sessionEvent{s, sessionFlush(dealt)}, ctx.Done()) {
		return cmp.Or(ctx.Err(), stream.ErrDown)
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
	case lg.u.rooms.NeedsSession(), lg.u.account.option(optStay), !lg.visitEnd.IsZero():
		return true
	case lg.u.account.isGuest(): // the clients may come back
		return !lg.graceEnd.IsZero() && lg.session != nil && lg.u.rooms.busy()
	case lg.u.clients.online():
		return true
	}
	return !lg.graceEnd.IsZero() && (lg.session != nil || lg.forcedOnline)
}

// reconcileSession starts or ends a session according to wantsSession.
func (lg *login) reconcileSession() {
	switch s := lg.session; {
	case lg.pending != nil:
		lg.advanceRegistration()
	case s == nil && lg.wantsSession() && lg.retryAt.IsZero() && lg.postponesSignOn():
	case s == nil && lg.wantsSession() && lg.retryAt.IsZero():
		if err := lg.startStored(); err != nil {
			lg.u.log.Error().Err(err).Msg("cannot start a session")
			lg.signOnErr = err
			lg.failVisits(lg.notOnline())
			lg.u.rooms.Fail(err)
			lg.reportSignOnFailure(err)
		}
	case s != nil && s.signsOn() && isDue(s.signOnBy, lg.u.c.clock.Now()):
		lg.u.log.Warn().Msg("the network did not sign the account on in time")
		s.timedOut = true
		s.cancel() // not ending: onEnded makes it a failure
	case s == nil && !lg.wantsSession():
		lg.retryAt = time.Time{}
		lg.attempt = 0
		if lg.u.account.option(optLoggedOut) { // while a sign-on was to be retried
			lg.u.rooms.Close("333", lg.notOnline())
		}
	case s != nil && !s.ending && !lg.wantsSession():
		lg.u.roster.hideAll("")
		lg.endSession()
	}
}

// endSession asks the running session to sign off. Its end arrives as a sessionEnd.
func (lg *login) endSession() {
	if s := lg.session; s != nil && !s.ending {
		s.ending = true
		s.cancel()
	}
}

// onEvent handles an event from a session. Those of a session that was given up are
// ignored.
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

// onLegacy dispatches the events of the network.
func (u *user) onLegacy(ev legacy.Event) {
	if u.rooms.OnEvent(ev) {
		return
	}
	switch ev := ev.(type) {
	case legacy.RoomConfigReceived:
		u.calls.onQueryResult(ev.Ref, ev)
	case legacy.BansReceived:
		u.calls.onQueryResult(ev.Ref, ev)
	case legacy.RoomsListed:
		u.calls.onQueryResult(ev.Ref, ev)
	case legacy.Done:
		u.calls.onQueryResult(ev.Ref, ev)
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
	case legacy.ReadMarked:
		u.markers.onReadMarked(ev)
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

// onReady handles a successful sign-on.
func (lg *login) onReady(ev legacy.Ready) {
	lg.session.ready = true
	lg.session.since = lg.u.c.clock.Now()
	lg.session.entry = lg.u.c.journal.add(registry.SignedOn, lg.u.bare, nil)
	lg.attempt = 0
	if lg.u.c.outage.succeed(lg.session.since) {
		lg.u.c.pokeRunning()
	}
	if lg.session.ending { // the user has signed off meanwhile
		return
	}
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
	lg.u.rooms.Rejoin()
	lg.runVisits()
}

// onSignOnDelayed handles a delayed sign-on. The user is notified; a pending registration
// fails if the delay exceeds its deadline.
func (lg *login) onSignOnDelayed(ev legacy.SignOnDelayed) {
	s := lg.session
	s.signOnBy, s.queuedUntil = ev.Until.Add(signOnTimeout), ev.Until
	if lg.pending == nil {
		lg.u.log.Info().Time("until", ev.Until).Msg("sign-on delayed by the network")
		lg.u.roster.hideAll(ev.Text)
	} else if s.registers && ev.Until.After(lg.pending.deadline) {
		lg.abortRegistration(legacy.Errorf(legacy.RateLimited, "%s Register again then.", ev.Text))
	}
}

// onEnded handles the end of the session. err is nil after a sign-off.
func (lg *login) onEnded(err error) {
	s := lg.session
	lg.session = nil
	lg.u.c.journal.file.Done(s.entry)
	lg.u.signedOn.Store(false)
	lg.u.reset(sessionEnded)
	if err == nil && !s.ending {
		err = legacy.Errorf(legacy.Temporary, "The network closed the connection.")
	}
	lg.u.outbox.failSent(stanza.Translate(orTemporary(err)))
	switch {
	case lg.pending != nil && s.registers:
	case s.ending && lg.pending == nil && !lg.wantsSession(): // the user signed off or unregistered
		lg.u.rooms.Close("333", lg.notOnline())
	default:
		lg.u.rooms.SessionLost(s.ending, err)
	}
	if lg.pending != nil {
		if s.registers {
			lg.abortRegistration(err)
		}
		return
	}
	if s.ending {
		lg.u.log.Info().Msg("signed off from the network")
		lg.u.roster.hideContacts() // presence that was under way
		if !lg.wantsSession() {
			lg.failVisits(lg.notOnline())
		}
		return
	}
	lg.failVisits(stanza.Translate(err))
	kind := legacy.KindOf(err)
	lg.lastError, lg.lastErrorAt = err, lg.u.c.clock.Now()
	lg.u.log.Warn().Err(err).Stringer("kind", kind).Msg("a session ended")
	if s.ready || lg.attempt == 0 { // else it was reported before
		lg.u.roster.hideAll(userText(err))
	}
	switch kind {
	case legacy.Auth, legacy.Replaced, legacy.Forbidden, legacy.BadNick:
		lg.signOnErr = err
		lg.reportSignOnFailure(err)
		return
	}
	lg.retry(s)
}

// reportSignOnFailure reports to the user, once, that no further sign-on is tried, and
// how to mend it. (XEP-0100 §4.4.2)
func (lg *login) reportSignOnFailure(err error) {
	if lg.u.account.isGuest() { // their joins and requests were answered with this error
		return
	}
	lg.u.roster.sendPresenceError(lg.u.bare, stanza.Translate(err))
	lg.u.notify(refusalText(err))
}
