package component

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"transport/component/stanza"
	"transport/legacy"
)

// Memory is the memory budget of the process. As it is used up, the gateway refuses first
// what costs the least to its users, in the order of the levels below. Messages of users who
// are signed on are never refused for it. Any goroutine may call its methods; a nil *Memory
// has no budget.
type Memory struct {
	budget uint64 // bytes
	log    zerolog.Logger

	level   atomic.Int32
	used    atomic.Uint64 // bytes, of the last sample
	refused atomic.Int64

	mu     sync.Mutex // guards the fields below
	caches map[*Component]struct{}
}

// The levels, and the percentage of the budget at which each begins. A level ends
// memoryMargin percent below that.
const (
	memoryFine      int32 = iota
	memoryNewcomers       // refuses strangers, registrations, guests and sign-ons
	memoryRooms           // refuses joins of further rooms, too
	memoryCaches          // drops the caches, too
)

var memoryLevels = [...]uint64{memoryFine: 0, memoryNewcomers: 80, memoryRooms: 90, memoryCaches: 95}

const memoryMargin = 5

// NewMemory returns a budget in bytes, nil for 0: no budget.
func NewMemory(budget uint64, log zerolog.Logger) *Memory {
	if budget == 0 {
		return nil
	}
	return &Memory{budget: budget, log: log, caches: make(map[*Component]struct{})}
}

// Sample sets the memory in use, in bytes, without garbage.
func (m *Memory) Sample(used uint64) {
	if m == nil {
		return
	}
	m.used.Store(used)
	before := m.level.Load()
	level := before
	for level < memoryCaches && used >= m.budget/100*memoryLevels[level+1] {
		level++
	}
	for level > memoryFine && used < m.budget/100*(memoryLevels[level]-memoryMargin) {
		level--
	}
	m.level.Store(level)
	switch {
	case before == memoryFine && level > memoryFine:
		m.log.Warn().Uint64("used", used).Uint64("budget", m.budget).
			Str("remedy", "raise limits.memory if the machine has more, or restrict allow; the command statistics shows the current state").
			Msg("memory is nearly used up: strangers, registrations and sign-ons are refused, then joins of rooms, then caches are dropped")
	case before > memoryFine && level == memoryFine:
		m.log.Info().Uint64("used", used).Int64("refused", m.refused.Load()).Msg("memory suffices again: everything is accepted")
	}
	if level == memoryCaches {
		m.dropCaches()
	}
}

// short reports whether the memory has reached a level. What it refuses is counted.
func (m *Memory) short(level int32) bool {
	if m == nil || m.level.Load() < level {
		return false
	}
	m.refused.Add(1)
	return true
}

// join makes m drop the caches of a component until the returned function is called.
func (m *Memory) join(c *Component) (leave func()) {
	if m == nil {
		return func() {}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.caches[c] = struct{}{}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.caches, c)
	}
}

func (m *Memory) dropCaches() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.caches {
		c.dropCaches()
	}
}

// text describes the budget for administrators.
func (m *Memory) text() string {
	if m == nil {
		return "There is no memory budget."
	}
	what := [...]string{memoryFine: "everything is accepted", memoryNewcomers: "strangers, registrations and sign-ons are refused",
		memoryRooms:  "strangers, registrations, sign-ons and joins of rooms are refused",
		memoryCaches: "strangers, registrations, sign-ons and joins of rooms are refused, and caches are dropped"}
	return fmt.Sprintf("Memory budget: %d of %d MiB used, %s. Refused since the start: %d.",
		m.used.Load()>>20, m.budget>>20, what[m.level.Load()], m.refused.Load())
}

// errMemory refuses what is new while the memory is short.
var errMemory = stanza.ErrBusy.With("The gateway is short of memory, and accepts nothing new for now. Try again in a few minutes.")

// cacher is a network with caches that it can do without.
type cacher interface{ DropCaches() }

// dropCaches drops the caches of the network and of all users. A busy actor keeps its own
// until the next sample.
func (c *Component) dropCaches() {
	if n, ok := c.cfg.Network.(cacher); ok {
		n.DropCaches()
	}
	c.capsCache.drop()
	for _, bare := range c.withActor() {
		c.order(bare, func(u *user) {
			u.roster.avatars.drop(u.roster.contacts)
			u.rooms.DropCaches()
		})
	}
}

// refuseNewcomer refuses a stanza of a user who is neither registered nor signed on if the
// memory is short, or if too many guests are joining already.
func (c *Component) refuseNewcomer(st *stanza.Inbound) bool {
	if c.cfg.Memory == nil || c.isKnown(st.User) || !c.cfg.Memory.short(memoryNewcomers) {
		return false
	}
	st.Refuse(errMemory)
	return true
}

// postponesSignOn postpones a user's first sign-on if the memory is short, and reports that. A
// session that was lost is always replaced: messages wait for it.
func (lg *login) postponesSignOn() bool {
	if !lg.isNewcomer() || !lg.u.c.cfg.Memory.short(memoryNewcomers) {
		return false
	}
	if lg.lastError == nil {
		lg.u.roster.hideAll(errPostponed.Text)
	}
	lg.lastError, lg.lastErrorAt = errPostponed, lg.u.c.clock.Now()
	lg.retryAt = lg.lastErrorAt.Add(signOnBackoff(lg.attempt, backoffRecent, nil))
	lg.attempt++
	lg.failVisits(stanza.Translate(errPostponed))
	return true
}

// isNewcomer reports whether the user has no session, and has not lost one.
func (lg *login) isNewcomer() bool {
	return lg.session == nil && (lg.lastError == nil || errors.Is(lg.lastError, errPostponed))
}

// errPostponed is the reason why a user is not signed on for now.
var errPostponed = &legacy.Error{Kind: legacy.RateLimited, Text: errMemory.Text}

// refuseRooms returns the error of a join of a further room, nil if there is memory for it.
func (c *Component) refuseRooms() *stanza.Error {
	if !c.cfg.Memory.short(memoryRooms) {
		return nil
	}
	return &errMemory
}

// maxArriving is the most guests of a component who have not joined a room yet. Each has a
// session, a connection under way and four goroutines, whose descriptors the runtime never
// frees.
const maxArriving = 1000 // limit: guests of a gateway who have not joined a room yet | a further one is refused: resource-constraint

// arrivals counts the guests who have not joined a room yet.
type arrivals struct{ n atomic.Int64 }

// enter adds a guest. It returns false if there are maxArriving already.
func (a *arrivals) enter() bool {
	if a.n.Add(1) <= maxArriving {
		return true
	}
	a.n.Add(-1)
	return false
}

func (a *arrivals) leave() { a.n.Add(-1) }
