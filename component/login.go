package component

import (
	"time"

	"transport/legacy"
)

// login is the user's session with the network, and the state that decides whether there
// is one: a registration that is tried, the back-off between sign-ons, and the time for
// which a session outlives the user's last client.
type login struct {
	u *user

	visits

	session      *session             // nil if there is none
	pending      *pendingRegistration // a registration that is being tried
	signOnErr    error                // sticky: no sign-on until the credentials or the user's presence change
	attempt      int                  // sign-ons that failed in a row
	lastError    error                // that ended a session
	lastErrorAt  time.Time
	retryAt      time.Time // the next sign-on
	forcedOnline bool      // signed on by a command, without an available client
	graceEnd     time.Time // until then a session needs no client
}

func (lg *login) due(now time.Time) {
	if isDue(lg.retryAt, now) {
		lg.retryAt = time.Time{}
	}
	if isDue(lg.graceEnd, now) {
		lg.graceEnd, lg.forcedOnline = time.Time{}, false
		lg.u.rooms.dropEmptyRooms()
		lg.u.clients.showOwnPresence()
	}
	if lg.pending != nil && isDue(lg.pending.deadline, now) {
		lg.abortRegistration(legacy.Errorf(legacy.Temporary, "The network did not answer in time. You are not registered; try again later."))
	}
	if isDue(lg.visitEnd, now) {
		lg.endVisit()
	}
	lg.reconcileSession()
}

func (lg *login) next() time.Time {
	next := earliest(lg.retryAt, lg.graceEnd, lg.visitEnd)
	if s := lg.session; s != nil && !s.ready && !s.ending {
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
	case linkChanged: // before the clients are forgotten
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
		}
	}
}

// hasSession reports whether a session runs, be it signed on or not.
func (lg *login) hasSession() bool { return lg.session != nil }

// is reports whether a session is the running one.
func (lg *login) is(s *session) bool { return lg.session == s }

// current is the running session, to be compared by is; nil if there is none.
func (lg *login) current() *session { return lg.session }

// isReady reports whether the network has signed the account on.
func (lg *login) isReady() bool { return lg.session != nil && lg.session.ready }

// cancel ends the running session at once. It is false if there is none.
func (lg *login) cancel() bool {
	if lg.session == nil {
		return false
	}
	lg.session.cancel()
	return true
}

// signOnError is why no session is started, nil if one may be.
func (lg *login) signOnError() error { return lg.signOnErr }

// clearSignOnError lets the next sign-on be tried.
func (lg *login) clearSignOnError() { lg.signOnErr = nil }

// registering reports whether a registration is tried.
func (lg *login) registering() bool { return lg.pending != nil }

// beginRegistration begins a registration: its session is the next that is started.
func (lg *login) beginRegistration(t *pendingRegistration) { lg.pending, lg.retryAt = t, time.Time{} }

// endGrace ends the time for which the session needs no client: one has come.
func (lg *login) endGrace() { lg.graceEnd = time.Time{} }

// startGrace lets the session outlive the last client for a while.
func (lg *login) startGrace() { lg.graceEnd = lg.lingerEnd() }

// forceOnline signs on now, though no client may be available, and whatever failed before.
func (lg *login) forceOnline() {
	lg.signOnErr, lg.retryAt, lg.attempt = nil, time.Time{}, 0
	if !lg.u.clients.busy() {
		lg.forcedOnline, lg.graceEnd = true, lg.u.c.clock.Now().Add(linkGrace)
	}
}

// legacySession is the session that commands may go to, nil if there is none.
func (lg *login) legacySession() legacy.Session {
	if s := lg.session; s != nil && s.ready && !s.ending {
		return s.legacy
	}
	return nil
}
