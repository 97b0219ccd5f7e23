package component

import (
	"errors"
	"math/rand/v2"
	"time"

	"transport/component/stanza"
	"transport/legacy"
)

// login is the user's session with the network and the state that decides whether there
// is one: the pending registration, the back-off between sign-ons, and the grace period
// after the last client has gone offline.
type login struct {
	u *user

	visits

	session      *session             // nil if there is none
	pending      *pendingRegistration // nil if no registration is pending
	signOnErr    error                // sticky: no sign-on until the credentials or the user's presence change
	attempt      int                  // sign-ons that failed in a row
	lastError    error                // the error that ended the last session
	lastErrorAt  time.Time
	retryAt      time.Time // when the next sign-on is tried
	forcedOnline bool      // signed on by a command, without an available client
	graceEnd     time.Time // the end of the grace period, in which a session needs no client
}

func (lg *login) due(now time.Time) {
	if !lg.retryAt.IsZero() && lg.u.c.outage.endedSince(lg.lastErrorAt) {
		lg.retryBefore(now.Add(rand.N(backSpread)))
	}
	if isDue(lg.retryAt, now) {
		lg.retryAt = time.Time{}
	}
	if isDue(lg.graceEnd, now) {
		lg.graceEnd, lg.forcedOnline = time.Time{}, false
		lg.u.rooms.LeaveEmpty()
		lg.u.clients.showOwnPresence()
	}
	if lg.pending != nil && isDue(lg.pending.deadline, now) {
		lg.abortRegistration(legacy.Errorf(legacy.Temporary, "The network did not answer in time. You are not registered; try again later."))
	}
	if isDue(lg.visitEnd, now) {
		lg.endVisit()
	}
}

func (lg *login) next() time.Time {
	next := earliest(lg.retryAt, lg.graceEnd, lg.visitEnd)
	if s := lg.session; s != nil && s.signsOn() {
		next = earliest(next, s.signOnBy)
	}
	if lg.pending != nil {
		next = earliest(next, lg.pending.deadline)
	}
	return next
}

func (lg *login) busy() bool {
	return lg.session != nil || lg.pending != nil || !lg.retryAt.IsZero() || lg.wantsSession()
}

func (lg *login) reset(why resetReason) {
	switch why {
	case linkChanged: // before clients.reset drops the clients
		if lg.session != nil || lg.u.clients.busy() || lg.u.rooms.busy() {
			lg.graceEnd = lg.u.c.clock.Now().Add(linkGrace)
		}
	case unregistered:
		lg.endSession()
		lg.signOnErr = nil
		lg.retryAt, lg.graceEnd = time.Time{}, time.Time{}
	case stopped:
		if lg.session != nil {
			lg.session.cancel()
			lg.u.c.journal.file.Done(lg.session.entry)
		}
	}
}

// hasSession reports whether a session is running, signed on or not.
func (lg *login) hasSession() bool { return lg.session != nil }

// is reports whether s is the running session.
func (lg *login) is(s *session) bool { return lg.session == s }

// current returns the running session, nil if there is none. The caller only compares it,
// by login.is.
func (lg *login) current() *session { return lg.session }

// isReady reports whether the network has signed the account on.
func (lg *login) isReady() bool { return lg.session != nil && lg.session.ready }

// cancel ends the running session at once. It returns false if there is none.
func (lg *login) cancel() bool {
	if lg.session == nil {
		return false
	}
	lg.session.cancel()
	return true
}

// signOnError returns the error that prevents a sign-on, nil if none does.
func (lg *login) signOnError() error { return lg.signOnErr }

// clearSignOnError permits the next sign-on.
func (lg *login) clearSignOnError() { lg.signOnErr = nil }

// registering reports whether a registration is pending.
func (lg *login) registering() bool { return lg.pending != nil }

// beginRegistration makes a registration the pending one. The next session signs on with
// its account.
func (lg *login) beginRegistration(t *pendingRegistration) { lg.pending, lg.retryAt = t, time.Time{} }

// endGrace ends the grace period: a client is online. While a room waits for its clients to
// join again, it lasts: at its end the room is left.
func (lg *login) endGrace() {
	if !lg.u.rooms.AwaitsClients() {
		lg.graceEnd = time.Time{}
	}
}

// startGrace starts the grace period after the last client has gone offline.
func (lg *login) startGrace() { lg.graceEnd = lg.lingerEnd() }

// forceOnline signs on now, without an available client and in spite of earlier errors.
func (lg *login) forceOnline() {
	lg.signOnErr, lg.retryAt, lg.attempt = nil, time.Time{}, 0
	if !lg.u.clients.busy() {
		lg.forcedOnline, lg.graceEnd = true, lg.u.c.clock.Now().Add(linkGrace)
	}
}

// legacySession returns the session that accepts commands, nil if the user is not signed
// on.
func (lg *login) legacySession() legacy.Session {
	if s := lg.session; s != nil && s.ready && !s.ending {
		return s.legacy
	}
	return nil
}

// lingerEnd is when a user counts as offline whose last client goes offline now. Zero
// means at once.
func (lg *login) lingerEnd() time.Time {
	if lg.u.c.cfg.Linger == 0 {
		return time.Time{}
	}
	return lg.u.c.clock.Now().Add(lg.u.c.cfg.Linger)
}

// retry schedules the next sign-on after a session has ended with lastError.
func (lg *login) retry(s *session) {
	var lasted time.Duration // since the network has signed the account on, 0 if it has not
	if s.ready {
		lasted = max(lg.lastErrorAt.Sub(s.since), 1)
	}
	pause, quick := lg.u.c.outage.probe.Pause(lg.u, lg.lastErrorAt, lg.lastError, lasted)
	if quick || lasted == 0 {
		lg.u.c.outage.fail()
	}
	if !quick {
		most := backoffCeil
		if lg.u.c.outage.recent(lg.lastErrorAt) {
			most = backoffRecent
		}
		pause = signOnBackoff(lg.attempt, most, lg.lastError)
	}
	lg.retryAt = lg.lastErrorAt.Add(pause)
	lg.attempt++
}

// hasten brings the next sign-on forward: the user wants something of the network.
func (lg *login) hasten() { lg.retryBefore(lg.lastErrorAt.Add(hastenPause)) }

// retryBefore brings the next sign-on forward to a time, but not before the end of the
// network's own retry-after.
func (lg *login) retryBefore(at time.Time) {
	if allowed := lg.lastErrorAt.Add(retryAfter(lg.lastError)); at.Before(allowed) {
		at = allowed
	}
	if at.Before(lg.retryAt) {
		lg.retryAt = at
	}
}

// postponesSignOn postpones a user's first sign-on if the memory is short, and reports that. A
// session that was lost is always replaced: messages wait for it.
func (lg *login) postponesSignOn() bool {
	if !lg.isNewcomer() || !lg.u.c.cfg.Memory.short(memoryNewcomers) {
		return false
	}
	if lg.lastError == nil {
		lg.u.roster.hideAll(errPostponed.Text)
	}
	lg.lastError, lg.lastErrorAt = errPostponed, lg.u.c.clock.Now()
	lg.retryAt = lg.lastErrorAt.Add(signOnBackoff(lg.attempt, backoffRecent, nil))
	lg.attempt++
	lg.failVisits(stanza.Translate(errPostponed))
	return true
}

// isNewcomer reports whether the user has no session, and has not lost one.
func (lg *login) isNewcomer() bool {
	return lg.session == nil && (lg.lastError == nil || errors.Is(lg.lastError, errPostponed))
}

// errPostponed is the reason why a user is not signed on for now.
var errPostponed = &legacy.Error{Kind: legacy.RateLimited, Text: errMemory.Text}
