package irc

import (
	"context"
	"math/rand/v2"
	"time"

	"transport/legacy"
)

// link is what a session has to do with one server. Its goroutine, that of run or
// serve, owns all but the queue.
type link struct {
	s      *session
	server string // "" for the one of the configuration
	nick   string // that was asked for first, "" for none
	queue  *queue
	client *client // the connection, nil while there is none

	again  []wish    // channels to be entered again
	lostAt time.Time // the last connection, zero for none
}

// wish is a channel that is to be entered, with its key.
type wish struct {
	peer      legacy.Peer
	name, key string
}

const (
	pauseFloor = 2 * time.Second // between connections, doubled up to
	pauseCeil  = 5 * time.Minute
	steady     = time.Minute // after which a connection is not taken for one that fails again and again
)

func newLink(s *session, server string) *link {
	return &link{s: s, server: server, queue: newQueue()}
}

// name is what the server is called in texts for users.
func (l *link) name() string { return first(l.server, l.s.net.name()) }

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

// serve keeps a link to a server that a user has named: it ends when it is used no
// longer, or cannot be made. Channels are entered again after a loss.
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
			l.drop(legacy.Errorf(legacy.Offline, "You are signed off."))
			return
		case err == nil: // used no longer
			if l.s.retire(l) {
				return
			}
			attempt = -1
			continue
		case connected:
			attempt = failures(attempt, l.s.env.Now().Sub(l.client.since))
			l.lost(err)
		case len(l.again) == 0, !canWait(err) && (l.lostAt.IsZero() || legacy.KindOf(err) != legacy.NotFound):
			// A name that was there will be there again.
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

// canWait reports whether trying again may help.
func canWait(err error) bool {
	switch legacy.KindOf(err) {
	case legacy.Temporary, legacy.RateLimited, legacy.Internal:
		return true
	}
	return false
}

// lost tells of the channels that are to be entered again.
func (l *link) lost(err error) {
	l.again, l.lostAt = l.client.channels.wishes(), l.client.heard
	var gone []legacy.Peer // that were being left
	for _, ch := range l.client.channels.byName {
		if ch.parting && !ch.again {
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

// drop fails what waits for a connection that does not come.
func (l *link) drop(err error) {
	if err == nil {
		err = legacy.Errorf(legacy.Offline, "You are signed off.")
	}
	for c, ok := l.queue.pop(); ok; c, ok = l.queue.pop() {
		if c.fail != nil {
			c.fail(err)
		}
	}
}

// failures is how many connections in a row have come to nothing: one that has lasted
// is none.
func failures(before int, lasted time.Duration) int {
	if lasted > steady {
		return 0
	}
	return before
}

// pauseAfter is how long to wait before the next connection, with full jitter, and no
// less than the server has asked for.
func pauseAfter(failures int, err error) time.Duration {
	ceiling := min(pauseFloor<<min(failures, 10), pauseCeil)
	pause := rand.N(ceiling) + time.Second/2
	if e, ok := err.(*legacy.Error); ok {
		pause = max(pause, e.RetryAfter)
	}
	return pause
}

// wait pauses before the next connection. Commands wait with it.
func (l *link) wait(ctx context.Context, attempt int, err error) {
	timer := time.NewTimer(pauseAfter(attempt, err))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// textOf is what a user is told of an error.
func textOf(err error) string {
	if e, ok := err.(*legacy.Error); ok && e.Text != "" {
		return e.Text
	}
	return "the connection was lost."
}
