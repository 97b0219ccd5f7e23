package component

import (
	"time"

	"transport/component/stanza"
	"transport/legacy"
)

// onUnregister removes a registration and all stored data of the user. (XEP-0077 §3.2,
// XEP-0100 §4.3)
func (ac *account) onUnregister(r *stanza.Request) {
	if r.Payload.Count() != 1 {
		r.Fail(stanza.ErrBadRequest)
		return
	}
	ac.unregister(func(why *stanza.Error) {
		if why != nil {
			r.Fail(*why)
			return
		}
		r.Reply(nil)
	})
}

// unregister removes a registration. It first sends pending roster edits to the network,
// and calls done before it sends presence to the user's server.
func (ac *account) unregister(done func(*stanza.Error)) {
	if ac.u.login.registering() {
		ac.u.login.abortRegistration(legacy.Errorf(legacy.Temporary, "You removed the registration before it was complete."))
	}
	if !ac.isRegistered() {
		done(&stanza.ErrRegisterFirst)
		return
	}
	if ac.leavingGateway {
		done(&stanza.ErrUnregistering)
		return
	}
	ac.leavingGateway = true
	ac.settleRoster(func() {
		ac.leavingGateway = false
		ac.removeAccount(done)
		ac.u.calls.sweep()
	})
}

func (ac *account) removeAccount(done func(*stanza.Error)) {
	for _, st := range ac.u.outbox.takeOutbound() { // they would go with the account
		st.Refuse(stanza.ErrRegisterFirst)
	}
	ctx, cancel := ac.u.storing()
	defer cancel()
	if err := ac.u.c.cfg.Registry.DeleteAccount(ctx, ac.u.c.domain, ac.u.bare); err != nil && !isNotFound(err) {
		ac.u.log.Error().Err(err).Msg("cannot remove a registration")
		done(&stanza.ErrDatabase)
		return
	}
	ac.u.c.setRegistered(ac.u.bare, false)
	ac.u.roster.hideContacts()
	ac.u.reset(unregistered)
	ac.u.log.Info().Msg("unregistered")
	done(nil)
	ac.u.roster.clearRoster()
}

// settling is an operation that waits for the network to confirm pending roster edits.
type settling struct {
	deadline time.Time
	then     func()
}

// settleTime is the deadline of that wait.
const settleTime = 5 * time.Second

// settleRoster calls then once the network has stored the names and groups that the user
// has set in the roster, so that another registration gets them back.
func (ac *account) settleRoster(then func()) {
	if _, edits := ac.u.login.legacySession().(legacy.RosterEditor); !edits {
		then()
		return
	}
	ac.u.roster.readRoster(func() {
		ac.settling = &settling{ac.u.c.clock.Now().Add(settleTime), then}
		ac.settle()
	})
}

// settle ends the wait of settleRoster if no edit is pending.
func (ac *account) settle() {
	if !ac.u.roster.editing() {
		ac.endSettling()
	}
}

// endSettling calls the waiting operation.
func (ac *account) endSettling() {
	if s := ac.settling; s != nil {
		ac.settling = nil
		s.then()
	}
}

// onEdited handles the network's answer, of success or failure, to the edit of a contact.
func (ac *account) onEdited(p legacy.Peer) {
	ac.u.roster.edited(p)
	if ac.settling != nil {
		ac.settle()
	}
}
