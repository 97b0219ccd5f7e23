package component_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// contactStates are the states of a contact, as stored and as on the network's list.
var contactStates = []struct {
	name         string
	known        bool
	subscription registry.Subscription
	listed       bool
	awaiting     bool // on the network's list
}{
	{"stranger", false, 0, false, false},
	{"listed only", true, 0, true, true}, // for example, after a denial
	{"refused", true, registry.Refused, true, false},
	{"asked", true, registry.AskTo, true, true},
	{"sees", true, registry.To, true, false},
	{"mutual", true, registry.To | registry.From, true, false},
	{"removed", true, registry.To, true, false}, // by the user, not by the network yet
	{"asks for authorization", true, registry.AskFrom | registry.AuthAsked, true, true},
}

const (
	nothing    = ""
	itApproves = "subscribed available subscribe"
)

// What each event does in each state of a contact: the types of the presence stanzas that
// the user gets, "message", and "authorize" for an answer to the network. Nothing is lost
// without a word: where a cell is empty, there is nothing to say.
var contactTable = map[string]struct {
	event legacy.Event
	want  []string // by state
}{
	"granted": {legacy.AuthGranted{From: carolPeer}, []string{
		"message",           // granted in advance
		"message subscribe", // after a denial: offered again
		"message",           // the user does not want to be asked again
		itApproves,
		nothing, // seen already
		nothing,
		nothing,   // the user has removed it
		"message", // a request waits for the user already
	}},
	"denied": {legacy.AuthDenied{From: carolPeer, Reason: "no"}, []string{
		"message", // requested with another client
		"unsubscribed message",
		"unsubscribed message",
		"unsubscribed message",
		"unavailable unsubscribed message",
		"unavailable unsubscribed message",
		nothing,
		"unsubscribed message",
	}},
	"asks": {legacy.AuthRequested{From: carolPeer}, []string{
		"subscribe", "subscribe", "subscribe", "subscribe", "subscribe", "authorize", "subscribe", "subscribe",
	}},
	"added the user": {legacy.AddedYou{From: carolPeer}, []string{
		"subscribe", "subscribe",
		nothing, nothing, nothing, nothing, nothing, nothing, // on the list, or not wanted
	}},
	"listed": {legacy.ContactChanged{Contact: legacy.Contact{Peer: carolPeer}}, []string{
		"subscribe",
		nothing, // AuthGranted says more
		nothing,
		itApproves,
		nothing, nothing, nothing, nothing,
	}},
	"unlisted": {legacy.ContactRemoved{Peer: carolPeer}, []string{
		nothing,
		"unsubscribe unsubscribed unavailable",
		"unsubscribe unsubscribed unavailable",
		nothing, // added again
		"unsubscribe unsubscribed unavailable",
		"unsubscribe unsubscribed unavailable",
		nothing,
		"unsubscribe unsubscribed unavailable",
	}},
	"failed": {legacy.ContactFailed{Peer: carolPeer, Err: legacy.Errorf(legacy.Forbidden, "No.")}, []string{
		nothing, "error", "error", "unsubscribed error", "error", "error", "message", "error",
	}},
	"away": {legacy.PresenceChanged{From: carolPeer, Presence: legacy.Presence{Show: legacy.ShowAway}}, []string{
		nothing, nothing, nothing, nothing, "available", "available", nothing, nothing,
	}},
}

func TestContactStates(t *testing.T) {
	for name, row := range contactTable {
		for i, state := range contactStates {
			t.Run(name+"/"+state.name, func(t *testing.T) {
				stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
					h := w.echo.Session("alice")
					if state.known {
						err := w.db.PutContacts(context.Background(), []registry.Contact{{Network: gw, User: alice, Peer: "carol", Subscription: state.subscription, Listed: state.listed}})
						if err != nil {
							t.Fatal(err)
						}
						h.Contacts(legacy.Contact{Peer: carolPeer, AwaitingAuth: state.awaiting})
					}
					w.signOn(phone)
					w.pass(5 * time.Second)
					h.Stall() // the network's answers come from the test
					if state.name == "removed" {
						w.presence(alice, carol, "unsubscribe")
					}
					w.settle()
					w.Take()
					w.emit(h, row.event)
					w.pass(time.Second)
					var got []string
					for _, e := range w.Take() {
						switch {
						case e.Name == "message":
							got = append(got, "message")
						case e.Name == "presence" && e.Attr("type") == "":
							got = append(got, "available")
						case e.Name == "presence":
							got = append(got, e.Attr("type"))
						}
					}
					h.Resume()
					w.settle()
					if authorizes(t, h) {
						got = append(got, "authorize")
					}
					if got := strings.Join(got, " "); got != row.want[i] {
						t.Errorf("got %q, want %q", got, row.want[i])
					}
				})
			})
		}
	}
}

// authorizes reports whether the session was asked to authorize somebody.
func authorizes(t *testing.T, h *legacytest.Handle) bool {
	t.Helper()
	_, ok := legacytest.Take[legacytest.Authorize](h)
	return ok
}

// A contact that was removed and asks for authorization before the network has confirmed
// the removal: the answer reaches it.
func TestAuthorizationWhileRemoved(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.presence(alice, carol, "subscribe")
		w.settle()
		w.Take()
		h.Stall()
		w.presence(alice, carol, "unsubscribe")
		w.presence(alice, carol, "unsubscribed")
		w.settle()
		w.emit(h, legacy.AuthRequested{From: carolPeer}, legacy.ContactRemoved{Peer: carolPeer})
		w.Take()
		w.presence(alice, carol, "subscribed")
		w.settle()
		h.Resume()
		w.settle()
		if !authorizes(t, h) {
			t.Error("carol waits in vain")
		}
	})
}
