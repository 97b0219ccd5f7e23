package irc_test

import (
	"context"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/irc"
	"transport/legacy/irc/ircwire"
)

// awayWorld is a server that can be away, with links whose pauses never end by themselves.
type awayWorld struct {
	n    legacy.Network
	p    *peer
	away atomic.Bool

	failure error        // of dial while away
	tries   atomic.Int64 // while away

	dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

func newAwayWorld(t *testing.T, answer func(*line, ircwire.Message) bool) *awayWorld {
	w := &awayWorld{n: named(t, nil), p: startPeer(t, answer), failure: &net.OpError{Op: "dial", Err: context.DeadlineExceeded}}
	irc.PauseFor(w.n, time.Hour)
	w.dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if w.away.Load() {
			w.tries.Add(1)
			return nil, w.failure
		}
		return dial(ctx, network, addr)
	}
	return w
}

// lost returns a user whose link has lost #a and pauses.
func (w *awayWorld) lost(t *testing.T) *user {
	t.Helper()
	u := signedOn(t, w.n, at([]string{"srv.test", "ports", portOf(w.p.listener)}), w.dial)
	join(u, "#a%srv.test")
	expect[legacy.RoomJoined](u)
	w.away.Store(true)
	w.p.drop()
	expect[legacy.RoomInterrupted](u)
	return u
}

// TestWish: what the user wants is tried at once. If the try fails, it fails with the
// reason; the other channels are joined again later.
func TestWish(t *testing.T) {
	ctx, bob := t.Context(), legacy.Peer{ID: "bob%srv.test"}
	for name, tt := range map[string]struct {
		wish func(u *user) error
	}{
		"join": {func(u *user) error {
			return u.Session.(legacy.Roomer).JoinRoom(ctx, channel("#b%srv.test"), "alice", "")
		}},
		"message": {func(u *user) error { return u.Send(ctx, legacy.Outgoing{Ref: "1", To: bob, Text: "x"}) }},
		"presence": {func(u *user) error {
			return u.Session.(legacy.Presencer).SetPresence(ctx, legacy.Presence{Show: legacy.ShowOnline})
		}},
		"list": {func(u *user) error {
			return u.Session.(legacy.RoomLister).ListRooms(ctx, "1", legacy.Peer{ID: "srv.test", Service: true})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newAwayWorld(t, nil)
			u := w.lost(t)
			w.away.Store(false)
			if err := tt.wish(u); err != nil {
				t.Fatal(err)
			}
			if back := expect[legacy.RoomJoined](u); back.Room.ID != "#a%srv.test" {
				t.Errorf("joined %+v", back)
			}
		})
	}
	t.Run("fails", func(t *testing.T) {
		t.Parallel()
		w := newAwayWorld(t, nil)
		u := w.lost(t)
		join(u, "#b%srv.test")
		if failed := expect[legacy.RoomFailed](u); failed.Room.ID != "#b%srv.test" || legacy.KindOf(failed.Err) != legacy.Temporary {
			t.Errorf("failed %+v", failed)
		}
		if err := u.Send(ctx, legacy.Outgoing{Ref: "1", To: bob, Text: "x"}); err != nil {
			t.Fatal(err)
		}
		if failed := expect[legacy.MessageFailed](u); failed.Ref != "1" {
			t.Errorf("failed %+v", failed)
		}
		w.away.Store(false)
		join(u, "#b%srv.test")
		back := map[string]bool{expect[legacy.RoomJoined](u).Room.ID: true, expect[legacy.RoomJoined](u).Room.ID: true}
		if !back["#a%srv.test"] || !back["#b%srv.test"] {
			t.Errorf("joined %v", back)
		}
	})
	t.Run("left meanwhile", func(t *testing.T) {
		t.Parallel()
		w := newAwayWorld(t, nil)
		u := w.lost(t)
		if err := u.Session.(legacy.Roomer).LeaveRoom(ctx, channel("#a%srv.test"), ""); err != nil {
			t.Fatal(err)
		}
		join(u, "#b%srv.test")
		expect[legacy.RoomLeft](u)
		expect[legacy.RoomFailed](u)
		w.away.Store(false)
		join(u, "#b%srv.test")
		if joined := expect[legacy.RoomJoined](u); joined.Room.ID != "#b%srv.test" {
			t.Errorf("joined %+v", joined)
		}
	})
}

// TestHeldBack: a server that has asked for a pause is not asked again before its end, and
// the user's wish fails at once with the reason.
func TestHeldBack(t *testing.T) {
	var throttled atomic.Bool
	w := newAwayWorld(t, func(c *line, m ircwire.Message) bool {
		if throttled.Load() && m.Command == "NICK" {
			c.send("ERROR :Closing Link: h (Throttled: Reconnecting too fast)")
		}
		return throttled.Load()
	})
	u := w.lost(t)
	throttled.Store(true)
	w.away.Store(false)
	for range 2 {
		join(u, "#b%srv.test")
		if failed := expect[legacy.RoomFailed](u); failed.Room.ID != "#b%srv.test" {
			t.Errorf("failed %+v", failed)
		}
	}
	tries := 0
	for len(w.p.got) > 0 {
		if m, _ := ircwire.Parse(<-w.p.got); m.Command == "USER" {
			tries++
		}
	}
	if tries != 2 { // the first connection, and the first wish
		t.Errorf("%d tries", tries)
	}
}

// TestHastened: the connection of one user ends the pauses of the others.
func TestHastened(t *testing.T) {
	w := newAwayWorld(t, nil)
	u := w.lost(t)
	w.away.Store(false)
	other := signedOn(t, w.n, at([]string{"srv.test", "ports", portOf(w.p.listener)}), w.dial)
	join(other, "#c%srv.test")
	expect[legacy.RoomJoined](other)
	if back := expect[legacy.RoomJoined](u); back.Room.ID != "#a%srv.test" {
		t.Errorf("joined %+v", back)
	}
}

// TestRestart: while a server refuses connections because it restarts, one link tries it in
// quick succession, and the others are back with it.
func TestRestart(t *testing.T) {
	w := newAwayWorld(t, nil)
	w.failure = &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	users := []*user{w.lost(t)}
	w.away.Store(false)
	users = append(users, w.lost(t))
	for _, u := range users { // the first tries, after which the pauses of a restart follow
		join(u, "#b%srv.test")
		expect[legacy.RoomFailed](u)
	}
	w.tries.Store(0)
	time.Sleep(time.Second) // the tries are what happens meanwhile
	if n := w.tries.Load(); n < 1 || n > 8 {
		t.Errorf("%d tries in a second", n)
	}
	w.away.Store(false)
	for _, u := range users {
		if back := expect[legacy.RoomJoined](u); back.Room.ID != "#a%srv.test" {
			t.Errorf("joined %+v", back)
		}
	}
}
