package irc

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"transport/legacy"
)

// link is a session's relation to one server, across reconnects. Its goroutine (in once
// or serve) owns everything but the queue.
type link struct {
	s      *session
	server string // "" for the configured one
	nick   string // nick of the first join, "" for none
	queue  *queue
	client *client // nil while disconnected

	played playback

	backlog backlog // any goroutine may read it

	tried  time.Time // start of the last attempt to connect
	again  []rejoin  // channels to rejoin
	lostAt time.Time // end of the last connection, zero for none
}

// rejoin is a channel to rejoin, with its key.
type rejoin struct {
	peer      legacy.Peer
	name, key string
}

const (
	pauseFloor = 2 * time.Second // minimum delay between connections; doubled up to the maximum
	pauseCeil  = 5 * time.Minute
	pauseSoon  = 30 * time.Second       // maximum for a server that was there recently
	pauseBack  = 500 * time.Millisecond // maximum once another user is connected again; the gate spreads them further
	pauseWish  = 2 * time.Second        // minimum between attempts that users ask for
	maxHeld    = 5 * time.Second        // how long a user's request waits because the server has asked for a pause
	steady     = legacy.Steady          // a connection that lasts this long resets the backoff
)

func newLink(s *session, server string) *link {
	l := &link{s: s, server: server, queue: newQueue()}
	l.played.load(s.played[server])
	return l
}

// name returns the server's name in texts for users.
func (l *link) name() string { return cmp.Or(l.server, l.s.net.name()) }

// once connects, calls ready, and serves until the connection ends or ctx does.
func (l *link) once(ctx context.Context, ready func()) error {
	c, err := l.connect(ctx)
	if err != nil {
		return err
	}
	l.client = c
	l.s.net.reach.connected(l.server, l.s.env.Now())
	ready()
	c.watches.showService(legacy.ShowOnline)
	l.queue.wake()
	err = c.run(ctx)
	l.s.net.reach.seen(l.server, c.heard)
	c.conn.close()
	c.giveUp(err)
	l.backlog.publish(&c.out, l.s.env.Now())
	l.played.save(l, l.s.env.Now())
	c.watches.showService(legacy.ShowOffline)
	return err
}

// tick updates what others know about the link.
func (l *link) tick(out *throttle, now time.Time) {
	l.backlog.publish(out, now)
	l.played.tick(l, now)
}

// serve runs the link to a server that a user has named, with reconnects. It ends when
// the link is unused or the server refuses it. Channels are rejoined after a reconnect.
func (l *link) serve(ctx context.Context) {
	for attempt := 0; ; attempt++ {
		var lasted time.Duration
		connected := false
		err := l.once(ctx, func() {
			connected = true
			for _, w := range l.again {
				l.client.channels.join(w.name, w.key)
			}
			l.again = nil
		})
		back := l.s.net.reach.back(l.server, l.s.env.Now()) // before anybody learns of the loss
		switch {
		case ctx.Err() != nil:
			l.drop(legacy.Errorf(legacy.Offline, "You are no longer signed on."))
			return
		case err == nil: // unused
			if l.s.retire(l) {
				return
			}
			attempt = -1
			continue
		case connected:
			lasted = l.s.env.Now().Sub(l.client.since)
			attempt = failures(attempt, lasted)
			l.lost(err)
		case len(l.again) == 0, !canWait(err) && (l.lostAt.IsZero() || legacy.KindOf(err) != legacy.NotFound):
			// A host name that existed before will exist again: retry.
			for _, w := range l.again {
				l.s.env.Emit(legacy.RoomFailed{Room: w.peer, Err: notTheKey(err)})
			}
			l.again = nil
			l.drop(err)
			if l.s.retire(l) {
				return
			}
			attempt = -1
			continue
		default:
			l.drop(err) // the link tries again, but the user has the reason now
		}
		if connected && len(l.again) == 0 && l.s.retire(l) {
			l.s.env.Emit(legacy.Notice{From: l.s.net.service(l.server), Text: "You were disconnected: " + textOf(err)})
			return
		}
		if l.wait(ctx, l.pause(attempt, err, lasted), err, back); len(l.again) == 0 && l.s.retire(l) { // the user has left the channels meanwhile
			return
		}
	}
}

// canWait reports whether a retry can succeed.
func canWait(err error) bool {
	switch legacy.KindOf(err) {
	case legacy.Temporary, legacy.RateLimited, legacy.Internal:
		return true
	}
	return false
}

// lost reports a lost connection: RoomInterrupted for the channels to rejoin, RoomLeft
// for those being left.
func (l *link) lost(err error) {
	l.again, l.lostAt = l.client.channels.toRejoin(), l.client.heard
	var gone []legacy.Peer // channels being left
	for _, ch := range l.client.channels.byName {
		if ch.parting && !ch.rejoining {
			gone = append(gone, ch.peer)
		}
	}
	l.client = nil
	for _, w := range l.again {
		l.s.env.Emit(legacy.RoomInterrupted{Room: w.peer, Err: err})
	}
	for _, p := range gone {
		l.s.env.Emit(legacy.RoomLeft{Room: p})
	}
}

// notTheKey returns the error of a sign-on as that of a join: only a channel's key is a
// matter of the password that the user gives when joining.
func notTheKey(err error) error {
	if legacy.KindOf(err) == legacy.Auth {
		return legacy.Wrap(legacy.Forbidden, err, textOf(err))
	}
	return err
}

// drop fails the commands that wait for a connection, but not those that come meanwhile:
// for these the link tries again. A channel whose join has failed, or
// that the user has left, is not joined again.
func (l *link) drop(err error) {
	if err == nil {
		err = legacy.Errorf(legacy.Offline, "You are no longer signed on.")
	}
	for range l.queue.waiting() {
		c, _ := l.queue.pop()
		if c.room != "" {
			l.again = slices.DeleteFunc(l.again, func(w rejoin) bool { return w.peer.ID == c.room })
		}
		if c.fail != nil {
			c.fail(err)
		}
	}
}

// failures returns the number of failed connections in a row. A connection that has
// lasted resets it.
func failures(before int, lasted time.Duration) int {
	if lasted > steady {
		return 0
	}
	return before
}

// pauseAfter returns the delay before the next connection: exponential backoff with
// full jitter up to a ceiling, and at least the RetryAfter of err.
func pauseAfter(failures int, err error, ceiling time.Duration) time.Duration {
	pause := rand.N(min(pauseFloor<<min(failures, 10), ceiling)) + time.Second/2
	return max(pause, retryAfter(err))
}

// pause returns the delay before the next connection: that of a server that restarts, or else
// the backoff. lasted is the age of the connection that has ended, 0 if there was none.
func (l *link) pause(failures int, err error, lasted time.Duration) time.Duration {
	now := l.s.env.Now()
	if pause, quick := l.s.net.reach.quickPause(l.server, l, now, err, lasted); quick {
		return pause
	}
	return l.s.net.pause(failures, err, l.s.net.reach.ceiling(l.server, now))
}

// retryAfter returns the delay that the server has asked for, zero for none.
func retryAfter(err error) time.Duration {
	var e *legacy.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// wait pauses before the next connection. Commands stay queued meanwhile. A wish of the
// user ends the pause, and so does another user's connection to the server, which closes
// back.
func (l *link) wait(ctx context.Context, pause time.Duration, err error, back <-chan struct{}) {
	end := time.Now().Add(pause)
	timer := time.NewTimer(time.Until(end))
	defer timer.Stop()
	hasten := func(pause time.Duration) {
		end = time.Now().Add(min(pause, time.Until(end)))
		timer.Reset(time.Until(end))
	}
	for {
		select {
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		case <-back:
			back = nil
			hasten(rand.N(pauseBack))
		case <-l.queue.ready:
			if !l.queue.wishes() {
				continue
			}
			held := l.tried.Add(max(pauseWish, retryAfter(err))).Sub(l.s.env.Now())
			if held <= maxHeld {
				hasten(max(held, 0))
				continue
			}
			if l.drop(err); len(l.again) == 0 {
				return
			}
		}
	}
}

// textOf returns the text of an error for the user.
func textOf(err error) string {
	if e, ok := err.(*legacy.Error); ok && e.Text != "" {
		return e.Text
	}
	return "the connection was lost."
}

// busy is the error of a command for which the queue has no place.
func (l *link) busy() error {
	return legacy.Errorf(legacy.RateLimited, "Too many messages are waiting to be sent to %s. Try again in a moment.", l.name())
}
