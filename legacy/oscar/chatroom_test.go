package oscar_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/oscar"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

const (
	aliceAIM = "Alice AIM"
	carolAIM = "Carol"
)

var lobby = legacy.Peer{ID: "#lobby", Room: true}

// aim starts a mock network with Bob in the room "lobby".
func aim(t testing.TB, o oscarmock.Options) (*oscarmock.Network, *oscarmock.Bot, legacy.Network) {
	t.Helper()
	mock := startMock(t, o)
	for _, name := range []string{aliceAIM, carolAIM} {
		mock.AddAccount(oscarmock.Account{Name: name, Password: password})
	}
	b := mock.Bot("Bob Smith", oscarmock.BotOptions{Reply: func(_, text string) string {
		if text == "ping" {
			return "<pong> & more"
		}
		return ""
	}})
	b.SignOn()
	b.EnterRoom("Lobby")
	opts := optionsFor(mock.Addr())
	opts.Flavor = "aim"
	return mock, b, newNetwork(t, opts)
}

func (u *user) rooms() legacy.Roomer { return u.Session.(legacy.Roomer) }

// join joins a room.
func (u *user) join(room legacy.Peer) legacy.RoomJoined {
	u.t.Helper()
	u.Do(u.rooms().JoinRoom(u.t.Context(), room, "", ""))
	return expect(u, func(ev legacy.RoomJoined) bool { return ev.Room == room })
}

func (u *user) say(ref string, room legacy.Peer, text string) {
	u.t.Helper()
	u.Do(u.Send(u.t.Context(), legacy.Outgoing{Ref: ref, To: room, Text: text}))
}

func (u *user) sent(ref string) {
	u.t.Helper()
	expect(u, func(ev legacy.MessageSent) bool { return ev.Ref == ref })
}

func nicks(occupants []legacy.Occupant) (all []string) {
	for _, o := range occupants {
		all = append(all, o.Nick)
	}
	slices.Sort(all)
	return all
}

func TestRoom(t *testing.T) {
	for _, unnumbered := range []bool{false, true} {
		t.Run(fmt.Sprint("unnumbered ", unnumbered), func(t *testing.T) {
			mock, b, n := aim(t, oscarmock.Options{UnnumberedChat: unnumbered})
			a := signOn(t, mock, n, aliceAIM)
			got := a.join(lobby)
			if got.Nick != aliceAIM || !slices.Equal(nicks(got.Occupants), []string{aliceAIM, "Bob Smith"}) || got.Topic.Text != "Lobby" {
				t.Errorf("got %+v", got)
			}
			c := signOn(t, mock, n, carolAIM)
			if got := c.join(lobby); !slices.Equal(nicks(got.Occupants), []string{aliceAIM, "Bob Smith", carolAIM}) {
				t.Errorf("got %+v", got)
			}
			if got := expect(a, any[legacy.OccupantJoined]); got.Room != lobby || got.Occupant.Nick != carolAIM {
				t.Errorf("got %+v", got)
			}
			for i, text := range []string{"hello <all> & &amp;", "zwei\nZeilen: schön", "☃ 😀"} {
				a.say(fmt.Sprint(i), lobby, text)
				a.sent(fmt.Sprint(i))
				if got := expect(c, any[legacy.RoomMessage]); got.Room != lobby || got.Nick != aliceAIM || got.Text != text {
					t.Errorf("got %+v, want %q", got, text)
				}
			}
			a.say("ping", lobby, "ping")
			for _, u := range []*user{a, c} {
				if got := expect(u, func(ev legacy.RoomMessage) bool { return ev.Nick != aliceAIM }); got.Nick != "Bob Smith" || got.Text != "<pong> & more" {
					t.Errorf("got %+v", got)
				}
			}
			// the core has lost the room's state
			if got := a.join(lobby); len(got.Occupants) != 3 {
				t.Errorf("got %+v", got)
			}
			b.LeaveRoom("lobby")
			if got := expect(a, any[legacy.OccupantLeft]); got.Nick != "Bob Smith" || got.Kind != legacy.LeftRoom {
				t.Errorf("got %+v", got)
			}
			a.Do(a.rooms().LeaveRoom(t.Context(), lobby, ""))
			if got := expect(a, any[legacy.RoomLeft]); got.Room != lobby || got.Kind != legacy.LeftRoom {
				t.Errorf("got %+v", got)
			}
			expect(c, func(ev legacy.OccupantLeft) bool { return ev.Nick == aliceAIM })
			// rejoining at once
			a.Do(a.rooms().JoinRoom(t.Context(), lobby, "", ""))
			expect(a, any[legacy.RoomJoined])
			a.Do(a.rooms().LeaveRoom(t.Context(), lobby, ""))
			a.Do(a.rooms().JoinRoom(t.Context(), lobby, "", ""))
			expect(a, any[legacy.RoomLeft])
			expect(a, any[legacy.RoomJoined])
		})
	}
}

// TestRoomRefusals: impossible commands return an error.
func TestRoomRefusals(t *testing.T) {
	mock, _, n := aim(t, oscarmock.Options{})
	stranger := start(t, n, credentials(aliceAIM), nil)
	if err := stranger.rooms().JoinRoom(t.Context(), lobby, "", ""); err != nil && legacy.KindOf(err) != legacy.Offline {
		t.Errorf("before Ready: %v", err)
	}
	expect(stranger, any[legacy.Ready])
	stranger.Cancel()
	if err := stranger.WaitEnd(); err != nil {
		t.Error(err)
	}
	r := stranger.rooms()
	for what, err := range map[string]error{
		"JoinRoom": r.JoinRoom(t.Context(), lobby, "", ""), "LeaveRoom": r.LeaveRoom(t.Context(), lobby, ""),
		"SetNick": r.SetNick(t.Context(), lobby, "x"), "SetTopic": r.SetTopic(t.Context(), lobby, "x"),
		"Invite": r.Invite(t.Context(), lobby, legacy.Peer{ID: "x"}), "Moderate": r.Moderate(t.Context(), "1", lobby, legacy.Moderation{}),
	} {
		if legacy.KindOf(err) != legacy.Offline {
			t.Errorf("%s when signed off: %v", what, err)
		}
	}

	u := signOn(t, mock, n, aliceAIM)
	r = u.rooms()
	for what, err := range map[string]error{
		"SetNick": r.SetNick(t.Context(), lobby, "x"), "SetTopic": r.SetTopic(t.Context(), lobby, "x"),
		"Moderate": r.Moderate(t.Context(), "1", lobby, legacy.Moderation{Nick: "bob", Kick: true}),
	} {
		if legacy.KindOf(err) != legacy.Unsupported {
			t.Errorf("%s: %v", what, err)
		}
	}
	failed := func(kind legacy.Kind) {
		t.Helper()
		if got := expect(u, any[legacy.RoomFailed]); legacy.KindOf(got.Err) != kind {
			t.Errorf("got %v: %v, want %v", legacy.KindOf(got.Err), got.Err, kind)
		}
	}
	for id, kind := range map[string]legacy.Kind{"#5-nowhere": legacy.NotFound, "#7-chess": legacy.Unsupported} {
		u.Do(r.JoinRoom(t.Context(), legacy.Peer{ID: id, Room: true}, "", ""))
		failed(kind)
	}
	u.Do(r.Invite(t.Context(), lobby, legacy.Peer{ID: "bobsmith"}))
	failed(legacy.NotFound)
	u.say("outside", lobby, "hello?")
	if got := expect(u, any[legacy.MessageFailed]); got.Ref != "outside" {
		t.Errorf("got %+v", got)
	}
	u.join(lobby)
	u.say("long", lobby, strings.Repeat("x", 1025))
	u.say("fat", lobby, strings.Repeat("☃", 800)) // too many bytes
	u.say("fits", lobby, strings.Repeat("x", 900))
	for _, ref := range []string{"long", "fat"} {
		if got := expect(u, any[legacy.MessageFailed]); got.Ref != ref || legacy.KindOf(got.Err) != legacy.TooLong {
			t.Errorf("got %+v", got)
		}
	}
	u.sent("fits")
	for i := range 30 {
		u.Do(r.JoinRoom(t.Context(), legacy.Peer{ID: fmt.Sprint("#room", i), Room: true}, "", ""))
	}
	failed(legacy.RateLimited)
}

func TestInvitations(t *testing.T) {
	mock, b, n := aim(t, oscarmock.Options{})
	mock.AddRoom("News Room")
	a, c := signOn(t, mock, n, aliceAIM), signOn(t, mock, n, carolAIM)
	chess := legacy.Peer{ID: "#chess club", Room: true}
	a.join(chess)
	a.Do(a.rooms().Invite(t.Context(), chess, legacy.Peer{ID: "carol"}))
	if got := expect(c, any[legacy.MessageReceived]); got.From.ID != "aliceaim" {
		t.Errorf("got %+v", got)
	}
	if got := expect(c, any[legacy.Invited]); got.Room != chess || got.By.ID != "aliceaim" {
		t.Errorf("got %+v", got)
	}
	c.join(chess)
	expect(a, func(ev legacy.OccupantJoined) bool { return ev.Occupant.Nick == carolAIM })
	a.Do(a.rooms().Invite(t.Context(), chess, legacy.Peer{ID: "bobsmith"}))
	expect(a, func(ev legacy.OccupantJoined) bool { return ev.Occupant.Nick == "Bob Smith" })

	mock.Bot("Dora", oscarmock.BotOptions{Accept: func(string, string) bool { return false }}).SignOn()
	for who, kind := range map[string]legacy.Kind{"dora": legacy.Forbidden, "nobody": legacy.Offline} {
		a.Do(a.rooms().Invite(t.Context(), chess, legacy.Peer{ID: who}))
		if got := expect(a, any[legacy.RoomFailed]); got.Room != chess || legacy.KindOf(got.Err) != kind {
			t.Errorf("%s: got %+v", who, got)
		}
	}

	// a room of another exchange
	news := legacy.Peer{ID: "#5-news room", Room: true}
	if err := b.Invite(aliceAIM, oscarwire.RoomID{Exchange: 5, Cookie: "5-0-News Room"}, ""); err != nil {
		t.Fatal(err)
	}
	if got := expect(a, any[legacy.Invited]); got.Room != news || got.By.ID != "bobsmith" {
		t.Errorf("got %+v", got)
	}
	if got := a.join(news); got.Topic.Text != "News Room" {
		t.Errorf("got %+v", got)
	}
	c.join(news) // without an invitation
	// the room's name counts, not the room ID in the invitation
	if err := b.Invite(aliceAIM, oscarwire.RoomID{Exchange: 4, Cookie: "x-y-lobby"}, ""); err != nil {
		t.Fatal(err)
	}
	if got := a.join(expect(a, any[legacy.Invited]).Room); got.Room != lobby || len(got.Occupants) != 2 {
		t.Errorf("got %+v", got)
	}
	// names that cannot be written as an address
	if err := b.Invite(aliceAIM, oscarwire.RoomID{Exchange: 4, Cookie: "4-0-\x01"}, "come"); err != nil {
		t.Fatal(err)
	}
	if got := expect(a, any[legacy.MessageReceived]); !strings.Contains(got.Text, "does not support") {
		t.Errorf("got %+v", got)
	}
}

// TestInvitedOnICQ: ICQ has no rooms; the inviter gets a refusal.
func TestInvitedOnICQ(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	if err := b.Invite(alice, oscarwire.RoomID{Exchange: 4, Cookie: "4-0-x"}, "come"); err != nil {
		t.Fatal(err)
	}
	if got := expect(u, any[legacy.MessageReceived]); !strings.Contains(got.Text, "not supported") {
		t.Errorf("got %+v", got)
	}
	if _, ok := u.Session.(legacy.Roomer); ok {
		t.Error("an ICQ session has rooms")
	}
}

// TestRoomFaults breaks a join at every step: the user gets an error, and can retry.
func TestRoomFaults(t *testing.T) {
	steps := map[string]oscarmock.Fault{
		"service": {Step: oscarmock.StepSend, SNAC: oscarwire.ServiceRedirect, Action: oscarmock.Drop},
		"find":    {Step: oscarmock.StepSNAC, SNAC: oscarwire.ChatNavCreate, Action: oscarmock.Close},
		"garbage": {Step: oscarmock.StepSNAC, SNAC: oscarwire.ChatNavCreate, Action: oscarmock.Garbage},
		"found":   {Step: oscarmock.StepSend, SNAC: oscarwire.ChatNavReply, Action: oscarmock.Drop},
		"connect": {Step: oscarmock.StepConnect, Action: oscarmock.Close},
		"cookie":  {Step: oscarmock.StepBOS, Action: oscarmock.Short},
		"ready":   {Step: oscarmock.StepReady, Action: oscarmock.Close},
		"reset":   {Step: oscarmock.StepReady, Action: oscarmock.Reset},
		"listed":  {Step: oscarmock.StepSend, SNAC: oscarwire.ChatJoined, Action: oscarmock.Drop},
	}
	mock, _, n := aim(t, oscarmock.Options{})
	for name, f := range steps {
		t.Run(name, func(t *testing.T) {
			restore := oscar.SetEnterLimit(time.Second)
			defer restore()
			u := signOn(t, mock, n, aliceAIM)
			mock.Inject(f)
			defer mock.Heal()
			u.Do(u.rooms().JoinRoom(t.Context(), lobby, "", ""))
			if got := expect(u, any[legacy.RoomFailed]); got.Room != lobby || legacy.KindOf(got.Err) != legacy.Temporary {
				t.Errorf("got %v: %v", legacy.KindOf(got.Err), got.Err)
			}
			mock.Heal()
			restore()
			u.join(lobby)
			u.Cancel()
			if err := u.WaitEnd(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRoomLost: if a room's connection breaks, the room is left and unconfirmed
// messages fail; the session continues.
func TestRoomLost(t *testing.T) {
	mock, _, n := aim(t, oscarmock.Options{})
	u := signOn(t, mock, n, aliceAIM)
	u.join(lobby)
	mock.Inject(oscarmock.Fault{Step: oscarmock.StepSNAC, SNAC: oscarwire.ChatSend, Action: oscarmock.Drop})
	u.say("lost", lobby, "hello")
	u.say("sent", lobby, "hello")
	u.sent("sent")
	mock.CutRoom(aliceAIM)
	if got := expect(u, any[legacy.MessageFailed]); got.Ref != "lost" || legacy.KindOf(got.Err) != legacy.Temporary {
		t.Errorf("got %+v", got)
	}
	if got := expect(u, any[legacy.RoomLeft]); got.Room != lobby || got.Kind != legacy.LeftLost {
		t.Errorf("got %+v", got)
	}
	u.say("outside", lobby, "hello")
	if got := expect(u, any[legacy.MessageFailed]); got.Ref != "outside" {
		t.Errorf("got %+v", got)
	}
	u.join(lobby)

	// If the whole network fails, only the session's end is reported.
	mock.Hang()
	if err := u.WaitEnd(); legacy.KindOf(err) != legacy.Temporary {
		t.Errorf("got %v", err)
	}
	for {
		select {
		case ev := <-u.Events:
			if left, ok := ev.(legacy.RoomLeft); ok {
				t.Errorf("the core is told to forget the room: %+v", left)
			}
			continue
		default:
		}
		break
	}
}

// TestRoomRates sends more at once than a server accepts: nothing is lost, and the
// room's connection has rate limits of its own.
func TestRoomRates(t *testing.T) {
	rates := []oscarwire.RateClass{
		oscarmock.RatesFree[0],
		{ID: 3, Window: 8, Clear: 350, Alert: 300, Limit: 200, Disconnect: 100, Current: 600, Max: 600},
	}
	mock, _, n := aim(t, oscarmock.Options{Rates: rates})
	a, c := signOn(t, mock, n, aliceAIM), signOn(t, mock, n, carolAIM)
	c.join(lobby)
	a.join(lobby)
	for i := range 20 {
		a.say(fmt.Sprint(i), lobby, fmt.Sprint("message ", i))
	}
	for i := range 20 {
		a.sent(fmt.Sprint(i))
		if got := expect(c, any[legacy.RoomMessage]); got.Text != fmt.Sprint("message ", i) {
			t.Fatalf("got %q as number %d", got.Text, i)
		}
	}
}

// TestRoomDropped makes the server drop messages: they are sent again.
func TestRoomDropped(t *testing.T) {
	mock, _, n := aim(t, oscarmock.Options{Rates: []oscarwire.RateClass{
		oscarmock.RatesFree[0],
		{ID: 3, Window: 4, Clear: 100, Alert: 90, Limit: 80, Disconnect: 1, Current: 300, Max: 300},
	}})
	u := signOn(t, mock, n, aliceAIM)
	u.join(lobby)
	u.say("first", lobby, "first")
	u.sent("first")
	mock.SetLevel(aliceAIM, 3, 70)
	for i := range 5 {
		u.say(fmt.Sprint(i), lobby, fmt.Sprint(i))
	}
	for i := range 5 {
		if m := expect(u, any[legacy.MessageSent]); m.Ref != fmt.Sprint(i) {
			t.Errorf("got %+v as number %d", m, i)
		}
	}
}

// TestRoomGivenUp cancels a join, and joins again.
func TestRoomGivenUp(t *testing.T) {
	mock, _, n := aim(t, oscarmock.Options{})
	u := signOn(t, mock, n, aliceAIM)
	mock.Inject(oscarmock.Fault{Step: oscarmock.StepSNAC, SNAC: oscarwire.ChatNavCreate, Action: oscarmock.Silence})
	u.Do(u.rooms().JoinRoom(t.Context(), lobby, "", ""))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := mock.WaitStruck(ctx); err != nil {
		t.Fatal(err)
	}
	u.Do(u.rooms().LeaveRoom(t.Context(), lobby, ""))
	u.Do(u.rooms().JoinRoom(t.Context(), lobby, "", ""))
	for {
		select {
		case ev := <-u.Events:
			switch ev := ev.(type) {
			case legacy.RoomJoined:
				return
			case legacy.RoomFailed, legacy.RoomLeft:
				t.Fatalf("got %T%+v", ev, ev)
			}
		case <-ctx.Done():
			t.Fatal("the room is not entered")
		}
	}
}

// TestRoomSignOff: rooms end with the session, without events.
func TestRoomSignOff(t *testing.T) {
	mock, _, n := aim(t, oscarmock.Options{})
	u := signOn(t, mock, n, aliceAIM)
	u.join(lobby)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := mock.WaitRoom(ctx, aliceAIM, "lobby", true); err != nil {
		t.Fatal(err)
	}
	u.Cancel()
	if err := u.WaitEnd(); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := mock.WaitRoom(ctx, aliceAIM, "lobby", false); err != nil {
		t.Fatal(err)
	}
}
