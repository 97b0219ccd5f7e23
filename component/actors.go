package component

import (
	"slices"
	"sync"
	"time"
)

// actors are the users' actors, and who is registered.
type actors struct {
	c *Component

	mu         sync.Mutex          // guards what follows; nothing is sent while it is held
	users      map[string]*user    // those with an actor, by bare JID
	registered map[string]struct{} // all registered, by bare JID
	stale      map[string]struct{} // registered ones whose contacts may look online since before the start
	stopping   bool
	running    sync.WaitGroup // actors and sessions
}

// acquire finds or starts the actor of a user and keeps it from retiring until
// release. It is nil when the component is stopping.
func (at *actors) acquire(bare string) *user {
	at.mu.Lock()
	defer at.mu.Unlock()
	u := at.users[bare]
	if u == nil {
		if at.stopping {
			return nil
		}
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

// retire takes an idle actor out of the map. It is false when there is work for
// it after all.
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

func (at *actors) setRegistered(bare string, yes bool) {
	at.mu.Lock()
	defer at.mu.Unlock()
	if yes {
		at.registered[bare] = struct{}{}
	} else {
		delete(at.registered, bare)
	}
}

// takeStale reports, once, whether a user's contacts may still look online from
// before this process started.
func (at *actors) takeStale(bare string) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	_, ok := at.stale[bare]
	delete(at.stale, bare)
	return ok
}

// stopUsers stops every actor and waits for them, but not for ever.
func (at *actors) stopUsers() {
	at.mu.Lock()
	at.stopping = true
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

// pokeAll starts the actors of some users, or has them look at the link.
func (at *actors) pokeAll(names []string) {
	for _, name := range names {
		if u := at.acquire(name); u != nil {
			u.poke()
			at.release(u)
		}
	}
}

// hasActor reports whether a user has an actor now.
func (at *actors) hasActor(user string) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	_, ok := at.users[user]
	return ok
}

// registeredUsers are the bare JIDs of all registered users, in order.
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

// signedOnUsers are the bare JIDs of the users who are signed on, in order.
func (at *actors) signedOnUsers() []string {
	at.mu.Lock()
	defer at.mu.Unlock()
	var names []string
	for name, u := range at.users {
		if u.signedOn.Load() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// order has another user's actor do something, soon. It is false when that actor
// has too much to do.
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
