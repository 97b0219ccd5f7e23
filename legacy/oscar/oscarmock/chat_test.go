package oscarmock_test

import (
	"testing"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// service connects to another service, up to 01/03.
func (c *client) service(q oscarwire.ServiceQuery) *client {
	c.t.Helper()
	to := parse(c.t, oscarwire.ParseRedirect, c.ask(oscarwire.ServiceRequest, q, oscarwire.ServiceRedirect))
	if to.Family != q.Family {
		c.t.Errorf("sent to family %x, want %x", to.Family, q.Family)
	}
	other := dial(c.t, to.Addr)
	other.write(oscarwire.ChannelSignOn, oscarwire.CookieSignOn(to.Cookie, 0))
	other.expect(oscarwire.ServiceHostFamilies)
	return other
}

// create creates or finds a room.
func (c *client) create(exchange uint16, name string) oscarwire.Room {
	c.t.Helper()
	nav := c.service(oscarwire.ServiceQuery{Family: oscarwire.FamilyChatNav})
	r := parse(c.t, oscarwire.ParseNavReply, nav.ask(oscarwire.ChatNavCreate, oscarwire.NewRoomCreate(exchange, name), oscarwire.ChatNavReply))
	room, err := r.Room()
	if err != nil {
		c.t.Fatal(err)
	}
	return room
}

// room joins a room, and returns its occupants.
func (c *client) room(id oscarwire.RoomID) (*client, oscarwire.UserInfos) {
	c.t.Helper()
	r := c.service(oscarwire.ServiceQuery{Family: oscarwire.FamilyChat, Room: &id})
	r.send(oscarwire.ServiceClientReady, oscarwire.ClientReady{{Family: 1, Version: 3}})
	all := parse(c.t, oscarwire.ParseUserInfos, r.expect(oscarwire.ChatJoined))
	if is := parse(c.t, oscarwire.ParseRoom, r.expect(oscarwire.ChatRoomUpdate)); is.RoomID != id {
		c.t.Errorf("the room is %+v, want %+v", is, id)
	}
	return r, all
}

func (c *client) said(request uint32) string {
	c.t.Helper()
	s := c.expect(oscarwire.ChatIncoming)
	m := parse(c.t, oscarwire.ParseChatMessage, s)
	text, err := m.Text(nil)
	if from, ok := m.Sender(); err != nil || !ok || request != 0 && s.RequestID != request {
		c.t.Errorf("%+v from %+v: %v", s.Header, from, err)
	}
	return text
}

func TestRooms(t *testing.T) {
	n := start(t, oscarmock.Options{})
	n.AddRoom("News")
	dora := n.Bot("Dora", oscarmock.BotOptions{Reply: func(_, text string) string { return "you said " + text }})
	dora.SignOn()
	dora.EnterRoom("chess")
	a, c := signOn(t, n, alice), signOn(t, n, carol)
	chess := a.create(4, "Chess")
	if again := c.create(4, "CHESS"); again.RoomID != chess.RoomID {
		t.Errorf("capitals make another room: %+v", again)
	}
	if news := c.create(5, "news"); news.Title(nil) != "News" || news.Exchange != 5 {
		t.Errorf("got %+v", news)
	}
	ra, all := a.room(chess.RoomID)
	if len(all) != 2 || all[0].Name != "Dora" || all[1].Name != alice {
		t.Errorf("there are %+v", all)
	}
	rc, all := c.room(chess.RoomID)
	if len(all) != 3 {
		t.Errorf("there are %+v", all)
	}
	if got := parse(t, oscarwire.ParseUserInfos, ra.expect(oscarwire.ChatJoined)); got[0].Name != carol {
		t.Errorf("%+v came", got)
	}
	request := ra.send(oscarwire.ChatSend, oscarwire.NewChatMessage(oscarwire.Cookie{1}, "hi", oscarwire.Encoder{}, nil))
	if got := ra.said(request); got != "hi" {
		t.Errorf("the reflection is %q", got)
	}
	for _, want := range []string{"hi", "you said hi"} {
		if got := rc.said(0); got != want {
			t.Errorf("carol hears %q, want %q", got, want)
		}
	}
	dora.LeaveRoom("chess")
	if got := parse(t, oscarwire.ParseUserInfos, ra.expect(oscarwire.ChatLeft)); got[0].Name != "Dora" {
		t.Errorf("%+v left", got)
	}
	n.CutRoom(carol)
	rc.end()
	if got := parse(t, oscarwire.ParseUserInfos, ra.expect(oscarwire.ChatLeft)); got[0].Name != carol {
		t.Errorf("%+v left", got)
	}
	c.sync() // BOS is unaffected
	second, _ := a.room(chess.RoomID)
	ra.end() // an account is in a room once
	a.nc.Close()
	second.end() // without BOS there is no room
}

func TestRoomRefusals(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a := signOn(t, n, alice)
	nav := a.service(oscarwire.ServiceQuery{Family: oscarwire.FamilyChatNav})
	for exchange, code := range map[uint16]oscarwire.ErrorCode{5: oscarwire.CodeNoMatch, 7: oscarwire.CodeNotSupported} {
		got := parse(t, oscarwire.ParseSNACError, nav.ask(oscarwire.ChatNavCreate, oscarwire.NewRoomCreate(exchange, "x"), oscarwire.ChatNavError))
		if got.Code != code {
			t.Errorf("exchange %d: %v, want %v", exchange, got.Code, code)
		}
	}
	nav.ask(oscarwire.ChatNavRightsQuery, nil, oscarwire.ChatNavReply)
	nowhere := &oscarwire.RoomID{Exchange: 4, Cookie: "4-0-nowhere"}
	for _, q := range []oscarwire.ServiceQuery{{Family: oscarwire.FamilyChat}, {Family: oscarwire.FamilyChat, Room: nowhere}, {Family: 0x77}} {
		a.ask(oscarwire.ServiceRequest, q, oscarwire.ServiceError)
	}
}

// TestMalformedInRooms sends malformed bodies to the services of rooms: the connections
// stay open.
func TestMalformedInRooms(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a := signOn(t, n, alice)
	room, _ := a.room(a.create(4, "chess").RoomID)
	for id, tt := range map[oscarwire.ID]struct {
		on   *client
		body oscarwire.Appender
	}{
		oscarwire.ChatNavCreate: {a.service(oscarwire.ServiceQuery{Family: oscarwire.FamilyChatNav}), oscarwire.NewRoomCreate(4, "x")},
		oscarwire.ChatSend:      {room, oscarwire.NewChatMessage(oscarwire.Cookie{1}, "hi", oscarwire.Encoder{}, nil)},
	} {
		body := tt.body.Append(nil)
		for cut := range body {
			tt.on.send(id, oscarwire.Raw(body[:cut]))
			garbled := append([]byte{}, body...)
			garbled[cut] ^= 0xFF
			tt.on.send(id, oscarwire.Raw(garbled))
		}
		tt.on.sync()
	}
}
