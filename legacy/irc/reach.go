package irc

import (
	"sync"
	"time"

	"transport/legacy"
)

// reach is what the users of a network know together about its servers: when each was
// there last, and that it is back.
type reach struct {
	mu      sync.Mutex
	servers map[string]*reached
}

// reached is one server.
type reached struct {
	at time.Time     // last time that a user was connected, zero for never
	up chan struct{} // closed at the next connection of a user

	probe legacy.Probe

	userLen int // ISUPPORT USERLEN, 0 if unknown
}

const (
	recently   = time.Hour // a server that was there within this time is expected back soon
	maxReached = 10_000    // limit: servers whose reachability is known | knowledge about more is dropped
)

// server returns the entry of a server. The caller holds the mutex.
func (r *reach) server(name string, now time.Time) *reached {
	if s := r.servers[name]; s != nil {
		return s
	}
	if len(r.servers) >= maxReached {
		for other, s := range r.servers {
			if now.Sub(s.at) > recently {
				delete(r.servers, other) // links that wait for it keep to their own pauses
			}
		}
	}
	s := &reached{up: make(chan struct{})}
	if len(r.servers) < maxReached {
		if r.servers == nil {
			r.servers = make(map[string]*reached)
		}
		r.servers[name] = s
	}
	return s
}

// connected records a successful connection, and hastens the links that wait for the same
// server. Any goroutine may call it.
func (r *reach) connected(name string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.server(name, now)
	s.at = now
	s.probe.Back()
	close(s.up)
	s.up = make(chan struct{})
}

// seen records that a connection lasted until now. Any goroutine may call it.
func (r *reach) seen(name string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.server(name, now).at = now
}

// back returns a channel that is closed at the next connection of any user. Any goroutine
// may call it.
func (r *reach) back(name string, now time.Time) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.server(name, now).up
}

// quickPause is legacy.Probe.Pause for a link to a server. Any goroutine may call it.
func (r *reach) quickPause(name string, l *link, now time.Time, err error, lasted time.Duration) (time.Duration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.server(name, now).probe.Pause(l, now, err, lasted)
}

// ceiling returns the maximum pause between two attempts to connect. Any goroutine may call
// it.
func (r *reach) ceiling(name string, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.servers[name]; s != nil && !s.at.IsZero() && now.Sub(s.at) < recently {
		return pauseSoon
	}
	return pauseCeil
}

// setUserLen records a server's limit of the length of user names, which it sends after the
// sign-on. Any goroutine may call it.
func (r *reach) setUserLen(name string, now time.Time, limit int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.server(name, now).userLen = limit
}

// userLen returns a server's limit of the length of user names, 0 if it is unknown. Any
// goroutine may call it.
func (r *reach) userLen(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.servers[name]; s != nil {
		return s.userLen
	}
	return 0
}
