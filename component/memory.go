package component

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"transport/component/stanza"
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

	mu     sync.Mutex      // guards the fields below
	caches map[*int]func() // drop the caches of a component; each has a pointer of its own
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
	return &Memory{budget: budget, log: log, caches: make(map[*int]func())}
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

// onDrop makes m call drop, which drops caches, at the last level, until the returned
// function is called.
func (m *Memory) onDrop(drop func()) (stop func()) {
	if m == nil {
		return func() {}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := new(int)
	m.caches[key] = drop
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.caches, key)
	}
}

func (m *Memory) dropCaches() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, drop := range m.caches {
		drop()
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
