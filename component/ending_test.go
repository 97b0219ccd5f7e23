package component_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// slowEnding is a network whose sessions take a while to end, and emit something meanwhile.
type slowEnding struct {
	legacy.Network
	silent bool // no session signs on
	emits  legacy.Event
	takes  time.Duration
}

type endingSession struct {
	*legacytest.Session
	n   slowEnding
	env legacy.Env
}

func (n slowEnding) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.Network.NewSession(a, env)
	if err != nil {
		return nil, err
	}
	return endingSession{s.(*legacytest.Session), n, env}, nil
}

func (s endingSession) Run(ctx context.Context) error {
	var err error
	if s.n.silent {
		<-ctx.Done()
	} else {
		err = s.Session.Run(ctx)
	}
	if s.n.emits != nil {
		s.env.Emit(s.n.emits)
	}
	time.Sleep(s.n.takes)
	return err
}

func around(n slowEnding) func(legacy.Network) legacy.Network {
	return func(inner legacy.Network) legacy.Network {
		n.Network = inner
		return n
	}
}

// A sign-on that takes too long is given up once, however long its session takes to end.
func TestSignOnTimeout(t *testing.T) {
	stage(t, setup{users: []string{alice}, network: around(slowEnding{silent: true, takes: time.Second})}, func(t *testing.T, w *world) {
		w.presence(phone, gw, "")
		w.pass(61*time.Second + time.Second/2)
		if n := strings.Count(w.log.String(), "in time"); n != 1 {
			t.Errorf("it is logged %d times", n)
		}
		w.Expect("<presence type='unavailable' from='" + fullJID(gw) + "'/>")
	})
}

// A sign-on that succeeds after its registration was given up is nobody's.
func TestReadyTooLate(t *testing.T) {
	ready := legacy.Ready{Contacts: []legacy.Contact{{Peer: carolPeer, Name: "Carol"}}}
	stage(t, setup{network: around(slowEnding{silent: true, emits: ready})}, func(t *testing.T, w *world) {
		w.Send("<iq type='set' id='r' from='" + phone + "' to='" + gw + "'>" + plain("alice", hidden) + "</iq>")
		w.pass(time.Minute)
		w.Expect("<iq type='error' id='r'/>")
		w.Refute("<presence/>")
	})
}

// Presence that comes while the user signs off does not stay.
func TestPresenceWhileSigningOff(t *testing.T) {
	dnd := legacy.PresenceChanged{From: carolPeer, Presence: legacy.Presence{Show: legacy.ShowDND}}
	stage(t, setup{users: []string{alice}, network: around(slowEnding{emits: dnd})}, func(t *testing.T, w *world) {
		w.signOn(phone)
		w.befriend(phone, carol)
		w.settle()
		w.Take()
		w.presence(phone, gw, "unavailable")
		w.pass(time.Minute)
		last := "nothing"
		for _, e := range w.Take() {
			if e.Attr("from") == fullJID(carol) {
				last = e.Attr("type")
			}
		}
		if last != "unavailable" {
			t.Errorf("carol is left %q", last)
		}
	})
}

// actors is how many users have an actor.
func actors() int {
	b := make([]byte, 1<<20)
	return strings.Count(string(b[:runtime.Stack(b, true)]), "component.(*user).run(")
}

// A form that nobody fills in does not keep an actor, and one from before the end of a
// registration stores none.
func TestAbandonedForms(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		w.Ask("set", phone, gw, "<command xmlns='"+nsCommands+"' node='register'/>")
		w.settle()
		if n := actors(); n != 1 {
			t.Errorf("%d actors wait for the form", n)
		}
		w.pass(time.Hour)
		if n := actors(); n != 0 {
			t.Errorf("%d actors are left", n)
		}
	})
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		form := w.Ask("set", phone, gw, "<command xmlns='"+nsCommands+"' node='options'/>").Child(nsCommands, "command")
		w.Ask("set", phone, gw, "<query xmlns='jabber:iq:register'><remove/></query>")
		w.pass(time.Minute)
		w.Take()
		answer := w.Ask("set", phone, gw, "<command xmlns='"+nsCommands+"' node='options' sessionid='"+form.Attr("sessionid")+
			"'><x xmlns='jabber:x:data' type='submit'><field var='stay'><value>1</value></field></x></command>")
		if _, there := w.account(alice); there || answer.Attr("type") != "error" {
			t.Errorf("stored: %v, %s", there, answer)
		}
	})
}
