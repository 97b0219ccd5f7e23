package component

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// actors holds the running actors and the registered users.
type actors struct {
	c *Component

	mu         sync.Mutex          // guards the fields below; no stanza is sent while it is held
	users      map[string]*user    // those with an actor, by bare JID
	registered map[string]struct{} // all registered, by bare JID
	stale      map[string]struct{} // registered users whose contacts may appear online since before the start
	stopping   bool
	atStop     []string       // the users that were signed on when stopUsers was called
	running    sync.WaitGroup // actors and sessions
	arrivals   arrivals       // has its own synchronisation

	events atomic.Int64 // in the queues of all actors
}

// acquire returns the actor of a user, started if need be, and keeps it from retiring
// until release. It returns nil during shutdown.
func (at *actors) acquire(bare string) *user {
	at.mu.Lock()
	defer at.mu.Unlock()
	u := at.users[bare]
	if u == nil {
		if at.stopping {
			return nil
		}
		bare = strings.Clone(bare) // it may be a part of a stanza
		u = newUser(at.c, bare)
		at.users[bare] = u
		at.running.Go(u.run)
	}
	u.refs++
	return u
}

func (at *actors) release(u *user) {
	at.mu.Lock()
	u.refs--
	at.mu.Unlock()
}

// retire removes an idle actor from the map. It returns false if new work has arrived.
func (at *actors) retire(u *user) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	if u.refs > 0 || !u.inbox.empty() {
		return false
	}
	if at.users[u.bare] == u {
		delete(at.users, u.bare)
	}
	return true
}

// isRegistered reports whether a bare JID has a registration.
func (at *actors) isRegistered(bare string) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	_, ok := at.registered[bare]
	return ok
}

// registeredAt returns the number of registered users of an XMPP server.
func (at *actors) registeredAt(domain string) int {
	at.mu.Lock()
	defer at.mu.Unlock()
	n := 0
	for user := range at.registered {
		if strings.HasSuffix(user, "@"+domain) || user == domain {
			n++
		}
	}
	return n
}

func (at *actors) setRegistered(bare string, yes bool) {
	at.mu.Lock()
	defer at.mu.Unlock()
	if yes {
		at.registered[bare] = struct{}{}
	} else {
		delete(at.registered, bare)
	}
}

// takeStale reports, once for each user, whether contacts may still appear online from
// before this process started.
func (at *actors) takeStale(bare string) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	_, ok := at.stale[bare]
	delete(at.stale, bare)
	return ok
}

// stopUsers stops all actors and waits for them, at most stopTimeout.
func (at *actors) stopUsers() {
	at.mu.Lock()
	at.stopping, at.atStop = true, at.signedOnLocked()
	for _, u := range at.users {
		u.stop()
	}
	at.mu.Unlock()
	over := make(chan struct{})
	go func() {
		defer close(over)
		at.running.Wait()
	}()
	select {
	case <-over:
	case <-time.After(stopTimeout):
		at.c.log.Warn().Msg("some sessions did not sign off in time")
	}
}

// pokeAll starts or wakes the actors of some users.
func (at *actors) pokeAll(names []string) {
	for _, name := range names {
		if u := at.acquire(name); u != nil {
			u.poke()
			at.release(u)
		}
	}
}

// pokeRunning wakes all actors.
func (at *actors) pokeRunning() {
	at.mu.Lock()
	defer at.mu.Unlock()
	for _, u := range at.users {
		u.poke()
	}
}

// hasActor reports whether a user's actor is running.
func (at *actors) hasActor(user string) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	_, ok := at.users[user]
	return ok
}

// isKnown reports whether a user is registered or signed on.
func (at *actors) isKnown(bare string) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	_, ok := at.registered[bare]
	u := at.users[bare]
	return ok || u != nil && u.signedOn.Load()
}

// withActor returns the bare JIDs of the users with an actor.
func (at *actors) withActor() []string {
	at.mu.Lock()
	defer at.mu.Unlock()
	return slices.Collect(maps.Keys(at.users))
}

// registeredUsers returns the bare JIDs of all registered users, sorted.
func (at *actors) registeredUsers() []string {
	at.mu.Lock()
	defer at.mu.Unlock()
	names := make([]string, 0, len(at.registered))
	for name := range at.registered {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// signedOnUsers returns the bare JIDs of the users that are signed on, sorted.
func (at *actors) signedOnUsers() []string {
	at.mu.Lock()
	defer at.mu.Unlock()
	return at.signedOnLocked()
}

// lastSignedOn returns the users that are signed on, or were when the gateway began to stop,
// which signs them off.
func (at *actors) lastSignedOn() []string {
	at.mu.Lock()
	defer at.mu.Unlock()
	if at.stopping {
		return at.atStop
	}
	return at.signedOnLocked()
}

// signedOnLocked is signedOnUsers with the mutex held.
func (at *actors) signedOnLocked() []string {
	var names []string
	for name, u := range at.users {
		if u.signedOn.Load() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// order queues a function for another user's actor. It returns false if the actor's queue
// is full.
func (at *actors) order(bare string, do func(*user)) bool {
	u := at.acquire(bare)
	if u == nil {
		return false
	}
	defer at.release(u)
	select {
	case u.orders <- do:
		return true
	default:
		return false
	}
}
