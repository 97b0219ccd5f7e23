package component_test

import (
	"context"
	"testing"

	"transport/legacy"
)

// talkative is a network that says something to a room and to the user after the gateway
// has asked to sign off, and before it has.
type talkative struct{ legacy.Network }

func (n talkative) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.Network.NewSession(a, env)
	roomy, _ := s.(roomySession)
	return talkativeSession{roomy, env}, err
}

type talkativeSession struct {
	roomySession
	env legacy.Env
}

func (s talkativeSession) Run(ctx context.Context) error {
	err := s.roomySession.Run(ctx)
	s.env.Emit(legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "late words"})
	s.env.Emit(legacy.MessageReceived{From: carolPeer, Text: "late secret"})
	return err
}

// What the network sends during the sign-off at a shutdown arrives, and the room is closed
// afterwards.
func TestMessageDuringShutdown(t *testing.T) {
	asked := make(chan string, 100)
	network := func(n legacy.Network) legacy.Network { return talkative{newRoomy(asked)(n)} }
	stage(t, setup{network: network, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{Occupants: []legacy.Occupant{{Nick: "bob"}}})
		w.stop()
		var order string
		for _, e := range w.Take() {
			switch text := e.ChildText("", "body"); {
			case text == "late words" && e.Attr("from") == club+"/bob" && e.Attr("to") == phone:
				order += "words "
			case text == "late secret":
				order += "secret "
			case e.Name == "message":
				t.Errorf("got %s", e)
			case e.Name == "presence" && e.Attr("from") == club+"/alice" && e.Attr("type") == "unavailable":
				order += "closed "
			}
		}
		if order != "words secret closed " {
			t.Errorf("got %q", order)
		}
	})
}
