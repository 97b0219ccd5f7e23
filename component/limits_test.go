package component_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// An account does not store any number of settings, nor any length.
func TestSettingsLimit(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), users: []string{alice}, config: keeping, down: true}, func(t *testing.T, w *world) {
		options := make(map[string]string)
		for i := range 2000 {
			options[registry.SettingOption(fmt.Sprint("#room", i), "record_history")] = "false"
		}
		if err := w.db.SetOptions(context.Background(), gw, alice, options); err != nil {
			t.Fatal(err)
		}
		w.SetDown(false)
		w.Linked(1)
		h := w.signOn(phone)
		<-asked // the settings
		w.enter(h, asked, phone, legacy.RoomJoined{Nick: "alice"})
		w.Take()
		e := w.configure(phone, club, "configure", "record_history", "false")
		if !strings.Contains(e.String(), "You have settings for too many rooms and servers.") {
			t.Errorf("got %s", e)
		}
		if e := w.configure(phone, "#room7@"+gw, "configure", "record_history", "true"); strings.Contains(e.String(), "too many") {
			t.Errorf("a setting cannot be reset: %s", e)
		}
	})
}

// The requests of a user that wait for an answer are limited, also if they wait for the same.
func TestWaitingRequests(t *testing.T) {
	const most = 1000
	stage(t, setup{users: []string{alice}, echo: legacytest.Options{Queue: 2 * most}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		h.Stall()
		for i := range most + 1 {
			w.Send(fmt.Sprintf("<iq type='set' from='%s' to='%s' id='%d'>%s</iq>", phone, gw, i, blockItems("block", carol)))
		}
		w.settle()
		isError(t, w.Expect(fmt.Sprintf("<iq type='error' id='%d'/>", most)), "resource-constraint", "wait", "")
		w.Refute("<iq/>")
		h.Resume()
		w.Expect(fmt.Sprintf("<iq type='result' id='%d'/>", most-1))
	})
}
