package legacy

import (
	"errors"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// Probe decides how the sessions that have lost a server try it again while it restarts: one of
// them in quick succession, the others once that one is back. The zero value is ready. Any
// goroutine may use it.
type Probe struct {
	mu    sync.Mutex
	began time.Time // of the outage, zero for none
	last  time.Time // when a session was last told about it
	by    any       // the session that tries
	tries int
}

const (
	probeTime  = 10 * time.Second // how long a restart takes
	probeFloor = 100 * time.Millisecond
	probeCeil  = 400 * time.Millisecond
	probeOver  = 10 * time.Minute // without failures: then the next one begins another outage
	probeAfter = 2 * time.Second  // over which the other sessions try if the server is not back

	// Steady is the least age of a connection whose loss may mean that the server restarts. One
	// that ends earlier may have been thrown out.
	Steady = time.Minute
)

// IsRefused reports whether nobody listens at the address that an error is about. A server that
// restarts refuses connections so.
func IsRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// Pause returns when a session, of any comparable type, is to try the server again after an
// error. lasted is the age of the connection that has ended, 0 if there was none. quick is false
// if the server may be up, or has been down for longer than a restart takes: then the session
// has to take its ordinary pauses.
func (p *Probe) Pause(session any, now time.Time, err error, lasted time.Duration) (pause time.Duration, quick bool) {
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 || !IsRefused(err) && lasted < Steady {
		return 0, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.began.IsZero() || now.Sub(p.last) > probeOver {
		p.began, p.by, p.tries = now, session, 0
	}
	p.last = now
	left := p.began.Add(probeTime).Sub(now)
	switch {
	case left <= 0:
		return 0, false
	case p.by != session:
		return left + rand.N(probeAfter), true
	}
	pause = min(probeFloor<<p.tries, probeCeil)
	p.tries = min(p.tries+1, 10)
	return pause*3/4 + rand.N(pause/2), true
}

// Back notes that a session is connected to the server.
func (p *Probe) Back() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began, p.by = time.Time{}, nil
}
