package gate

import (
	"sync"
	"time"
)

const maxGates = 1024 // limit: servers of a network of which the gateway knows how many sign-ons they bear | the one that was used the longest ago is forgotten

// Table are the gates of a network's servers, by address. Any goroutine may use it.
type Table struct {
	perMinute int

	mu    sync.Mutex
	gates map[string]*Gate
}

// NewTable returns an empty table. perMinute limits the connections to each server in any
// minute; 0 is no limit.
func NewTable(perMinute int) *Table {
	return &Table{perMinute: perMinute, gates: make(map[string]*Gate)}
}

// At returns the gate of a server. If the table is full, it forgets the server that was used the
// longest ago.
func (t *Table) At(server string) *Gate {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.gates[server]
	if g == nil {
		if len(t.gates) >= maxGates {
			delete(t.gates, t.oldest())
		}
		g = newGate(t.perMinute)
		t.gates[server] = g
	}
	g.mu.Lock()
	g.used = now
	g.mu.Unlock()
	return g
}

// oldest returns the server that was used the longest ago. The caller holds the mutex.
func (t *Table) oldest() (oldest string) {
	var at time.Time
	for server, g := range t.gates {
		g.mu.Lock()
		if at.IsZero() || g.used.Before(at) {
			oldest, at = server, g.used
		}
		g.mu.Unlock()
	}
	return oldest
}
