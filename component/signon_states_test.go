package component_test

import (
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// signOnState is a state of a user's session, and what becomes of it by each event.
type signOnState struct {
	name  string
	begin func(w *world, h *legacytest.Handle)
	after map[string]string // the beginning of the status after an event
}

const (
	statusOn          = "You are signed on"
	statusOff         = "You have signed off."
	statusSigning     = "You are being signed on."
	statusAway        = "You are not signed on. Come online"
	statusRefused     = "You are not signed on: Wrong password."
	statusUnreachable = "You are not signed on: the network cannot be reached."
	statusStranger    = "You are not registered"
)

// signOnEvents are what happens to a user's session. The network accepts sign-ons again
// before what the user does.
var signOnEvents = map[string]func(w *world, h *legacytest.Handle){
	"client comes": func(w *world, h *legacytest.Handle) { w.presence(laptop, gw, "") },
	"clients go":   func(w *world, h *legacytest.Handle) { w.presence(phone, gw, "unavailable"); w.pass(10 * time.Second) },
	"login":        func(w *world, h *legacytest.Handle) { w.message(phone, gw, "w", "login") },
	"logout":       func(w *world, h *legacytest.Handle) { w.message(phone, gw, "w", "logout") },
	"message":      func(w *world, h *legacytest.Handle) { w.message(phone, carol, "m", "hello") },
	"new password": func(w *world, h *legacytest.Handle) {
		w.Send("<iq type='set' id='p' from='" + phone + "' to='" + gw + "'>" + plain("alice", hidden) + "</iq>")
	},
	"session lost": func(w *world, h *legacytest.Handle) {
		h.Refuse(legacy.Errorf(legacy.Temporary, "Down."))
		h.End(legacy.Errorf(legacy.Temporary, "Lost."))
	},
	"other sign-on": func(w *world, h *legacytest.Handle) { h.End(legacy.Errorf(legacy.Replaced, "Elsewhere.")) },
	"unregister": func(w *world, h *legacytest.Handle) {
		w.Send("<iq type='set' id='u' from='" + phone + "' to='" + gw + "'>" + registerQuery("<remove/>") + "</iq>")
	},
}

// Each state of a session and each event: none is without a defined outcome.
func TestSignOnStates(t *testing.T) {
	for _, s := range []signOnState{
		{"away", func(w *world, h *legacytest.Handle) {}, map[string]string{"client comes": statusOn, "clients go": statusAway, "login": statusOn, "logout": statusOff, "message": statusAway, "new password": statusAway, "session lost": statusAway, "other sign-on": statusAway, "unregister": statusStranger}},
		{"signing on", func(w *world, h *legacytest.Handle) {
			h.Stall()
			w.presence(phone, gw, "")
		}, map[string]string{"client comes": statusSigning, "clients go": statusAway, "login": statusSigning, "logout": statusOff, "message": statusSigning, "new password": statusSigning, "session lost": statusSigning, "other sign-on": statusSigning, "unregister": statusStranger}},
		{"signed on", func(w *world, h *legacytest.Handle) { w.presence(phone, gw, "") }, map[string]string{"client comes": statusOn, "clients go": statusAway, "login": statusOn, "logout": statusOff, "message": statusOn, "new password": statusOn, "session lost": statusUnreachable, "other sign-on": "You are not signed on: Elsewhere.", "unregister": statusStranger}},
		{"signed off", func(w *world, h *legacytest.Handle) {
			w.presence(phone, gw, "")
			w.settle()
			w.message(phone, gw, "l", "logout")
		}, map[string]string{"client comes": statusOff, "clients go": statusOff, "login": statusOn, "logout": statusOff, "message": statusOff, "new password": statusOff, "session lost": statusOff, "other sign-on": statusOff, "unregister": statusStranger}},
		{"refused", func(w *world, h *legacytest.Handle) {
			h.Refuse(legacy.Errorf(legacy.Auth, "Wrong password."))
			w.presence(phone, gw, "")
		}, map[string]string{"client comes": statusRefused, "clients go": statusAway, "login": statusOn, "logout": statusOff, "message": statusRefused, "new password": statusOn, "session lost": statusRefused, "other sign-on": statusRefused, "unregister": statusStranger}},
		{"unreachable", func(w *world, h *legacytest.Handle) {
			h.Refuse(legacy.Errorf(legacy.Temporary, "Down."))
			w.presence(phone, gw, "")
			w.pass(time.Hour)
		}, map[string]string{"client comes": statusOn, "clients go": statusAway, "login": statusOn, "logout": statusOff, "message": statusOn, "new password": statusUnreachable, "session lost": statusUnreachable, "other sign-on": statusUnreachable, "unregister": statusStranger}},
	} {
		for event, do := range signOnEvents {
			t.Run(s.name+", "+event, func(t *testing.T) {
				stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
					h := w.echo.Session("alice")
					s.begin(w, h)
					w.settle()
					h.Refuse(nil)
					do(w, h)
					w.settle()
					w.Take()
					w.message(phone, gw, "status", "status")
					got := w.Expect("<message type='chat' to='"+phone+"'/>").ChildText("", "body")
					if want := s.after[event]; want == "" || !strings.HasPrefix(got, want) {
						t.Errorf("the status is %q, want %q", got, want)
					}
				})
			})
		}
	}
}
