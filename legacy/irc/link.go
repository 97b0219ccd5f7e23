package irc

import (
	"cmp"
	"context"
	"math/rand/v2"
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
	steady     = time.Minute // a connection that lasts this long resets the backoff
)

func newLink(s *session, server string) *link {
	return &link{s: s, server: server, queue: newQueue()}
}

// name returns the server's name in texts for users.
func (l *link) name() string { return cmp.Or(l.server, l.s.net.name()) }

// once connects, calls ready, and serves until the connection ends or ctx does.
func (l *link) once(ctx context.Context, ready func()) error {
	limited, cancel := context.WithTimeout(ctx, signOnLimit)
	c, err := l.connect(limited, ctx)
	cancel()
	if err != nil {
		return err
	}
	l.client = c
	ready()
	c.watches.showService(legacy.ShowOnline)
	err = c.run(ctx)
	c.conn.close()
	c.giveUp(err)
	c.watches.showService(legacy.ShowOffline)
	return err
}

// serve runs the link to a server that a user has named, with reconnects. It ends when
// the link is unused or the server refuses it. Channels are rejoined after a reconnect.
func (l *link) serve(ctx context.Context) {
	for attempt := 0; ; attempt++ {
		connected := false
		err := l.once(ctx, func() {
			connected = true
			for _, w := range l.again {
				l.client.channels.join(w.name, w.key)
			}
			l.again = nil
		})
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
			attempt = failures(attempt, l.s.env.Now().Sub(l.client.since))
			l.lost(err)
		case len(l.again) == 0, !canWait(err) && (l.lostAt.IsZero() || legacy.KindOf(err) != legacy.NotFound):
			// A host name that existed before will exist again: retry.
			for _, w := range l.again {
				l.s.env.Emit(legacy.RoomFailed{Room: w.peer, Err: err})
			}
			l.again = nil
			l.drop(err)
			if l.s.retire(l) {
				return
			}
			attempt = -1
			continue
		}
		if len(l.again) == 0 && l.s.retire(l) {
			l.s.env.Emit(legacy.Notice{From: l.s.net.service(l.server), Text: "You were disconnected: " + textOf(err)})
			return
		}
		l.wait(ctx, attempt, err)
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

// drop fails the commands that wait for a connection.
func (l *link) drop(err error) {
	if err == nil {
		err = legacy.Errorf(legacy.Offline, "You are no longer signed on.")
	}
	for c, ok := l.queue.pop(); ok; c, ok = l.queue.pop() {
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
// full jitter, and at least the RetryAfter of err.
func pauseAfter(failures int, err error) time.Duration {
	ceiling := min(pauseFloor<<min(failures, 10), pauseCeil)
	pause := rand.N(ceiling) + time.Second/2
	if e, ok := err.(*legacy.Error); ok {
		pause = max(pause, e.RetryAfter)
	}
	return pause
}

// wait pauses before the next connection. Commands stay queued meanwhile.
func (l *link) wait(ctx context.Context, attempt int, err error) {
	timer := time.NewTimer(pauseAfter(attempt, err))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
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
