package component

import (
	"container/list"
	"fmt"
	"strings"
	"sync"
	"time"

	"transport/component/address"
	"transport/legacy"
)

// attempts pauses sign-ons after wrong passwords, so that nobody can use the gateway to guess
// passwords. It counts the failures of each user, of each user's XMPP server, and at each
// account of the network. It is in memory: a restart forgets all of them. Any goroutine may use
// it.
type attempts struct {
	clock Clock

	mu       sync.Mutex
	users    tally
	servers  tally
	accounts tally
	trusted  lru[struct{}] // pairs of user and account that have signed on
}

// The rules of the counts. A mistyped password costs nothing; after that the pauses double
// up to maxPause, in which an account is guessed at two dozen times a day.
var (
	userRule   = rule{free: 3, forgive: time.Hour}
	serverRule = rule{free: 30, forgive: time.Minute} // all users of a server; few of them are bad
)

const (
	firstPause = time.Minute
	maxPause   = time.Hour
	busyPause  = 10 * time.Second // while others try the same account
	maxTallied = 10_000           // limit: entries of each table of sign-ons with wrong passwords | the one that was used the longest ago is dropped
)

func newAttempts(clock Clock) *attempts {
	return &attempts{clock: clock, users: tally{rule: userRule}, servers: tally{rule: serverRule}, accounts: tally{rule: userRule}}
}

// begin is legacy.Env.Attempt for a user, a bare JID.
func (at *attempts) begin(user, account string) (report func(error), err error) {
	at.mu.Lock()
	defer at.mu.Unlock()
	now, pair := at.clock.Now(), user+"\x00"+account
	if !at.trusts(pair) {
		wait := max(at.pause(user, now), at.accounts.pause(account, now))
		if f := at.accounts.peek(account); wait == 0 && f != nil && f.trying > 0 && f.count(at.accounts.rule, now)+f.trying >= at.accounts.free {
			wait = busyPause
		}
		if wait > 0 {
			return nil, tooManyAttempts(wait)
		}
	}
	at.accounts.get(account).trying++
	trying := true
	return func(err error) {
		at.mu.Lock()
		defer at.mu.Unlock()
		if trying {
			trying = false
			at.accounts.get(account).end()
		}
		switch now := at.clock.Now(); {
		case err == nil && !at.trusts(pair):
			at.trusted.get(pair)
			at.users.remove(user)
		case err != nil && legacy.KindOf(err) == legacy.Auth:
			at.trusted.remove(pair)
			at.users.fail(user, now)
			at.servers.fail(serverOf(user), now)
			at.accounts.fail(account, now)
		}
	}, nil
}

// refuse returns the error of a user who has to wait before any sign-on with new credentials,
// nil if there is none.
func (at *attempts) refuse(user string) error {
	at.mu.Lock()
	defer at.mu.Unlock()
	if wait := at.pause(user, at.clock.Now()); wait > 0 {
		return tooManyAttempts(wait)
	}
	return nil
}

// pause returns the pause of a user. The caller holds the mutex.
func (at *attempts) pause(user string, now time.Time) time.Duration {
	return max(at.users.pause(user, now), at.servers.pause(serverOf(user), now))
}

// trusts reports whether a user has signed on with an account before, and not failed since.
// Failures of others do not lock such a user out. The caller holds the mutex.
func (at *attempts) trusts(pair string) bool { return at.trusted.peek(pair) != nil }

func serverOf(user string) string {
	_, domain, _ := address.Split(user)
	return domain
}

func tooManyAttempts(wait time.Duration) error {
	text := fmt.Sprintf("Wait %d seconds, then try again.", (wait+time.Second-1)/time.Second)
	switch minutes := (wait + time.Minute - 1) / time.Minute; {
	case wait > time.Minute:
		text = fmt.Sprintf("Wait %d minutes, then try again.", minutes)
	case wait == time.Minute:
		text = "Wait one minute, then try again."
	}
	return &legacy.Error{Kind: legacy.RateLimited, RetryAfter: wait, Err: legacy.ErrPaused, Text: "There were too many sign-ons with a wrong name or password. " + text}
}

// rule is how failures are counted.
type rule struct {
	free    int           // failures without a pause
	forgive time.Duration // after which one failure no longer counts
}

// tally counts failures.
type tally struct {
	rule
	lru[failures]
}

// failures are those of one user, server or account.
type failures struct {
	n      int
	last   time.Time // of the last one
	until  time.Time // end of the pause
	trying int       // sign-ons under way
}

// count returns the failures that still count.
func (f *failures) count(r rule, now time.Time) int {
	return max(0, f.n-int(max(0, now.Sub(f.last))/r.forgive))
}

func (f *failures) end() { f.trying = max(0, f.trying-1) }

// pause returns the rest of a pause.
func (t *tally) pause(key string, now time.Time) time.Duration {
	f := t.peek(key)
	if f == nil {
		return 0
	}
	return max(0, f.until.Sub(now))
}

// fail counts a failure and sets the pause.
func (t *tally) fail(key string, now time.Time) {
	f := t.get(key)
	f.n, f.last = min(f.count(t.rule, now)+1, 1000), now
	if over := f.n - t.free; over >= 0 {
		f.until = now.Add(min(firstPause<<min(over, 10), maxPause))
	}
}

// lru is a map of at most maxTallied entries that drops the one that was used the longest ago.
// The zero value is empty.
type lru[V any] struct {
	items map[string]*list.Element
	order list.List // the last one was used the longest ago
}

type lruItem[V any] struct {
	key   string
	value V
}

// peek returns an entry, nil if there is none.
func (l *lru[V]) peek(key string) *V {
	e := l.items[key]
	if e == nil {
		return nil
	}
	return &e.Value.(*lruItem[V]).value
}

// get returns an entry, a new one if there is none, and counts as a use of it.
func (l *lru[V]) get(key string) *V {
	e := l.items[key]
	if e != nil {
		l.order.MoveToFront(e)
		return &e.Value.(*lruItem[V]).value
	}
	if l.items == nil {
		l.items = make(map[string]*list.Element)
	}
	if len(l.items) >= maxTallied {
		l.remove(l.order.Back().Value.(*lruItem[V]).key)
	}
	key = strings.Clone(key) // it may be a part of a stanza
	item := &lruItem[V]{key: key}
	l.items[key] = l.order.PushFront(item)
	return &item.value
}

func (l *lru[V]) remove(key string) {
	if e := l.items[key]; e != nil {
		l.order.Remove(e)
		delete(l.items, key)
	}
}
